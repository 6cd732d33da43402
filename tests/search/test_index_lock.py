"""Many may share the lock, one has it alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from search.index.lock import SharedLock

LIMIT_S = 20.0


def test_several_share_it_at_the_same_time() -> None:
    lock, met = SharedLock(), Barrier(3)

    def share() -> int:
        with lock.shared():
            return met.wait(LIMIT_S)

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(lambda _: share(), range(3))) == [0, 1, 2]


def test_who_has_it_alone_waits_for_all_and_goes_before_those_who_come_after() -> None:
    lock, order = SharedLock(), []
    waits = Event()

    def change() -> None:
        waits.set()
        with lock.alone(), lock.alone(), lock.shared():
            order.append("changed")

    def read() -> None:
        with lock.shared():
            order.append("read")

    with ThreadPoolExecutor(2) as pool:
        with lock.shared(), lock.shared():
            changing = pool.submit(change)
            waits.wait(LIMIT_S)
            while not lock._waiting_writers:
                assert not changing.done()
            reading = pool.submit(read)
            with lock.shared():  # who is in may enter again, though somebody waits
                order.append("still in")
        changing.result(LIMIT_S)
        reading.result(LIMIT_S)
    assert order == ["still in", "changed", "read"]


def test_who_shares_it_is_told_that_no_change_is_possible() -> None:
    lock = SharedLock()

    with lock.shared(), pytest.raises(RuntimeError, match="cannot change it"), lock.alone():
        pass
    with lock.alone():
        pass
