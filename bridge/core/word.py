"""Hex words, as they stand in JSON, in calldata and on a block explorer."""

from __future__ import annotations

import re
from typing import NewType

from eth_hash.backends.pysha3 import keccak256 as _keccak  # C; what `auto` finds first takes seven times as long
from eth_utils import is_checksum_address, to_checksum_address

Hex32 = NewType("Hex32", str)
"""32 bytes as lower-case 0x-hex: hashes, model and inference ids, instances."""

Address = NewType("Address", str)
"""An EIP-55 checksummed address."""

HexBytes = NewType("HexBytes", str)
"""Any number of bytes as lower-case 0x-hex."""

WORD_BYTES = 32
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_HEX32 = re.compile(r"0x[0-9a-f]{64}")


def hex32(value: bytes | int) -> Hex32:
    """32 bytes, or an unsigned integer below 2**256, as `Hex32`. Raises ValueError on any other size."""
    raw = value.to_bytes(WORD_BYTES, "big") if isinstance(value, int) else value
    if len(raw) != WORD_BYTES:
        raise ValueError(f"expected {WORD_BYTES} bytes, got {len(raw)}")
    return Hex32("0x" + raw.hex())


def parse_hex32(text: str) -> Hex32:
    """Checked entry for a word from outside. Raises ValueError."""
    lowered = text.lower()
    if not _HEX32.fullmatch(lowered):
        raise ValueError(f"expected 0x and 64 hex digits, got {text[:80]!r}")
    return Hex32(lowered)


def parse_address(text: str) -> Address:
    """Checked entry for an account from outside: one case throughout, or a true EIP-55 checksum. Raises ValueError."""
    digits = text.removeprefix("0x")
    # eth_utils' own is_address takes any mixture of cases since version 6.
    if not _ADDRESS.fullmatch(text) or (
        digits not in {digits.lower(), digits.upper()} and not is_checksum_address(text)
    ):
        raise ValueError(f"expected 0x and 40 hex digits with a true checksum, got {text[:80]!r}")
    return Address(to_checksum_address(text))


def to_bytes(text: str) -> bytes:
    """The bytes of any 0x-hex string."""
    return bytes.fromhex(text.removeprefix("0x"))


def hex_bytes(raw: bytes) -> HexBytes:
    """Bytes as lower-case 0x-hex."""
    return HexBytes("0x" + raw.hex())


def keccak256(raw: bytes) -> bytes:
    """Keccak-256, the EVM's hash."""
    return _keccak(raw)
