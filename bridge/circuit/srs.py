"""The trusted setup: found, fetched, recognised; and, on a local chain only, made.

Order: the file given, PROOFBRIDGE_SRS_PATH and the cache, the mirror in PROOFBRIDGE_SRS_MIRROR, the public ceremony by
download (sha256 checked), and at last a development setup with a warning. A ceremony that cannot be reached costs at most
three seconds; where PROOFBRIDGE_OFFLINE is set, no download is tried.
"""

from __future__ import annotations

import hashlib
import os
import struct
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from queue import Empty, SimpleQueue
from urllib.error import HTTPError
from urllib.parse import urlsplit

from bridge.core.ceremony import PERPETUAL, in_srs
from bridge.core.manifest import Setup
from bridge.core.progress import Progress, silent
from bridge.core.storage import disk_errors, home, sha256_file, write_atomic
from bridge.engine.child import Call, run
from bridge.errors import SrsHashMismatch, SrsMalformed, SrsUnavailable

CONNECT_SECONDS = 3.0
MAX_LOGROWS = 26

_POINT_BYTES = 64
_G2_BYTES = 128

_SILENT_HOSTS: set[str] = set()


@dataclass(frozen=True, slots=True)
class SrsFile:
    """A setup file that was looked into."""

    path: Path
    setup: Setup

    @property
    def is_public(self) -> bool:
        """Whether it is of a public ceremony."""
        return self.setup.kind == "ceremony"


def inspect(path: Path) -> SrsFile:
    """Read a setup file's size and ceremony. Raises `SrsMalformed`, and `SrsHashMismatch` where a file with a public
    ceremony's end is not, byte for byte, one that this ceremony published.
    """
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
    digest = sha256_file(path)
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
    local = [file for file in known_files() if file.is_public and file.setup.logrows >= logrows]
    if local:
        return min(local, key=lambda file: file.setup.logrows)
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
    for file in known_files():
        if file.setup.sha256 == setup.sha256:
            return file
    if setup.kind == "ceremony" and setup.name == PERPETUAL.name:
        return fetch(setup.logrows)
    raise SrsUnavailable(logrows=setup.logrows, tried=(f"the cache for {setup.name} with sha256 {setup.sha256[:12]}…",))


def known_files() -> tuple[SrsFile, ...]:
    """Every whole setup file on the search path and in the cache."""
    found = []
    for path in _candidates():
        try:
            found.append(inspect(path))
        except (SrsMalformed, SrsHashMismatch):
            continue  # another file in a folder that may hold anything; a file given by name is not forgiven
    return tuple(found)


def fetch(logrows: int, *, progress: Progress = silent) -> SrsFile:
    """Download the public ceremony's file into the cache, checked. Raises `SrsUnavailable`, `SrsHashMismatch`."""
    if logrows not in PERPETUAL.sha256:
        raise SrsUnavailable(logrows=logrows, tried=(f"{PERPETUAL.name} has no file for 2^{logrows}",))
    if os.environ.get("PROOFBRIDGE_OFFLINE"):
        raise SrsUnavailable(logrows=logrows, tried=("no download, because PROOFBRIDGE_OFFLINE is set",))
    mirror = os.environ.get("PROOFBRIDGE_SRS_MIRROR")
    sources = [source for source in (mirror, PERPETUAL.url) if source]
    target = _cache() / f"{PERPETUAL.name}-raw-{logrows}"
    tried = []
    for source in sources:
        url = source.replace("{logrows}", str(logrows))
        progress(f"fetching the trusted setup of 2^{logrows} rows from {url}")
        try:
            raw = _download(url, _file_bytes(logrows))
        except (OSError, ValueError) as error:
            tried.append(f"{url}: {getattr(error, 'reason', error)}")
            continue
        digest = hashlib.sha256(raw).hexdigest()
        if digest != PERPETUAL.sha256[logrows]:
            raise SrsHashMismatch(path=Path(url), expected=PERPETUAL.sha256[logrows], got=digest)
        write_atomic(target, raw)
        return inspect(target)
    raise SrsUnavailable(logrows=logrows, tried=tuple(tried))


def development_setup(logrows: int, *, progress: Progress = silent) -> SrsFile:
    """A setup made here, whose maker could forge every proof; kept, because keys depend on it."""
    target = _cache() / f"development-{logrows}"
    if not target.is_file():
        scratch = target.with_name(f".{target.name}.{os.getpid()}")
        call = Call(
            "development_srs",
            f"making a development setup of 2^{logrows} rows (good for a local chain only)",
            {"path": str(scratch), "logrows": logrows},
        )
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                run([call], writes=target, progress=progress)
                # First one wins: a second process must not replace a setup that keys were built on.
                os.link(scratch, target)
            except FileExistsError:
                pass
            finally:
                scratch.unlink(missing_ok=True)
    return inspect(target)


def _kept(file: SrsFile) -> SrsFile:
    """A file that was given, where `find` looks: proving needs the very setup that the key was built on."""
    if any(known.setup.sha256 == file.setup.sha256 for known in known_files()):
        return file
    target = _cache() / f"{file.setup.name}-{file.setup.sha256[:12]}"
    write_atomic(target, file.path.read_bytes())
    return inspect(target)


def _download(url: str, size: int) -> bytes:
    """Exactly `size` bytes, or an OSError or ValueError."""
    with _connect(url) as answer:
        raw: bytes = answer.read(size + 1)
    if len(raw) != size:
        raise ValueError(f"answered {len(raw)} bytes, expected {size}")
    return raw


def _connect(url: str) -> HTTPResponse:
    """An open answer within `CONNECT_SECONDS`, looking up the name included, which no socket timeout covers.

    A host that did not answer once is not asked again by this process.
    """
    host = urlsplit(url).netloc
    if host in _SILENT_HOSTS:
        raise TimeoutError("it did not answer before")
    answers: SimpleQueue[HTTPResponse | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(urllib.request.urlopen(url, timeout=CONNECT_SECONDS))  # noqa: S310 - the size and sha256 are checked
        except (OSError, ValueError) as error:
            answers.put(error)
        except HTTPException as error:
            answers.put(OSError(f"it does not speak HTTP ({type(error).__name__})"))

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=CONNECT_SECONDS)
    except Empty:
        answer = TimeoutError(f"no answer within {CONNECT_SECONDS:.0f} s")
    if isinstance(answer, HTTPError):
        answer.close()
    elif isinstance(answer, OSError):
        _SILENT_HOSTS.add(host)
    if isinstance(answer, Exception):
        raise answer
    return answer


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
