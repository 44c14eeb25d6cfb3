"""From rows to records: proved, submitted, told."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.chain.contract import CoreContracts
from bridge.connection import Connection
from bridge.core.bundle import Bundle
from bridge.core.commitment import unpacked
from bridge.core.grade import Grade
from bridge.core.progress import Progress, silent
from bridge.core.rows import Row, in_batches, stack
from bridge.core.tensor import decode
from bridge.core.word import Hex32, to_bytes
from bridge.deploy.artifact import carried
from bridge.engine.child import DEFAULT_TIMEOUT_SECONDS
from bridge.relay import submit as relay
from bridge.relay.submit import RowStatement
from bridge.verbs.proof import outputs_of, prove
from bridge.verbs.record import record, submit


@dataclass(frozen=True, slots=True)
class Inference:
    """One row, proved, submitted and recorded."""

    inference_id: Hex32
    model_id: Hex32
    tx_hash: Hex32
    block_number: int
    gas_used: int
    outputs: tuple[tuple[float, ...], ...]
    """Numbers, one tuple for each output tensor."""
    grade: Grade
    seconds: dict[str, float]
    """Wall time by stage: prove, submit."""
    is_new: bool


@dataclass(frozen=True, slots=True)
class RowInference:
    """One row of a batch."""

    inference_id: Hex32
    outputs: tuple[tuple[float, ...], ...]
    """Numbers, one tuple for each output tensor."""
    path: tuple[Hex32, ...]
    """For `isVerifiedInBatch` and `storeFromBatch`: the siblings from the row's leaf to the root."""
    tx_hash: Hex32 | None
    """The transaction that gave the row a record of its own; None where it has none but the root."""


@dataclass(frozen=True, slots=True)
class BatchInference:
    """Many rows, proved at once and recorded under one root."""

    root: Hex32
    model_id: Hex32
    tx_hash: Hex32
    block_number: int
    gas_used: int
    """Of the transaction that recorded the root."""
    rows: tuple[RowInference, ...]
    """Those that were asked for."""
    padding: int
    """Copies of the last row that fill the batch."""
    grade: Grade
    seconds: dict[str, float]
    """Wall time by stage: prove, submit."""
    is_new: bool


def infer(
    bundle: Bundle,
    row: Row,
    connection: Connection,
    *,
    confirmations: int = 1,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
    progress: Progress = silent,
) -> Inference:
    """Prove one row, submit it, and wait for `confirmations` blocks."""
    started = time.monotonic()
    proof = prove(bundle, row, timeout=timeout, progress=progress)
    proved = time.monotonic()
    submission = submit(bundle, proof, connection, confirmations=confirmations, check=False, progress=progress)
    return Inference(
        inference_id=submission.key,
        model_id=bundle.model_id,
        tx_hash=submission.tx_hash,
        block_number=submission.block_number,
        gas_used=submission.gas_used,
        outputs=outputs_of(bundle, proof),
        grade=_grade(bundle, connection.core()),
        seconds={"prove": proved - started, "prove_alone": proof.seconds, "submit": time.monotonic() - proved},
        is_new=submission.is_new,
    )


def infer_batch(
    bundle: Bundle,
    rows: Sequence[Row],
    connection: Connection,
    *,
    each: bool = False,
    confirmations: int = 1,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
    progress: Progress = silent,
) -> BatchInference:
    """Prove up to a batch of rows at once and record their root; `each` row gets a record of its own as well.

    What the rows lack of a whole batch are copies of the last one. Raises ValueError for more rows than the circuit has.
    """
    size = bundle.manifest.circuit.rows
    if not 1 <= len(rows) <= size:
        raise ValueError(f"{len(rows)} rows for a circuit over {size}")
    started = time.monotonic()
    proof = prove(bundle, stack(in_batches(rows, size)[0]), timeout=timeout, progress=progress)
    proved = time.monotonic()
    core, circuit = connection.core(), bundle.manifest.circuit
    said = relay.batch_statement(proof.followed_by(carried(bundle, core)), circuit, core)
    done = record(bundle, said, connection, confirmations, progress)
    batch = said.batch
    told = []
    for row in batch.rows[: len(rows)]:
        own = None
        if each:
            own = record(bundle, RowStatement(batch, row), connection, confirmations, progress).tx_hash
        outputs = decode(unpacked(to_bytes(row.output)), circuit.row.outputs)
        told.append(RowInference(row.inference_id, outputs, row.path, own))
    return BatchInference(
        root=batch.root,
        model_id=bundle.model_id,
        tx_hash=done.tx_hash,
        block_number=done.block_number,
        gas_used=done.gas_used,
        rows=tuple(told),
        padding=size - len(rows),
        grade=_grade(bundle, core),
        seconds={"prove": proved - started, "prove_alone": proof.seconds, "submit": time.monotonic() - proved},
        is_new=done.is_new,
    )


def _grade(bundle: Bundle, core: CoreContracts) -> Grade:
    """What records of a model are given."""
    return Grade(core.ledger.read("gradeOf", int(bundle.model_id, 16))[0])
