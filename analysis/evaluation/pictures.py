"""Pictures of an evaluation: which labels are taken for which, and how far scores can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.evaluation.metrics import ReliabilityBin

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 120
INCHES_PER_LABEL = 0.17
SMALLEST_INCHES, LARGEST_INCHES = 5.0, 30.0  # 3,600 pixels: what browsers and viewers show without trouble
MOST_NUMBERED = 40  # labels; above it the numbers in the cells cannot be read
WITHOUT_DATE = {"Software": None}  # a picture of the same figures is the same file


def draw_confusion(labels: Sequence[str], counts: npt.NDArray[np.int64], path: Path) -> None:
    """Draw a confusion matrix: each row is colored by the shares of its answers, the numbers are counts.

    Parameters
    ----------
    labels : sequence of str
    counts : int64, shape (n, n)
        Rows are the truth, columns the answers.
    path : Path
        Of a PNG file.
    """
    side = float(np.clip(len(labels) * INCHES_PER_LABEL + 2.5, SMALLEST_INCHES, LARGEST_INCHES))
    figure = _new_figure(side, side)
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=7)
    axes.set_yticks(range(len(labels)), labels, fontsize=7)
    axes.set_xlabel("answer")
    axes.set_ylabel("truth")
    if len(labels) <= MOST_NUMBERED:
        for row, column in zip(*np.nonzero(counts), strict=True):
            color = "white" if shares[row, column] > 0.5 else "black"
            number = str(counts[row, column])
            axes.text(column, row, number, ha="center", va="center", color=color, fontsize=6)
    figure.colorbar(image, ax=axes, label="share of the row", fraction=0.04, pad=0.02)
    figure.savefig(path, metadata=WITHOUT_DATE)


def draw_reliability(bins: dict[str, Sequence[ReliabilityBin]], path: Path) -> None:
    """Draw how often answers of each confidence are right; on the diagonal scores come true.

    Parameters
    ----------
    bins : dict of str to sequence of ReliabilityBin
        By the name of the line.
    path : Path
        Of a PNG file.
    """
    figure = _new_figure(SMALLEST_INCHES, SMALLEST_INCHES)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="gray", linestyle="--", linewidth=1)
    for name, line in bins.items():
        axes.plot([each.confidence for each in line], [each.accuracy for each in line], marker="o", label=name)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="share right", aspect="equal")
    axes.legend()
    figure.savefig(path, metadata=WITHOUT_DATE)


def _new_figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure  # without pyplot: no window system is looked for, nothing global is kept

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")
