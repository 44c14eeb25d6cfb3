"""How a command that runs until it is stopped is stopped."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def until_stopped() -> Iterator[threading.Event]:
    """Set by the first SIGTERM or Ctrl-C; the second one ends the process at once."""
    stop = threading.Event()

    def ask(*_: object) -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
