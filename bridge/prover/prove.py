"""Proving one row, and checking a proof before anybody pays for it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.core.bundle import Keys
from bridge.core.field import from_little_endian
from bridge.core.progress import Progress, silent
from bridge.core.proof import Proof, from_ezkl, to_ezkl
from bridge.core.rows import Row
from bridge.core.rows import to_ezkl as rows_to_ezkl
from bridge.core.word import Hex32
from bridge.engine.child import DEFAULT_TIMEOUT_SECONDS, Answer, Call, run
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
        place = _Workplace(Path(folder), keys, srs)
        place.data.write_text(rows_to_ezkl([row]))
        with _fitting(keys):
            computing, proving, checking = run(
                [place.computing, place.proving, place.checking],
                writes=place.folder,
                progress=progress,
                timeout=timeout,
            )
        return replace(place.proof(model_id, proving, checking), witness_seconds=computing.seconds)


def compute_witness(
    keys: Keys,
    row: Row,
    srs: Path,
    *,
    progress: Progress = silent,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
) -> bytes:
    """The witness of one row, as ezkl writes it: the cheap half of `prove`, after which it is known that the row fits.

    Raises what that raises.
    """
    with tempfile.TemporaryDirectory(prefix="proofbridge-") as folder:
        place = _Workplace(Path(folder), keys, srs)
        place.data.write_text(rows_to_ezkl([row]))
        with _fitting(keys):
            run([place.computing], writes=place.folder, progress=progress, timeout=timeout)
        return place.witness.read_bytes()


def prove_witness(
    keys: Keys,
    model_id: Hex32,
    witness: bytes,
    srs: Path,
    *,
    progress: Progress = silent,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
) -> Proof:
    """A proof of a witness, verified here before it is returned. Raises what `prove` raises."""
    with tempfile.TemporaryDirectory(prefix="proofbridge-") as folder:
        place = _Workplace(Path(folder), keys, srs)
        place.witness.write_bytes(witness)
        proving, checking = run(
            [place.proving, place.checking], writes=place.folder, progress=progress, timeout=timeout
        )
        return place.proof(model_id, proving, checking)


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


@dataclass(frozen=True, slots=True)
class _Workplace:
    """The files of one proof, and the calls that make each from the one before."""

    folder: Path
    keys: Keys
    srs: Path

    @property
    def data(self) -> Path:
        return self.folder / "input.json"

    @property
    def witness(self) -> Path:
        return self.folder / "witness.json"

    @property
    def written(self) -> Path:
        return self.folder / "proof.json"

    @property
    def computing(self) -> Call:
        files = {
            "circuit": self.keys.circuit,
            "vk": self.keys.verifying,
            "srs": self.srs,
            "settings": self.keys.settings,
        }
        return _call("witness", "computing the witness", **files, data=self.data, output=self.witness)

    @property
    def proving(self) -> Call:
        files = {"circuit": self.keys.circuit, "pk": self.keys.proving, "srs": self.srs}
        return _call("prove", "proving", **files, witness=self.witness, output=self.written)

    @property
    def checking(self) -> Call:
        return _verification(self.keys, self.written, self.srs)

    def proof(self, model_id: Hex32, proving: Answer, checking: Answer) -> Proof:
        if not checking.result:
            raise ProofInvalid(model_id=model_id, reason="ezkl refuses its own proof; the keys may not belong together")
        return from_ezkl(model_id, json.loads(self.written.read_bytes()), proving.seconds, proving.peak_memory_bytes)


@contextmanager
def _fitting(keys: Keys) -> Iterator[None]:
    """A witness that cannot be computed is the row's fault."""
    try:
        yield
    except EngineFailed as error:
        if error.step != "computing the witness":
            raise
        said = [error.reason, *error.log.strip().splitlines()[-1:]]  # ezkl's reason may be in its log alone
        reason = f"the row does not fit it: {'; '.join(dict.fromkeys(said))}"
        raise CircuitRefused(path=keys.circuit, reason=reason) from error


def _call(name: str, stage: str, **files: Path) -> Call:
    return Call(name, stage, {key: str(path) for key, path in files.items()})


def _verification(keys: Keys, proof: Path, srs: Path) -> Call:
    files = {"proof": proof, "settings": keys.settings, "vk": keys.verifying, "srs": srs}
    return _call("verify", "checking the proof locally", **files)
