"""Blocks, transactions, receipts and logs out of raw JSON-RPC results. Every field that is used is checked for its form; whether
they fit together is for `stretch` to say.

Everything here raises ValueError on what has another form, and only that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.chain.bloom import BLOOM_BITS
from bridge.core.word import Hex32, to_bytes

_HEX32 = re.compile(r"0x[0-9a-f]{64}")
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")
_QUANTITY = re.compile(r"0x[0-9a-f]{1,16}")
_BLOOM = re.compile(rf"0x[0-9a-f]{{{BLOOM_BITS // 4}}}")
_LAST_SECOND = 253_402_300_799
"""The end of the year 9999, beyond which no calendar goes."""
_MOST_TOPICS = 4


@dataclass(frozen=True, slots=True)
class Header:
    """The head of a block."""

    number: int
    hash: Hex32
    parent_hash: Hex32
    timestamp: int
    bloom: int
    tx_hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction of a block."""

    tx_hash: Hex32
    sender: str
    """In small letters, as every address here."""
    to: str | None
    """None where it creates a contract."""
    input: bytes


@dataclass(frozen=True, slots=True)
class RawLog:
    """One event as it stands in a block."""

    address: str
    topics: tuple[str, ...]
    data: bytes
    block_number: int
    block_hash: str
    tx_hash: str
    index: int
    """In the block."""


def header(document: Any) -> Header:
    """A block without its transactions, or with them."""
    try:
        return Header(
            number=quantity(document["number"]),
            hash=word(document["hash"]),
            parent_hash=word(document["parentHash"]),
            timestamp=quantity(document["timestamp"], _LAST_SECOND),
            bloom=int(_formed(_BLOOM, document["logsBloom"]), 16),
            tx_hashes=tuple(
                word(item if isinstance(item, str) else item["hash"]) for item in listed(document["transactions"])
            ),
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"no block: {error!r}") from None


def sent(document: Any) -> Sent:
    """A transaction of a block."""
    try:
        to = document.get("to")
        return Sent(
            word(document["hash"]),
            address(document["from"]),
            None if to is None else address(to),
            data(document["input"]),
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"no transaction: {error!r}") from None


def log(document: Any) -> RawLog:
    """An event."""
    try:
        return RawLog(
            address(document["address"]),
            _topics(document["topics"]),
            data(document["data"]),
            quantity(document["blockNumber"]),
            word(document["blockHash"]),
            word(document["transactionHash"]),
            quantity(document["logIndex"], 2**31 - 1),
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"no log: {error!r}") from None


def quantity(value: Any, largest: int = 2**63 - 1) -> int:
    """A number of at most 63 bits, which is what a database holds."""
    number = int(_formed(_QUANTITY, value), 16)
    if number > largest:
        raise ValueError(f"{number} is more than {largest}")
    return number


def word(value: Any) -> Hex32:
    """32 bytes."""
    return Hex32(_formed(_HEX32, value))


def address(value: Any) -> str:
    """20 bytes."""
    return _formed(_ADDRESS, value)


def data(value: Any) -> bytes:
    """Any number of bytes."""
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError("no bytes")
    raw = to_bytes(value)
    if len(value) != 2 * len(raw) + 2:  # fromhex passes over blanks
        raise ValueError("no bytes")
    return raw


def _topics(values: Any) -> tuple[str, ...]:
    topics = tuple(_formed(_HEX32, value) for value in listed(values))
    if len(topics) > _MOST_TOPICS:
        raise ValueError(f"{len(topics)} topics")
    return topics


def listed(value: Any) -> Sequence[Any]:
    """What has to be a list."""
    if not isinstance(value, list):
        raise ValueError("no list")  # noqa: TRY004 - what a node says is a value
    return value


def _formed(pattern: re.Pattern[str], value: Any) -> str:
    """A text of this form, in small letters: nodes write addresses in both cases."""
    if not isinstance(value, str):
        raise TypeError("no text")
    if pattern.fullmatch(value):
        return value
    lowered: str = value.lower()
    if not pattern.fullmatch(lowered):
        raise ValueError(f"{value[:80]!r} is not of the form {pattern.pattern}")
    return lowered
