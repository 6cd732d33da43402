"""`timbre evaluate`: how right a model is on labeled sounds, and how far its confidence can be believed."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from config.cli.analysis import FILE, FOLDER, MODEL_OPTIONS, choice_of, with_options
from config.cli.engine import Session, calibration_folder, open_analyzer, told_in_one_line
from config.cli.errors import WrongUse

if TYPE_CHECKING:
    from analysis.evaluation.datasets import Dataset
    from analysis.evaluation.evaluation import Evaluation, Protocol
    from analysis.evaluation.vectors import PlacedSounds


@dataclass(frozen=True, slots=True)
class Chosen:
    """Where labeled sounds come from, as the options say it."""

    dataset: Path | None
    synthesized: int | None
    csv: Path | None
    names: Path | None
    labels_from_name: bool
    path_column: str
    label_column: str
    fold_column: str | None


DATA_OPTIONS = (
    click.option("--csv", type=FILE, help="Table of the sounds; its paths are relative to DATASET, or to the table."),
    click.option("--path-column", default="path", show_default=True, help="Column of the table with the file."),
    click.option("--label-column", default="label", show_default=True, help="Column of the table with the label."),
    click.option("--fold-column", help="Column of the table with the part that is held out together."),
    click.option("--names", type=FILE, help="Table with the columns pattern and label: labels from file names."),
    click.option("--labels-from-name", is_flag=True, help="Take the vocabulary's labels that stand in file names."),
    click.option("--synthesized", type=click.IntRange(min=1), metavar="N", help="N new synthesized sounds per label."),
)

PROTOCOL_OPTIONS = (
    click.option("--template", "templates", multiple=True, metavar="T", help="Sentence with {}; may be given again."),
    click.option(
        "--against",
        type=click.Choice(["dataset", "vocabulary"]),
        default="dataset",
        show_default=True,
        help="Labels that compete: the data set's own, or the whole vocabulary.",
    ),
    click.option("--raw-labels", is_flag=True, help="Leave underscores in labels, as some published figures do."),
)

CALIBRATION_OPTIONS = (
    click.option("--save-calibration", is_flag=True, help="Keep the calibration: records then say `calibrated`."),
    click.option(
        "--method",
        type=click.Choice(["temperature", "isotonic"]),
        default="temperature",
        show_default=True,
        help="Calibration to keep.",
    ),
    click.option("--calibration-dir", type=FOLDER, envvar="TIMBRE_CALIBRATION_DIR", help="Where to keep it."),
)


@click.command()
@click.argument("dataset", type=click.Path(path_type=Path), metavar="[DATASET]", required=False)
@click.option(
    "-o", "--output", type=FOLDER, default=Path("timbre-evaluation"), show_default=True, help="For the report."
)
@click.option("-p", "--profile", metavar="P", help="Profile whose model and categories are used.")
@with_options(*DATA_OPTIONS, *PROTOCOL_OPTIONS, *CALIBRATION_OPTIONS)
@click.option("--json", "as_json", is_flag=True, help="Print all figures, for scripts.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no summary.")
@with_options(*MODEL_OPTIONS)
@told_in_one_line
def evaluate(
    output: Path,
    profile: str | None,
    templates: tuple[str, ...],
    against: str,
    raw_labels: bool,
    save_calibration: bool,
    method: str,
    calibration_dir: Path | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Measure how right a model is on labeled sounds, and how far its confidence can be believed.

    DATASET is a folder in the layout of ESC-50 or UrbanSound8K, a folder with a subfolder for each label, or a CSV
    file. Writes a report (report.md), all figures (evaluation.json), all answers (answers.csv) and pictures. Exit
    codes: 0 done, 1 some sounds could not be read, 2 wrong use.
    """
    from analysis.evaluation.evaluation import Protocol, check_templates
    from analysis.evaluation.report import evaluation_json, write_report

    chosen = Chosen(**{name: settings[name] for name in Chosen.__slots__})
    check_sources(chosen)
    protocol = Protocol(check_templates(templates), "vocabulary" if against == "vocabulary" else "dataset", raw_labels)
    session = open_analyzer(choice_of({**settings, "profiles": (profile,) if profile else ()}))
    found = run_evaluation(chosen, session, protocol, quiet=quiet)
    report = write_report(found, output)
    kept = keep_calibration(found, method, calibration_dir or calibration_folder()) if save_calibration else ""
    if as_json:
        click.echo(json.dumps(evaluation_json(found), ensure_ascii=False, indent=2))
    if not quiet:
        click.echo("\n".join([*summary_lines(found), *([kept] if kept else []), f"report: {report}"]), err=as_json)
    raise SystemExit(1 if found.failed else 0)


