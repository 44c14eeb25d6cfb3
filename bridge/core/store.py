"""The store: what was made once and need not be made again, kept by content in proofbridge's cache.

An entry is a folder of files under the sha256 of everything that decides them, versions of tools included. It is there whole or
not at all. Whoever makes or uses one holds its lock, so the same thing is made once, however many ask for it; whoever uses one
compares every byte with the sha256 that was recorded, so an entry that was cut or damaged is made again. That is against
accidents, not against somebody who may write in the cache: who may do that can replace proofbridge, too.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bridge.core.lock import locked, locked_if_free
from bridge.core.progress import Progress, silent
from bridge.core.storage import discard, home, publish, scratch_directory, sha256_file, sweep

_RECORD = "entry.json"
"""Its modification time is that of the last use."""
_VALUE = "value"
_FORMAT = 1
_APART: ContextVar[Path | None] = ContextVar("_APART", default=None)


@dataclass(frozen=True, slots=True)
class Key:
    """What decides an entry. `parts` is canonical JSON; make one with `Key.of`."""

    kind: str
    """A plural noun that people are shown: keys, bundles, trials."""
    parts: str

    @classmethod
    def of(cls, kind: str, parts: Mapping[str, Any]) -> Key:
        """Parts are JSON values by name; the same ones in another order are the same key."""
        if not kind.isalpha():
            raise ValueError(f"a kind is one word, not {kind!r}")
        return cls(kind, json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False))

    @property
    def digest(self) -> str:
        """Hex sha256 of the kind, the parts, and the form of the store itself."""
        return hashlib.sha256(f"{_FORMAT}\n{self.kind}\n{self.parts}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Record:
    """What stands in an entry's own file."""

    kind: str
    parts: str
    files: dict[str, str]
    """sha256 by name."""


_RECORDS = TypeAdapter(_Record)


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of one entry while its lock is held. Get one from `hold`."""

    key: Key
    path: Path

    def found(self) -> Path | None:
        """The entry's folder, every byte of it checked, or None; one that is damaged is removed. Counts as a use."""
        try:
            record = _RECORDS.validate_json((self.path / _RECORD).read_bytes())
            whole = (record.kind, record.parts) == (self.key.kind, self.key.parts) and all(
                sha256_file(self.path / name) == expected for name, expected in record.files.items()
            )
        except (OSError, ValidationError):
            whole = False
        if not whole:
            shutil.rmtree(self.path, ignore_errors=True)
            return None
        with contextlib.suppress(OSError):  # a cache that may only be read is of use all the same
            os.utime(self.path / _RECORD)
        return self.path

    @contextmanager
    def making(self) -> Iterator[Path]:
        """A folder for the files; at the block's end it becomes the entry, and if the block fails nothing is left.

        Raises `DiskFull`, `NotWritable`.
        """
        with scratch_directory(self.path.parent) as scratch:
            yield scratch
            files = {path.name: sha256_file(path) for path in scratch.iterdir()}
            record = _Record(self.key.kind, self.key.parts, files)
            (scratch / _RECORD).write_bytes(_RECORDS.dump_json(record, indent=2))
            shutil.rmtree(self.path, ignore_errors=True)
            publish(scratch, self.path)


@contextmanager
def hold(key: Key, progress: Progress = silent) -> Iterator[Slot]:
    """The place of an entry, locked for the block, in which nobody else makes, uses or prunes it."""
    path = _root() / key.kind / key.digest
    waiting = f"another process is at work on the same {key.kind}; waiting for it"
    with locked(_lock(path), waiting, progress):
        yield Slot(key, path)


@contextmanager
def entry(key: Key, make: Callable[[Path], None], progress: Progress = silent) -> Iterator[Path]:
    """The folder of an entry, for the block; `make` fills it if it is not there. Raises `DiskFull`, `NotWritable`."""
    with hold(key, progress) as slot:
        folder = slot.found()
        if folder is None:
            with slot.making() as scratch:
                make(scratch)
            folder = slot.path
        yield folder


