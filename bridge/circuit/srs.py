"""The trusted setup: found, fetched, recognised; and, on a local chain only, made.

Order: the file given, PROOFBRIDGE_SRS_PATH and the cache, the mirror in PROOFBRIDGE_SRS_MIRROR, the public ceremony by
download (resumed, sha256 checked), and at last a development setup with a warning. A ceremony that cannot be reached costs at most
three seconds; where PROOFBRIDGE_OFFLINE is set, no download is tried.

A setup may be larger than the circuit. What is on record is the whole file; ezkl is given a cut of it, see `fitting`.
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.circuit import lagrange
from bridge.circuit.download import Wanted, download
from bridge.core import store
from bridge.core.ceremony import PERPETUAL, in_srs
from bridge.core.lock import locked
from bridge.core.manifest import Manifest, Setup
from bridge.core.progress import Progress, silent
from bridge.core.storage import disk_errors, home, sha256_file, write_atomic
from bridge.engine.child import Call, run
from bridge.errors import SrsHashMismatch, SrsMalformed, SrsUnavailable, StorageError

MAX_LOGROWS = 26
MAX_CUT = 16
"""Of more rows no setup is cut here, which would take hours: ezkl does that for each proof, on all cores."""

_POINT_BYTES = 64
_G2_BYTES = 128
_LONG_TO_HASH = 1 << 22
"""Bytes from which on a file's sha256 is remembered: 2^15 rows and more."""


@dataclass(frozen=True, slots=True)
class SrsFile:
    """A setup file that was looked into, or a cut of it."""

    path: Path
    setup: Setup
    """Of the whole file."""

    @property
    def is_public(self) -> bool:
        """Whether it is of a public ceremony."""
        return self.setup.kind == "ceremony"


def inspect(path: Path) -> SrsFile:
    """Read a setup file, every byte. Raises `SrsMalformed`, and `SrsHashMismatch` where a file with a public ceremony's end is
    not, byte for byte, one that this ceremony published.
    """
    return _inspect(path, sha256_file)


def _inspect(path: Path, sha256: Callable[[Path], str]) -> SrsFile:
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(4)
            stream.seek(max(0, size - _G2_BYTES))
            tail = stream.read(_G2_BYTES)
    except OSError as error:
        raise SrsMalformed(path=path, reason=error.strerror or str(error)) from None
    logrows = struct.unpack("<I", head)[0] if len(head) == 4 else 0  # noqa: PLR2004
    if not 1 <= logrows <= MAX_LOGROWS or size != _file_bytes(logrows):
        raise SrsMalformed(path=path, reason=f"{size} bytes is not the size of a raw KZG file")
    digest = sha256(path)
    ceremony = in_srs(tail)
    if ceremony is None:
        return SrsFile(path, Setup("development", f"development-{logrows}", logrows, digest))
    expected = ceremony.sha256.get(logrows)
    if digest != expected:
        # [s]G2 alone is public: anyone can append it to points of their own making.
        raise SrsHashMismatch(path=path, expected=expected or f"none published for 2^{logrows}", got=digest)
    return SrsFile(path, Setup("ceremony", ceremony.name, logrows, digest))


def resolve(
    logrows: int, *, given: Path | None = None, development: bool = True, progress: Progress = silent
) -> SrsFile:
    """A setup of at least 2**logrows rows, in the module's order; `development=False` stops before the last step.

    Raises `SrsUnavailable`, and for a given file also `SrsMalformed`, `SrsHashMismatch`.
    """
    tried: list[str] = []
    if given is not None:
        file = inspect(given)
        if file.setup.logrows < logrows:
            raise SrsUnavailable(logrows=logrows, tried=(f"{given} holds only 2^{file.setup.logrows}",))
        return _kept(file)
    for size in range(logrows, MAX_LOGROWS + 1):  # the smallest that is large enough; the others are not even read
        for file in _known(size):
            if file.is_public:
                return file
    tried.append("PROOFBRIDGE_SRS_PATH and the cache")
    try:
        return fetch(logrows, progress=progress)
    except SrsUnavailable as error:
        tried += error.tried
    if development:
        return development_setup(logrows, progress=progress)
    raise SrsUnavailable(logrows=logrows, tried=tuple(tried))


def find(setup: Setup) -> SrsFile:
    """The very file that a key was built on. Raises `SrsUnavailable`."""
    for file in _known(setup.logrows):
        if file.setup.sha256 == setup.sha256:
            return file
    if setup.kind == "ceremony" and setup.name == PERPETUAL.name:
        return fetch(setup.logrows)
    raise SrsUnavailable(logrows=setup.logrows, tried=(f"the cache for {setup.name} with sha256 {setup.sha256[:12]}…",))


def fitting(file: SrsFile, logrows: int, progress: Progress = silent) -> SrsFile:
    """The same setup as ezkl is to be given it for a circuit of 2**logrows rows: the file, or its cut to so many, which is kept.

    Of both ezkl makes the same keys, byte for byte, and proofs that hold on either; but a larger file it cuts itself for each of
    them, which takes longer than the proof of a small circuit.
    """
    if file.setup.logrows <= logrows or logrows > MAX_CUT:
        return file
    target = _cache() / "cuts" / f"{file.setup.sha256}-{logrows}"
    stage = f"cutting the setup of 2^{file.setup.logrows} rows down to 2^{logrows}, once"
    try:
        with _locked(target, progress):
            if not target.is_file():
                write_atomic(target, lagrange.cut(file.path.read_bytes(), logrows, _in_percent(stage, progress)))
    except StorageError:
        return file  # a cache that cannot be written makes it slow, not impossible
    return replace(file, path=target)


