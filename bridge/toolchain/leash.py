"""Child processes that die with their parent, even one that is killed (Linux; elsewhere an orderly exit ends them).

Run as a script it puts itself on the leash and becomes another program, which stays on it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def leashed(command: list[str]) -> list[str]:
    """The command that runs `command` on a leash held by this process (and by the thread that starts it)."""
    return [sys.executable, str(Path(__file__)), str(os.getpid()), *command]


def attach(parent: int) -> None:
    """Die when the process `parent` dies; at once if it is gone already."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    attach(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - becoming the program is the point
