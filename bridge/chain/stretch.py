"""A stretch of a chain as one node shows it: headers, and of the watched contracts every event with its transaction.

What a node says in one answer is held against what it says in the others: each block names the one before it, its bloom filter
must know each event, `eth_getLogs` and the receipts must tell the same, and where the bloom filter may hold an event the
receipts are read, whatever `eth_getLogs` says. One lie, or the empty answer of a replica that lags, contradicts the rest. A node
that lies about everything alike is found out by other nodes only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

from bridge.chain import block
from bridge.chain.block import Header, RawLog, Sent
from bridge.chain.bloom import masks, may_hold
from bridge.chain.wire import Call, Refusal, Wire
from bridge.core.word import to_bytes
from bridge.errors import NodeContradiction, RangeRefused, RpcFailed

T = TypeVar("T")

_BLOCKS_TOGETHER = 8
"""With all of their transactions, in one exchange."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Which events are followed: the first topics of each contract's."""

    topics: dict[str, frozenset[str]]
    """By address in small letters."""
    bits: tuple[int, ...]
    """What a bloom filter has of each of them."""

    @classmethod
    def of(cls, topics: dict[str, frozenset[str]]) -> Watch:
        """Addresses and topics as hex."""
        bits = [
            each
            for address, firsts in topics.items()
            for each in masks(to_bytes(address), [to_bytes(first) for first in sorted(firsts)])
        ]
        return cls(topics, tuple(bits))

    def is_watched(self, document: Any) -> bool:
        """Whether a log, as a node shows it, is one of these events."""
        topics = document["topics"]
        return bool(topics) and topics[0] in self.topics.get(document["address"].lower(), ())

    def may_be_in(self, header: Header) -> bool:
        """Whether a block may hold one of them, by its bloom filter."""
        return any(may_hold(header.bloom, bits) for bits in self.bits)

    def query(self, **where: str) -> dict[str, Any]:
        """The filter of `eth_getLogs`."""
        firsts = sorted(frozenset[str]().union(*self.topics.values()))
        return {"address": sorted(self.topics), "topics": [firsts], **where}


@dataclass(frozen=True, slots=True)
class Happening:
    """An event with all that is known of where it happened."""

    log: RawLog
    header: Header
    sent: Sent
    """The transaction."""
    gas_used: int
    """Of the whole transaction."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Blocks one after another, with what happened in them."""

    headers: tuple[Header, ...]
    happenings: tuple[Happening, ...]
    """In the order of the chain."""
    by_hash: bool
    """Whether its events were asked for block by block."""

    @property
    def last(self) -> Header:
        """The end of it."""
        return self.headers[-1]


def headers(wire: Wire, numbers: Sequence[int]) -> list[Header | None]:
    """The heads of blocks by number, None where the node has none. Raises `RpcUnreachable`, `RpcFailed`."""
    calls: list[Call] = [("eth_getBlockByNumber", [hex(number), False]) for number in numbers]
    found = [None if answer is None else _read(block.header, answer, "a block") for answer in wire.ask_all(calls)]
    for number, header in zip(numbers, found, strict=True):
        if header is not None and header.number != number:
            raise _contradiction(wire, number, f"asked for this block, it shows block {header.number}")
    return found


def stretch(wire: Wire, watch: Watch, first: int, last: int, *, by_hash: bool) -> Stretch:
    """Blocks first..last. `by_hash`: a lagging replica must not answer for blocks that it does not have; for blocks near the head.

    Raises `RangeRefused`, `RpcUnreachable`, `RpcFailed`, and `NodeContradiction` where answers do not fit together.
    """
    found = [header for header in headers(wire, range(first, last + 1)) if header is not None]
    if len(found) != last - first + 1:
        raise RpcFailed(method="eth_getBlockByNumber", reason=f"it lacks a block of {first} to {last}")
    for before, after in pairwise(found):
        if after.parent_hash != before.hash:
            raise _contradiction(wire, after.number, "its parent is not the block before it")
    suspects = [header for header in found if watch.may_be_in(header)]
    told = _logs_by_hash(wire, watch, found) if by_hash else _logs_of_range(wire, watch, found)
    happenings: list[Happening] = []
    for at in range(0, len(suspects), _BLOCKS_TOGETHER):
        happenings += _happenings(wire, watch, suspects[at : at + _BLOCKS_TOGETHER], told)
    return Stretch(tuple(found), tuple(happenings), by_hash)


