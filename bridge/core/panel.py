"""The panel that signs for a model, and what it signs, word for word those of `contracts/src/SignedInferenceVerifier.sol`.

A panel is trusted: nothing here is proven. `tests/vectors/signed.json` holds both languages to the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eth_abi.abi import encode
from eth_utils import to_canonical_address

from bridge.core.commitment import packed
from bridge.core.word import Address, Hex32, hex32, keccak256, to_bytes

PANEL_TAG = keccak256(b"proofbridge.panel.v1")

DOMAIN_NAME = "proofbridge signed inference"
DOMAIN_VERSION = "1"

_DOMAIN_TYPE = keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
_STATEMENT_TYPE = keccak256(b"SignedInference(uint256 modelId,uint256[] instances)")


@dataclass(frozen=True, slots=True)
class Panel:
    """Who signs for a model."""

    admin: Address
    """Who may put others in their place; the zero address for nobody."""
    threshold: int
    """How many of the signers have to sign."""
    signers: tuple[Address, ...]
    """In ascending order."""

    @property
    def words(self) -> tuple[bytes, int, list[bytes]]:
        """The panel as the ABI tuple `Panel` of the contracts."""
        return to_canonical_address(self.admin), self.threshold, [to_canonical_address(one) for one in self.signers]


def panel_hash(panel: Panel) -> Hex32:
    """The `vk_hash` of models whose first panel this is: keccak256(abi.encode(PANEL_TAG, panel))."""
    return hex32(keccak256(encode(["bytes32", "(address,uint8,address[])"], [PANEL_TAG, panel.words])))


def statement_digest(model_id: Hex32, instances: Sequence[int], chain_id: int, verifier: Address) -> Hex32:
    """What a signer signs: EIP-712, for one verifier on one chain."""
    name, version = keccak256(DOMAIN_NAME.encode()), keccak256(DOMAIN_VERSION.encode())
    kinds = ["bytes32", "bytes32", "bytes32", "uint256", "address"]
    domain = keccak256(encode(kinds, [_DOMAIN_TYPE, name, version, chain_id, to_canonical_address(verifier)]))
    words = [_STATEMENT_TYPE, to_bytes(model_id), keccak256(packed(instances))]
    return hex32(keccak256(b"\x19\x01" + domain + keccak256(encode(["bytes32"] * 3, words))))


def packed_signatures(signatures: Mapping[int, bytes]) -> bytes:
    """Signatures by position on the panel as the one proof that the verifier takes.

    Each is its position (1 byte), its length (2 bytes) and itself, in the order of the positions.
    """
    entries = (bytes([at]) + len(signatures[at]).to_bytes(2, "big") + signatures[at] for at in sorted(signatures))
    return b"".join(entries)
