"""What is signed, and whether what came back is that. Pure, and the same for every signer.

A transaction is encoded by EIP-1559, or by EIP-155 where it offers one gas price. A signed one is believed only when every field
is what was asked for, the encoding is the one that there is, and the signature is of the account that was asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import rlp
from eth_keys import datatypes
from eth_keys.exceptions import BadSignature
from eth_utils import ValidationError
from rlp.exceptions import RLPException

from bridge.core.word import Address, Hex32, hex32, keccak256, to_bytes
from bridge.errors import SignatureRefused

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Points on secp256k1 (SEC 2, version 2, section 2.4.1)."""

_DYNAMIC_TYPE = 2
_DYNAMIC = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "to", "value", "data")
"""EIP-1559, before the access list, which is always empty here."""
_LEGACY = ("nonce", "gasPrice", "gas", "to", "value", "data")
_LEGACY_V = 35
"""v is this plus twice the chain id plus the parity (EIP-155)."""
_V_OF_ANY_CHAIN = (27, 28)
_FIRST_OF_LIST = 0xC0
_LAST_OF_TYPE = 0x7F
"""What the first byte of a legacy and of a typed transaction may be (EIP-2718)."""
_WORD_BYTES, _ADDRESS_BYTES = 32, 20
_NO_ITEMS = "no list of fields"


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed transaction and its hash, known before it is sent."""

    tx_hash: Hex32
    nonce: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    """A point of secp256k1: the parity of its y tells which of two keys signed."""

    r: int
    s: int
    y_parity: int


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A transaction before it is signed, in the encoding that its fields ask for."""

    chain_id: int
    nonce: int
    names: tuple[str, ...]
    items: tuple[bytes, ...]
    """As RLP takes them: numbers without leading zeros."""

    @property
    def is_legacy(self) -> bool:
        """Whether it offers one gas price (EIP-155)."""
        return self.names == _LEGACY

    @property
    def digest(self) -> bytes:
        """The 32 bytes that a key signs."""
        if self.is_legacy:
            return keccak256(rlp.encode([*self.items, _number(self.chain_id), b"", b""]))
        return keccak256(bytes([_DYNAMIC_TYPE]) + rlp.encode([*self.items, []]))

    def signed(self, signature: Signature) -> bytes:
        """The transaction as a node takes it."""
        r, s = _number(signature.r), _number(signature.s)
        if self.is_legacy:
            v = _LEGACY_V + 2 * self.chain_id + signature.y_parity
            return bytes(rlp.encode([*self.items, _number(v), r, s]))
        return bytes([_DYNAMIC_TYPE]) + bytes(rlp.encode([*self.items, [], _number(signature.y_parity), r, s]))


def unsigned(transaction: Mapping[str, Any]) -> Unsigned:
    """A transaction in the words of JSON-RPC. Raises ValueError for a field that is missing, or that nobody would compare."""
    names = _LEGACY if "gasPrice" in transaction else _DYNAMIC
    given = {"data": b"", **transaction}
    if set(given) != {*names, "chainId"}:
        raise ValueError(f"a transaction has the fields {', '.join(names)}, and got {', '.join(given)}")
    return Unsigned(
        chain_id=int(given["chainId"]),
        nonce=int(given["nonce"]),
        names=names,
        items=tuple(_item(name, given[name]) for name in names),
    )


def settled(digest: bytes, r: int, s: int, address: Address, signer: str) -> Signature:
    """The signature of a service that tells neither the parity nor which of the two s a chain takes (EIP-2: the lower).

    Raises `SignatureRefused` where it is not of `address`.
    """
    for y_parity in (0, 1):
        signature = Signature(r, min(s, ORDER - s), y_parity)
        if _sender(digest, signature) == address:
            return signature
    raise SignatureRefused(signer, "from", address, "the key of another account, or of another digest")


