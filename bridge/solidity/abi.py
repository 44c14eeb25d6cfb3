"""Calls, events and errors by the ABI that solc wrote; nothing is matched by hand-copied selectors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.codec import ABIDecoder
from eth_abi.decoding import StringDecoder
from eth_abi.exceptions import DecodingError
from eth_abi.registry import registry as _registry

from bridge.core.word import Hex32, hex32, hex_bytes, keccak256, to_bytes
from bridge.toolchain import assets

Entry = dict[str, Any]

_MALFORMED = (DecodingError, OverflowError, UnicodeDecodeError)
"""What eth-abi raises on data that was made to confuse it."""
_TEXTS: Any = _registry.copy()  # type: ignore[no-untyped-call]
"""Any bytes can stand where an event has a text, and must not keep anybody from reading the event."""
_TEXTS.unregister_decoder("string")
_TEXTS.register_decoder("string", StringDecoder(handle_string_errors="replace"))  # type: ignore[no-untyped-call]
_EVENTS = ABIDecoder(_TEXTS)
_NO_CONSTRUCTOR: Entry = {"inputs": []}
_PANIC = bytes.fromhex("4e487b71")
_REVERT_STRING = bytes.fromhex("08c379a0")
_WRAPPED = keccak256(b"WrappedError(address,bytes4,bytes,bytes)")[:4]


@dataclass(frozen=True, slots=True)
class Event:
    """A decoded log: its name and its arguments by name."""

    name: str
    arguments: Mapping[str, Any]


class Abi:
    """The ABI of one contract."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        """`entries` is the JSON ABI."""
        self.entries = tuple(entries)
        self._functions = {entry["name"]: entry for entry in entries if entry["type"] == "function"}
        self._selectors = {name: _selector(entry) for name, entry in self._functions.items()}
        self._events = {topic(entry): entry for entry in entries if entry["type"] == "event"}
        self._errors = {_selector(entry): entry for entry in entries if entry["type"] == "error"}

    def call(self, name: str, *arguments: Any) -> bytes:
        """Calldata of a function. Raises KeyError for a name that is not there."""
        entry = self._functions[name]
        return self._selectors[name] + encode(_types(entry["inputs"]), list(arguments))

    def signature(self, name: str) -> str:
        """A function as its selector is made from: name and types."""
        return f"{name}({','.join(_types(self._functions[name]['inputs']))})"

    def parameters(self, name: str) -> tuple[str, ...]:
        """The names of a function's parameters."""
        return tuple(item["name"] for item in self._functions[name]["inputs"])

    def selector(self, name: str) -> bytes:
        """The first four bytes of a function's calldata. Raises KeyError for a name that is not there."""
        return _selector(self._functions[name])

    def arguments(self, name: str, calldata: bytes) -> tuple[Any, ...] | None:
        """What a function was called with, or None if the calldata is of another. Raises ValueError on malformed data."""
        entry = self._functions[name]
        if calldata[:4] != self._selectors[name]:
            return None
        try:
            return tuple(decode(_types(entry["inputs"]), calldata[4:]))
        except _MALFORMED as error:
            raise ValueError(f"a call of {name} does not decode: {error}") from None

    def answer(self, name: str, data: bytes) -> tuple[Any, ...]:
        """A function's return values. Raises ValueError on data that does not decode (a hostile node)."""
        try:
            return tuple(decode(_types(self._functions[name]["outputs"]), data))
        except _MALFORMED as error:
            raise ValueError(f"{name} answered with data that is not its ABI: {error}") from None

    def constructor(self, *arguments: Any) -> bytes:
        """Encoded constructor arguments."""
        entry = next((entry for entry in self.entries if entry["type"] == "constructor"), _NO_CONSTRUCTOR)
        return bytes(encode(_types(entry["inputs"]), list(arguments)))

    def topic(self, event: str) -> Hex32:
        """The first topic of an event."""
        return hex32(next(topic for topic, entry in self._events.items() if entry["name"] == event))

    def event(self, topics: Sequence[str], data: bytes) -> Event | None:
        """A log by this ABI, or None if it is not one of its events. Texts that are no UTF-8 are mended. Raises ValueError on malformed data."""
        entry = self._events.get(to_bytes(topics[0])) if topics else None
        if entry is None:
            return None
        indexed = [item for item in entry["inputs"] if item["indexed"]]
        plain = [item for item in entry["inputs"] if not item["indexed"]]
        try:
            values = dict(zip((item["name"] for item in plain), _EVENTS.decode(_types(plain), data), strict=True))
            for item, word in zip(indexed, topics[1:], strict=True):
                values[item["name"]] = decode([_type(item)], to_bytes(word))[0]
        except _MALFORMED as error:
            raise ValueError(f"a log of {entry['name']} does not decode: {error}") from None
        return Event(entry["name"], values)

    def error(self, data: bytes) -> tuple[str, tuple[tuple[str, str], ...]] | None:
        """Name and arguments of revert data by this ABI, or None if it is not one of its errors."""
        entry = self._errors.get(data[:4])
        if entry is None:
            return None
        try:
            values = decode(_types(entry["inputs"]), data[4:])
        except _MALFORMED:
            return entry["name"], ()
        names = [item["name"] or str(at) for at, item in enumerate(entry["inputs"])]
        return entry["name"], tuple((name, _readable(value)) for name, value in zip(names, values, strict=True))


def decode_revert(data: bytes, abis: Sequence[Abi]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Revert data by the first ABI that knows it; Solidity's own two errors and empty data have names here too.

    A reason that a contract quotes from another (ERC-7751) is told beside the error that it led to.
    """
    if data[:4] != _WRAPPED:
        return _named(data, abis)
    try:
        target, _, reason, details = decode(["address", "bytes4", "bytes", "bytes"], data[4:])
    except _MALFORMED:
        return "WrappedError", ()
    name, arguments = _named(details, abis)
    return name, (*arguments, ("contract", target), ("reason", _named(reason, abis)[0]))


def _named(data: bytes, abis: Sequence[Abi]) -> tuple[str, tuple[tuple[str, str], ...]]:
    for abi in abis:
        found = abi.error(data)
        if found is not None:
            return found
    if not data:
        return "EmptyRevert", ()
    if data[:4] in {_PANIC, _REVERT_STRING}:
        kind, name, label = ("uint256", "Panic", "code") if data[:4] == _PANIC else ("string", "Error", "message")
        try:
            return name, ((label, _readable(decode([kind], data[4:])[0])),)
        except _MALFORMED:
            return name, ()
    return "UnknownError", (("data", hex_bytes(data[:68])),)


@cache
def contract_abi(name: str) -> Abi:
    """The ABI of one of our own contracts, as `contracts/abi` holds it."""
    return Abi(json.loads((assets.contracts() / "abi" / f"{name}.json").read_bytes()))


def topic(entry: Entry) -> bytes:
    """The full hash of an event's or error's signature."""
    return keccak256(f"{entry['name']}({','.join(_types(entry['inputs']))})".encode())


def _selector(entry: Entry) -> bytes:
    return topic(entry)[:4]


def _types(items: Sequence[Entry]) -> list[str]:
    return [_type(item) for item in items]


def _type(item: Entry) -> str:
    kind: str = item["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_types(item['components']))}){kind.removeprefix('tuple')}"


def _readable(value: Any) -> str:
    return hex_bytes(value) if isinstance(value, bytes) else str(value)
