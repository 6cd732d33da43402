"""A lock that many may share, or one may have alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Lock, get_ident, local


class SharedLock:
    """Lets searches run beside each other, and a change alone.

    Think of a room that any number may read in, and that empties for the one who comes to paint: who waits to paint is
    let in before those who come to read after. A thread that is in may enter again, to read by any way and to paint
    where it paints already.
    """

    def __init__(self) -> None:
        self._condition = Condition(Lock())
        self._readers = 0
        self._writer: int | None = None
        self._waiting_writers = 0
        self._mine = local()

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Hold off every change for the block."""
        depth: int = getattr(self._mine, "depth", 0)
        if self._writer == get_ident():
            yield
            return
        if not depth:
            with self._condition:
                self._condition.wait_for(lambda: self._writer is None and not self._waiting_writers)
                self._readers += 1
        self._mine.depth = depth + 1
        try:
            yield
        finally:
            self._mine.depth = depth
            if not depth:
                with self._condition:
                    self._readers -= 1
                    self._condition.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold off everybody else for the block.

        Raises
        ------
        RuntimeError
            The thread shares the lock: two that did so would wait for each other.
        """
        if self._writer == get_ident():
            yield
            return
        if getattr(self._mine, "depth", 0):
            raise RuntimeError("a thread that holds an index steady cannot change it")
        with self._condition:
            self._waiting_writers += 1
            try:
                self._condition.wait_for(lambda: self._writer is None and not self._readers)
                self._writer = get_ident()
            finally:
                self._waiting_writers -= 1
        try:
            yield
        finally:
            with self._condition:
                self._writer = None
                self._condition.notify_all()
