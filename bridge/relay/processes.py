"""Provers of this machine: a process for each proof that may run at once, replaced when one dies."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from typing import Any

_WATCH_SECONDS = 0.2


class Processes(Executor):
    """A pool that survives the death of its processes: what they worked on fails, and what comes next does not.

    The standard pool is of no more use after the kernel has killed one of its processes for its memory.
    """

    def __init__(self, size: int) -> None:
        """As many processes as there may be proofs at once."""
        self._size = size
        self._lock = threading.Lock()
        self._pool = self._new()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As any executor."""
        with self._lock:
            try:
                return self._pool.submit(fn, *args, **kwargs)
            except BrokenProcessPool:
                self._pool = self._new()
                return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As any executor; with `cancel_futures` what runs is ended too, and with it every process that it started."""
        with self._lock:
            self._pool.shutdown(wait=wait and not cancel_futures, cancel_futures=cancel_futures)
            if cancel_futures:
                for child in active_children():
                    child.terminate()

    def _new(self) -> ProcessPoolExecutor:
        # Spawned: a fork would copy the threads' locks as they happen to stand.
        context = get_context("spawn")
        return ProcessPoolExecutor(self._size, context, initializer=_live_with, initargs=(os.getpid(),))


def _live_with(parent: int) -> None:
    """End when the parent does: the pool's own pipes do not tell, because each process holds both of their ends."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
