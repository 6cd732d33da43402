"""Where the models lie on this machine: a folder, the models folder, the Hugging Face cache, or this package."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.errors import ModelUnavailable
from analysis.profiles import DEFAULT_MODEL
from analysis.starter import MODEL_DIR as STARTER_DIR
from analysis.starter import MODEL_ID as STARTER_ID

USUAL_MODEL_ID = "laion/larger_clap_general"
PINNED_REVISIONS = {USUAL_MODEL_ID: "ada0c23a36c4e8582805bb38fec3905903f18b41"}
COLLAPSED_MODELS = {"laion/larger_clap_music"}  # its text tower gives every text the same place
USUAL_TEMPLATE = "This is a sound of {}."  # as LAION evaluated; a checkpoint may name a better one in timbre.json
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
NEEDED_PATTERNS = ("*.json", "*.txt", *WEIGHT_FILES)
SAMPLE_PIECES, SAMPLE_BYTES = 16, 1 << 16  # of the weights, for the revision of a local folder


@dataclass(frozen=True, slots=True)
class ModelKey:
    """What tells the vectors of one model from those of another."""

    model_id: str
    revision: str


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A model that is on this machine.

    Attributes
    ----------
    key : ModelKey
    folder : Path
        In transformers' format.
    template : str
        Sentence around a label, `{}` for the label.
    known_labels : frozenset of str or None
        The only labels that the model was taught; None where it knows language at large.
    """

    key: ModelKey
    folder: Path
    template: str = USUAL_TEMPLATE
    known_labels: frozenset[str] | None = None

    @property
    def is_starter(self) -> bool:
        """Whether this is the small model that comes with Timbre."""
        return self.key.model_id == STARTER_ID

    @property
    def weights(self) -> Path:
        """The file of the weights.

        Raises
        ------
        ModelUnavailable
            The folder holds none.
        """
        for name in WEIGHT_FILES:
            if (self.folder / name).exists():
                return self.folder / name
        raise ModelUnavailable(f"model {self.key.model_id}: no {' or '.join(WEIGHT_FILES)} in {self.folder}")


def default_model_id(models_dir: Path | None = None) -> str:
    """Name the model that `default` stands for: the usual one where it is installed, else the starter."""
    return USUAL_MODEL_ID if _installed(USUAL_MODEL_ID, None, models_dir) else STARTER_ID


def resolve_model(model_id: str, *, revision: str | None = None, models_dir: Path | None = None) -> ModelSource:
    """Find a model on this machine; the network is never asked.

    Parameters
    ----------
    model_id : str
        `default`, `timbre-starter`, a folder in transformers' format, or a repository name.
    revision : str, optional
        Commit or branch of a repository; left out, the pinned one of a known model, else the newest here.
    models_dir : Path, optional
        Where `timbre model install` puts models; looked into before the Hugging Face cache.

    Returns
    -------
    ModelSource

    Raises
    ------
    ModelUnavailable
        In one line, with what to do.
    """
    if model_id == DEFAULT_MODEL:
        model_id = default_model_id(models_dir)
    if model_id == STARTER_ID:
        return _from_folder(STARTER_ID, STARTER_DIR, missing="the bundled model is missing; reinstall Timbre")
    if model_id.rstrip("/") in COLLAPSED_MODELS:
        raise ModelUnavailable(f"model {model_id} is broken (its texts all look alike); use {USUAL_MODEL_ID}")
    folder = Path(model_id).expanduser()
    if folder.is_dir():
        return _from_folder(model_id, folder, missing="the folder holds no model in transformers' format")
    if folder.is_absolute() or model_id.startswith((".", "~")) or model_id.count("/") > 1:
        raise ModelUnavailable(f"model {model_id}: no such folder; check the path")
    snapshot = _installed(model_id, revision, models_dir)
    if snapshot is None:
        wanted = f" at revision {revision}" if revision else ""
        raise ModelUnavailable(f"model {model_id}{wanted} is not here; run `timbre model install {model_id}`")
    return _source(ModelKey(model_id, snapshot.name), snapshot)


def install_model(model_id: str, *, models_dir: Path, revision: str | None = None) -> ModelSource:
    """Fetch a model from the Hugging Face hub into the models folder; the one place that uses the network.

    Parameters
    ----------
    model_id : str
        Repository name.
    models_dir : Path
        Made where it is not there.
    revision : str, optional
        As for `resolve_model`.

    Returns
    -------
    ModelSource

    Raises
    ------
    ModelUnavailable
        No network, no such repository or revision.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    wanted = revision or PINNED_REVISIONS.get(model_id)
    try:
        patterns = list(NEEDED_PATTERNS)
        folder = snapshot_download(model_id, revision=wanted, cache_dir=models_dir, allow_patterns=patterns)
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelUnavailable(f"model {model_id} cannot be fetched: {reason}; check name and network") from error
    return _source(ModelKey(model_id, Path(folder).name), Path(folder))


def _installed(model_id: str, revision: str | None, models_dir: Path | None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    wanted = revision or PINNED_REVISIONS.get(model_id)
    for cache in (models_dir, None) if models_dir else (None,):
        try:
            found = [try_to_load_from_cache(model_id, name, cache_dir=cache, revision=wanted) for name in WEIGHT_FILES]
        except HFValidationError as error:
            raise ModelUnavailable(f"model {model_id!r} is neither a folder nor the name of a repository") from error
        for path in found:
            if isinstance(path, str):
                return Path(path).parent
    return None


def _from_folder(model_id: str, folder: Path, *, missing: str) -> ModelSource:
    if not (folder / "config.json").exists():
        raise ModelUnavailable(f"model {model_id}: {missing} (no config.json)")
    source = _source(ModelKey(model_id, ""), folder)
    revision = _facts(folder).get("revision") or _sampled_hash(source)
    return ModelSource(ModelKey(model_id, str(revision)), folder, source.template, source.known_labels)


def _source(key: ModelKey, folder: Path) -> ModelSource:
    facts = _facts(folder)
    known = facts.get("known_labels")
    template = str(facts.get("template", USUAL_TEMPLATE))
    return ModelSource(key, folder, template, None if known is None else frozenset(known))


def _facts(folder: Path) -> dict[str, Any]:
    try:
        facts = json.loads((folder / "timbre.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"model in {folder}: timbre.json cannot be read: {error}") from error
    if not isinstance(facts, dict):
        raise ModelUnavailable(f"model in {folder}: timbre.json must hold an object")
    return facts


def _sampled_hash(source: ModelSource) -> str:
    """Twelve hex digits of the configuration and of samples of the weights, which may be gigabytes."""
    digest = hashlib.sha256((source.folder / "config.json").read_bytes())
    size = source.weights.stat().st_size
    digest.update(str(size).encode())
    with source.weights.open("rb") as file:
        for piece in range(SAMPLE_PIECES):
            file.seek(max(0, size - SAMPLE_BYTES) * piece // (SAMPLE_PIECES - 1))
            digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()[:12]
