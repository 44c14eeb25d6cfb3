"""A hidden input is shown, and a contract checks it."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.chain.contract import CoreContracts, core_abis
from bridge.connection import Connection
from bridge.core.bundle import Bundle
from bridge.core.circuit import Visibility
from bridge.core.commitment import circuit_words, domain, inference_id, input_commitment, packed
from bridge.core.grade import Grade
from bridge.core.poseidon import input_hashes
from bridge.core.progress import Progress, silent
from bridge.core.rows import Row, check_range
from bridge.core.tensor import decode
from bridge.core.word import Hex32, hex32, hex_bytes, to_bytes
from bridge.errors import InputNotHashed
from bridge.prover import prove as prover


@dataclass(frozen=True, slots=True)
class Opening:
    """A hidden input, held against what a ledger has recorded."""

    inference_id: Hex32
    """Of this input and the output that the circuit gives for it."""
    input_hashes: tuple[Hex32, ...]
    """One for each input tensor."""
    words: tuple[Hex32, ...]
    """The input's instances: what a contract hands to `InputOpening`."""
    outputs: tuple[tuple[float, ...], ...]
    grade: Grade | None
    """Of the record; None where the ledger has none of this input."""
    gas: int
    """What a contract would pay to have it checked."""


def open_input(bundle: Bundle, row: Row, connection: Connection, *, progress: Progress = silent) -> Opening:
    """Show a hidden input: whether the ledger holds a record of it, checked by a contract. Raises `InputNotHashed`."""
    circuit, core = bundle.manifest.circuit, connection.core()
    if circuit.input_visibility is not Visibility.HASHED:
        raise InputNotHashed(model_id=bundle.model_id, visibility=circuit.input_visibility.label)
    check_range(row, circuit.inputs)
    inputs, outputs = prover.run_circuit(bundle.keys, row, progress=progress)
    hashes = input_hashes(inputs, circuit.inputs)
    commitment = input_commitment(domain(core.rpc.chain_id, core.ledger.address), hashes)
    recorded_as = inference_id(bundle.model_id, commitment, packed(outputs))
    number, words = int(bundle.model_id, 16), circuit_words(circuit)
    progress("asking the contract")
    arguments = (core.ledger.address, number, words, inputs, packed(outputs), int(Grade.CLAIMED))
    (is_recorded,) = core.opening.read("isVerified", *arguments)
    call = {"to": core.opening.address, "data": hex_bytes(core.opening.abi.call("isVerified", *arguments))}
    return Opening(
        inference_id=recorded_as,
        input_hashes=tuple(map(hex32, hashes)),
        words=tuple(map(hex32, inputs)),
        outputs=decode(outputs, circuit.outputs),
        grade=_grade_of_record(core, recorded_as) if is_recorded else None,
        gas=core.rpc.estimate_gas(call, label="isVerified", abis=core_abis()),
    )


def _grade_of_record(core: CoreContracts, key: Hex32) -> Grade:
    ((_, _, _, grade),) = core.ledger.read("recordOf", to_bytes(key))
    return Grade(grade)
