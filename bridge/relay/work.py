"""What a prover does, wherever it runs: functions of names in a store, so that any executor can carry them to any machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.core.proof import Proof, parse_proof
from bridge.core.rows import check_range, in_batches, stack
from bridge.engine.child import DEFAULT_TIMEOUT_SECONDS
from bridge.prover.prove import compute_witness, prove_witness
from bridge.relay.artifacts import Artifacts


@dataclass(frozen=True, slots=True)
class Task:
    """One proof: of one row, or of as many as the circuit has, the last one repeated where some are missing."""

    store: str
    """URL of the store that everything lies in."""
    bundle: str
    """sha256 of its manifest."""
    rows: tuple[str, ...]
    """sha256 of each."""
    timeout: float = DEFAULT_TIMEOUT_SECONDS
    """Seconds for each half."""


@dataclass(frozen=True, slots=True)
class Proved:
    """What a proof became."""

    proof: str
    """sha256 of its file in the store."""
    seconds: float
    peak_memory_bytes: int


Witness = Callable[[Task], str]
"""The first half: the name of the witness."""

Prove = Callable[[Task, str], Proved]
"""The second half, from the name of the witness."""


def witness(task: Task) -> str:
    """Compute and keep the witness. Raises `CircuitRefused`, members of `InputError`, `EngineError`; `ArtifactMissing`."""
    store = Artifacts(task.store)
    bundle, srs = store.get_bundle(task.bundle)
    circuit = bundle.manifest.circuit
    rows = [store.get_row(row, circuit.row.inputs) for row in task.rows]
    for row in rows:
        check_range(row, circuit.row.inputs)
    whole = rows[0] if circuit.rows == 1 else stack(in_batches(rows, circuit.rows)[0])
    return store.put(compute_witness(bundle.keys, whole, srs, timeout=task.timeout))


def prove(task: Task, witness: str) -> Proved:
    """Prove, verify and keep. Raises `ProofInvalid`, members of `EngineError`; `ArtifactMissing`."""
    store = Artifacts(task.store)
    bundle, srs = store.get_bundle(task.bundle)
    proof = prove_witness(bundle.keys, bundle.model_id, store.get(witness), srs, timeout=task.timeout)
    return Proved(store.put(proof.to_json().encode()), proof.seconds, proof.peak_memory_bytes)


def proof_in(store: Artifacts, digest: str) -> Proof:
    """A proof that `prove` kept. Raises `ArtifactMissing`, `ProofMalformed`."""
    return parse_proof(store.get(digest), Path(store.url) / digest)
