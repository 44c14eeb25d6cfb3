"""Provers on a Dask cluster: real workers, real proofs, and a worker that dies in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bridge import verbs
from bridge.circuit import srs
from bridge.core.bundle import Bundle
from bridge.errors import SchedulerUnreachable
from bridge.relay import work
from bridge.relay.artifacts import Artifacts
from bridge.relay.cluster import cluster
from bridge.relay.work import Task
from tests.cli.conftest import free_port
from tests.conftest import Example


@contextmanager
def started(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def scheduler() -> Iterator[str]:
    port = free_port()
    options = ("--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show")
    with started("distributed.cli.dask_scheduler", *options):
        yield f"tcp://127.0.0.1:{port}"


def worker(address: str) -> tuple[str, ...]:
    return "bridge.cli.app", "worker", address


@pytest.fixture
def task(bundle: Bundle, example: Example, tmp_path: Path) -> Task:
    store = Artifacts(str(tmp_path / "store"))
    digest = store.put_bundle(bundle, srs.find(bundle.manifest.setup).path)
    row = verbs.read_input(bundle, example.sample)[0]
    return Task(store.url, digest, (store.put_row(row, bundle.manifest.circuit.inputs),))


def sleeping(seconds: float, mark: str) -> str:
    """Where it runs, told at once, and again when it is done."""
    with Path(mark).open("a") as file:
        file.write("begun\n")
    time.sleep(seconds)
    return "done"


def test_a_proof_is_made_on_another_process_of_a_cluster(scheduler: str, task: Task, bundle: Bundle) -> None:
    with started(*worker(scheduler)), cluster(scheduler) as executor:
        witness = executor.submit(work.witness, task).result(120)
        proved = executor.submit(work.prove, task, witness).result(120)
    store = Artifacts(task.store)
    proof = work.proof_in(store, proved.proof)
    assert proof.model_id == bundle.model_id
    assert proved.seconds > 0


def test_what_a_dead_worker_was_at_is_done_by_another(scheduler: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with ExitStack() as stack:
        first = stack.enter_context(started(*worker(scheduler)))
        executor = stack.enter_context(cluster(scheduler))
        future = executor.submit(sleeping, 3.0, str(mark))
        deadline = time.monotonic() + 60
        while not mark.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        kill_group(first)
        stack.enter_context(started(*worker(scheduler)))
        assert future.result(120) == "done"
    assert mark.read_text().count("begun") == 2


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """The worker and its nanny, as when a machine goes."""
    os.killpg(process.pid, signal.SIGKILL)


def test_a_scheduler_that_is_not_there_is_named() -> None:
    with pytest.raises(SchedulerUnreachable, match=r"127\.0\.0\.1:1"), cluster("tcp://127.0.0.1:1"):
        raise AssertionError
