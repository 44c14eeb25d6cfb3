"""Child processes that die with their parent, even one that is killed (Linux; elsewhere an orderly exit ends them)."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


LEASH: Callable[[], None] | None = _die_with_parent if sys.platform == "linux" else None
"""For `subprocess.Popen(preexec_fn=…)`."""
