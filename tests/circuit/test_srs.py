"""The order in which a trusted setup is found, and what a mirror may and may not do. Nobody is asked but 127.0.0.1."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bridge.circuit import download, lagrange, srs
from bridge.core.ceremony import PERPETUAL
from bridge.core.manifest import Setup
from bridge.core.storage import sha256_file
from bridge.errors import NotWritable, SrsHashMismatch, SrsMalformed, SrsUnavailable


@dataclass
class Mirror:
    """An HTTP server on this machine and what it was asked for."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    seconds: float = 0
    """How long it thinks."""


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            time.sleep(served.seconds)
            raw = served.files.get(self.path)
            self.send_response(404 if raw is None else 200)
            self.send_header("Content-Length", str(len(raw or b"")))
            self.end_headers()
            self.wfile.write(raw or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Mirror(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield served
        server.shutdown()
        thread.join()


@pytest.fixture
def silent_url() -> Iterator[str]:
    """A host that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/kzg{{logrows}}.srs"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, downloads allowed, and the ceremony's own address out of reach."""
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PROOFBRIDGE_OFFLINE")
    monkeypatch.setattr(srs, "PERPETUAL", replace(PERPETUAL, url="http://127.0.0.1:9/kzg{logrows}.srs"))
    monkeypatch.setattr(download, "_SILENT_HOSTS", set())
    return tmp_path / "home"


def test_a_file_that_is_given_comes_first_and_is_kept(perpetual: Path, home: Path) -> None:
    srs.development_setup(1)
    file = srs.resolve(1, given=perpetual)
    assert file.is_public
    assert file.path.parent == home / "cache" / "srs"
    assert file.path.read_bytes() == perpetual.read_bytes()
    assert srs.find(file.setup) == file
    assert srs.resolve(1, given=perpetual) in {file, srs.inspect(perpetual)}


def test_a_given_file_is_not_forgiven(perpetual: Path, tmp_path: Path) -> None:
    with pytest.raises(SrsUnavailable, match=r"holds only 2\^1"):
        srs.resolve(2, given=perpetual)
    raw = bytearray(perpetual.read_bytes())
    raw[10] ^= 1
    (tmp_path / "forged").write_bytes(raw)
    with pytest.raises(SrsHashMismatch):
        srs.resolve(1, given=tmp_path / "forged")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(SrsMalformed):
        srs.resolve(1, given=tmp_path / "text")


def test_the_search_path_comes_before_a_download(
    hermez: Path, perpetual: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROOFBRIDGE_SRS_MIRROR", f"{mirror.url}/{{logrows}}")
    folders = [tmp_path / "one", tmp_path / "two", tmp_path / "missing"]
    for folder, file in zip(folders, (hermez, perpetual), strict=False):
        folder.mkdir()
        shutil.copy(file, folder)
        (folder / "notes.txt").write_text("another file in the folder")
    monkeypatch.setenv("PROOFBRIDGE_SRS_PATH", os.pathsep.join(map(str, folders)))
    assert srs.resolve(1).setup.logrows == 1  # the smallest that is large enough
    assert srs.resolve(2).setup == srs.inspect(hermez).setup
    assert mirror.asked == []
    assert srs.find(srs.inspect(perpetual).setup).path == folders[1] / perpetual.name


def test_a_forged_file_on_the_search_path_is_passed_over(
    perpetual: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    raw = bytearray(perpetual.read_bytes())
    raw[10] ^= 1
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / perpetual.name).write_bytes(raw)
    monkeypatch.setenv("PROOFBRIDGE_SRS_PATH", str(tmp_path / "folder"))
    assert srs.known_files() == ()
    with pytest.raises(SrsUnavailable):
        srs.resolve(1, development=False)


def test_a_mirror_is_asked_for_the_size_and_its_file_is_kept(
    perpetual: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    mirror.files["/kzg1.srs"] = perpetual.read_bytes()
    monkeypatch.setenv("PROOFBRIDGE_SRS_MIRROR", f"{mirror.url}/kzg{{logrows}}.srs")
    stages: list[str] = []
    file = srs.resolve(1, progress=stages.append)
    assert mirror.asked == ["/kzg1.srs"]
    assert file.path == home / "cache" / "srs" / "perpetual-powers-of-tau-raw-1"
    assert (file.setup.kind, file.setup.name) == ("ceremony", "perpetual-powers-of-tau")
    assert stages == [f"fetching the trusted setup of 2^1 rows from {mirror.url}/kzg1.srs"]
    assert srs.resolve(1) == srs.find(file.setup) == file
    assert mirror.asked == ["/kzg1.srs"]


def test_a_setup_of_a_ceremony_that_is_gone_is_fetched_again(
    perpetual: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.files["/1"] = perpetual.read_bytes()
    monkeypatch.setenv("PROOFBRIDGE_SRS_MIRROR", f"{mirror.url}/{{logrows}}")
    assert srs.find(srs.inspect(perpetual).setup).setup == srs.inspect(perpetual).setup
    assert mirror.asked == ["/1"]


def test_a_mirror_with_wrong_bytes_is_refused_and_nothing_is_kept(
    perpetual: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    raw = bytearray(perpetual.read_bytes())
    raw[10] ^= 1
    mirror.files["/1"] = bytes(raw)
    monkeypatch.setenv("PROOFBRIDGE_SRS_MIRROR", f"{mirror.url}/{{logrows}}")
    with pytest.raises(SrsHashMismatch) as refused:
        srs.resolve(1)
    assert refused.value.expected == PERPETUAL.sha256[1]
    assert f"127.0.0.1:{mirror.url.rpartition(':')[2]}" in str(refused.value.path)
    assert [path for path in home.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("extra", [-1, 1, 10_000])
def test_a_mirror_with_another_number_of_bytes_has_no_setup(
    perpetual: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch, extra: int
) -> None:
    raw = perpetual.read_bytes()
    mirror.files["/1"] = raw[:extra] if extra < 0 else raw + bytes(extra)
    monkeypatch.setenv("PROOFBRIDGE_SRS_MIRROR", f"{mirror.url}/{{logrows}}")
    with pytest.raises(SrsUnavailable, match="bytes, expected 516"):
        srs.fetch(1)


def test_a_mirror_without_the_file_leaves_the_ceremony_and_then_a_development_setup(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("PROOFBRIDGE_SRS_MIRROR", f"{mirror.url}/{{logrows}}")
    with pytest.raises(SrsUnavailable) as refused:
        srs.resolve(2, development=False)
    assert [said.split(":")[0] for said in refused.value.tried] == [
        "PROOFBRIDGE_SRS_PATH and the cache",
        "http",
        "http",
    ]
    assert "404" not in refused.value.tried[0]
    assert "Not Found" in refused.value.tried[1]
    assert "127.0.0.1:9/kzg2.srs" in refused.value.tried[2]
    assert mirror.asked == ["/2"]
    file = srs.resolve(2)
    assert not file.is_public
    assert file.path == home / "cache" / "srs" / "development-2"


@pytest.mark.parametrize(
    "nonsense",
    ["nowhere", "file:///etc/hostname", "file:///missing", "http://[", "http://127.0.0.1:9/{other}{}{", "gopher://a"],
)
def test_a_mirror_that_is_no_url_is_passed_over(monkeypatch: pytest.MonkeyPatch, nonsense: str) -> None:
    monkeypatch.setenv("PROOFBRIDGE_SRS_MIRROR", nonsense)
    started = time.monotonic()
    with pytest.raises(SrsUnavailable) as refused:
        srs.fetch(1)
    assert len(refused.value.tried) == 2
    assert time.monotonic() - started < 2


def test_a_host_that_does_not_speak_http_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def greet() -> None:
        with listening.accept()[0] as peer:
            peer.recv(1000)
            peer.sendall(b"220 mail.example.com ESMTP\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=greet)
        thread.start()
        monkeypatch.setenv("PROOFBRIDGE_SRS_MIRROR", f"http://127.0.0.1:{listening.getsockname()[1]}/")
        with pytest.raises(SrsUnavailable, match="does not speak HTTP"):
            srs.fetch(1)
        thread.join()


def test_a_host_that_never_answers_costs_three_seconds_once(silent_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROOFBRIDGE_SRS_MIRROR", silent_url)
    started = time.monotonic()
    with pytest.raises(SrsUnavailable):
        srs.fetch(1)
    assert 2.5 < time.monotonic() - started < 4.5
    started = time.monotonic()
    with pytest.raises(SrsUnavailable, match="did not answer before"):
        srs.fetch(1)
    assert time.monotonic() - started < 0.5


def test_offline_nobody_is_asked(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROOFBRIDGE_SRS_MIRROR", f"{mirror.url}/{{logrows}}")
    monkeypatch.setenv("PROOFBRIDGE_OFFLINE", "1")
    with pytest.raises(SrsUnavailable, match="PROOFBRIDGE_OFFLINE"):
        srs.resolve(1, development=False)
    assert mirror.asked == []


def test_a_development_setup_is_kept_because_keys_depend_on_it(home: Path) -> None:
    stages: list[str] = []
    first = srs.development_setup(3, progress=stages.append)
    raw = first.path.read_bytes()
    again = srs.development_setup(3, progress=stages.append)
    assert again == first
    assert again.path.read_bytes() == raw
    assert len(stages) == 1
    assert "good for a local chain only" in stages[0]
    assert [path.name for path in (home / "cache" / "srs").iterdir()] == ["development-3"]
    assert srs.find(first.setup) == first


def test_two_development_setups_have_two_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = srs.development_setup(3)
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(tmp_path / "elsewhere"))
    assert srs.development_setup(3).setup.sha256 != first.setup.sha256
    with pytest.raises(SrsUnavailable, match=first.setup.sha256[:12]):
        srs.find(first.setup)


def test_a_setup_that_nobody_has_is_named() -> None:
    with pytest.raises(SrsUnavailable, match=r"no file for 2\^27"):
        srs.fetch(27)
    with pytest.raises(SrsUnavailable, match="hermez"):
        srs.find(Setup("ceremony", "hermez", 11, "00" * 32))


def test_a_cache_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(tmp_path / "file"))
    with pytest.raises(NotWritable):
        srs.development_setup(2)


def test_what_is_in_the_cache_is_not_fetched_again_unless_it_is_damaged(
    perpetual: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.files["/1"] = perpetual.read_bytes()
    monkeypatch.setenv("PROOFBRIDGE_SRS_MIRROR", f"{mirror.url}/{{logrows}}")
    file = srs.fetch(1)
    assert srs.fetch(1) == file
    assert mirror.asked == ["/1"]
    file.path.write_bytes(perpetual.read_bytes()[:-1])
    assert srs.fetch(1) == file
    assert mirror.asked == ["/1", "/1"]


def test_of_threads_that_want_one_file_one_fetches_it_and_the_others_say_that_they_wait(
    perpetual: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.files["/1"] = perpetual.read_bytes()
    mirror.seconds = 0.5
    monkeypatch.setenv("PROOFBRIDGE_SRS_MIRROR", f"{mirror.url}/{{logrows}}")
    stages: list[str] = []
    threads = [threading.Thread(target=srs.fetch, args=(1,), kwargs={"progress": stages.append}) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mirror.asked == ["/1"]
    assert sum(stage.endswith("waiting") for stage in stages) == 2


def test_a_setup_of_the_circuits_own_size_is_taken_as_it_is(home: Path) -> None:
    made = srs.development_setup(3)
    assert srs.fitting(made, 3) == made
    assert not (home / "cache" / "srs" / "cuts").exists()


def test_a_larger_setup_is_cut_once_and_stays_the_one_on_record(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    made = srs.development_setup(4)
    stages: list[str] = []
    part = srs.fitting(made, 3, stages.append)
    assert part.setup == made.setup
    assert part.path.read_bytes() == lagrange.cut(made.path.read_bytes(), 3)
    assert stages[0].startswith("cutting the setup of 2^4 rows down to 2^3, once")
    assert stages[-1].endswith("100 %")
    assert len(stages) == len(set(stages))
    monkeypatch.setattr(lagrange, "cut", lambda *_: pytest.fail("cut again"))
    assert srs.fitting(made, 3) == part
    assert srs.known_files() == (made,), "a cut is no setup of its own"
    assert srs.find(made.setup) == made


def test_two_setups_have_two_cuts(monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path) -> None:
    one = srs.development_setup(3)
    other = srs.SrsFile(tmp_path / "other", replace(one.setup, sha256="11" * 32))
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(tmp_path / "elsewhere"))
    shutil.copy(srs.development_setup(3).path, other.path)
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(home))
    assert srs.fitting(one, 2).path.read_bytes() != srs.fitting(other, 2).path.read_bytes()


def test_where_a_cut_cannot_be_kept_the_whole_serves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = srs.development_setup(3)
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(tmp_path / "file"))
    assert srs.fitting(made, 2) == made


def test_what_would_take_hours_is_left_to_ezkl(monkeypatch: pytest.MonkeyPatch) -> None:
    made = srs.development_setup(4)
    monkeypatch.setattr(srs, "MAX_CUT", 2)
    assert srs.fitting(made, 3) == made
    assert srs.fitting(made, 2) != made


class Hashing:
    """Counts the files whose bytes are read for their sha256."""

    def __init__(self) -> None:
        self.paths: list[Path] = []

    def __call__(self, path: Path) -> str:
        self.paths.append(path)
        return sha256_file(path)


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> Hashing:
    counting = Hashing()
    monkeypatch.setattr(srs, "sha256_file", counting)
    monkeypatch.setattr(srs, "_LONG_TO_HASH", 0)
    return counting


def test_a_large_file_is_hashed_once_until_it_changes(hashing: Hashing) -> None:
    made = srs.development_setup(3)
    hashing.paths.clear()
    assert srs.find(made.setup) == srs.find(made.setup) == made
    assert srs.known_files() == (made,)
    assert hashing.paths == [made.path]
    raw = bytearray(made.path.read_bytes())
    raw[10] ^= 1
    before = made.path.stat()
    made.path.write_bytes(raw)
    os.utime(made.path, ns=(before.st_atime_ns, before.st_mtime_ns))  # the time can be set back, the inode's own cannot
    with pytest.raises(SrsUnavailable):
        srs.find(made.setup)
    assert len(hashing.paths) == 2


def test_a_file_that_is_inspected_by_name_is_read_every_time(hashing: Hashing) -> None:
    made = srs.development_setup(3)
    hashing.paths.clear()
    srs.inspect(made.path)
    srs.inspect(made.path)
    assert hashing.paths == [made.path] * 2


def test_a_file_of_another_size_is_not_hashed_to_find_one(hashing: Hashing) -> None:
    made, larger = srs.development_setup(3), srs.development_setup(4)
    hashing.paths.clear()
    assert srs.find(made.setup) == made
    assert larger.path not in hashing.paths


def test_a_cache_that_cannot_remember_makes_it_slow_and_not_impossible(hashing: Hashing, home: Path) -> None:
    made = srs.development_setup(3)
    shutil.rmtree(home / "cache" / "store", ignore_errors=True)
    (home / "cache" / "store").write_text("no folder")
    assert srs.find(made.setup) == srs.find(made.setup) == made
