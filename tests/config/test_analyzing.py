"""The order of what batch writes, and what a breaking model costs it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from analysis.errors import UnreadableAudio
from analysis.results import FailedFile
from config.cli.analyzing import all_results, in_order, reason_of

SOUNDS = [Path(name) for name in ("a", "b", "c")]


class BreakingEngine:
    """Ends as an engine does whose model breaks at a batch with one sound in it."""

    def __init__(self, _analyzer: object) -> None:
        self.heard: list[list[Path]] = []

    def analyze(self, paths: list[Path], _profiles: object) -> Iterator[FailedFile]:
        for path in paths:
            if path.name == "b":
                raise RuntimeError("out of memory")
            yield FailedFile(path, UnreadableAudio("is empty"))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_results_come_in_the_order_of_the_sounds(order: tuple[int, ...]) -> None:
    results = [FailedFile(SOUNDS[at], UnreadableAudio("is empty")) for at in order]
    assert [result.path for result in in_order(SOUNDS, results)] == SOUNDS


def test_only_what_the_model_breaks_at_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.cli.analyzing.Engine", BreakingEngine)
    job: Any = SimpleNamespace(session=SimpleNamespace(analyzer=None, profiles=()), sounds=SOUNDS)
    failed = [result for result in all_results(job) if isinstance(result, FailedFile)]
    reasons = {result.path.name: reason_of(result.error) for result in failed}
    assert reasons == {"a": "is empty", "b": "RuntimeError: out of memory", "c": "is empty"}
