"""Our circuit of each model beside ezkl's default, measured in one run on one machine.

Both are proved in turns, now one first and now the other, so that a machine that grows slow is slow for both. Medians are kept. The
default is calibrated by ezkl itself, and its verifier is compiled as ezkl does, for one run of the optimizer; it is measured even
where no chain would take its code.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.circuit import srs as trusted_setup
from bridge.circuit.fidelity import CALIBRATION, measure
from bridge.circuit.keys import make_keys
from bridge.circuit.model import read_model
from bridge.circuit.order import Order
from bridge.circuit.ranking import Bounds, Ranked, Ranking
from bridge.circuit.search import search
from bridge.circuit.settings import MARGIN, Objective
from bridge.circuit.srs import SrsFile
from bridge.circuit.tune import Bench, Made, Task, commitment_of, make, tune
from bridge.core import store
from bridge.core.progress import Progress, silent
from bridge.core.proof import Proof
from bridge.core.rows import read_rows
from bridge.deploy.gas import measure_verify_gas
from bridge.errors import BridgeError
from bridge.prover import prove as prover
from bridge.solidity.limits import Limits
from bridge.solidity.solc import VERSION as SOLC_VERSION
from bridge.solidity.verifier import FEW_RUNS

MODEL_FILE = "network.onnx"
SAMPLE_FILE = "input.json"
MAX_LOGROWS = 22

ANVIL = Limits(transaction_gas=30_000_000)
"""What Anvil takes by default: a block has so much gas, and one transaction may have all of it."""
_UNLIMITED = Limits(runtime_bytes=10**9, initcode_bytes=10**9, transaction_gas=10**12)


@dataclass(frozen=True, slots=True)
class Side:
    """What one circuit of a model costs. Times are medians in seconds of wall time."""

    settings: str
    logrows: int
    witness_seconds: float
    prove_seconds: float
    peak_memory_bytes: int
    key_bytes: int
    """Of the proving key."""
    proof_bytes: int
    runtime_bytes: int
    """Of the verifier."""
    verify_gas: int
    """Of a transaction that verified a proof on a local chain."""
    max_abs_error: float
    """Against the float model, over the sample."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One model."""

    model: str
    ours: Side | None
    default: Side | None
    search_seconds: float
    """To find our settings: the keys and proofs of the candidates included, and no setup file that had to be made or cut first."""
    default_seconds: float
    """To calibrate ezkl's default and to make its keys."""
    refusal: str | None
    """Why a side is missing."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured, and with what."""

    system: str
    processor: str
    cores: int
    memory_bytes: int
    python: str
    proofbridge: str
    ezkl: str
    solc: str


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run."""

    machine: Machine
    objective: str
    margin: float
    """How many times as far as the sample our circuits reach at least; ezkl's default reaches twice as far."""
    rounds: int
    models: tuple[Comparison, ...]


def bench_circuits(
    folder: Path,
    *,
    only: Sequence[str] = (),
    rounds: int = 3,
    objective: Objective = Objective.BALANCED,
    margin: float = MARGIN,
    progress: Progress = silent,
) -> Iterator[Comparison]:
    """Each model of a folder of folders, as soon as it is measured.

    Keys are made in a store of their own: nothing that an earlier run left makes a build seem quick.
    """
    for path in sorted(folder.glob(f"*/{MODEL_FILE}")):
        if not only or path.parent.name in only:
            yield _compare(path.parent, rounds, objective, margin, progress)


def this_machine() -> Machine:
    """The machine and the versions."""
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        python=platform.python_version(),
        proofbridge=importlib.metadata.version("proofbridge"),
        ezkl=importlib.metadata.version("ezkl"),
        solc=SOLC_VERSION,
    )


def _compare(folder: Path, rounds: int, objective: Objective, margin: float, progress: Progress) -> Comparison:
    name = folder.name

    def told(stage: str) -> None:
        progress(f"{name}: {stage}")

    order = Order(
        folder / MODEL_FILE,
        folder / SAMPLE_FILE,
        folder,
        name=name,
        objective=objective,
        margin=margin,
        max_logrows=MAX_LOGROWS,
        limits=ANVIL,
    )
    bench = _bench(ANVIL, told)
    with tempfile.TemporaryDirectory(prefix="proofbridge-bench-") as scratch, store.apart(Path(scratch) / "store"):
        try:
            task, ranking, ours, search_seconds = _ours(order, bench, Path(scratch), told)
        except BridgeError as error:
            return Comparison(name, None, None, 0.0, 0.0, error.what)
        default, default_seconds = None, 0.0
        refusal: str | None = "ezkl makes no circuit by itself"
        if ranking.default is not None:
            try:
                default, default_seconds = _default(task, ranking.default, ours, Path(scratch), told)
                refusal = None
            except BridgeError as error:
                refusal = f"ezkl's default: {error.what}"
        both = [ours] if default is None or default is ours else [ours, default]
        sides = _sides(task, both, bench, rounds, told)
    return Comparison(
        name,
        sides[0],
        sides[-1] if default is not None else None,
        search_seconds,
        ranking.default_seconds + default_seconds,
        refusal,
    )


