"""The best few candidates of a search, made for real: keys, verifier, a proof, its gas; and which of them is taken.

A candidate is made only while its estimate could still win. What the choice rests on is the same on every machine: the exact length
of the proof, and of the time the estimate, not the clock. A candidate that no chain would take, or that is over a bound when it
is measured, is left for the next one.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridge.circuit import srs as trusted_setup
from bridge.circuit.cost import Cost
from bridge.circuit.keys import make_keys
from bridge.circuit.model import Model
from bridge.circuit.order import Code, Order
from bridge.circuit.ranking import Ranked, Ranking
from bridge.circuit.reusable import reusable_verifier
from bridge.circuit.settings import Candidate
from bridge.circuit.srs import SrsFile
from bridge.core.bundle import (
    FILES,
    MODEL,
    SETTINGS,
    VERIFIER_CREATION,
    VERIFIER_INPUT,
    VERIFIER_RUNTIME,
    VERIFIER_SOURCE,
    VERIFIER_VKA,
    Keys,
)
from bridge.core.circuit import Circuit
from bridge.core.commitment import ModelCommitment, circuit_hash
from bridge.core.manifest import Measurements
from bridge.core.progress import Progress, silent
from bridge.core.proof import Proof
from bridge.core.rows import Row
from bridge.core.storage import sha256_file
from bridge.core.tensor import CircuitTensor, TensorSpec
from bridge.core.word import Hex32
from bridge.errors import (
    BridgeError,
    BudgetExceeded,
    CircuitRefused,
    CodeTooLarge,
    EngineFailed,
    InitcodeTooLarge,
    SolidityError,
)
from bridge.solidity.verifier import FEW_RUNS, MANY_RUNS, Verifier, compile_verifier

MEASURED = 2
"""Candidates that are made at most, not counting those that fail."""
UNSURE = 1.15
"""An estimate that is so much above what was measured of another cannot win."""


@dataclass(frozen=True, slots=True)
class Bench:
    """How a finished circuit is measured; handed in by the room above, because proving and chains are next door."""

    prove: Callable[[Keys, Hex32, Row, Path], Proof]
    verify_gas: Callable[[Verifier, Proof], int | None]


@dataclass(frozen=True, slots=True)
class Task:
    """An order with its files read."""

    order: Order
    single: Model
    """What was given: one row at a time."""
    model: Model
    """The same over a whole batch."""
    batches: Sequence[Row]
    """The calibration rows, each a whole batch."""


@dataclass(frozen=True, slots=True)
class Made:
    """A candidate with everything that a bundle needs, in a folder of its own."""

    ranked: Ranked
    folder: Path
    srs: SrsFile
    keys: Keys
    verifier: Verifier
    circuit: Circuit
    measurements: Measurements

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the files in the folder that make a bundle."""
        return (*FILES, VERIFIER_VKA) if self.verifier.vka else FILES

    @property
    def cost(self) -> Cost:
        """The estimate, with the length of the proof in its place: whether a chain is at hand to measure gas decides nothing."""
        return self.ranked.cost.with_proof(self.measurements.proof_bytes, self.ranked.candidate.instances)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of a candidate."""

    ranked: Ranked
    is_shared: bool
    """Whether it was to be checked by the shared verifier."""
    measured: Measurements | None
    """None where it was not made, or could not be."""
    refusal: str | None
    chosen: bool


@dataclass(frozen=True, slots=True)
class Tuned:
    """The candidate that won, and what became of all."""

    made: Made
    default: Ranked | None
    """The circuit that ezkl makes by itself."""
    attempts: tuple[Attempt, ...]


def tune(task: Task, ranking: Ranking, bench: Bench, folder: Path, progress: Progress = silent) -> Tuned:
    """Make the best few and choose; where no verifier of a circuit's own fits into a contract, the same with the shared one.

    Raises what the first one failed with, if all of them fail.
    """
    tries = _try(task, ranking, bench, folder, progress)
    if not tries.made and task.order.verifier is Code.AUTO and any(map(_is_of_size, tries.failures)):
        progress("no circuit has a verifier that fits into a contract: taking the shared one")
        shared = replace(task, order=replace(task.order, verifier=Code.SHARED))
        again = _try(shared, ranking, bench, folder, progress)
        tries = _Tries(again.made, tries.attempts + again.attempts, tries.failures + again.failures)
    if not tries.made:
        raise tries.failures[0]
    best = min(tries.made, key=lambda each: ranking.place(each.cost))
    told = tuple(replace(attempt, chosen=attempt.measured is best.measurements) for attempt in tries.attempts)
    return Tuned(best, ranking.default, told)


@dataclass(frozen=True, slots=True)
class _Tries:
    made: list[Made]
    attempts: list[Attempt]
    failures: list[BridgeError]


def _try(task: Task, ranking: Ranking, bench: Bench, folder: Path, progress: Progress) -> _Tries:
    """Candidates made one after another while the next one could still win."""
    made: list[Made] = []
    attempts: list[Attempt] = []
    failures: list[BridgeError] = []
    is_shared = task.order.verifier is Code.SHARED
    for number, ranked in enumerate(ranking.best):
        least = min((ranking.place(each.cost) for each in made), default=None)
        if least is not None and (len(made) == MEASURED or _cannot_win(ranking.place(ranked.cost), least)):
            attempts.append(Attempt(ranked, is_shared, None, None, chosen=False))
            continue
        place = folder / f"{number}-{task.order.verifier.value}"
        place.mkdir()
        try:
            each = make(task, ranked, bench, place, progress=progress)
        except (SolidityError, BudgetExceeded, EngineFailed) as error:
            failures.append(error)
            attempts.append(Attempt(ranked, is_shared, None, error.what, chosen=False))
            continue
        made.append(each)
        attempts.append(Attempt(ranked, is_shared, each.measurements, None, chosen=False))
    return _Tries(made, attempts, failures)


def _is_of_size(error: BridgeError) -> bool:
    """Whether a verifier was refused for its size alone: that of the shared one is another."""
    too_large = isinstance(error, CodeTooLarge | InitcodeTooLarge)
    return too_large or (isinstance(error, BudgetExceeded) and error.option == "--max-bytecode")


def make(
    task: Task, ranked: Ranked, bench: Bench, folder: Path, *, runs: int | None = None, progress: Progress = silent
) -> Made:
    """Keys, verifier and a proof of the first sample row, in a folder; `runs` are the optimizer's, see `_verifier`.

    Raises members of `SetupError`, `SolidityError`, `EngineError`, `StorageError`, and `BudgetExceeded`.
    """
    order, candidate = task.order, ranked.candidate
    whole = trusted_setup.resolve(candidate.logrows, given=order.srs, progress=progress)
    srs = trusted_setup.fitting(whole, candidate.logrows, progress)
    shutil.copyfile(task.single.path, folder / MODEL)
    keys = make_keys(folder, task.model, candidate.document, srs, progress)
    verifier = _verifier(task, folder, keys, srs, runs, progress)
    circuit = _circuit(folder, task, candidate)
    proof = bench.prove(keys, commitment_of(task.single, circuit, verifier).model_id, task.batches[0], srs.path)
    measurements = Measurements(
        prove_seconds=proof.seconds,
        peak_memory_bytes=proof.peak_memory_bytes,
        proof_bytes=(len(proof.proof) - 2) // 2,
        verifier_runtime_bytes=len(verifier.code.runtime),
        verifier_initcode_bytes=len(verifier.code.creation),
        verify_gas=bench.verify_gas(verifier, proof),
    )
    _check_budget(order, measurements)
    (folder / VERIFIER_SOURCE).write_text(verifier.source)
    (folder / VERIFIER_INPUT).write_text(verifier.code.standard_json)
    (folder / VERIFIER_CREATION).write_text(verifier.code.creation.hex())
    (folder / VERIFIER_RUNTIME).write_text(verifier.code.runtime.hex())
    if verifier.vka:
        (folder / VERIFIER_VKA).write_text(verifier.vka.hex())
    return Made(ranked, folder, srs, keys, verifier, circuit, measurements)


def _cannot_win(place: tuple[bool, float], least: tuple[bool, float]) -> bool:
    worse, weight = place
    return worse > least[0] or weight > least[1] * UNSURE


def commitment_of(model: Model, circuit: Circuit, verifier: Verifier) -> ModelCommitment:
    """What names a model on every chain; `model` is what was given, whatever the batch."""
    return ModelCommitment(
        model_hash=Hex32("0x" + model.sha256),
        circuit_hash=circuit_hash(circuit),
        vk_hash=verifier.key_hash,
        proof_system=verifier.proof_system,
    )


def _check_budget(order: Order, measured: Measurements) -> None:
    """Raises `GasAboveCap`, `BudgetExceeded`."""
    if measured.verify_gas is not None:
        order.limits.check_gas("a verification", measured.verify_gas)
    bounds = (
        ("gas", "--max-gas", measured.verify_gas, order.max_gas),
        ("s to prove", "--max-prove-seconds", measured.prove_seconds, order.max_prove_seconds),
        ("bytes of memory", "--max-memory", measured.peak_memory_bytes, order.max_memory),
        ("bytes of code", "--max-bytecode", measured.verifier_runtime_bytes, order.max_bytecode),
    )
    for measure, option, got, allowed in bounds:
        if got is not None and allowed is not None and got > allowed:
            raise BudgetExceeded(measure=measure, option=option, got=got, allowed=allowed)


def _verifier(task: Task, folder: Path, keys: Keys, srs: SrsFile, runs: int | None, progress: Progress) -> Verifier:
    """The shared one where that was asked for, and else the circuit's own.

    That is without `runs` compiled to be run often where a contract has room for it: 3 % less gas, half as much code again.
    """
    order = task.order
    if order.verifier is Code.SHARED:
        shared = reusable_verifier(keys, srs.path, order.evm, progress=progress)
        order.limits.check_code("the shared verifier", shared.code.creation, shared.code.runtime)
        return shared
    source = (folder / VERIFIER_SOURCE).read_text()
    room = min(order.limits.runtime_bytes, order.max_bytecode or order.limits.runtime_bytes)
    if runs is None:
        fast = compile_verifier(source, order.evm, runs=MANY_RUNS, progress=progress)
        if len(fast.runtime) <= room and len(fast.creation) <= order.limits.initcode_bytes:
            return Verifier(fast)
    small = compile_verifier(source, order.evm, runs=runs or FEW_RUNS, progress=progress)
    order.limits.check_code("the generated verifier", small.creation, small.runtime)
    return Verifier(small)


def _circuit(folder: Path, task: Task, candidate: Candidate) -> Circuit:
    document, model = candidate.parsed, task.model
    shapes = document["model_instance_shapes"]
    outputs = [tuple(shape) for shape in shapes[len(shapes) - len(model.outputs) :]]
    return Circuit(
        settings_hash=Hex32("0x" + sha256_file(folder / SETTINGS)),
        input_visibility=task.order.visibility,
        rows=model.rows,
        inputs=_inputs(model, task.batches, document, task.order.margin),
        outputs=tuple(
            CircuitTensor(spec.name, shape, spec.dtype, scale)
            for spec, shape, scale in zip(model.outputs, outputs, document["model_output_scales"], strict=True)
        ),
    )


def _inputs(model: Model, rows: Sequence[Row], document: dict[str, Any], margin: float) -> tuple[CircuitTensor, ...]:
    scales = document["model_input_scales"]
    if len(scales) != len(model.inputs):
        raise CircuitRefused(
            path=model.path, reason=f"ezkl sees {len(scales)} inputs, the graph has {len(model.inputs)}"
        )
    columns = zip(*rows, strict=True)
    return tuple(
        _calibrated(spec, scale, column, margin)
        for spec, scale, column in zip(model.inputs, scales, columns, strict=True)
    )


def _calibrated(spec: TensorSpec, scale: int, column: Sequence[Any], margin: float) -> CircuitTensor:
    """The tensor with the range that its calibration covers; with a margin of 2, as far again as the sample reaches from zero.

    Lookups and digits reach `margin` times as far as they saw; this is the same margin on the input.
    """
    low = min(float(array.min()) for array in column)
    high = max(float(array.max()) for array in column)
    reach = max(abs(low), abs(high))
    beyond = (margin - 1) * reach
    return CircuitTensor(spec.name, spec.shape, spec.dtype, scale, low - beyond, high + beyond)