def check_sources(chosen: Chosen) -> None:
    """Labels come from one place; the others would be left unread in silence."""
    ways = {
        "--csv": chosen.csv is not None,
        "--names": chosen.names is not None,
        "--labels-from-name": chosen.labels_from_name,
        "--synthesized": chosen.synthesized is not None,
    }
    given = [name for name, is_given in ways.items() if is_given]
    if len(given) > 1:
        raise WrongUse(f"{' and '.join(given)} exclude each other; keep one")
    if chosen.synthesized is not None and chosen.dataset is not None:
        raise WrongUse("--synthesized makes its own sounds; leave DATASET out")
    if chosen.dataset is None and not (chosen.synthesized or chosen.csv):
        raise WrongUse("no data set given; write `timbre evaluate DATASET`, or `timbre evaluate --synthesized 3`")
    if chosen.dataset is not None and not chosen.dataset.exists():
        raise WrongUse(f"{chosen.dataset} does not exist (check the path)")


def run_evaluation(chosen: Chosen, session: Session, protocol: Protocol, *, quiet: bool) -> Evaluation:
    from analysis.evaluation.evaluation import evaluate
    from analysis.version import timbre_version

    profile = session.profiles[0]
    with tempfile.TemporaryDirectory(prefix="timbre-evaluate-") as made:  # synthesized sounds are gone afterwards
        data = open_dataset(chosen, session, Path(made))
        placed = place(data, session, quiet=quiet)
    return evaluate(data, placed, session.analyzer, profile, protocol, timbre_version=timbre_version())


def open_dataset(chosen: Chosen, session: Session, made: Path) -> Dataset:
    from analysis.evaluation.datasets import Columns, label_by_name, label_by_pattern, read_dataset, read_table
    from analysis.labels import scored_labels

    source = session.analyzer.source(session.profiles[0])
    if chosen.synthesized is not None:
        from analysis.evaluation.synthesized import labels_to_synthesize, synthesize_dataset  # the synthesizer is slow

        return synthesize_dataset(made, labels_to_synthesize(source), chosen.synthesized)
    columns = Columns(chosen.path_column, chosen.label_column, chosen.fold_column)
    if chosen.csv is not None:
        return read_table(chosen.csv, columns, base=chosen.dataset)
    assert chosen.dataset is not None  # told by check_sources
    if chosen.names is not None:
        return label_by_pattern(chosen.dataset, chosen.names)
    if chosen.labels_from_name:
        return label_by_name(chosen.dataset, scored_labels(session.analyzer.vocabulary, source))
    return read_table(chosen.dataset, columns) if chosen.dataset.is_file() else read_dataset(chosen.dataset)


def place(data: Dataset, session: Session, *, quiet: bool) -> PlacedSounds:
    from analysis.evaluation.vectors import PlacedSound, Unplaced, place_sounds
    from config.cli.analyzing import open_reporter, readable

    with open_reporter(len(data.sounds), quiet=quiet) as reporter:

        def tell(outcome: PlacedSound | Unplaced) -> None:
            if isinstance(outcome, Unplaced):
                reporter.tell_failure({"path": readable(outcome.path), "reason": outcome.reason})
            else:
                reporter.tell_records("", ())

        return place_sounds(data.sounds, session.analyzer, session.profiles[0], tell=tell)


def keep_calibration(found: Evaluation, method: str, folder: Path) -> str:
    """What was kept, or why nothing was, in words."""
    from analysis.calibration import save_calibration

    fitted = next((fit for name, fit in found.calibrations.items() if name == method), None)
    if fitted is None:
        return f"no calibration is kept: {found.no_calibration}"
    if not fitted.helps:
        before, after = fitted.calibration.error_before, fitted.calibration.error_after
        return f"no calibration is kept: on held-out sounds it does not help (error {before:.1%} -> {after:.1%})"
    path = save_calibration(folder, fitted.calibration)
    if found.facts.against == "vocabulary":
        return f"calibration kept in {path}; analyze again for records that say `calibrated`"
    return f"calibration kept in {path}; it holds for exactly these labels (for the vocabulary: --against vocabulary)"


def summary_lines(found: Evaluation) -> list[str]:
    facts = found.facts
    lines = [
        f"{facts.model_id} on {facts.dataset}: {facts.n_sounds} sounds, {facts.n_labels} labels compete",
        f"{'at 1':>7} {'at 5':>7} {'F1':>7} {'mAP':>7} {'R@1':>7} {'R@5':>7} {'R@10':>7} {'ECE':>7}  template",
    ]
    for result in found.templates:
        measures = result.metrics
        shares = (
            measures.accuracy_at_1,
            measures.accuracy_at_5,
            measures.macro_f1,
            measures.mean_average_precision,
            measures.recall_at_1,
            measures.recall_at_5,
            measures.recall_at_10,
            measures.calibration_error,
        )
        lines.append(f"{' '.join(f'{share:7.1%}' for share in shares)}  {result.template}")
    for method, fitted in found.calibrations.items():
        kept = fitted.calibration
        lines.append(
            f"{method} calibration: error {kept.error_before:.1%} -> {kept.error_after:.1%} on held-out sounds"
        )
    if found.no_calibration:
        lines.append(f"no calibration: {found.no_calibration}")
    if found.failed or found.left_out:
        lines.append(f"{len(found.failed)} files cannot be read, {len(found.left_out)} remarks on what was left out")
    return lines