def _bench(limits: Limits, progress: Progress) -> Bench:
    return Bench(
        lambda keys, model_id, row, srs: prover.prove(keys, model_id, row, srs, progress=progress),
        lambda verifier, proof: measure_verify_gas(verifier, proof, progress, limits=limits),
    )


def _ours(order: Order, bench: Bench, scratch: Path, progress: Progress) -> tuple[Task, Ranking, Made, float]:
    single = read_model(order.model)
    sample = read_rows(order.sample, single.inputs)
    task = Task(order, single, single, sample)
    place = scratch / "ours"
    place.mkdir()
    started = time.monotonic()
    ranking = search(
        single,
        sample,
        objective=order.objective,
        bounds=Bounds(max_runtime_bytes=order.limits.runtime_bytes, max_logrows=order.max_logrows),
        visibility=order.visibility,
        margin=order.margin,
        progress=progress,
    )
    searched = time.monotonic() - started
    for ranked in ranking.best:  # a setup is a machine's, made or fetched once, and no part of a model's search
        _setup_of(ranked, progress)
    started = time.monotonic()
    made = tune(task, ranking, bench, place, progress).made
    return task, ranking, made, searched + time.monotonic() - started


def _setup_of(ranked: Ranked, progress: Progress) -> SrsFile:
    logrows = ranked.candidate.logrows
    return trusted_setup.fitting(trusted_setup.resolve(logrows, progress=progress), logrows, progress)


def _default(task: Task, ranked: Ranked, ours: Made, scratch: Path, progress: Progress) -> tuple[Made, float]:
    """ezkl's circuit, and the seconds that its keys took, made anew even where ours is the same circuit."""
    place = scratch / "default"
    place.mkdir()
    srs = _setup_of(ranked, progress)
    with store.apart(scratch / "default-store"):
        started = time.monotonic()
        make_keys(place, task.model, ranked.candidate.document, srs, progress)
        seconds = time.monotonic() - started
        if ranked.candidate.document == ours.ranked.candidate.document:
            return (
                ours,
                seconds,
            )  # of one circuit two proofs differ by the gas of their zero bytes, and that says nothing
        unlimited = replace(task, order=replace(task.order, limits=_UNLIMITED))
        bench = _bench(_UNLIMITED, progress)
        return make(unlimited, ranked, bench, place, runs=FEW_RUNS, progress=progress), seconds


def _sides(task: Task, circuits: Sequence[Made], bench: Bench, rounds: int, progress: Progress) -> list[Side]:
    """Every circuit proved in turns."""
    proofs: list[list[Proof]] = [[] for _ in circuits]
    for turn in range(rounds):
        order = range(len(circuits)) if turn % 2 == 0 else reversed(range(len(circuits)))
        for number in order:
            made = circuits[number]
            model_id = commitment_of(task.single, made.circuit, made.verifier).model_id
            proofs[number].append(bench.prove(made.keys, model_id, task.batches[0], made.srs.path))
    return [_side(task, made, proved, progress) for made, proved in zip(circuits, proofs, strict=True)]


def _side(task: Task, made: Made, proofs: Sequence[Proof], progress: Progress) -> Side:
    fidelity = measure(task.single, made.circuit, made.keys, task.batches, CALIBRATION, progress)
    measured = made.measurements
    if measured.verify_gas is None:
        raise RuntimeError("gas is always measured here")
    return Side(
        settings=made.ranked.candidate.label,
        logrows=made.ranked.candidate.logrows,
        witness_seconds=statistics.median(proof.witness_seconds for proof in proofs),
        prove_seconds=statistics.median(proof.seconds for proof in proofs),
        peak_memory_bytes=max(proof.peak_memory_bytes for proof in proofs),
        key_bytes=made.keys.proving.stat().st_size,
        proof_bytes=measured.proof_bytes,
        runtime_bytes=measured.verifier_runtime_bytes,
        verify_gas=measured.verify_gas,
        max_abs_error=fidelity.max_abs_error,
    )


def _processor() -> str:
    """Its name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
