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


@dataclass(frozen=True, slots=True)
class Outcome:
    """The part of a receipt that is used."""

    tx_hash: str
    gas_used: int
    logs: tuple[RawLog, ...]


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
                word(item if isinstance(item, str) else item["hash"]) for item in _listed(document["transactions"])
            ),
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"no block: {error!r}") from None


def transactions(document: Any) -> tuple[Sent, ...]:
    """The transactions of a block that was asked for with them."""
    try:
        return tuple(
            Sent(
                word(item["hash"]),
                address(item["from"]),
                None if item.get("to") is None else address(item["to"]),
                data(item["input"]),
            )
            for item in _listed(document["transactions"])
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"no transaction: {error!r}") from None


def outcomes(documents: Any) -> tuple[Outcome, ...]:
    """The receipts of a block."""
    try:
        return tuple(
            Outcome(word(item["transactionHash"]), quantity(item["gasUsed"]), logs(item["logs"]))
            for item in _listed(documents)
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"no receipt: {error!r}") from None


def logs(documents: Any) -> tuple[RawLog, ...]:
    """Logs, in the order in which they are told."""
    try:
        return tuple(
            RawLog(
                address(item["address"]),
                _topics(item["topics"]),
                data(item["data"]),
                quantity(item["blockNumber"]),
                word(item["blockHash"]),
                word(item["transactionHash"]),
                quantity(item["logIndex"], 2**31 - 1),
            )
            for item in _listed(documents)
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
    topics = tuple(_formed(_HEX32, value) for value in _listed(values))
    if len(topics) > _MOST_TOPICS:
        raise ValueError(f"{len(topics)} topics")
    return topics


def _listed(value: Any) -> Sequence[Any]:
    if not isinstance(value, list):
        raise TypeError("no list")
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
