"""Files that are either whole or not there, and the folders that proofbridge keeps of its own."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from bridge.errors import DiskFull, NotWritable

_SCRATCH = ".building-"

_NOT_WRITABLE = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.EEXIST,  # a file stands where a folder has to be made
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
    }
)


def home(kind: str) -> Path:
    """A folder of proofbridge's own: `cache`, `keystore`, `journal` or `relay`. PROOFBRIDGE_HOME moves all of them."""
    base = os.environ.get("PROOFBRIDGE_HOME")
    if base:
        return Path(base) / kind
    dirs = platformdirs.PlatformDirs("proofbridge", appauthor=False)
    return (dirs.user_cache_path if kind == "cache" else dirs.user_data_path) / ("" if kind == "cache" else kind)


def sha256_file(path: Path) -> str:
    """Hex sha256 of a file of any size."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Name the disk's failures while writing `path`. Raises `DiskFull`, `NotWritable`."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull(path=path) from error
        if error.errno in _NOT_WRITABLE:
            raise NotWritable(path=path, reason=error.strerror or str(error)) from error
        raise


def write_atomic(path: Path, content: bytes | str, *, mode: int = 0o644) -> None:
    """Write through a temporary file beside `path`, flushed to disk before it takes the name.

    Raises `DiskFull`, `NotWritable`.
    """
    raw = content.encode() if isinstance(content, str) else content
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(raw)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, mode)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


@contextmanager
def scratch_directory(parent: Path) -> Iterator[Path]:
    """A directory inside `parent` that vanishes with the block, unless `publish` gave it a name.

    What a killed process left behind vanishes too. Raises `DiskFull`, `NotWritable`.
    """
    with disk_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
        sweep(parent)
        scratch = Path(tempfile.mkdtemp(dir=parent, prefix=f"{_SCRATCH}{os.getpid()}-"))
    try:
        with disk_errors(parent):
            yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def publish(scratch: Path, target: Path) -> None:
    """Give a whole scratch directory its name. If another build of the same content was first, that one stays."""
    scratch.chmod(0o755)
    try:
        os.rename(scratch, target)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise


def discard(path: Path) -> None:
    """Remove a directory under another name, so that whoever looks for it finds all of it or nothing."""
    gone = path.with_name(f"{_SCRATCH}{os.getpid()}-{path.name}")
    with disk_errors(path):
        try:
            os.rename(path, gone)
        except FileNotFoundError:
            return
    shutil.rmtree(gone, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Remove what processes that are gone left half made or half removed."""
    for leftover in parent.glob(f"{_SCRATCH}*"):
        owner = leftover.name.removeprefix(_SCRATCH).partition("-")[0]
        if owner.isdigit() and not _is_running(int(owner)):
            shutil.rmtree(leftover, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
