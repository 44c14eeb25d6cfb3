from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from bridge.core.storage import disk_errors, home, publish, scratch_directory, sha256_file, write_atomic
from bridge.errors import DiskFull, NotWritable
from tests.conftest import RunOnDisk

WRITE = """
import os, sys
from pathlib import Path
from bridge.core.storage import publish, scratch_directory, write_atomic
from bridge.errors import BridgeError
disk = Path(os.environ["DISK"])
try:
    {body}
except BridgeError as error:
    print(type(error).__name__, error.path)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_whole_with_its_mode_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    write_atomic(path, "text", mode=0o600)
    assert path.read_text() == "text"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    write_atomic(path, b"\0other")
    assert path.read_bytes() == b"\0other"
    assert names(path.parent) == ["file"]


def test_a_write_that_fails_keeps_the_old_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomic(path, "old")

    def interrupted(_handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_full_disk_is_named_and_keeps_the_old_file(on_disk: RunOnDisk) -> None:
    body = 'write_atomic(disk / "file", b"old"); write_atomic(disk / "file", bytes(200_000))'
    ran = on_disk(
        "size=64k", "-c", WRITE.format(body=f"{body}\n    print('written')") + "print((disk / 'file').read_bytes())"
    )
    assert ran.out.split("\n")[0].startswith("DiskFull ")
    assert "b'old'" in ran.out
    assert [Path(left).name for left in ran.left] == ["file"]


def test_a_disk_that_is_large_enough_is_not_full(on_disk: RunOnDisk) -> None:
    ran = on_disk("size=512k", "-c", WRITE.format(body='write_atomic(disk / "file", bytes(200_000))'))
    assert ran.out == ""
    assert [Path(left).name for left in ran.left] == ["file"]


def test_a_full_disk_leaves_nothing_of_a_scratch_directory(on_disk: RunOnDisk) -> None:
    body = (
        'with scratch_directory(disk / "out") as scratch:\n'
        '        (scratch / "a").write_bytes(bytes(20_000))\n'
        '        (scratch / "b").write_bytes(bytes(200_000))'
    )
    ran = on_disk("size=64k", "-c", WRITE.format(body=body))
    assert ran.out.startswith("DiskFull ")
    assert [Path(left).name for left in ran.left] == ["out"]


def test_a_disk_without_room_for_another_name_is_full_too(on_disk: RunOnDisk) -> None:
    ran = on_disk("size=64k,nr_inodes=2", "-c", WRITE.format(body='write_atomic(disk / "a" / "b", b"text")'))
    assert ran.out.startswith("DiskFull ")


def test_a_read_only_disk_is_not_writable(on_disk: RunOnDisk) -> None:
    ran = on_disk("ro", "-c", WRITE.format(body='write_atomic(disk / "file", b"text")'))
    assert ran.out.startswith("NotWritable ")
    ran = on_disk("ro", "-c", WRITE.format(body='scratch_directory(disk / "out").__enter__()'))
    assert ran.out.startswith("NotWritable ")


@pytest.mark.parametrize("below", ["file", "folder/file"])
def test_a_file_where_a_folder_must_be_is_not_writable(tmp_path: Path, below: str) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(NotWritable, match="taken"):
        write_atomic(tmp_path / "taken" / below, "text")
    with pytest.raises(NotWritable), scratch_directory(tmp_path / "taken"):
        pytest.fail("there is no scratch directory")
    assert (tmp_path / "taken").read_text() == "mine"
    assert names(tmp_path) == ["taken"]


def test_a_folder_where_the_file_must_be_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(NotWritable):
        write_atomic(tmp_path / "folder", "text")
    assert names(tmp_path) == ["folder"]


def test_a_name_that_is_too_long_is_not_writable(tmp_path: Path) -> None:
    with pytest.raises(NotWritable, match="too long"):
        write_atomic(tmp_path / ("n" * 300), "text")
    assert names(tmp_path) == []


def test_another_failure_of_the_system_keeps_its_own_name(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Input/output") as raised, disk_errors(tmp_path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    assert not isinstance(raised.value, DiskFull | NotWritable)


def test_a_scratch_directory_vanishes_unless_it_is_published(tmp_path: Path) -> None:
    with scratch_directory(tmp_path) as scratch:
        (scratch / "file").write_text("text")
    assert names(tmp_path) == []
    with scratch_directory(tmp_path) as scratch:
        (scratch / "file").write_text("text")
        publish(scratch, tmp_path / "whole")
    assert names(tmp_path) == ["whole"]
    assert (tmp_path / "whole" / "file").read_text() == "text"


def test_a_scratch_directory_vanishes_when_the_work_fails(tmp_path: Path) -> None:
    def work() -> None:
        with scratch_directory(tmp_path) as scratch:
            (scratch / "file").write_text("text")
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        work()
    assert names(tmp_path) == []


def test_of_two_builds_of_one_name_the_first_stays(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with scratch_directory(tmp_path) as scratch:
            (scratch / "file").write_text(text)
            publish(scratch, tmp_path / "whole")
    assert (tmp_path / "whole" / "file").read_text() == "first"
    assert names(tmp_path) == ["whole"]


def test_one_variable_moves_every_folder_of_our_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(tmp_path))
    assert home("cache") == tmp_path / "cache"
    assert home("keystore") == tmp_path / "keystore"
    monkeypatch.delenv("PROOFBRIDGE_HOME")
    assert tmp_path not in home("cache").parents
    assert home("cache") != home("keystore")


def test_a_digest_is_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert sha256_file(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    path.write_bytes(b"abd")
    assert sha256_file(path) != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
