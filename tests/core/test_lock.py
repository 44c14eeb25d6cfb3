"""A lock by name: one holder, however many ask, and none after death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bridge.core.lock import locked, locked_if_free
from bridge.errors import NotWritable

HOLD = """
import sys, time
from pathlib import Path
from bridge.core.lock import locked
with locked(Path(sys.argv[1]), "waiting"):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_that_is_free_is_taken_without_a_word_and_leaves_no_file(tmp_path: Path) -> None:
    said: list[str] = []
    path = tmp_path / "new" / "lock"
    with locked(path, "waiting", said.append):
        assert path.exists()
    assert said == []
    assert list(path.parent.iterdir()) == []


def test_what_another_process_holds_is_not_free_until_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with holder(path) as process:
        with locked_if_free(path) as is_ours:
            assert not is_ours
        said: list[str] = []
        threading.Timer(0.2, process.send_signal, [signal.SIGKILL]).start()
        with locked(path, "waiting for the other", said.append):
            assert process.wait() == -signal.SIGKILL
        assert said == ["waiting for the other"]
    with locked_if_free(path) as is_ours:
        assert is_ours


def test_threads_hold_it_one_after_another(tmp_path: Path) -> None:
    inside, most, rounds = 0, 0, 0

    def work() -> None:
        nonlocal inside, most, rounds
        for _ in range(50):
            with locked(tmp_path / "lock", "waiting"):
                inside += 1
                most = max(most, inside)
                rounds += 1
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, rounds) == (1, 200)
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_let_go_when_the_work_fails(tmp_path: Path) -> None:
    def work() -> None:
        with locked(tmp_path / "lock", "waiting"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    with locked_if_free(tmp_path / "lock") as is_ours:
        assert is_ours


def test_another_name_is_another_lock(tmp_path: Path) -> None:
    with locked(tmp_path / "one", "waiting"), locked_if_free(tmp_path / "two") as is_ours:
        assert is_ours


def test_a_lock_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(NotWritable), locked(tmp_path / "taken" / "lock", "waiting"):
        pytest.fail("there is no lock")


def test_where_no_locks_are_known_the_work_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_handle: int, _how: int) -> None:
        raise OSError(37, os.strerror(37))  # ENOLCK: an NFS without its lock daemon

    monkeypatch.setattr("bridge.core.lock.fcntl.flock", refuse)
    with locked(tmp_path / "lock", "waiting"), locked_if_free(tmp_path / "lock") as is_ours:
        assert is_ours
