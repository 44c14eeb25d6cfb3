"""Proving one row, and checking a proof before anybody pays for it."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

from bridge.core.bundle import Keys
from bridge.core.field import from_little_endian
from bridge.core.progress import Progress, silent
from bridge.core.proof import Proof, from_ezkl, to_ezkl
from bridge.core.rows import Row
from bridge.core.rows import to_ezkl as rows_to_ezkl
from bridge.core.word import Hex32
from bridge.engine.child import DEFAULT_TIMEOUT_SECONDS, Call, run
from bridge.errors import CircuitRefused, EngineFailed, ProofInvalid


def prove(
    keys: Keys,
    model_id: Hex32,
    row: Row,
    srs: Path,
    *,
    progress: Progress = silent,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
) -> Proof:
    """A proof of one row, verified here before it is returned. `timeout` is in seconds.

    Raises `CircuitRefused` where the row drives a value inside the circuit out of its range, `ProofInvalid`, `EngineError`.
    """
    with tempfile.TemporaryDirectory(prefix="proofbridge-") as folder:
        data, witness, written = (Path(folder) / name for name in ("input.json", "witness.json", "proof.json"))
        data.write_text(rows_to_ezkl([row]))
        names = {"circuit": str(keys.circuit), "vk": str(keys.verifying), "srs": str(srs)}
        try:
            computing, proving, checking = run(
                [
                    Call(
                        "witness",
                        "computing the witness",
                        {**names, "settings": str(keys.settings), "data": str(data), "output": str(witness)},
                    ),
                    Call(
                        "prove",
                        "proving",
                        {
                            "witness": str(witness),
                            "circuit": str(keys.circuit),
                            "pk": str(keys.proving),
                            "output": str(written),
                            "srs": str(srs),
                        },
                    ),
                    _verification(keys, written, srs),
                ],
                writes=Path(folder),
                progress=progress,
                timeout=timeout,
            )
        except EngineFailed as error:
            if error.step == "computing the witness":
                said = [error.reason, *error.log.strip().splitlines()[-1:]]  # ezkl's reason may be in its log alone
                reason = f"the row does not fit it: {'; '.join(dict.fromkeys(said))}"
                raise CircuitRefused(path=keys.circuit, reason=reason) from error
            raise
        if not checking.result:
            raise ProofInvalid(model_id=model_id, reason="ezkl refuses its own proof; the keys may not belong together")
        document = json.loads(written.read_bytes())
    proof = from_ezkl(model_id, document, proving.seconds, proving.peak_memory_bytes)
    return replace(proof, witness_seconds=computing.seconds)


def run_circuit(keys: Keys, row: Row, *, progress: Progress = silent) -> tuple[list[int], list[int]]:
    """The circuit's input and output as field elements, without a proof. Raises `CircuitRefused`, `EngineError`."""
    with tempfile.TemporaryDirectory(prefix="proofbridge-") as folder:
        data, witness = Path(folder) / "input.json", Path(folder) / "witness.json"
        data.write_text(rows_to_ezkl([row]))
        arguments = {"circuit": str(keys.circuit), "data": str(data), "output": str(witness)}
        try:
            (answer,) = run([Call("run", "running the circuit", arguments)], writes=Path(folder), progress=progress)
        except EngineFailed as error:
            raise CircuitRefused(path=keys.circuit, reason=f"the row does not fit it: {error.reason}") from error
    inputs, outputs = (
        [from_little_endian(word) for tensor in answer.result[side] for word in tensor]
        for side in ("inputs", "outputs")
    )
    return inputs, outputs


def check(keys: Keys, proof: Proof, srs: Path, *, progress: Progress = silent) -> None:
    """Verify a proof with the verifying key alone. Raises `ProofInvalid`, `EngineError`."""
    with tempfile.TemporaryDirectory(prefix="proofbridge-") as folder:
        path = Path(folder) / "proof.json"
        path.write_text(json.dumps(to_ezkl(proof)))
        (answer,) = run([_verification(keys, path, srs)], writes=Path(folder), progress=progress)
    if not answer.result:
        raise ProofInvalid(model_id=proof.model_id, reason="ezkl's verifier refuses it")


def _verification(keys: Keys, proof: Path, srs: Path) -> Call:
    arguments = {"proof": str(proof), "settings": str(keys.settings), "vk": str(keys.verifying), "srs": str(srs)}
    return Call("verify", "checking the proof locally", arguments)
