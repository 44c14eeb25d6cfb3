"""What goes wrong between a client and a node, as records; a schedule that deals them out by the seed.

A fault happens to one HTTP request. Methods of a local chain (`anvil_`, `evm_`) are the simulator's own hand and never meet one.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.sim import stale
from tests.sim.wire import Json

_OWN_HAND = ("anvil_", "evm_", "hardhat_", "txpool_", "debug_", "web3_")


class _Anywhere:
    """What can happen to every request."""

    __slots__ = ()

    def meets(self, _method: str) -> bool:
        """Whether it can happen to a method."""
        return True


@dataclass(frozen=True, slots=True)
class TooMany(_Anywhere):
    """HTTP 429; the node never saw the request."""

    retry_after: int | str | None = 1
    """Seconds, or a date as HTTP allows it, or nothing."""
    kind: str = "429"


@dataclass(frozen=True, slots=True)
class ServerError(_Anywhere):
    """HTTP 5xx with a page for people."""

    status: int
    after: bool = False
    """Whether the node had done its work."""

    @property
    def kind(self) -> str:
        """Its name in the tally."""
        return f"{self.status} after" if self.after else str(self.status)


@dataclass(frozen=True, slots=True)
class Disconnect(_Anywhere):
    """The connection ends before the node sees the request."""

    kind: str = "disconnect"


@dataclass(frozen=True, slots=True)
class Lost(_Anywhere):
    """The node does its work, and then silence: the client does not learn whether."""

    seconds: float = 0.0
    """How long the silence is before the connection ends."""
    kind: str = "lost answer"


@dataclass(frozen=True, slots=True)
class Slow(_Anywhere):
    """An honest answer, late; beyond the client's patience it is a time-out after acceptance."""

    seconds: float = 0.05
    kind: str = "slow"


@dataclass(frozen=True, slots=True)
class Stale:
    """The answer of a replica some blocks behind."""

    blocks: int = 1

    @property
    def kind(self) -> str:
        """Its name in the tally."""
        return f"stale by {self.blocks}"

    def meets(self, method: str) -> bool:
        """Whether it can happen to a method."""
        return method in stale.METHODS


@dataclass(frozen=True, slots=True)
class Garbage(_Anywhere):
    """An answer that is no JSON-RPC: a page, half a document, or one of many megabytes."""

    what: str
    body: bytes
    times: int = 1
    """How often the body is repeated."""

    @property
    def kind(self) -> str:
        """Its name in the tally."""
        return self.what


_RECORDS = frozenset({"eth_getTransactionReceipt", "eth_getLogs", "eth_getBlockByNumber", "eth_getBlockByHash"})
_BLOCKS = frozenset({"eth_getBlockByNumber", "eth_getBlockByHash"})
_LIES: dict[str, frozenset[str]] = {
    "block hash": _RECORDS,
    "receipt status": frozenset({"eth_getTransactionReceipt"}),
    "another receipt": frozenset({"eth_getTransactionReceipt"}),
    "log address": frozenset({"eth_getLogs"}),
    "log topic": frozenset({"eth_getLogs"}),
    "missing log": frozenset({"eth_getLogs"}),
    "chain id": frozenset({"eth_chainId"}),
    "nonce": frozenset({"eth_getTransactionCount"}),
}
_DEEP_LIES: dict[str, frozenset[str]] = {
    "parent hash": _BLOCKS,
    "bloom": _BLOCKS,
    "calldata": frozenset({"eth_getBlockByHash"}),
    "no logs": frozenset({"eth_getLogs"}),
    "lost receipt": frozenset({"eth_getBlockReceipts"}),
    "receipt without logs": frozenset({"eth_getBlockReceipts"}),
    "gas used": frozenset({"eth_getBlockReceipts"}),
}
"""About what only an index asks for."""


@dataclass(frozen=True, slots=True)
class Lie:
    """A well-formed answer in which one thing is wrong."""

    about: str
    """A key of the table above."""

    @property
    def kind(self) -> str:
        """Its name in the tally."""
        return f"lie: {self.about}"

    def meets(self, method: str) -> bool:
        """Whether it can happen to a method."""
        return method in (_LIES.get(self.about) or _DEEP_LIES[self.about])

    def told(self, result: Any, chance: random.Random, receipts: Sequence[Json]) -> Any:
        """The result with the lie in it; the same object where there is nothing to lie about."""
        match self.about:
            case "chain id":
                return hex(int(result, 16) + chance.randint(1, 1000))
            case "nonce":
                nonce = int(result, 16)
                return hex(nonce + chance.choice((-1, 1, 5) if nonce else (1, 5)))
            case "another receipt":
                others = [other for other in receipts if result and _word(other) != _word(result)]
                return chance.choice(others) if others else result
            case "receipt status":
                return result and {**result, "status": "0x0" if result["status"] == "0x1" else "0x1"}
            case "block hash":
                return _with_hash(result, chance)
            case _ if self.about in _DEEP_LIES:
                return _deep(self.about, result, chance) if result else result
        return _with_log(self.about, result, chance)


