"""Instances as numbers: the scalar field of bn254, and fixed point on top of it.

A circuit knows only field elements. ezkl stands a real x for round(x * 2**scale); a negative integer n is r + n. These
functions and `contracts/src/FixedPoint.sol` are held together by `tests/vectors/fixed_point.json`.
"""

from __future__ import annotations

from fractions import Fraction
from math import ldexp

MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617
"""r, the order of bn254's scalar field (EIP-197)."""
BASE_MODULUS = 21888242871839275222246405745257275088696311157297823662689037894645226208583
"""q, the modulus of the field that bn254's points have their coordinates in (EIP-196)."""

WORD_BYTES = 32
_WAD = 10**18


def to_signed(instance: int) -> int:
    """The integer that a field element stands for: above (r-1)/2 it is negative. Raises ValueError at r and above."""
    if not 0 <= instance < MODULUS:
        raise ValueError(f"{instance} is not an element of the bn254 scalar field")
    return instance - MODULUS if instance > MODULUS // 2 else instance


def to_instance(signed: int) -> int:
    """The field element that stands for an integer of at most (r-1)/2 in magnitude. Raises ValueError beyond it."""
    if abs(signed) > MODULUS // 2:
        raise ValueError(f"{signed} does not fit the bn254 scalar field")
    return signed % MODULUS


def to_number(instance: int, scale: int) -> float:
    """The real number of an instance at a scale: signed / 2**scale, correctly rounded."""
    return ldexp(to_signed(instance), -scale)


def to_wad(instance: int, scale: int) -> int:
    """The same in Solidity's 18-decimal fixed point, truncated toward zero as the EVM divides.

    Raises ValueError where the result exceeds 2**255 - 1 in magnitude, as the contract's `FixedPointOverflow` does.
    """
    wad = int(Fraction(to_signed(instance) * _WAD) / Fraction(2) ** scale)
    if abs(wad) >= 1 << 255:
        raise ValueError(f"{instance} at scale {scale} does not fit 256 bits at 18 decimals")
    return wad


def from_little_endian(text: str) -> int:
    """ezkl writes field elements as 64 hex digits, least significant byte first. Raises ValueError if it is not one."""
    raw = bytes.fromhex(text.removeprefix("0x"))
    if len(raw) != WORD_BYTES:
        raise ValueError(f"a field element has {WORD_BYTES} bytes, got {len(raw)}")
    value = int.from_bytes(raw, "little")
    if value >= MODULUS:
        raise ValueError(f"{text} is not an element of the bn254 scalar field")
    return value


def to_little_endian(instance: int) -> str:
    """The inverse of `from_little_endian`."""
    return instance.to_bytes(WORD_BYTES, "little").hex()
