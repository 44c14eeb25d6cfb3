"""Provers of this machine: what kills one of them costs one try, and none of them outlives the relayer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from bridge.errors import CircuitRefused
from bridge.relay.processes import Processes


def refuse(path: Path) -> None:
    raise CircuitRefused(path=path, reason="as it should")


def use(pool: Processes) -> None:
    """Until its death is noticed, or it clearly lives."""
    for _ in range(100):
        pool.submit(time.sleep, 0.05).result(60)


@pytest.fixture
def pool() -> Iterator[Processes]:
    made = Processes(1)
    yield made
    made.shutdown()


def test_a_prover_that_dies_costs_one_try(pool: Processes) -> None:
    first = pool.submit(os.getpid).result(60)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(BrokenProcessPool):
        use(pool)
    assert pool.submit(os.getpid).result(60) != first


def test_a_named_error_comes_back_as_it_is_and_the_prover_lives_on(pool: Processes) -> None:
    process = pool.submit(os.getpid).result(60)
    with pytest.raises(CircuitRefused) as refused:
        pool.submit(refuse, Path("model.onnx")).result(60)
    assert (refused.value.path, refused.value.reason) == (Path("model.onnx"), "as it should")
    assert pool.submit(os.getpid).result(60) == process


def test_what_runs_ends_when_it_is_given_up() -> None:
    pool = Processes(1)
    process = pool.submit(os.getpid).result(60)
    running = pool.submit(time.sleep, 600)
    pool.shutdown(cancel_futures=True)
    with pytest.raises((BrokenProcessPool, CancelledError)):
        running.result(60)
    assert is_gone(process)


def test_no_prover_outlives_a_relayer_that_was_killed() -> None:
    """Whose pipes a prover holds, too: nobody would wait for their end for ever."""
    code = (
        "import os, time\n"
        "from bridge.relay.processes import Processes\n"
        "if __name__ == '__main__':\n"
        "    pool = Processes(1)\n"
        "    print(pool.submit(os.getpid).result(60), flush=True)\n"
        "    pool.submit(time.sleep, 600)\n"
        "    time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    prover = int(parent.stdout.readline())
    parent.kill()
    parent.communicate(timeout=30)
    assert is_gone(prover)


def is_gone(process: int, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