def remember(kind: str, parts: Mapping[str, Any], compute: Callable[[], bytes], progress: Progress = silent) -> bytes:
    """The bytes that `compute` gave for these parts, now or before. What it raises is not remembered."""

    def make(folder: Path) -> None:
        (folder / _VALUE).write_bytes(compute())

    with entry(Key.of(kind, parts), make, progress) as folder:
        return (folder / _VALUE).read_bytes()


def recall(key: Key) -> bytes | None:
    """The bytes that were kept under a key."""
    with hold(key) as slot:
        folder = slot.found()
        return None if folder is None else (folder / _VALUE).read_bytes()


def keep(key: Key, value: bytes) -> None:
    """Keep bytes under a key. Raises `DiskFull`, `NotWritable`."""
    with hold(key) as slot, slot.making() as scratch:
        (scratch / _VALUE).write_bytes(value)


@contextmanager
def apart(folder: Path) -> Iterator[None]:
    """For the block the store lies in another folder: what was made before is not found, and what is made is not kept."""
    token = _APART.set(folder)
    try:
        yield
    finally:
        _APART.reset(token)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it lies there, unchecked."""

    kind: str
    path: Path
    bytes: int
    used: float
    """Seconds since 1970."""

    @property
    def digest(self) -> str:
        """The name it is kept under."""
        return self.path.name


def entries() -> tuple[Entry, ...]:
    """Everything that is kept, what was used longest ago first."""
    found = []
    for path in _root().glob("*/*"):
        if path.is_dir() and not path.name.startswith("."):
            with contextlib.suppress(OSError):  # pruned in between
                found.append(_look(path))
    return tuple(sorted(found, key=lambda item: (item.used, item.path)))


def prune(*, older_than: float | None = None, max_bytes: int | None = None) -> tuple[Entry, ...]:
    """Remove what was not used for `older_than` seconds, and then what was used longest ago until `max_bytes` are left.

    What somebody is at work on stays. Gives what was removed; without a bound, nothing is.
    """
    for folder in _root().glob("*"):
        sweep(folder)
    before = time.time() - older_than if older_than is not None else None
    kept: list[Entry] = []
    removed: list[Entry] = []
    for item in entries():
        expired = before is not None and item.used <= before
        (removed if expired and _remove(item, before) else kept).append(item)
    if max_bytes is not None:
        disk = _Disk(kept)
        for item in kept:
            if disk.bytes > max_bytes and _remove(item, item.used):
                disk.forget(item)
                removed.append(item)
    return tuple(removed)


def disk_bytes(items: Sequence[Entry]) -> int:
    """What entries take on the disk: a file that several share counts once."""
    return _Disk(items).bytes


class _Disk:
    """The files of some entries; the same file may be in several."""

    def __init__(self, items: Sequence[Entry]) -> None:
        self._files = {item.path: _files(item.path) for item in items}
        self._uses = Counter(node for nodes in self._files.values() for node in nodes)
        self.bytes = sum({node: size for nodes in self._files.values() for node, size in nodes.items()}.values())

    def forget(self, item: Entry) -> None:
        for node, size in self._files.pop(item.path).items():
            self._uses[node] -= 1
            if not self._uses[node]:
                self.bytes -= size


def _files(folder: Path) -> dict[tuple[int, int], int]:
    """Size by device and inode."""
    found = {}
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            stat = path.stat()
            found[stat.st_dev, stat.st_ino] = stat.st_size
    return found


def _look(path: Path) -> Entry:
    record = path / _RECORD
    used = (record if record.exists() else path).stat().st_mtime
    return Entry(path.parent.name, path, sum(_files(path).values()), used)


def _remove(item: Entry, before: float | None) -> bool:
    """Whether it is gone; not where somebody holds it, or has used it since it was looked at."""
    with locked_if_free(_lock(item.path)) as is_ours:
        if not is_ours:
            return False
        with contextlib.suppress(OSError):
            if before is not None and _look(item.path).used > before:
                return False
        discard(item.path)
        return True


def _root() -> Path:
    return _APART.get() or home("cache") / "store"


def _lock(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")
