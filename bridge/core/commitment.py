"""Ids and commitments, word for word those of `contracts/src/Commitments.sol` and `contracts/src/Circuit.sol`.

No id depends on the bytes of a proof: a proof can be re-randomised, a statement cannot. `tests/vectors/commitments.json`
holds both languages to the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode
from eth_utils import to_canonical_address

from bridge.core.circuit import Circuit, Visibility
from bridge.core.tensor import CircuitTensor
from bridge.core.word import WORD_BYTES, Address, Hex32, HexBytes, hex32, hex_bytes, keccak256, to_bytes

MODEL_TAG = keccak256(b"proofbridge.model.v1")
LINE_TAG = keccak256(b"proofbridge.line.v1")
CIRCUIT_TAG = keccak256(b"proofbridge.circuit.v1")
INPUT_TAG = keccak256(b"proofbridge.input.v1")
KEY_TAG = keccak256(b"proofbridge.reusable.v1")

EZKL_PROOF_SYSTEM = "halo2-kzg-bn254-v1"
"""Canonical name of ezkl's proofs in the sense of ERC-7992."""

REUSABLE_PROOF_SYSTEM = "halo2-kzg-bn254-reusable-v1"
"""The same proofs, checked by the one verifier that ezkl generates for many circuits."""

SIGNED_PROOF_SYSTEM = "eip712-signed-inference-v1"
"""No proof at all: the signatures of a panel."""


def proof_system_id(name: str) -> HexBytes:
    """The first four bytes of the name's hash (ERC-7992, Terminology & IDs)."""
    return hex_bytes(keccak256(name.encode())[:4])


@dataclass(frozen=True, slots=True)
class ModelCommitment:
    """What a registered model is, for ever (ERC-7992)."""

    model_hash: Hex32
    """sha256 of the ONNX file."""
    circuit_hash: Hex32
    """`circuit_hash` of the public shape and the settings."""
    vk_hash: Hex32
    """keccak256 of the generated verifier's runtime code, so a contract can check it with EXTCODEHASH; `reusable_key_hash`
    and `bridge.core.panel.panel_hash` for the other proof systems."""
    proof_system: HexBytes
    """Four bytes, see `proof_system_id`."""

    @property
    def model_id(self) -> Hex32:
        """Hash of the commitment: the same on every chain. The uri is no part of it."""
        words = [
            to_bytes(self.model_hash),
            to_bytes(self.circuit_hash),
            to_bytes(self.vk_hash),
            to_bytes(self.proof_system),
        ]
        return hex32(keccak256(encode(["bytes32"] * 4 + ["bytes4"], [MODEL_TAG, *words])))


def line_id(creator: Address, name: str) -> Hex32:
    """What a line of versions is called on chain: the account that made it is part of it, so a name cannot be taken."""
    kinds = ["bytes32", "address", "string"]
    return hex32(keccak256(encode(kinds, [LINE_TAG, to_canonical_address(creator), name])))


def reusable_key_hash(verifier_code_hash: Hex32, vka_digest: Hex32) -> Hex32:
    """The `vk_hash` of a model that shared code checks with an artifact: it commits to both."""
    words = [KEY_TAG, to_bytes(verifier_code_hash), to_bytes(vka_digest)]
    return hex32(keccak256(encode(["bytes32"] * 3, words)))


def circuit_words(circuit: Circuit) -> tuple[bytes, int, int, list[tuple[int, int]], list[tuple[int, int]]]:
    """The circuit as the ABI tuple `Circuit` of the contracts."""
    return (
        to_bytes(circuit.settings_hash),
        int(circuit.input_visibility),
        circuit.rows,
        [(tensor.elements, tensor.scale) for tensor in circuit.inputs],
        [(tensor.elements, tensor.scale) for tensor in circuit.outputs],
    )


def circuit_of(words: tuple[Any, ...]) -> Circuit:
    """The circuit out of that ABI tuple; names, shapes and calibrated ranges are not in it. Raises ValueError."""
    settings_hash, visibility, rows, inputs, outputs = words

    def tensors(kind: str, entries: Sequence[tuple[int, int]]) -> tuple[CircuitTensor, ...]:
        return tuple(
            CircuitTensor(f"{kind}{at}", (elements,), "float64", scale) for at, (elements, scale) in enumerate(entries)
        )

    made = tensors("input", inputs), tensors("output", outputs)
    return Circuit(hex32(bytes(settings_hash)), Visibility(visibility), rows, *made)


def circuit_hash(circuit: Circuit) -> Hex32:
    """keccak256(abi.encode(CIRCUIT_TAG, circuit))."""
    kind = "(bytes32,uint8,uint32,(uint32,int8)[],(uint32,int8)[])"
    return hex32(keccak256(encode(["bytes32", kind], [CIRCUIT_TAG, circuit_words(circuit)])))


def domain(chain_id: int, gateway: Address) -> Hex32:
    """What ties an input commitment to one gateway on one chain."""
    return hex32(
        keccak256(encode(["bytes32", "uint256", "address"], [INPUT_TAG, chain_id, to_canonical_address(gateway)]))
    )


def input_commitment(tag: Hex32, input_instances: Sequence[int]) -> Hex32:
    """keccak256 of the domain followed by the input instances as 32-byte words."""
    return hex32(keccak256(to_bytes(tag) + packed(input_instances)))


def packed(instances: Sequence[int]) -> bytes:
    """Instances as 32-byte big-endian words, one after another; the `output` of an inference is this."""
    return b"".join(instance.to_bytes(32, "big") for instance in instances)


def unpacked(output: bytes) -> list[int]:
    """The instances in an `output`. Raises ValueError where it is not whole words."""
    if len(output) % WORD_BYTES:
        raise ValueError(f"an output of {len(output)} bytes is not whole words")
    return [int.from_bytes(output[at : at + WORD_BYTES], "big") for at in range(0, len(output), WORD_BYTES)]


def inference_id(model_id: Hex32, commitment: Hex32, output: bytes) -> Hex32:
    """keccak256(abi.encodePacked(modelId, inputCommitment, output)) (ERC-7992, Storage Extension)."""
    return hex32(keccak256(to_bytes(model_id) + to_bytes(commitment) + output))
