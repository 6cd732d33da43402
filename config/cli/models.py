"""`timbre model`: which models are on this machine, and fetching one."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from django.conf import settings
from huggingface_hub import CachedRepoInfo, scan_cache_dir
from huggingface_hub.errors import CacheNotFound
from rich.console import Console
from rich.table import Table

from analysis.checkpoints import USUAL_MODEL_ID, default_model_id, install_model, resolve_model
from analysis.errors import ModelUnavailable
from analysis.starter import MODEL_ID as STARTER_ID
from config.cli.one_line import told_in_one_line


@dataclass(frozen=True, slots=True)
class Listed:
    model_id: str
    revision: str
    is_installed: bool
    is_default: bool
    folder: str


@click.group()
def model() -> None:
    """List and install models."""


@model.command("list")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@told_in_one_line
def list_models(*, as_json: bool) -> None:
    """List the starter, the usual model, and every CLAP model that is on this machine."""
    chosen = settings.MODEL_OVERRIDE or default_model_id(settings.MODELS_DIR)
    names = dict.fromkeys([STARTER_ID, USUAL_MODEL_ID, *installed_models(), chosen])
    models = [listed(name, is_default=name == chosen) for name in names]
    if as_json:
        click.echo(json.dumps({"models": [asdict(one) for one in models]}, indent=2))
        return
    table = Table("model", "revision", "", box=None)
    for one in models:
        state = "default" if one.is_default else "installed" if one.is_installed else "not installed"
        table.add_row(one.model_id, one.revision[:12], state)
    Console().print(table)


def listed(model_id: str, *, is_default: bool) -> Listed:
    try:
        source = resolve_model(model_id, models_dir=settings.MODELS_DIR)
    except ModelUnavailable:
        return Listed(model_id, "", is_installed=False, is_default=is_default, folder="")
    return Listed(model_id, source.key.revision, is_installed=True, is_default=is_default, folder=str(source.folder))


def installed_models() -> list[str]:
    """Names of the CLAP models in the models folder and in the Hugging Face cache."""
    names: set[str] = set()
    for cache in (settings.MODELS_DIR, None):
        try:
            repositories = scan_cache_dir(cache).repos
        except (CacheNotFound, ValueError):  # no such folder yet
            continue
        names |= {repository.repo_id for repository in repositories if is_clap(repository)}
    return sorted(names)


def is_clap(repository: CachedRepoInfo) -> bool:
    configurations = (Path(revision.snapshot_path, "config.json") for revision in repository.revisions)
    return any(path.exists() and json.loads(path.read_text()).get("model_type") == "clap" for path in configurations)


@model.command()
@click.argument("model_id", metavar="[ID]", default=USUAL_MODEL_ID)
@click.option("--revision", help="A commit or branch of the repository, instead of the known good one.")
@told_in_one_line
def install(*, model_id: str, revision: str | None) -> None:
    """Fetch a model from the Hugging Face hub (laion/larger_clap_general where no ID is given)."""
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it tells each of its tries
    click.echo(f"fetching {model_id} to {settings.MODELS_DIR}", err=True)
    source = install_model(model_id, models_dir=settings.MODELS_DIR, revision=revision)
    click.echo(f"{source.key.model_id} at {source.key.revision} is installed; analyze sounds again to use it")
