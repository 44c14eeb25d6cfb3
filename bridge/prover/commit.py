"""The commitment of an input, before anything is proved: what a requester is held to, and what a claimer looks at."""

from __future__ import annotations

from bridge.core.batch import batch_of
from bridge.core.bundle import Bundle
from bridge.core.circuit import Visibility
from bridge.core.commitment import input_commitment
from bridge.core.poseidon import input_hashes
from bridge.core.progress import Progress, silent
from bridge.core.rows import Row, check_range, in_batches, stack
from bridge.core.word import Hex32
from bridge.prover.prove import run_circuit


def commit(bundle: Bundle, row: Row, tag: Hex32, *, progress: Progress = silent) -> Hex32:
    """The commitment of one row in the domain `tag`, by running the circuit on it.

    Raises `InputOutOfRange`, `CircuitRefused`, members of `EngineError`.
    """
    circuit = bundle.manifest.circuit
    check_range(row, circuit.row.inputs)
    inputs, outputs = run_circuit(bundle.keys, stack(in_batches([row], circuit.rows)[0]), progress=progress)
    if circuit.rows > 1:
        return batch_of(bundle.model_id, circuit, [*inputs, *outputs], tag).rows[0].input_commitment
    match circuit.input_visibility:
        case Visibility.PUBLIC:
            return input_commitment(tag, inputs)
        case Visibility.HASHED:
            return input_commitment(tag, input_hashes(inputs, circuit.inputs))
        case Visibility.PRIVATE:
            return input_commitment(tag, ())
