"""A lock that processes and threads take by the name of a file. The kernel lets go of it when its holder dies, however it dies.

The file goes with the lock, so nothing is left to clean up but what a killed process leaves, which is empty and locks nobody out.
Where a file system knows no locks, work may be done twice at once; what is published is whole all the same.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.core.progress import Progress, silent
from bridge.core.storage import disk_errors

_UNKNOWN_HERE = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS})


@contextmanager
def locked(path: Path, waiting: str, progress: Progress = silent) -> Iterator[None]:
    """Hold the lock of a name for the block; `waiting` is what progress shows while somebody else does.

    Not for the same name twice in one thread: it would wait for itself. Raises `DiskFull`, `NotWritable`.
    """
    handle = _take(path, wait=False)
    if handle is None:
        progress(waiting)
        handle = _take(path, wait=True)
    try:
        yield
    finally:
        _release(path, handle)


@contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock for the block, or tell at once that somebody else does."""
    handle = _take(path, wait=False)
    try:
        yield handle is not None
    finally:
        _release(path, handle)


def _take(path: Path, *, wait: bool) -> int | None:
    """The open file that holds the lock; None where it is held and nobody waits."""
    with disk_errors(path):
        while True:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            except FileNotFoundError:
                continue  # somebody removed the folder in between
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BaseException as error:
                if isinstance(error, OSError) and error.errno in _UNKNOWN_HERE:
                    return handle
                os.close(handle)
                if isinstance(error, BlockingIOError):
                    return None
                raise
            if _is_named(path, handle):
                return handle
            os.close(handle)  # the holder before us took the name away: what we locked is no one's any more


def _is_named(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False


def _release(path: Path, handle: int | None) -> None:
    if handle is None:
        return
    path.unlink(missing_ok=True)  # while it is held: whoever waits for it looks whether it still has its name
    os.close(handle)
