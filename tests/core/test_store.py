"""The store: made once, whole or not there, checked before it is used, and pruned without harm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.core import store
from bridge.core.store import Key
from bridge.errors import DiskFull
from tests.conftest import RunOnDisk

MAKE = """
import os, sys, time
from pathlib import Path
from bridge.core import store

def make(folder):
    with open(sys.argv[1], "a") as made:
        made.write("made\\n")
    (folder / "half").write_text("half")
    print("making", flush=True)
    time.sleep(float(sys.argv[2]))

with store.entry(store.Key.of("things", {"a": 1}), make, lambda said: print(said, flush=True)) as folder:
    print((folder / "half").read_text(), flush=True)
"""
THING = Key.of("things", {"a": 1})


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty store."""
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "cache" / "store"


class Maker:
    """Fills an entry, and counts how often it was asked to."""

    def __init__(self, text: str = "content") -> None:
        self.text = text
        self.times = 0

    def __call__(self, folder: Path) -> None:
        self.times += 1
        (folder / "file").write_text(self.text)


def read(make: Callable[[Path], None], key: Key = THING) -> str:
    with store.entry(key, make) as folder:
        return (folder / "file").read_text()


def keep(name: str, size: int, used: float) -> None:
    """An entry of that many bytes and a few, last used so many seconds ago."""
    key = Key.of("things", {"name": name})
    with store.entry(key, lambda folder: (folder / name).write_bytes(bytes(size)) and None) as folder:
        os.utime(folder / "entry.json", (time.time() - used,) * 2)


def kept() -> set[str]:
    return {path.name for item in store.entries() for path in item.path.iterdir()} - {"entry.json"}


