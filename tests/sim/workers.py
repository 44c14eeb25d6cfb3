"""Proofs a second of two Dask workers against one, with real proofs, beside what the machine lets two plain processes do.

    python -m tests.sim.workers --proofs 32

ezkl proves with as many threads as there are cores. Each worker and each process gets one, as if it were a machine of its own:
else the second would only share what the first had already.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from bridge.circuit import srs
from bridge.relay import work
from bridge.relay.artifacts import Artifacts
from bridge.relay.cluster import cluster
from bridge.relay.work import Task
from tests.sim.linear import linear_bundle, linear_rows

_THREADS = {"RAYON_NUM_THREADS": "1"}
_SECONDS = 600.0
_GATHER_SECONDS = 120.0
"""In which workers have to come: one that finds no scheduler within 20 seconds goes, which a busy machine can be the reason of."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Proofs a second."""

    one: float
    two: float

    @property
    def times(self) -> float:
        """How many times as many two make."""
        return self.two / self.one


def through_dask(tasks: Sequence[Task], workers: int) -> float:
    """Proofs a second of so many workers, each as an operator starts it."""
    address = f"tcp://127.0.0.1:{_free_port()}"
    port = address.rpartition(":")[2]
    with ExitStack() as stack:
        scheduler = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port)
        stack.enter_context(_started(*scheduler, "--no-dashboard", "--no-show"))
        for _ in range(workers):
            stack.enter_context(_started("bridge.cli.app", "worker", address, "--proofs", "1"))
        executor = stack.enter_context(cluster(address))
        _gather(executor, workers)
        return _rate(executor, tasks)


def through_processes(tasks: Sequence[Task], processes: int) -> float:
    """Proofs a second of so many processes of this machine, which nothing but a pipe connects."""
    with ProcessPoolExecutor(processes, get_context("spawn"), initializer=_one_thread) as pool:
        _gather(pool, processes)
        return _rate(pool, tasks)


def _one_thread() -> None:
    os.environ.update(_THREADS)


def _gather(executor: Executor, count: int) -> None:
    """Wait until so many are there, and have imported what they need."""
    deadline = time.monotonic() + _GATHER_SECONDS
    while len({future.result(_SECONDS) for future in [executor.submit(_who, 0.5) for _ in range(2 * count)]}) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"fewer than {count} workers came: is the machine busy?")


def _who(seconds: float) -> int:
    """Long enough for others to take the next."""
    time.sleep(seconds)
    return os.getpid()


def _rate(executor: Executor, tasks: Sequence[Task]) -> float:
    """As the relayer does it: a witness, and when it is there its proof. The first two are made once before, uncounted."""
    _prove(executor, tasks[:2])
    started = time.monotonic()
    _prove(executor, tasks)
    return len(tasks) / (time.monotonic() - started)


def _prove(executor: Executor, tasks: Sequence[Task]) -> None:
    witnesses = {executor.submit(work.witness, task): task for task in tasks}
    proofs = [
        executor.submit(work.prove, witnesses[witness], witness.result())
        for witness in as_completed(witnesses, timeout=_SECONDS)
    ]
    for proof in proofs:
        proof.result(_SECONDS)


@contextmanager
def _started(*command: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **_THREADS},
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _told(kind: str, rate: float) -> float:
    """A rate, said while the rest is measured."""
    sys.stderr.write(f"{kind}: {rate:.2f} proofs a second\n")
    return rate


def _tasks(folder: Path, count: int, features: int) -> list[Task]:
    bundle = linear_bundle(folder, features=features, outputs=features)
    store = Artifacts(str(folder / "store"))
    digest = store.put_bundle(bundle, srs.find(bundle.manifest.setup).path)
    inputs = bundle.manifest.circuit.row.inputs
    return [Task(store.url, digest, (store.put_row(row, inputs),)) for row in linear_rows(bundle, folder, count)]


def main() -> None:
    """Print the figures as JSON, and a table for people beside it."""
    parser = argparse.ArgumentParser(description="Proofs a second of two Dask workers against one.")
    parser.add_argument("--proofs", type=int, default=32)
    parser.add_argument(
        "--features", type=int, default=64, help="Of the model, as many in as out: how long a proof takes."
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        tasks = _tasks(Path(name), chosen.proofs, chosen.features)
        plain, dask = (
            Rates(_told(kind, make(tasks, 1)), _told(kind, make(tasks, 2)))
            for kind, make in (("plain processes", through_processes), ("Dask workers", through_dask))
        )
    rows = {"plain processes": plain, "Dask workers": dask}
    sys.stderr.write("| proofs a second | one | two | times |\n| --- | ---: | ---: | ---: |\n")
    for kind, rates in rows.items():
        sys.stderr.write(f"| {kind} | {rates.one:.2f} | {rates.two:.2f} | {rates.times:.2f} |\n")
    document = {kind: {"one": rates.one, "two": rates.two, "times": rates.times} for kind, rates in rows.items()}
    cores = os.cpu_count()
    sys.stdout.write(json.dumps({"proofs": chosen.proofs, "cores": cores, **document}, indent=2) + "\n")


if __name__ == "__main__":
    main()
