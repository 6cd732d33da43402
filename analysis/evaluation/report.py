"""An evaluation as files: Markdown for people, JSON for scripts, a table of all answers, and pictures."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from analysis.evaluation.evaluation import Evaluation, Facts, TemplateResult
from analysis.evaluation.metrics import LabelResult, Metrics, ReliabilityBin, confusion_counts, mean_and_deviation
from analysis.evaluation.pictures import draw_confusion, draw_reliability
from analysis.evaluation.published import AIMS, published_figures
from analysis.outputs import escape_markdown

REPORT_FILE, JSON_FILE, ANSWERS_FILE = "report.md", "evaluation.json", "answers.csv"
CONFUSION_FILE, RELIABILITY_FILE = "confusion.png", "reliability.png"
ANSWER_COLUMNS = ("path", "label", "answer", "score", "place_of_label")

MEASURES = {  # name of the measure: heading of its column
    "accuracy_at_1": "accuracy at 1",
    "accuracy_at_5": "at 5",
    "macro_f1": "macro F1",
    "mean_average_precision": "mAP",
    "recall_at_1": "text→sound at 1",
    "recall_at_5": "at 5",
    "recall_at_10": "at 10",
    "calibration_error": "calibration error",
}
FACT_WORDS = {
    "dataset": "data set",
    "layout": "read as",
    "n_sounds": "sounds",
    "n_labels": "labels that competed",
    "model_id": "model",
    "model_revision": "revision",
    "own_template": "the model's own template",
    "device": "device",
    "precision": "precision",
    "backend": "runs by",
    "profile": "profile",
    "top_k_categories": "categories kept by the first stage",
    "vocabulary_sha256": "SHA-256 of the labels",
    "data_fingerprint": "fingerprint of the data",
    "timbre_version": "Timbre",
}
MEANINGS = (
    "Accuracy at k: the sound's own label is among the first k. Macro F1 and mAP (average precision of all sounds"
    " ordered by a label's score): means over the labels that occur. Text→sound at k: labels whose text finds at least"
    " one right sound among its first k by cosine. Calibration error: expected calibration error of the largest score,"
    " 15 bins of equal width."
)


def write_report(evaluation: Evaluation, folder: Path) -> Path:
    """Write all files of an evaluation.

    Parameters
    ----------
    evaluation : Evaluation
    folder : Path
        Made where it is not there; files of an earlier evaluation are replaced.

    Returns
    -------
    Path
        Of the Markdown report.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draw_confusion(*confusion_counts(evaluation.answers), folder / CONFUSION_FILE)
    if evaluation.calibrations:
        draw_reliability(reliability_lines(evaluation), folder / RELIABILITY_FILE)
    else:
        (folder / RELIABILITY_FILE).unlink(missing_ok=True)  # of an earlier one
    (folder / ANSWERS_FILE).write_text(answers_csv(evaluation), encoding="utf-8")
    facts = json.dumps(evaluation_json(evaluation), ensure_ascii=False, indent=2)
    (folder / JSON_FILE).write_text(facts + "\n", encoding="utf-8")
    report = folder / REPORT_FILE
    report.write_text("\n".join(report_lines(evaluation)) + "\n", encoding="utf-8")
    return report


def evaluation_json(evaluation: Evaluation) -> dict[str, object]:
    """Give all figures, ready for JSON.

    Parameters
    ----------
    evaluation : Evaluation

    Returns
    -------
    dict of str to object
    """
    facts = evaluation.facts
    labels, counts = confusion_counts(evaluation.answers)
    return {
        "facts": asdict(facts),
        "templates": [asdict(result) for result in evaluation.templates],
        "labels": [asdict(result) for result in evaluation.labels],
        "confusion": {"labels": labels, "counts": counts.tolist()},
        "calibrations": {
            method: {
                "calibration": fitted.calibration.model_dump(mode="json"),
                "before": [asdict(each) for each in fitted.before],
                "after": [asdict(each) for each in fitted.after],
            }
            for method, fitted in evaluation.calibrations.items()
        },
        "no_calibration": evaluation.no_calibration,
        "published": [asdict(each) for each in published_figures(facts.model_id, facts.dataset)],
        "failed": [{"path": _text(str(each.path)), "reason": each.reason} for each in evaluation.failed],
        "left_out": list(evaluation.left_out),
    }


