"""A proof and the statement it proves, and the file that carries both from `prove` to `submit`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from pydantic import TypeAdapter, ValidationError

from bridge.core import field
from bridge.core.word import Hex32, HexBytes, hex32, hex_bytes, parse_hex32, to_bytes
from bridge.errors import ProofMalformed

_VERSION = 1
_MAX_FILE_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Proof:
    """A halo2 proof with its instances, in the order of the circuit: input first, output after it."""

    model_id: Hex32
    instances: tuple[Hex32, ...]
    """Field elements as 32-byte big-endian words."""
    proof: HexBytes
    seconds: float
    """Wall time of ezkl's prover alone."""
    peak_memory_bytes: int = 0
    witness_seconds: float = 0.0
    """Wall time of computing the witness, which comes before."""

    @property
    def words(self) -> tuple[int, ...]:
        """The instances as integers."""
        return tuple(int(word, 16) for word in self.instances)

    @property
    def blob(self) -> bytes:
        """The `proof` argument of the gateway: abi.encode(uint256[] instances, bytes proof)."""
        return bytes(encode(["uint256[]", "bytes"], [list(self.words), to_bytes(self.proof)]))

    def followed_by(self, artifact: bytes) -> Proof:
        """The same as a shared verifier takes it where that does not have the artifact: behind the proof of ezkl."""
        return replace(self, proof=hex_bytes(to_bytes(self.proof) + artifact))

    def to_json(self) -> str:
        """The text of a proof file."""
        return json.dumps({"proofbridge_proof": _VERSION, **asdict(self)}, indent=2) + "\n"


def words_of(blob: bytes) -> tuple[int, ...]:
    """The instances in the gateway's `proof` argument. Raises ValueError where they are none."""
    try:
        words, _ = decode(["uint256[]", "bytes"], blob)
    except (DecodingError, OverflowError) as error:
        raise ValueError(f"not instances and a proof: {error}") from None
    return tuple(words)


_ADAPTER = TypeAdapter(Proof)
"""Made once: to make it takes as long as to read a hundred proofs."""


def read_proof(path: Path) -> Proof:
    """Parse and check a proof file. Raises `ProofMalformed`."""
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ProofMalformed(path=path, reason=f"it is larger than {_MAX_FILE_BYTES} bytes")
        raw = path.read_bytes()
    except OSError as error:
        raise ProofMalformed(path=path, reason=error.strerror or str(error)) from None
    return parse_proof(raw, path)


def parse_proof(raw: bytes, path: Path) -> Proof:
    """Parse and check the content of a proof file; `path` is for the message. Raises `ProofMalformed`."""
    try:
        document = json.loads(raw)
        if not isinstance(document, dict) or document.pop("proofbridge_proof", None) != _VERSION:
            raise ProofMalformed(path=path, reason=f"it has no field proofbridge_proof = {_VERSION}")
        proof = _ADAPTER.validate_python(document)
        words = tuple(parse_hex32(word) for word in proof.instances)
        for word in words:
            field.to_signed(int(word, 16))
        canonical = hex_bytes(to_bytes(proof.proof))
        return replace(proof, model_id=parse_hex32(proof.model_id), instances=words, proof=canonical)
    except ValidationError as error:
        first = error.errors()[0]
        raise ProofMalformed(path=path, reason=f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (ValueError, RecursionError) as error:
        raise ProofMalformed(path=path, reason=str(error)) from None


def from_ezkl(model_id: Hex32, document: dict[str, object], seconds: float, peak_memory_bytes: int) -> Proof:
    """A proof out of the JSON that ezkl writes. Raises ValueError if it is not one."""
    rows = TypeAdapter(list[list[str]]).validate_python(document["instances"])
    raw = TypeAdapter(str).validate_python(document["hex_proof"])
    instances = tuple(hex32(field.from_little_endian(text)) for row in rows for text in row)
    return Proof(model_id, instances, HexBytes(raw.lower()), seconds, peak_memory_bytes)


def to_ezkl(proof: Proof) -> dict[str, object]:
    """The same proof as the JSON that ezkl verifies."""
    return {
        "protocol": None,
        "instances": [[field.to_little_endian(word) for word in proof.words]],
        "proof": list(to_bytes(proof.proof)),
        "hex_proof": proof.proof,
        "split": None,
        "pretty_public_inputs": None,
        "timestamp": None,
        "version": None,
    }
