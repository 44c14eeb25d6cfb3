"""ezkl in a child process: its answers, its refusals, and every way in which it can end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.engine.child import Answer, Call, run
from bridge.engine.ezkl import _MAX_BITS, _least
from bridge.errors import EngineDied, EngineFailed, EngineTimeout
from tests.conftest import RunOnDisk

VERSION = Call("version", "asking the version", {})
LONG_LOGROWS = 22
"""A setup of that size takes minutes."""


def setup(path: Path, logrows: int, *, optional: bool = False) -> Call:
    return Call("development_srs", "making a setup", {"path": str(path), "logrows": logrows}, optional=optional)


def children(parent: int) -> list[int]:
    """Process ids of the living children of a process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if int(fields[1]) == parent and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def engines(parent: int) -> list[int]:
    """Those of them that run the engine."""
    found = []
    for child in children(parent):
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"bridge.engine.ezkl" in command:
            found.append(child)
    return found


def wait_for_engine(parent: int) -> int:
    """The engine of a process, once ezkl is at work in it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for child in engines(parent):
            if b"/ezkl" in Path(f"/proc/{child}/maps").read_bytes():
                return child
        time.sleep(0.02)
    raise AssertionError("no engine was started")


def is_gone(process: int, seconds: float = 2.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(autouse=True)
def _nothing_is_left_running() -> Iterator[None]:
    yield
    assert engines(os.getpid()) == []


def test_a_call_is_answered_with_its_result_and_its_cost(tmp_path: Path) -> None:
    stages: list[str] = []
    answers = run([VERSION, setup(tmp_path / "srs", 4)], progress=stages.append)
    assert [answer.result for answer in answers] == [version("ezkl"), None]
    assert all(answer.refusal is None for answer in answers)
    assert 0 < answers[1].seconds < 30
    assert 10 * 2**20 < answers[1].peak_memory_bytes < 2**33
    assert stages == ["asking the version", "making a setup"]
    assert (tmp_path / "srs").stat().st_size == 4 + 2 * 16 * 64 + 256


def test_no_calls_have_no_answers() -> None:
    assert run([]) == ()


def test_a_refusal_of_ezkl_is_told_in_its_own_words(tmp_path: Path) -> None:
    missing = tmp_path / "missing.ezkl"
    call = Call("setup", "making keys", {"circuit": str(missing), "vk": "vk", "pk": "pk", "srs": "srs"})
    with pytest.raises(EngineFailed) as refused:
        run([VERSION, call])
    assert refused.value.step == "making keys"
    assert "No such file" in f"{refused.value.reason} {refused.value.log}"


def test_a_call_after_a_refusal_is_not_awaited(tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match="logrows 0 is not between"):
        run([setup(tmp_path / "srs", 0), setup(tmp_path / "long", LONG_LOGROWS)])


def test_an_optional_call_may_be_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    first, second = run([setup(tmp_path / "srs", 0, optional=True), VERSION])
    assert first.result is None
    assert "logrows 0 is not between" in (first.refusal or "")
    assert second.result == version("ezkl")
    assert second.refusal is None


def test_what_is_enough_ends_the_calls_and_the_child(tmp_path: Path) -> None:
    told: list[int] = []

    def go_on(number: int, _answer: Answer) -> bool:
        told.append(number)
        return number < 1

    started = time.monotonic()
    answers = run([VERSION, VERSION, setup(tmp_path / "srs", LONG_LOGROWS)], go_on=go_on)
    assert [answer.result for answer in answers] == [version("ezkl")] * 2
    assert told == [0, 1]
    assert time.monotonic() - started < 10
    assert engines(os.getpid()) == []


@given(st.integers(1, _MAX_BITS), st.integers(0, _MAX_BITS))
def test_the_least_that_holds_is_found_from_every_guess_and_quickly_from_a_near_one(least: int, guess: int) -> None:
    asked: list[int] = []

    def holds(bits: int) -> bool:
        asked.append(bits)
        return bits >= least

    assert _least(holds, guess) == least
    assert len(asked) == len(set(asked)) <= 12
    if abs(guess - least) <= 1 < guess < _MAX_BITS:
        assert len(asked) <= 4


def test_a_call_that_does_not_exist_is_a_failure_and_not_a_silence() -> None:
    with pytest.raises(EngineFailed, match="no_such_call"):
        run([Call("no_such_call", "trying", {})])


def test_a_child_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(EngineTimeout) as raised:
        run([VERSION, setup(tmp_path / "srs", LONG_LOGROWS)], timeout=3)
    assert 2.9 < time.monotonic() - started < 6
    assert (raised.value.step, raised.value.seconds) == ("making a setup", 3)
    assert engines(os.getpid()) == []


def test_a_child_that_is_killed_is_told_with_its_signal_and_its_memory(tmp_path: Path) -> None:
    def kill() -> None:
        os.kill(wait_for_engine(os.getpid()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(EngineDied) as raised:
        run([setup(tmp_path / "srs", LONG_LOGROWS)])
    killer.join()
    assert raised.value.exit_code == -signal.SIGKILL
    assert raised.value.step == "making a setup"
    assert raised.value.peak_memory_bytes > 10 * 2**20
    assert "exit code -9" in str(raised.value)


PARENT = """
import sys
from pathlib import Path
from bridge.engine.child import Call, run
run([Call("development_srs", "", {"path": sys.argv[1], "logrows": 22})])
"""


def test_a_child_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "srs")])
    try:
        engine = wait_for_engine(parent.pid)
        assert not is_gone(engine, 0.3)
    finally:
        parent.kill()
        parent.wait()
    assert is_gone(engine)


def test_an_engine_whose_parent_is_gone_already_does_not_start() -> None:
    """The number is that of a process which is not the parent."""
    done = subprocess.run(
        [sys.executable, "-m", "bridge.engine.ezkl", "1"],
        input=json.dumps({"calls": [["version", {}]]}).encode(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, b"")


def test_what_ezkl_prints_does_not_reach_the_answers(tmp_path: Path) -> None:
    """The call writes to file descriptor 1, as Rust does, and to Python's standard output."""
    noise = (
        "import os, sys; from bridge.engine import ezkl;"
        "ezkl.CALLS['version'] = lambda: (os.write(1, b'{\"ok\": \"forged\"}\\n'), print('noise'), 'true')[-1];"
        "sys.argv = ['engine', str(os.getppid())]; ezkl.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", noise],
        input=json.dumps({"calls": [["version", {}]]}).encode(),
        capture_output=True,
        check=True,
    )
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["ok"] == "true"
    assert b"forged" in done.stderr


def test_a_large_job_and_a_large_answer_pass_through_the_pipes() -> None:
    call = Call("run", "running", {"circuit": "x" * 500_000, "data": "none", "output": "y"})
    with pytest.raises(EngineFailed):
        run([call])


def test_a_full_disk_is_named_by_where_ezkl_writes(on_disk: RunOnDisk) -> None:
    code = (
        "import os; from pathlib import Path; from bridge.engine.child import Call, run\n"
        "from bridge.errors import DiskFull\n"
        "disk = Path(os.environ['DISK'])\n"
        "call = Call('development_srs', '', {'path': str(disk / 'srs'), 'logrows': LOGROWS})\n"
        "try: run([call], writes=disk)\n"
        "except DiskFull as error: print('full', error.path == disk)\n"
        "else: print('written')\n"
    )
    assert on_disk("size=64k", "-c", code.replace("LOGROWS", "10")).out == "full True\n"
    assert on_disk("size=64k", "-c", code.replace("LOGROWS", "3")).out == "written\n"
