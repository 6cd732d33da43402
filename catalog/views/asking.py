"""The part of a sound's page where other labels are asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from analysis.errors import ModelUnavailable
from catalog.ask import Answer, InvalidQuestion, LabelAnswer, NothingToCompare, ask
from catalog.models import Sound

CURVE_COLUMNS = 150
"""Of a curve in a table: what a sharp eye tells apart there."""
CURVE_HEIGHT = 100


@dataclass(frozen=True, slots=True)
class AskedLabel:
    """A row of the table."""

    answer: LabelAnswer
    is_yardstick: bool
    curve: str
    """A path over time; empty where a sound is one window."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page says to a question."""

    labels: str = ""
    rows: Sequence[AskedLabel] = ()
    notices: Sequence[str] = ()
    problem: str = ""
    status: int = HTTPStatus.OK


def asked_of(sound: Sound, labels: str | None) -> Asked:
    """The answer to labels of an address, or why there is none; nothing where nobody asked."""
    if labels is None:
        return Asked()
    try:
        answer = ask(sound, labels)
    except InvalidQuestion as error:
        return Asked(labels, problem=str(error), status=HTTPStatus.BAD_REQUEST)
    except (NothingToCompare, ModelUnavailable) as error:
        return Asked(labels, problem=str(error))
    return Asked(labels, rows_of(answer), answer.notices)


def rows_of(answer: Answer) -> list[AskedLabel]:
    answers = [*answer.labels, *([answer.yardstick] if answer.yardstick else [])]
    most = max((value for one in answers for value in one.over_time), default=0.0)
    return [AskedLabel(one, one is answer.yardstick, curve_of(one.over_time, most)) for one in answers]


def curve_of(values: Sequence[float], most: float) -> str:
    """An area over time, 100 high at `most`, a unit wide for each value; long ones keep their peaks."""
    if len(values) < 2 or most <= 0:
        return ""
    step = -(-len(values) // CURVE_COLUMNS)
    peaks = [max(values[at : at + step]) for at in range(0, len(values), step)]
    heights = [round(CURVE_HEIGHT * max(0.0, peak) / most) for peak in peaks]
    return f"M0 {CURVE_HEIGHT}" + "".join(f"V{CURVE_HEIGHT - height}h1" for height in heights) + f"V{CURVE_HEIGHT}z"


def asked_context(sound: Sound, asked: Asked) -> dict[str, Any]:
    columns = next((row.curve.count("h1") for row in asked.rows if row.curve), 0)
    return {"sound": sound, "asked": asked, "curve_columns": columns}
