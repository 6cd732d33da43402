"""Runs a command that must not outlive its parent: `python tether.py PARENT SIGNAL COMMAND...` becomes the command."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1  # prctl(2): the signal this process gets when the thread that started it ends


def tethered(command: list[str], *, at_parents_end: signal.Signals) -> list[str]:
    """The command line that runs `command` tied to this process; start it from the main thread."""
    tether = [sys.executable, "-I", "-S", str(Path(__file__).resolve())]
    return [*tether, str(os.getpid()), str(int(at_parents_end)), *command]


def main() -> None:
    parent, at_parents_end, *command = sys.argv[1:]
    if sys.platform == "linux":  # elsewhere a child that outlives a killed parent is found and used again
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(at_parents_end))
        if os.getppid() != int(parent):  # it ended before the tether was tied
            sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
