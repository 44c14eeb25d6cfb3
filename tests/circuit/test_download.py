"""A download that is cut goes on where it ended, and no server talks it into a file that is not the right one."""

from __future__ import annotations

import contextlib
import hashlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bridge.circuit import download as module
from bridge.circuit.download import Wanted, download
from bridge.errors import SrsHashMismatch
from tests.conftest import RunOnDisk

RAW = bytes(range(256)) * 12_000
"""3 MB."""
OTHER = bytes(len(RAW))


@dataclass
class Server:
    """What it serves, how it misbehaves, and the ranges that it was asked for."""

    url: str
    raw: bytes = RAW
    mark: str | None = '"one"'
    cuts: list[int] = field(default_factory=list)
    """After so many bytes of a body the line is cut, answer by answer; then no more."""
    knows_ranges: bool = True
    lies: str | None = None
    """The Content-Range of every part."""
    status: int | None = None
    closes: bool = False
    """After the first cut it answers nothing but 503."""
    has_length: bool = True
    stalls: bool = False
    """Sends half of the file and then nothing."""
    ranges: list[str | None] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    """Serves what its server's `told` says."""

    def do_GET(self) -> None:
        told: Server = self.server.told  # type: ignore[attr-defined]
        asked = self.headers.get("Range")
        told.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and told.knows_ranges else 0
        if self.headers.get("If-Range") not in {None, told.mark}:
            start = 0
        if told.status or start >= len(told.raw):
            self.send_error(told.status or 416)
            return
        body = told.raw[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", told.lies or f"bytes {start}-{len(told.raw) - 1}/{len(told.raw)}")
        if told.mark:
            self.send_header("ETag", told.mark)
        if told.has_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if told.stalls:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            time.sleep(60)
        if told.closes:
            told.status = 503
        with contextlib.suppress(ConnectionError):  # who has read enough goes
            self.wfile.write(body[: told.cuts.pop(0)] if told.cuts else body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        http.block_on_close = False
        told = Server(f"http://127.0.0.1:{http.server_address[1]}/file")
        http.told = told  # type: ignore[attr-defined]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield told
        http.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _every_host_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SILENT_HOSTS", set())


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "file"


def wanted(server: Server, raw: bytes = RAW) -> Wanted:
    return Wanted(server.url, len(raw), hashlib.sha256(raw).hexdigest())


def names(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def begin(server: Server, target: Path, size: int) -> None:
    """An attempt that ended after so many bytes, for good."""
    server.cuts, server.closes = [size], True
    with pytest.raises(OSError, match="503"):
        download(wanted(server), target)
    server.cuts, server.closes, server.status, server.ranges = [], False, None, []
    assert names(target) == [".file.mark", ".file.part"]
    assert target.with_name(".file.part").stat().st_size == size


def test_a_file_arrives_whole_with_nothing_beside_it_and_says_how_far_it_is(server: Server, target: Path) -> None:
    said: list[str] = []
    download(wanted(server), target, said.append)
    assert target.read_bytes() == RAW
    assert names(target) == ["file"]
    assert server.ranges == [None]
    assert 1 <= len(said) <= 20
    assert all(line.endswith("of 3.1 MB of the trusted setup are here") for line in said)
    assert said == sorted(said)


def test_a_line_that_is_cut_is_taken_up_where_it_ended(server: Server, target: Path) -> None:
    server.cuts = [1_000_000, 500_000]
    download(wanted(server), target)
    assert target.read_bytes() == RAW
    assert server.ranges == [None, "bytes=1000000-", "bytes=1500000-"]


def test_the_next_run_goes_on_where_ctrl_c_ended_one(server: Server, target: Path) -> None:
    def stop(_said: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(wanted(server), target, stop)
    begun = target.with_name(".file.part").stat().st_size
    assert 0 < begun < len(RAW)
    download(wanted(server), target)
    assert target.read_bytes() == RAW
    assert server.ranges == [None, f"bytes={begun}-"]
    assert names(target) == ["file"]


def test_a_killed_download_is_taken_up_by_the_next_process(server: Server, target: Path) -> None:
    server.stalls = True
    code = (
        "import sys\nfrom pathlib import Path\nfrom bridge.circuit.download import Wanted, download\n"
        "download(Wanted(sys.argv[1], int(sys.argv[2]), sys.argv[3]), Path(sys.argv[4]))"
    )
    want = wanted(server)
    command = [sys.executable, "-c", code, want.url, str(want.size), want.sha256, str(target)]
    part = target.with_name(".file.part")
    with subprocess.Popen(command) as process:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not (part.exists() and part.stat().st_size >= len(RAW) // 2):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert not target.exists()
    server.stalls, server.ranges = False, []
    download(want, target)
    assert target.read_bytes() == RAW
    assert server.ranges == [f"bytes={len(RAW) // 2}-"]


def test_a_server_that_does_not_know_ranges_sends_all_of_it_again(server: Server, target: Path) -> None:
    begin(server, target, 1_000_000)
    server.knows_ranges = False
    download(wanted(server), target)
    assert target.read_bytes() == RAW
    assert server.ranges == ["bytes=1000000-"]


def test_a_file_that_changed_in_between_is_fetched_anew(server: Server, target: Path) -> None:
    server.raw = OTHER
    begin(server, target, 1_000_000)
    server.raw, server.mark = RAW, '"two"'
    download(wanted(server), target)
    assert target.read_bytes() == RAW
    assert server.ranges == ["bytes=1000000-"]  # answered with all of it, because the mark is another


@pytest.mark.parametrize("mark", [None, 'W/"weak"', '"one"'])
def test_a_file_that_changed_unseen_is_noticed_by_its_sha256_and_fetched_once_more(
    server: Server, target: Path, mark: str | None
) -> None:
    server.raw, server.mark = OTHER, mark
    begin(server, target, 1_000_000)
    server.raw = RAW
    download(wanted(server), target)
    assert target.read_bytes() == RAW
    assert server.ranges == ["bytes=1000000-", None]


def test_a_file_of_another_sha256_is_refused_and_not_kept(server: Server, target: Path) -> None:
    server.raw = OTHER
    with pytest.raises(SrsHashMismatch) as refused:
        download(wanted(server), target)
    assert refused.value.got == hashlib.sha256(OTHER).hexdigest()
    assert server.ranges == [None]
    assert names(target) == []
    begin(server, target, 1_000_000)
    with pytest.raises(SrsHashMismatch):
        download(wanted(server), target)
    assert server.ranges == ["bytes=1000000-", None]
    assert names(target) == []


def test_a_part_past_the_end_of_the_servers_file_is_dropped(server: Server, target: Path) -> None:
    begin(server, target, 1_000_000)
    server.status = 416
    with pytest.raises(OSError, match="416"):
        download(wanted(server), target)
    assert server.ranges == ["bytes=1000000-", None]
    server.status = None
    download(wanted(server), target)
    assert target.read_bytes() == RAW


@pytest.mark.parametrize(
    "lies", ["bytes 0-3071999/3072000", "bytes 1000000-3071999/*", "bytes 1000000-9/10", "nothing", ""]
)
def test_a_part_that_was_not_asked_for_is_not_taken(server: Server, target: Path, lies: str) -> None:
    begin(server, target, 1_000_000)
    server.lies = lies or "bytes"
    download(wanted(server), target)
    assert target.read_bytes() == RAW
    assert server.ranges == ["bytes=1000000-", None]


@pytest.mark.parametrize("size", [0, 1, len(RAW) - 1, len(RAW) + 1, 2 * len(RAW)])
def test_a_file_of_another_length_is_refused_before_it_is_fetched(server: Server, target: Path, size: int) -> None:
    server.raw = (RAW + RAW)[:size] or b""
    with pytest.raises((ValueError, OSError), match=r"expected 3072000|416"):
        download(wanted(server), target)
    assert not target.exists()
    assert target.parent.stat().st_size < 10_000
    assert ".file.part" not in names(target)


def test_a_server_that_never_stops_is_stopped(server: Server, target: Path) -> None:
    server.has_length, server.raw = False, RAW + RAW
    with pytest.raises(ValueError, match="answered more than 3072000 bytes"):
        download(wanted(server), target)
    assert names(target) == []


def test_a_file_without_a_length_that_ends_early_is_given_up_and_its_part_kept(server: Server, target: Path) -> None:
    server.has_length = False
    server.cuts = [1_000_000, 0, 0, 0, 0, 0]
    with pytest.raises(OSError, match="ended after 1000000 bytes"):
        download(wanted(server), target)
    assert len(server.ranges) == 5
    server.cuts = []
    download(wanted(server), target)
    assert target.read_bytes() == RAW


def test_a_server_that_falls_silent_in_the_middle_is_given_up_and_its_part_kept(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_SECONDS", 0.3)
    server.stalls, server.knows_ranges = True, False
    with pytest.raises(OSError, match="timed out"):
        download(wanted(server), target)
    assert target.with_name(".file.part").stat().st_size == len(RAW) // 2


def test_a_part_that_has_everything_asks_nobody(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.with_name(".file.part").write_bytes(RAW)
    download(wanted(server), target)
    assert target.read_bytes() == RAW
    assert server.ranges == []


@pytest.mark.parametrize("left", [OTHER, RAW + b"more"])
def test_a_part_of_something_else_is_replaced(server: Server, target: Path, left: bytes) -> None:
    target.parent.mkdir()
    target.with_name(".file.part").write_bytes(left)
    download(wanted(server), target)
    assert target.read_bytes() == RAW
    assert server.ranges == [None]


def test_a_server_that_is_gone_keeps_the_part(target: Path, server: Server) -> None:
    begin(server, target, 1_000_000)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        gone = Wanted(f"http://127.0.0.1:{nobody.getsockname()[1]}/file", len(RAW), "")
        with pytest.raises(OSError, match=r"refused|did not answer"):
            download(gone, target)
    download(wanted(server), target)
    assert target.read_bytes() == RAW
    assert server.ranges[-1] == "bytes=1000000-"


def test_a_full_disk_is_named_and_keeps_no_part(server: Server, on_disk: RunOnDisk) -> None:
    want = wanted(server)
    code = (
        "import os\nfrom pathlib import Path\nfrom bridge.circuit.download import Wanted, download\n"
        "from bridge.errors import DiskFull\ntarget = Path(os.environ['DISK']) / 'file'\n"
        f"try:\n    download(Wanted({want.url!r}, {want.size}, {want.sha256!r}), target)\n"
        "except DiskFull as error:\n    print('full', error.path.name)"
    )
    ran = on_disk("size=1m", "-c", code)
    assert ran.out == "full .file.part\n", ran.err
    assert ran.left == ()
