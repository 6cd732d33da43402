"""Memory of this process, as Linux counts it."""

from __future__ import annotations

from pathlib import Path

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")
FORGET_PEAK = "5"  # proc(5): sets the peak resident set size to what is resident now
KIB = 1024


def resident_bytes() -> int | None:
    """What is in memory now; None where the system does not say."""
    return _status("VmRSS")


def peak_bytes() -> int | None:
    """The most that was in memory since `forget_peak`."""
    return _status("VmHWM")


def forget_peak() -> None:
    if CLEAR_REFS.exists():
        CLEAR_REFS.write_text(FORGET_PEAK)


def _status(name: str) -> int | None:
    if not STATUS.exists():
        return None
    for line in STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * KIB
    return None