def making(folder: Path, seconds: float) -> subprocess.Popen[str]:
    """Another process that makes the thing, and was waited for until it is at it or waits."""
    command = [sys.executable, "-c", MAKE, str(folder / "made"), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_thing_is_made_once() -> None:
    make = Maker()
    assert [read(make), read(make)] == ["content", "content"]
    assert make.times == 1
    assert read(Maker("another"), Key.of("things", {"a": 2})) == "another"
    assert read(make) == "content"


def test_a_key_is_its_kind_and_its_parts_in_any_order() -> None:
    assert Key.of("things", {"a": 1, "b": 2}) == Key.of("things", {"b": 2, "a": 1})
    digests = {
        Key.of(kind, parts).digest
        for kind, parts in (("things", {"a": 1}), ("others", {"a": 1}), ("things", {"a": "1"}), ("things", {}))
    }
    assert len(digests) == 4
    for kind in ("", "two words", "../up"):
        with pytest.raises(ValueError, match="one word"):
            Key.of(kind, {})


def test_bytes_are_remembered_and_failures_are_not() -> None:
    asked: list[int] = []

    def compute() -> bytes:
        asked.append(1)
        if len(asked) == 1:
            raise KeyboardInterrupt
        return b"\0answer"

    with pytest.raises(KeyboardInterrupt):
        store.remember("answers", {"question": 6}, compute)
    for _ in range(3):
        assert store.remember("answers", {"question": 6}, compute) == b"\0answer"
    assert len(asked) == 2


def test_work_that_fails_leaves_nothing(root: Path) -> None:
    def make(folder: Path) -> None:
        (folder / "file").write_text("half")
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        read(make)
    assert list((root / "things").iterdir()) == []
    assert read(Maker()) == "content"


@pytest.mark.parametrize("name", ["file", "entry.json"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "gone", "empty"])
def test_an_entry_that_is_damaged_is_made_again(name: str, damage: str, root: Path) -> None:
    make = Maker()
    read(make)
    (path,) = root.glob(f"things/*/{name}")
    raw = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": raw[:-1], "flipped": bytes([raw[0] ^ 1]) + raw[1:], "empty": b""}[damage])
    assert read(make) == "content"
    assert make.times == 2
    assert read(make) == "content"
    assert make.times == 2


def test_an_entry_under_another_ones_name_is_not_believed(root: Path) -> None:
    read(Maker("another"), Key.of("things", {"a": 2}))
    os.rename(root / "things" / Key.of("things", {"a": 2}).digest, root / "things" / THING.digest)
    assert read(Maker()) == "content"


def test_two_processes_at_once_do_the_work_once_and_one_of_them_says_that_it_waits(tmp_path: Path) -> None:
    with making(tmp_path, 1.0) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "making\n"
        with making(tmp_path, 1.0) as second:
            waited, _ = second.communicate(timeout=30)
        assert first.stdout.read() == "half\n"
    assert (tmp_path / "made").read_text() == "made\n"
    assert waited == "another process is at work on the same things; waiting for it\nhalf\n"


def test_two_threads_at_once_do_the_work_once() -> None:
    make = Maker()
    threads = [threading.Thread(target=read, args=(make,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert make.times == 1


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
def test_a_maker_that_is_stopped_leaves_no_entry_and_stands_in_nobodys_way(
    tmp_path: Path, root: Path, by: signal.Signals
) -> None:
    with making(tmp_path, 60) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "making\n"
        process.send_signal(by)
        process.wait()
    assert store.entries() == ()
    assert read(Maker()) == "content"
    assert [path.name for path in (root / "things").iterdir()] == [THING.digest]


def test_a_full_disk_is_named_and_leaves_no_half_entry(on_disk: RunOnDisk) -> None:
    code = (
        "import os\nos.environ['PROOFBRIDGE_HOME'] = os.environ['DISK']\n"
        "from bridge.core import store\nfrom bridge.errors import DiskFull\n"
        "try:\n    store.remember('things', {}, lambda: bytes(200_000))\nexcept DiskFull:\n    print('full')\n"
        "print(store.remember('things', {'small': True}, lambda: b'fits'))"
    )
    ran = on_disk("size=64k", "-c", code)
    assert ran.out == "full\nb'fits'\n", ran.err
    assert sum(path.endswith("value") for path in ran.left) == 1
    assert DiskFull.__name__ not in ran.err


def test_what_was_not_used_for_long_is_pruned_and_the_rest_stays() -> None:
    keep("old", 10, used=1000)
    keep("new", 10, used=10)
    (removed,) = store.prune(older_than=100)
    assert removed.digest == Key.of("things", {"name": "old"}).digest
    assert kept() == {"new"}
    assert store.prune() == store.prune(older_than=100) == ()
    assert len(store.prune(older_than=0)) == 1
    assert kept() == set()


def test_to_use_a_thing_makes_it_young() -> None:
    keep("old", 10, used=1000)
    with store.entry(Key.of("things", {"name": "old"}), Maker()):
        pass
    assert store.prune(older_than=100) == ()


def test_over_a_bound_of_bytes_the_longest_unused_go_first() -> None:
    for name, used in (("oldest", 3000), ("older", 2000), ("young", 1000)):
        keep(name, 100_000, used)
    assert store.prune(max_bytes=400_000) == ()
    assert len(store.prune(max_bytes=250_000)) == 1
    assert kept() == {"older", "young"}
    assert store.disk_bytes(store.entries()) <= 250_000
    assert len(store.prune(max_bytes=0)) == 2


def test_a_file_that_two_entries_share_is_counted_once() -> None:
    keep("one", 100_000, used=2000)
    (one,) = store.entries()
    link = Key.of("things", {"name": "two"})
    with store.entry(link, lambda folder: os.link(one.path / "one", folder / "one")):
        pass
    assert 100_000 < store.disk_bytes(store.entries()) < 110_000
    assert len(store.prune(max_bytes=50_000)) == 2  # the first alone frees nothing


def test_what_somebody_works_with_is_not_pruned(tmp_path: Path) -> None:
    keep("free", 10, used=1000)
    key = Key.of("things", {"name": "held"})
    keep("held", 10, used=1000)
    with store.hold(key):
        assert len(store.prune(older_than=100)) == 1
        assert kept() == {"held"}
        assert store.prune(max_bytes=0) == ()
    assert len(store.prune(older_than=100)) == 1


def test_an_entry_without_its_record_can_be_pruned_too(root: Path) -> None:
    (root / "things" / ("0" * 64)).mkdir(parents=True)
    (root / "things" / ("0" * 64) / "file").write_text("left by nobody knows whom")
    assert len(store.prune(older_than=0)) == 1
    assert list((root / "things").iterdir()) == []


def test_an_empty_store_has_nothing_to_show_or_prune(root: Path) -> None:
    assert store.entries() == ()
    assert store.prune(older_than=0, max_bytes=0) == ()
    assert not root.exists()
