"""A row becomes a proof."""

from __future__ import annotations

from pathlib import Path

from bridge.circuit import srs
from bridge.core.bundle import Bundle
from bridge.core.progress import Progress, silent
from bridge.core.proof import Proof
from bridge.core.rows import Row, check_range, read_rows
from bridge.core.tensor import decode
from bridge.engine.child import DEFAULT_TIMEOUT_SECONDS
from bridge.prover import prove as prover


def read_input(bundle: Bundle, path: Path) -> tuple[Row, ...]:
    """The rows of a file, checked against a bundle's inputs and calibrated ranges."""
    tensors = bundle.manifest.circuit.row.inputs
    rows = read_rows(path, [tensor.spec for tensor in tensors])
    for row in rows:
        check_range(row, tensors)
    return rows


def prove(bundle: Bundle, row: Row, *, timeout: float = DEFAULT_TIMEOUT_SECONDS, progress: Progress = silent) -> Proof:
    """Prove one row and check the proof here. `timeout` is in seconds. A bundle over many rows takes a whole `stack` of them."""
    check_range(row, bundle.manifest.circuit.inputs)
    setup = srs.for_proving(bundle.manifest, progress)
    return prover.prove(bundle.keys, bundle.model_id, row, setup, timeout=timeout, progress=progress)


def outputs_of(bundle: Bundle, proof: Proof) -> tuple[tuple[float, ...], ...]:
    """The numbers that a proof's output instances stand for."""
    circuit = bundle.manifest.circuit
    return decode(proof.words[circuit.input_instances :], circuit.outputs)