def for_proving(manifest: Manifest, progress: Progress = silent) -> Path:
    """The setup as ezkl is to be given it for a bundle's circuit. Raises `SrsUnavailable`."""
    return fitting(find(manifest.setup), manifest.settings.logrows, progress).path


def known_files() -> tuple[SrsFile, ...]:
    """Every whole setup file on the search path and in the cache."""
    return tuple(_known())


def _known(logrows: int | None = None) -> Iterator[SrsFile]:
    """The same one after another; of one size only, the files of other sizes are not opened."""
    for path in _candidates():
        try:
            if logrows is None or path.stat().st_size == _file_bytes(logrows):
                yield _inspect(path, _remembered_sha256)
        except (OSError, SrsMalformed, SrsHashMismatch):
            continue  # another file in a folder that may hold anything; a file given by name is not forgiven


def _remembered_sha256(path: Path) -> str:
    """The sha256 of a file, taken once as long as nothing about the file changes: a setup of 2^20 rows has 134 MB."""
    told = path.stat()
    if told.st_size < _LONG_TO_HASH:
        return sha256_file(path)
    parts = {
        "path": str(path.resolve()),
        "size": told.st_size,
        "inode": [told.st_dev, told.st_ino],
        "changed_ns": [told.st_mtime_ns, told.st_ctime_ns],
    }
    try:
        return store.remember("digests", parts, lambda: sha256_file(path).encode()).decode()
    except StorageError:
        return sha256_file(path)  # a cache that cannot be written makes it slow, not impossible


def fetch(logrows: int, *, progress: Progress = silent) -> SrsFile:
    """Download the public ceremony's file into the cache, checked. Raises `SrsUnavailable`, `SrsHashMismatch`."""
    if logrows not in PERPETUAL.sha256:
        raise SrsUnavailable(logrows=logrows, tried=(f"{PERPETUAL.name} has no file for 2^{logrows}",))
    if os.environ.get("PROOFBRIDGE_OFFLINE"):
        raise SrsUnavailable(logrows=logrows, tried=("no download, because PROOFBRIDGE_OFFLINE is set",))
    target = _cache() / f"{PERPETUAL.name}-raw-{logrows}"
    with _locked(target, progress):
        try:
            return _inspect(target, _remembered_sha256)
        except (SrsMalformed, SrsHashMismatch):
            pass  # not there, or damaged
        return _fetch(logrows, target, progress)


def _fetch(logrows: int, target: Path, progress: Progress) -> SrsFile:
    """From the mirror or the ceremony's own address, whichever has it first."""
    mirror = os.environ.get("PROOFBRIDGE_SRS_MIRROR")
    tried = []
    for source in (source for source in (mirror, PERPETUAL.url) if source):
        url = source.replace("{logrows}", str(logrows))
        progress(f"fetching the trusted setup of 2^{logrows} rows from {url}")
        try:
            download(Wanted(url, _file_bytes(logrows), PERPETUAL.sha256[logrows]), target, progress)
        except (OSError, ValueError) as error:
            tried.append(f"{url}: {getattr(error, 'reason', error)}")
            continue
        return inspect(target)
    raise SrsUnavailable(logrows=logrows, tried=tuple(tried))


def development_setup(logrows: int, *, progress: Progress = silent) -> SrsFile:
    """A setup made here, whose maker could forge every proof; kept, because keys depend on it."""
    target = _cache() / f"development-{logrows}"
    with _locked(target, progress):
        if not target.is_file():
            scratch = target.with_name(f".{target.name}.{os.getpid()}")
            call = Call(
                "development_srs",
                f"making a development setup of 2^{logrows} rows (good for a local chain only)",
                {"path": str(scratch), "logrows": logrows},
            )
            with disk_errors(target):
                try:
                    run([call], writes=target, progress=progress)
                    # First one wins, lock or no lock: a second process must not replace a setup that keys were built on.
                    os.link(scratch, target)
                except FileExistsError:
                    pass
                finally:
                    scratch.unlink(missing_ok=True)
    return inspect(target)


def _kept(file: SrsFile) -> SrsFile:
    """A file that was given, where `find` looks: proving needs the very setup that the key was built on."""
    if any(known.setup.sha256 == file.setup.sha256 for known in _known(file.setup.logrows)):
        return file
    target = _cache() / f"{file.setup.name}-{file.setup.sha256[:12]}"
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(file.path, scratch)
            os.replace(scratch, target)
        finally:
            scratch.unlink(missing_ok=True)
    return inspect(target)


def _in_percent(stage: str, progress: Progress) -> Callable[[float], None]:
    """Tells each new percent of a stage once."""
    told = -1

    def tell(share: float) -> None:
        nonlocal told
        if int(100 * share) > told:
            told = int(100 * share)
            progress(f"{stage}: {told} %")

    return tell


def _locked(target: Path, progress: Progress) -> AbstractContextManager[None]:
    """Of all processes one brings a file into the cache."""
    return locked(target.with_name(f".{target.name}.lock"), f"another process is at {target.name}; waiting", progress)


def _file_bytes(logrows: int) -> int:
    """k, then 2^k points in monomial and in Lagrange form, then G2 and [s]G2 (halo2's ParamsKZG, raw)."""
    return 4 + 2 * (1 << logrows) * _POINT_BYTES + 2 * _G2_BYTES


def _candidates() -> Iterator[Path]:
    named = [entry for entry in os.environ.get("PROOFBRIDGE_SRS_PATH", "").split(os.pathsep) if entry]
    for folder in [*map(Path, named), _cache()]:
        if folder.is_dir():
            yield from sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _cache() -> Path:
    return home("cache") / "srs"