def recheck(raw: bytes, transaction: Mapping[str, Any], address: Address, signer: str) -> Signed:
    """The signed transaction, if it is exactly the one that was asked of `address`. Raises `SignatureRefused`."""
    asked = unsigned(transaction)
    refused = partial(SignatureRefused, signer)
    kind = "legacy" if asked.is_legacy else f"type {_DYNAMIC_TYPE}"
    if _kind(raw) != kind:
        raise refused("type", kind, _kind(raw))
    count = len(asked.items)
    tail = 3 if asked.is_legacy else 4
    items = _decoded(raw if asked.is_legacy else raw[1:])
    if items is None or len(items) != count + tail:
        got = _NO_ITEMS if items is None else f"{len(items)} fields"
        raise refused("encoding", f"{count + tail} fields", got)
    for name, expected, got in zip(asked.names, asked.items, items, strict=False):
        if got != expected:
            raise refused(name, _shown(name, expected), _shown(name, got))
    if not asked.is_legacy and items[count] != []:
        raise refused("accessList", "empty", "not empty")
    signature = _signature(asked, items[-3:], refused)
    sender = _sender(asked.digest, signature)
    if sender != address:
        raise refused("from", address, sender or "no account")
    if asked.signed(signature) != raw:  # what the library that reads RLP lets through is not decided here
        raise refused("encoding", "that of its fields", "another encoding of the same fields")
    return Signed(hex32(keccak256(raw)), asked.nonce, raw)


def _signature(asked: Unsigned, items: list[Any], refused: partial[SignatureRefused]) -> Signature:
    v, r, s = (_parsed(item) for item in items)
    if r is None or not 0 < r < ORDER:
        raise refused("r", "a number below the curve's order", _shown("r", items[1]))
    if s is None or not 0 < s <= ORDER // 2:
        raise refused("s", "a number of at most half the curve's order (EIP-2)", _shown("s", items[2]))
    if not asked.is_legacy:
        if v not in {0, 1}:
            raise refused("yParity", "0 or 1", _shown("yParity", items[0]))
        return Signature(r, s, v)
    if v in _V_OF_ANY_CHAIN:
        raise refused("chainId", str(asked.chain_id), f"none (v is {v}: good on every chain)")
    if v is None or v < _LEGACY_V:
        raise refused("v", f"{_LEGACY_V} or more", _shown("v", items[0]))
    chain_id, y_parity = divmod(v - _LEGACY_V, 2)
    if chain_id != asked.chain_id:
        raise refused("chainId", str(asked.chain_id), str(chain_id))
    return Signature(r, s, y_parity)


def _sender(digest: bytes, signature: Signature) -> Address | None:
    try:
        point = datatypes.Signature(vrs=(signature.y_parity, signature.r, signature.s))
        return Address(str(point.recover_public_key_from_msg_hash(digest).to_checksum_address()))
    except (BadSignature, ValidationError):
        return None


def _item(name: str, value: Any) -> bytes:
    if name == "to":
        return to_bytes(value)
    return bytes(value) if name == "data" else _number(value)


def _number(value: int) -> bytes:
    if value < 0:
        raise ValueError("a transaction has no numbers below zero")
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _parsed(item: Any) -> int | None:
    """A number as RLP writes it, or None."""
    if not isinstance(item, bytes) or len(item) > _WORD_BYTES or item[:1] == b"\0":
        return None
    return int.from_bytes(item, "big")


def _decoded(encoded: bytes) -> list[Any] | None:
    try:
        items = rlp.decode(encoded)
    except (RLPException, RecursionError):
        return None
    return items if isinstance(items, list) else None


def _kind(raw: bytes) -> str:
    if not raw:
        return "nothing"
    if raw[0] >= _FIRST_OF_LIST:
        return "legacy"
    return f"type {raw[0]}" if raw[0] <= _LAST_OF_TYPE else "no transaction"


def _shown(name: str, item: Any) -> str:
    """A field for an error: short, whatever it holds."""
    if not isinstance(item, bytes):
        return "a list"
    if name == "data":
        return f"{len(item)} bytes with the hash {hex32(keccak256(item))}"
    if name == "to":
        return f"0x{item.hex()}" if len(item) == _ADDRESS_BYTES else f"{len(item)} bytes"
    number = _parsed(item)
    return f"{len(item)} bytes that are no number" if number is None else str(number)
