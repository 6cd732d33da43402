"""Decoding in the web process: a few at once, so that its other threads go on answering."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from analysis.errors import AnalysisError

AT_ONCE = 3
"""Of eight threads (`config.supervisor.WEB_THREADS`), on as few cores as two."""

WAIT_S = 2.0
"""Who waits holds a thread too."""

RETRY_AFTER_S = 10

_turns = threading.BoundedSemaphore(AT_ONCE)


class NoTurn(AnalysisError):
    """Others are decoding: whoever asked is to ask again a little later."""


@contextmanager
def decoding_turn() -> Iterator[None]:
    """One of a few; waits a moment for it. Raises NoTurn."""
    if not _turns.acquire(timeout=WAIT_S):
        raise NoTurn(f"{AT_ONCE} regions are being cut already; ask again in {RETRY_AFTER_S} seconds")
    try:
        yield
    finally:
        _turns.release()
