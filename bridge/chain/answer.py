"""What a node's answers are read as. Everything here refuses by ValueError, or by what Python raises on a thing of another form.

JSON-RPC writes numbers and bytes as hex. Whatever is not exactly that is no answer, however well it could be guessed.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_utils import to_checksum_address

from bridge.core.word import Address, Hex32, hex32

_LAST_SECOND = 253_402_300_799
"""The end of the year 9999, beyond which no calendar goes."""
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Block:
    """The head of a block."""

    number: int
    hash: Hex32
    timestamp: int
    base_fee_wei: int | None
    """None on a chain without EIP-1559."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """What was sent to whom."""

    to: Address | None
    """None where it creates a contract."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a transaction."""

    tx_hash: Hex32
    block_number: int
    block_hash: Hex32
    succeeded: bool
    gas_used: int
    effective_gas_price_wei: int
    sender: Address


@dataclass(frozen=True, slots=True)
class Log:
    """One event as a node reports it."""

    address: Address
    topics: tuple[str, ...]
    data: bytes
    block_number: int
    block_hash: Hex32
    tx_hash: Hex32
    index: int


def quantity(value: Any, largest: int = 2**256 - 1) -> int:
    """A number of at most 256 bits."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise ValueError("no quantity")
    number = int(value, 16)
    if number > largest:
        raise ValueError("too large a quantity")
    return number


def raw(value: Any) -> bytes:
    """Bytes."""
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError("no bytes")
    return unhexlify(value[2:])  # unlike bytes.fromhex it takes no blanks


def word(value: Any) -> Hex32:
    """32 bytes."""
    return hex32(raw(value))


def address(value: Any) -> Address:
    """An account, in whatever case."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise ValueError("no address")
    return Address(to_checksum_address(value))


def addresses(value: Any) -> tuple[Address, ...]:
    """Accounts."""
    return tuple(address(item) for item in _items(value))


def block(value: Any) -> Block | None:
    """The head of a block, or that there is none."""
    if value is None:
        return None
    found = _document(value)
    base_fee = found.get("baseFeePerGas")
    return Block(
        quantity(found["number"]),
        word(found["hash"]),
        quantity(found["timestamp"], _LAST_SECOND),
        None if base_fee is None else quantity(base_fee),
    )


def transaction(value: Any) -> Transaction | None:
    """A transaction, or that there is none."""
    if value is None:
        return None
    found = _document(value)
    to = found.get("to")
    return Transaction(to=None if to is None else address(to), data=raw(found["input"]))


def receipt(value: Any) -> Receipt | None:
    """A receipt, or that there is none."""
    if value is None:
        return None
    found = _document(value)
    price = found.get("effectiveGasPrice")
    return Receipt(
        tx_hash=word(found["transactionHash"]),
        block_number=quantity(found["blockNumber"]),
        block_hash=word(found["blockHash"]),
        succeeded=quantity(found["status"]) == 1,
        gas_used=quantity(found["gasUsed"]),
        effective_gas_price_wei=0 if price is None else quantity(price),
        sender=address(found["from"]),
    )


def logs(value: Any) -> tuple[Log, ...]:
    """Events."""
    return tuple(_log(_document(item)) for item in _items(value))


def tips(value: Any) -> tuple[int, ...]:
    """The first percentile of each block of a fee history."""
    return tuple(quantity(_items(rewards)[0]) for rewards in _items(_document(value)["reward"]))


def _log(item: Mapping[str, Any]) -> Log:
    return Log(
        address=address(item["address"]),
        topics=tuple(word(topic) for topic in _items(item["topics"])),
        data=raw(item["data"]),
        block_number=quantity(item["blockNumber"]),
        block_hash=word(item["blockHash"]),
        tx_hash=word(item["transactionHash"]),
        index=quantity(item["logIndex"]),
    )


def _document(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("no object")
    return value


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return value
