"""A file of a known size and sha256, fetched: resumed where an earlier attempt ended, and in its place only when it is right.

What has come lies beside the target in a hidden `.part` file, which survives a cut line, Ctrl-C and a kill. No server is believed:
neither that it continues where it was asked to, nor that it serves the same file as before, nor that it says how long it is.
"""

from __future__ import annotations

import os
import threading
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit

from bridge.core.progress import Progress, silent
from bridge.core.storage import disk_errors, sha256_file
from bridge.errors import DiskFull, SrsHashMismatch

CONNECT_SECONDS = 3.0
READ_SECONDS = 30.0
"""How long a server may say nothing in the middle of a file."""
_ATTEMPTS = 4
"""Connections in a row that may bring nothing before the server is given up."""
_CHUNK_BYTES = 1 << 20
_STEPS = 20
"""How often a download tells how far it is."""
_PARTIAL, _PAST_THE_END = 206, 416

_SILENT_HOSTS: set[str] = set()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be fetched, and how it is recognised."""

    url: str
    size: int
    """Bytes, exactly: nothing longer is written."""
    sha256: str


def download(wanted: Wanted, target: Path, progress: Progress = silent) -> None:
    """Fetch a file to `target`; whoever calls holds the target's lock.

    Raises OSError and ValueError where the server does not give it, `SrsHashMismatch` where it gives another file, and `DiskFull`,
    `NotWritable`.
    """
    part = _Part(target, wanted)
    resumed = part.size > 0
    try:
        _fill(part, wanted, progress)
        got = sha256_file(part.path)
        if got != wanted.sha256 and resumed:  # the two halves may be of different files: once more, from one
            part.drop()
            _fill(part, wanted, progress)
            got = sha256_file(part.path)
    except DiskFull:
        part.drop()
        raise
    if got != wanted.sha256:
        part.drop()
        raise SrsHashMismatch(path=Path(wanted.url), expected=wanted.sha256, got=got)
    part.become(target)


class _Part:
    """The bytes that have come so far, and the mark that the server gave the file they are of."""

    def __init__(self, target: Path, wanted: Wanted) -> None:
        self.path = target.with_name(f".{target.name}.part")
        self._mark = target.with_name(f".{target.name}.mark")
        self._wanted = wanted
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        if self.size > wanted.size:
            self.drop()

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def request(self) -> urllib.request.Request:
        """For what is missing; for all of it where the server's file is no longer the one that was begun."""
        request = urllib.request.Request(self._wanted.url)  # noqa: S310 - the size and sha256 are checked
        if self.size:
            request.add_header("Range", f"bytes={self.size}-")
            url, _, mark = self._mark.read_text().partition("\n") if self._mark.exists() else ("", "", "")
            if mark and url == self._wanted.url:
                request.add_header("If-Range", mark)
        return request

    def open(self, answer: HTTPResponse) -> IO[bytes]:
        """Where the answer's bytes belong: after the others or, if the server begins anew, in their place."""
        with disk_errors(self.path):
            if _status(answer) == _PARTIAL:
                return self.path.open("ab")
            mark = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
            # A weak mark stands for files that are alike, not the same.
            self._mark.write_text(f"{self._wanted.url}\n{'' if mark.startswith('W/') else mark}")
            return self.path.open("wb")

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)
        self._mark.unlink(missing_ok=True)

    def become(self, target: Path) -> None:
        with disk_errors(target):
            with self.path.open("rb") as stream:
                os.fsync(stream.fileno())
            os.replace(self.path, target)
            self._mark.unlink(missing_ok=True)


def _fill(part: _Part, wanted: Wanted, progress: Progress) -> None:
    """Go on until the part has the whole size, connection after connection as long as they bring something."""
    fruitless = 0
    while part.size < wanted.size:
        before = part.size
        reason: Exception = ConnectionError(f"it ended after {before} bytes, expected {wanted.size}")
        try:
            with _connect(part.request()) as answer:
                _check(answer, part, wanted)
                _receive(answer, part, wanted, progress)
        except HTTPError as error:
            if error.code != _PAST_THE_END or not before:
                raise
            part.drop()  # its file ends where ours goes on: they are two
        except _AnotherRangeError:
            part.drop()
        except (OSError, HTTPException) as error:
            reason = error
            if not part.size:
                raise
        fruitless = 0 if part.size > before else fruitless + 1
        if fruitless >= _ATTEMPTS:
            raise reason if isinstance(reason, OSError) else ConnectionError(str(reason))


class _AnotherRangeError(Exception):
    """The server sends a part of the file, but not the one that was asked for."""


def _check(answer: HTTPResponse, part: _Part, wanted: Wanted) -> None:
    """Whether the answer can be what is wanted, before a byte of it is kept. Raises ValueError, `_AnotherRangeError`."""
    if _status(answer) == _PARTIAL:
        said = answer.headers.get("Content-Range", "")
        if said != f"bytes {part.size}-{wanted.size - 1}/{wanted.size}":
            raise _AnotherRangeError
        return
    length = answer.headers.get("Content-Length")
    if length is not None and length != str(wanted.size):
        raise ValueError(f"answered {length} bytes, expected {wanted.size}")


def _receive(answer: HTTPResponse, part: _Part, wanted: Wanted, progress: Progress) -> None:
    """Append what comes. Raises ValueError where that is more than was wanted."""
    with part.open(answer) as stream:
        size = stream.tell()
        step = size * _STEPS // wanted.size
        while chunk := answer.read1(_CHUNK_BYTES):
            size += len(chunk)
            if size > wanted.size:
                part.drop()
                raise ValueError(f"answered more than {wanted.size} bytes, expected {wanted.size}")
            with disk_errors(part.path):
                stream.write(chunk)
                stream.flush()  # what has come is kept, whatever ends this process
            if size * _STEPS // wanted.size > step and size < wanted.size:
                step = size * _STEPS // wanted.size
                progress(f"{size / 1e6:.1f} of {wanted.size / 1e6:.1f} MB of the trusted setup are here")


def _connect(request: urllib.request.Request) -> HTTPResponse:
    """An open answer within `CONNECT_SECONDS`, looking up the name included, which no socket timeout covers.

    A host that did not answer once is not asked again by this process.
    """
    host = urlsplit(request.full_url).netloc
    if host in _SILENT_HOSTS:
        raise TimeoutError("it did not answer before")
    answers: SimpleQueue[HTTPResponse | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(urllib.request.urlopen(request, timeout=READ_SECONDS))  # noqa: S310 - see `_Part.request`
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


def _status(answer: HTTPResponse) -> int | None:
    """None where the answer is no HTTP (a file:// URL of a mirror on this machine)."""
    return getattr(answer, "status", None)
