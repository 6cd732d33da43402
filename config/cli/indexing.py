"""`timbre index`: how the built search indexes stand, building them anew, and checking them against the rows."""

from __future__ import annotations

import json
import os
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from analysis.clap import ModelKey
from analysis.errors import AnalysisError
from catalog import engine, postings, tallies
from catalog.dictionary import refresh_if_due
from catalog.postings_check import missing_sounds, sounds_in_postings
from config.cli.catalog import SOME_FAILED
from config.cli.errors import WrongUse
from config.cli.one_line import told_in_one_line
from config.runtime import database
from search import building
from search.errors import AlreadyBuilding, BuildFailed
from search.rows import KINDS, analyzed_models
from search.standing import IndexState, index_states
from search.trust import COUNTED, Look
from search.unused import Unused, unused_folders
from search.verifying import SAMPLE, Verified, verify_index

SHORT_REVISION = 12
as_json_option = click.option("--json", "as_json", is_flag=True, help="For scripts.")
model_option = click.option("--model", "model_id", help="Only of this model; else of all in the catalog.")


@click.group()
def index() -> None:
    """Look at the built search indexes, build them anew, check them.

    They are copies of what the database holds: removing them loses nothing.
    """


@index.command()
@model_option
@as_json_option
@told_in_one_line
def status(*, model_id: str | None, as_json: bool) -> None:
    """Tell what is built of each model, how old it is, how many rows changed since, and what no search uses."""
    with database():
        states = [state for model in models_called(model_id) for state in index_states(model)]
        unused = unused_folders(Look.now().database, active_model())
        words = sounds_in_postings()
    if as_json:
        indexes, others = [state.as_json() for state in states], [asdict(one) for one in unused]
        told = {"indexes": indexes, "unused": others, "words": {"sounds": words}}
        click.echo(json.dumps(told, indent=2))
        return
    table = Table("model", "of", "generation", "entries", "rows behind", "size", "age", box=None)
    for state in states:
        table.add_row(*columns(state))
    Console().print(table)
    for state in states:
        if state.problem:
            click.echo(f"{state.kind} of {state.model_id}: {state.problem}")
    click.echo(f"words: postings of {words:,} sounds" if words else "words: few sounds, Postgres alone looks them up")
    for one in unused:
        click.echo(told_unused(one))


def columns(state: IndexState) -> list[str]:
    name = f"{state.model_id} {state.revision[:SHORT_REVISION]}".strip()
    behind = f"more than {COUNTED:,}" if state.rows_behind > COUNTED else f"{state.rows_behind:,}"
    if state.age_s is None:
        return [name, state.kind, "not built", "", behind, "", ""]
    size, age = f"{state.size_bytes / 2**20:,.1f} MiB", f"{state.age_s / 60:,.0f} min"
    return [name, state.kind, state.generation, f"{state.entries:,}", behind, size, age]


def told_unused(unused: Unused) -> str:
    size = f"{unused.size_bytes / 2**20:,.1f} MiB"
    return f"unused, and removed by the next worker: {unused.folder} ({size}), {unused.reason}"


def active_model() -> ModelKey | None:
    try:
        return engine.active_model()
    except AnalysisError:  # none that can be run
        return None


@index.command()
@model_option
@click.option("--due", "only_due", is_flag=True, help="Only what is due, as a worker does, and giving way to all else.")
@as_json_option
@told_in_one_line
def rebuild(*, model_id: str | None, only_due: bool, as_json: bool) -> None:
    """Build indexes anew from the database; searches go over to them when they are done."""
    if only_due:
        os.nice(10)
    with database():
        try:
            if only_due:
                postings.bring_up_to_date()  # it is soon done, and searches of very many sounds wait for it
                refresh_if_due()
                built = building.build_due(engine.active_model())
            else:
                models = models_called(model_id)
                built = [found for model in models for kind in KINDS if (found := building.build(model, kind))]
                postings.rebuild()
                tallies.recount()
        except (AlreadyBuilding, BuildFailed) as error:
            raise WrongUse(str(error)) from error
    facts = [(one.name, one.manifest) for one in built]
    if as_json:
        told = [{"generation": name, **manifest.model_dump(mode="json", exclude={"files"})} for name, manifest in facts]
        click.echo(json.dumps({"built": told}, indent=2))
        return
    for _, manifest in facts:
        amount = f"{manifest.entries:,} entries of {manifest.sounds:,} sounds in {manifest.build_s:,.1f} s"
        click.echo(f"{manifest.kind} of {manifest.model_id}: {amount}")
    if not facts:
        click.echo("nothing to build")


@index.command()
@model_option
@click.option("--sample", type=click.IntRange(min=0), default=SAMPLE, show_default=True, help="Searches to compare.")
@as_json_option
@told_in_one_line
def verify(*, model_id: str | None, sample: int, as_json: bool) -> None:
    """Compare what searches see with every row: nothing missing, nothing too much, nothing else.

    Exit codes: 0 all is right, 1 something is not.
    """
    with database():
        found = [verify_index(model, kind, sample=sample) for model in models_called(model_id) for kind in KINDS]
        words, missing, counts_are_right = sounds_in_postings(), missing_sounds(sample), tallies.are_right()
    if as_json:
        indexes = [asdict(one) | {"is_right": one.is_right} for one in found]
        others = {"words": {"sounds": words, "missing": missing}, "counts_are_right": counts_are_right}
        click.echo(json.dumps({"indexes": indexes, **others}, indent=2))
    else:
        for one in found:
            tell(one)
        if words:
            told = f"WRONG: {len(missing)} are not found by their words, such as {missing[:3]}" if missing else "right"
            click.echo(f"words: {words:,} sounds, {2 * sample} looked at: {told}")
        told = (
            "right" if counts_are_right else "WRONG, as after a load past the triggers; `timbre index rebuild` mends it"
        )
        click.echo(f"counts of categories and tags: {told}")
    if missing or not counts_are_right or not all(one.is_right for one in found):
        raise SystemExit(SOME_FAILED)


def tell(one: Verified) -> None:
    recall = "" if one.recall is None else f", recall@10 {one.recall:.3f}"
    click.echo(f"{one.kind} of {one.model_id}: {one.sounds:,} sounds{recall}: {'right' if one.is_right else 'WRONG'}")
    for fault in one.faults:
        click.echo(f"  {fault}")


def models_called(model_id: str | None) -> list[ModelKey]:
    models = analyzed_models()
    if model_id is None:
        return models
    chosen = [model for model in models if model.model_id == model_id]
    if not chosen:
        there = ", ".join(sorted({model.model_id for model in models})) or "none"
        raise WrongUse(f"no sound was analyzed with {model_id}; models of the catalog: {there}")
    return chosen
