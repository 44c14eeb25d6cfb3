from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bridge.toolchain.leash import leashed

PARENT = """
import subprocess, sys, time
from bridge.toolchain.leash import leashed
child = subprocess.Popen({command})
print(child.pid, flush=True)
time.sleep(60)
"""
SLEEP = ["/bin/sleep", "60"]


def is_gone(process: int, seconds: float = 2.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("command", "dies"), [(f"leashed({SLEEP})", True), (f"{SLEEP}", False)], ids=["on a leash", "free"]
)
def test_a_program_on_a_leash_dies_with_a_killed_parent(command: str, dies: bool) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT.format(command=command)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    try:
        while b"sleep" not in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0]:
            time.sleep(0.01)
        parent.kill()
        parent.wait()
        assert is_gone(child, 2.0 if dies else 0.3) == dies
    finally:
        parent.kill()
        parent.stdout.close()
        if not is_gone(child, 0):
            os.kill(child, 9)


def test_a_program_on_a_leash_answers_as_itself() -> None:
    done = subprocess.run(leashed(["/bin/sh", "-c", "echo $1; exit 3", "sh", "word"]), capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (3, b"word\n")


def test_a_leash_held_by_another_process_starts_nothing() -> None:
    command = leashed(["/bin/echo", "word"])
    command[2] = "1"
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