def _word(receipt: Json) -> str:
    return str(receipt["transactionHash"])


def _with_hash(result: Any, chance: random.Random) -> Any:
    wrong = "0x" + chance.randbytes(32).hex()
    if isinstance(result, list):
        return [{**log, "blockHash": wrong} for log in result] or result
    if not result:
        return result
    return {**result, "blockHash" if "blockHash" in result else "hash": wrong}


def _with_log(about: str, logs: list[Json], chance: random.Random) -> list[Json]:
    if not logs:
        return logs
    chosen = chance.randrange(len(logs))
    log = logs[chosen]
    wrong: list[Json]
    match about:
        case "log address":
            wrong = [{**log, "address": "0x" + chance.randbytes(20).hex()}]
        case "log topic":
            wrong = [{**log, "topics": ["0x" + chance.randbytes(32).hex(), *log["topics"][1:]]}]
        case _:
            wrong = []
    return [*logs[:chosen], *wrong, *logs[chosen + 1 :]]


def _deep(about: str, result: Any, chance: random.Random) -> Any:
    """A lie about a block, its logs or its receipts; there is something in each of them."""
    match about:
        case "parent hash":
            return {**result, "parentHash": "0x" + chance.randbytes(32).hex()}
        case "bloom":
            return {**result, "logsBloom": "0x" + "00" * 256}
        case "calldata":
            return _with_one(result, "transactions", "input", "0x", chance)
        case "no logs":
            return []
    chosen = chance.randrange(len(result))
    told = {"lost receipt": [], "receipt without logs": [{**result[chosen], "logs": []}]}
    changed = told.get(about, [{**result[chosen], "gasUsed": "0x5208"}])
    return [*result[:chosen], *changed, *result[chosen + 1 :]]


def _with_one(result: Json, field: str, name: str, wrong: str, chance: random.Random) -> Json:
    items = result[field]
    if not items or not isinstance(items[0], dict):
        return result
    chosen = chance.randrange(len(items))
    return {**result, field: [*items[:chosen], {**items[chosen], name: wrong}, *items[chosen + 1 :]]}


Fault = TooMany | ServerError | Disconnect | Lost | Slow | Stale | Garbage | Lie

LOUD: tuple[Fault, ...] = (
    TooMany(),
    ServerError(500),
    ServerError(502),
    ServerError(502, after=True),
    Disconnect(),
    Lost(),
    Slow(),
    Garbage("no JSON", b"<!doctype html><title>Bad gateway</title>"),
    Garbage("half a document", b'{"jsonrpc": "2.0", "id": 1, "resu'),
)
"""What a client notices."""

BEHIND: tuple[Fault, ...] = (Stale(1), Stale(3), Stale(64))
"""What a load balancer does to an honest client without anybody noticing."""

LIES: tuple[Fault, ...] = tuple(Lie(about) for about in _LIES)
"""What only checking finds out."""

DEEP_LIES: tuple[Fault, ...] = tuple(Lie(about) for about in _DEEP_LIES)
"""Those that an index meets besides."""

HUGE = Garbage("huge body", b" " * 2**20, times=32)
"""Thirty-two megabytes of nothing; not in ALL, as it takes a tenth of a second."""

ALL: tuple[Fault, ...] = (*LOUD, *BEHIND, *LIES)


class Schedule:
    """Which fault meets which request: the seed and the request's number decide, and nothing else."""

    def __init__(self, seed: object, faults: Sequence[Fault] = (), rate: float = 0.0) -> None:
        self.seed = seed
        self.faults = tuple(faults)
        self.rate = rate
        self.is_calm = False
        self._forced: list[tuple[Fault, str | None]] = []

    def chance(self, number: int) -> random.Random:
        """The dice of one request."""
        return random.Random(f"{self.seed} request {number}")

    def decide(self, number: int, methods: Sequence[str]) -> Fault | None:
        """The fault that a request meets; a batch meets those that fit one of its methods."""
        if any(method.startswith(_OWN_HAND) for method in methods):
            return None
        for position, (fault, method) in enumerate(self._forced):
            if any(method in {None, asked} and fault.meets(asked) for asked in methods):
                del self._forced[position]
                return fault
        if self.is_calm or not self.rate:
            return None
        dice = self.chance(number)
        if dice.random() >= self.rate:
            return None
        fitting = [fault for fault in self.faults if any(fault.meets(method) for method in methods)]
        return dice.choice(fitting) if fitting else None

    def force(self, fault: Fault, method: str | None = None, times: int = 1) -> None:
        """The next request that it can happen to (of a method, or of any) meets this fault, calm or not."""
        self._forced += [(fault, method)] * times

    def calm(self) -> None:
        """No fault from now on, so that a run can settle."""
        self.is_calm = True

    def storm(self, rate: float | None = None) -> None:
        """Faults again, at the same rate or another."""
        self.is_calm = False
        self.rate = self.rate if rate is None else rate