def _logs_of_range(wire: Wire, watch: Watch, found: Sequence[Header]) -> dict[str, list[Any]]:
    """What eth_getLogs shows, by the hash of the block."""
    first, last = found[0].number, found[-1].number
    query = watch.query(fromBlock=hex(first), toBlock=hex(last))
    (answer,) = wire.try_all([("eth_getLogs", [query])])
    if isinstance(answer, Refusal):
        raise RangeRefused(first=first, last=last, code=answer.code, reason=answer.message)
    by_hash: dict[str, list[Any]] = {header.hash: [] for header in found if watch.may_be_in(header)}
    for log in _read(block.listed, answer, "eth_getLogs"):
        at = log.get("blockHash") if isinstance(log, dict) else None
        if at not in by_hash:
            raise _contradiction(wire, first, "eth_getLogs shows an event that no header of its range knows of")
        by_hash[at].append(log)
    return by_hash


def _logs_by_hash(wire: Wire, watch: Watch, found: Sequence[Header]) -> dict[str, list[Any]]:
    """The same, asked for block by block."""
    calls: list[Call] = [("eth_getLogs", [watch.query(blockHash=header.hash)]) for header in found]
    by_hash: dict[str, list[Any]] = {}
    for header, answer in zip(found, wire.ask_all(calls), strict=True):
        by_hash[header.hash] = list(_read(block.listed, answer, "eth_getLogs"))
        if by_hash[header.hash] and not watch.may_be_in(header):
            raise _contradiction(wire, header.number, "eth_getLogs shows an event that the header does not know of")
    return by_hash


def _happenings(
    wire: Wire, watch: Watch, suspects: Sequence[Header], told: dict[str, list[Any]]
) -> Iterator[Happening]:
    """What happened in these blocks, as their receipts have it, held against what eth_getLogs told."""
    calls: list[Call] = [("eth_getBlockByHash", [header.hash, True]) for header in suspects]
    bodies = wire.ask_all(calls, together=_BLOCKS_TOGETHER)
    for header, body, receipts in zip(suspects, bodies, _receipts(wire, suspects), strict=True):
        if body is None:
            raise RpcFailed(method="eth_getBlockByHash", reason=f"it lacks block {header.hash}")
        transactions = body.get("transactions") if isinstance(body, dict) else None
        try:
            if _hashes(transactions, "hash") != header.tx_hashes:
                raise _contradiction(wire, header.number, "the block and its header have different transactions")
            if _hashes(receipts, "transactionHash") != header.tx_hashes:
                raise _contradiction(wire, header.number, "its receipts are not those of its transactions")
            seen, shown = _of_block(wire, watch, header, transactions, receipts)
            if shown != told[header.hash] and [block.log(each) for each in told[header.hash]] != [x.log for x in seen]:
                raise _contradiction(wire, header.number, "eth_getLogs and the receipts show different events")
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise RpcFailed(method="eth_getBlockReceipts", reason=f"its answer is malformed: {error}"[:300]) from None
        yield from seen


def _of_block(
    wire: Wire, watch: Watch, header: Header, transactions: Any, receipts: Any
) -> tuple[list[Happening], list[Any]]:
    """The events of a block that are watched, and the same as the receipts show them. Raises ValueError and what else is malformed."""
    seen, shown, index = list[Happening](), list[Any](), 0
    for tx_hash, transaction, receipt in zip(header.tx_hashes, transactions, receipts, strict=True):
        sent: Sent | None = None
        for document in receipt["logs"]:
            if document["logIndex"] != hex(index):
                raise _contradiction(wire, header.number, "its receipts do not number its events from 0 on")
            index += 1
            if not watch.is_watched(document):
                continue
            log = block.log(document)
            if (log.tx_hash, log.block_hash, log.block_number) != (tx_hash, header.hash, header.number):
                raise _contradiction(wire, header.number, "a receipt shows an event of elsewhere")
            sent = sent or block.sent(transaction)
            seen.append(Happening(log, header, sent, block.quantity(receipt["gasUsed"])))
            shown.append(document)
    return seen, shown


def _hashes(documents: Any, field: str) -> tuple[str, ...]:
    return tuple(document[field].lower() for document in block.listed(documents))


def _receipts(wire: Wire, suspects: Sequence[Header]) -> Iterator[Any]:
    """The receipts of each block; one by one where the node knows only those."""
    calls: list[Call] = [("eth_getBlockReceipts", [header.hash]) for header in suspects]
    for header, answer in zip(suspects, wire.try_all(calls, together=_BLOCKS_TOGETHER), strict=True):
        if not isinstance(answer, Refusal):
            yield answer
        elif answer.is_of_the_method:
            yield wire.ask_all([("eth_getTransactionReceipt", [tx_hash]) for tx_hash in header.tx_hashes])
        else:
            raise answer.error()


def _read(parse: Callable[[Any], T], document: Any, what: str) -> T:
    try:
        return parse(document)
    except ValueError as error:
        raise RpcFailed(method=what, reason=f"its answer is malformed: {error}"[:300]) from None


def _contradiction(wire: Wire, number: int, reason: str) -> NodeContradiction:
    return NodeContradiction(url=wire.place, block=number, reason=reason)