def answers_csv(evaluation: Evaluation) -> str:
    """Give a table of what was answered for each sound, and at which place its own label stood (from 1)."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(ANSWER_COLUMNS)
    answers = evaluation.answers
    for path, truth, scores, order in zip(evaluation.paths, answers.truth, answers.scores, answers.order, strict=True):
        place = order.tolist().index(int(truth)) + 1
        first = order[0]
        writer.writerow([_text(path), answers.labels[truth], answers.labels[first], f"{scores[first]:.4f}", place])
    return file.getvalue()


def report_lines(evaluation: Evaluation) -> Iterator[str]:
    """Yield the lines of the Markdown report."""
    facts = evaluation.facts
    yield f"# {escape_markdown(facts.model_id)} on {escape_markdown(facts.dataset)}"
    yield from ("", _headline(evaluation), "", "## Protocol", "", _protocol(facts), "")
    rows = [(FACT_WORDS[name], _shown(getattr(facts, name))) for name in FACT_WORDS]
    yield from _table(("", ""), rows)
    yield from ("", "## By prompt template", "")
    yield from _table(("template", *MEASURES.values()), [_template_row(result) for result in evaluation.templates])
    yield from ("", MEANINGS)
    yield from _folds(evaluation)
    yield from _published(evaluation)
    yield from _calibration(evaluation)
    yield from ("", "## By label", "", f"With the template {_code(evaluation.templates[0].template)}.", "")
    headings = ("label", "sounds", "right", "precision", "F1", "AP", "most often taken for")
    yield from _table(headings, [_label_row(result) for result in evaluation.labels])
    yield from ("", "## Confusions", "", f"![Confusion matrix]({CONFUSION_FILE})", "")
    yield f"Answers sound by sound: [{ANSWERS_FILE}]({ANSWERS_FILE}). All figures: [{JSON_FILE}]({JSON_FILE})."
    failed = [f"{_text(str(each.path))}: {each.reason}" for each in evaluation.failed]
    yield from _listed("Files that cannot be read", failed)
    yield from _listed("Left out", evaluation.left_out)


def reliability_lines(evaluation: Evaluation) -> dict[str, Sequence[ReliabilityBin]]:
    """Give the lines of the reliability picture: as the model gives scores, and by each method on held-out sounds."""
    fitted = evaluation.calibrations
    first = next(iter(fitted.values()))
    return {"as they are": first.before, **{f"{method}, held out": each.after for method, each in fitted.items()}}


def _headline(evaluation: Evaluation) -> str:
    first = evaluation.templates[0]
    best = max(evaluation.templates, key=lambda result: result.metrics.accuracy_at_1)
    facts = evaluation.facts
    text = (
        f"**{_percent(first.metrics.accuracy_at_1)}** of {facts.n_sounds} sounds are named right among {facts.n_labels}"
        f" labels, {_percent(first.metrics.accuracy_at_5)} within five, with the template {_code(first.template)}."
    )
    if best is not first and best.metrics.accuracy_at_1 > first.metrics.accuracy_at_1:
        text += (
            f" The best of the {len(evaluation.templates)} templates is {_code(best.template)} with"
            f" {_percent(best.metrics.accuracy_at_1)}; chosen by these very sounds, that figure flatters."
        )
    return text


def _protocol(facts: Facts) -> str:
    zero_shot = (
        "Zero-shot: nothing was fitted to these labels. Each sound is placed as a whole (the mean over stretches of ten"
        " seconds), each label by its text"
    )
    if facts.against == "vocabulary":
        return (
            f"{zero_shot} and its prompts. All labels of the vocabulary that the model is asked about compete, scored"
            " in two stages as in an analysis; a label of the data set is the one of that name, or the only one with"
            " that synonym."
        )
    writing = "as they are written" if facts.raw_labels else "with spaces for underscores"
    return f"{zero_shot}. The data set's own labels compete, {writing}, by softmax of scaled cosines."


def _template_row(result: TemplateResult) -> list[str]:
    return [_code(result.template), *(_percent(getattr(result.metrics, name)) for name in MEASURES)]


def _folds(evaluation: Evaluation) -> Iterator[str]:
    folds = evaluation.templates[0].folds
    if not folds:
        return
    yield from ("", f"Mean ± sample deviation over the {len(folds)} folds:", "")
    rows = [
        [_code(result.template), *(_spread(result.folds.values(), name) for name in MEASURES)]
        for result in evaluation.templates
    ]
    yield from _table(("template", *MEASURES.values()), rows)
    each = [
        f"{escape_markdown(name)} {_percent(fold.accuracy_at_1)} of {fold.n_sounds}" for name, fold in folds.items()
    ]
    yield from ("", f"Accuracy at 1 by fold, with the first template: {', '.join(each)}.")


def _spread(folds: Iterable[Metrics], name: str) -> str:
    mean, deviation = mean_and_deviation([getattr(fold, name) for fold in folds])
    return f"{100 * mean:.1f} ± {100 * deviation:.1f} %"


def _published(evaluation: Evaluation) -> Iterator[str]:
    facts = evaluation.facts
    figures = published_figures(facts.model_id, facts.dataset)
    if not figures:
        return
    yield from ("", "## Published", "")
    rows = [
        (_percent(each.accuracy), escape_markdown(each.protocol), escape_markdown(each.source), _code(each.options))
        for each in figures
    ]
    yield from _table(("accuracy at 1", "protocol", "source", "to reproduce"), rows)
    if aim := AIMS.get((facts.model_id, facts.dataset)):
        yield from ("", f"Timbre aims at {_percent(aim)} with clean labels and its own prompts.")


def _calibration(evaluation: Evaluation) -> Iterator[str]:
    yield from ("", "## Calibration", "")
    if not evaluation.calibrations:
        yield f"None was fitted: {evaluation.no_calibration}."
        return
    yield (
        "How far the largest score can be believed, with the template"
        f" {_code(evaluation.templates[0].template)}. Errors are of sounds that the calibration was not fitted on"
        " (cross-validated)."
    )
    yield ""
    rows = []
    for method, fitted in evaluation.calibrations.items():
        kept = fitted.calibration
        fit = f"temperature {kept.temperature:.3f}" if method == "temperature" else f"{len(kept.curve_scores)} points"
        rows.append((method, fit, _percent(kept.error_before), _percent(kept.error_after)))
    yield from _table(("method", "fit", "error before", "error after"), rows)
    yield from ("", f"![Reliability]({RELIABILITY_FILE})", "")
    for name, bins in reliability_lines(evaluation).items():
        bounds = [
            (f"{each.low:.2f} to {each.high:.2f}", each.n_sounds, _percent(each.confidence), _percent(each.accuracy))
            for each in bins
        ]
        yield from (f"Scores {name}:", "")
        yield from _table(("score", "sounds", "mean score", "right"), bounds)
        yield ""


def _label_row(result: LabelResult) -> list[str]:
    shares = map(_percent, (result.accuracy, result.precision, result.f1, result.average_precision))
    return [escape_markdown(result.label), str(result.n_sounds), *shares, escape_markdown(result.mistaken_for)]


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield from ("", f"## {title} ({len(lines)})", "")
        yield from (f"- {escape_markdown(line)}" for line in lines)


def _table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`"


def _shown(value: object) -> str:
    return "all" if value is None else escape_markdown(str(value))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _text(path: str) -> str:
    return path.encode(errors="surrogateescape").decode(errors="replace")
