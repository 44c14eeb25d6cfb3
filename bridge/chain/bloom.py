"""The bloom filter in the header of a block: which addresses and topics its logs may have, and which they cannot have."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.core.word import keccak256

BLOOM_BITS = 2048


def mask(value: bytes) -> int:
    """The three bits that an address or a topic sets (Yellow Paper, 4.3.1)."""
    digest = keccak256(value)
    bits = 0
    for at in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[at : at + 2], "big") & (BLOOM_BITS - 1))
    return bits


def masks(address: bytes, topics: Iterable[bytes]) -> tuple[int, ...]:
    """The bits of the events of a contract, by their first topics."""
    own = mask(address)
    return tuple(own | mask(topic) for topic in topics)


def may_hold(bloom: int, bits: int) -> bool:
    """Whether a block may have what these bits are of; False is certain, unless the header lies."""
    return bloom & bits == bits
