"""Blocks that a reorg took out of the chain, kept as a replica would still show them that has not heard of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.sim.wire import Json, RefusedError, Upstream

METHODS = frozenset(
    {
        "eth_blockNumber",
        "eth_getBlockByNumber",
        "eth_getBlockByHash",
        "eth_getTransactionReceipt",
        "eth_getLogs",
    }
)
"""What a branch can answer; what asks for state, the chain as it is now answers."""


@dataclass(frozen=True, slots=True)
class Branch:
    """The blocks after `base` as they were."""

    base: int
    blocks: tuple[Json, ...]
    """With the hashes of their transactions, oldest first."""
    receipts: tuple[Json, ...]

    @property
    def head(self) -> int:
        """Number of its newest block."""
        return self.base + len(self.blocks)

    @property
    def transactions(self) -> tuple[str, ...]:
        """Hashes of all that is in it, in order."""
        return tuple(tx_hash for block in self.blocks for tx_hash in block["transactions"])

    @property
    def hashes(self) -> tuple[str, ...]:
        """Of its blocks, oldest first."""
        return tuple(block["hash"] for block in self.blocks)

    def answer(self, upstream: Upstream, method: str, params: list[Any]) -> Any:
        """The result of one of the methods above. Raises `RefusedError`."""
        match method:
            case "eth_blockNumber":
                return hex(self.head)
            case "eth_getBlockByNumber":
                return self._by_number(upstream, params)
            case "eth_getBlockByHash":
                here = [block for block in self.blocks if block["hash"] == params[0]]
                return here[0] if here else self._below(upstream.ask(method, *params), "number")
            case "eth_getTransactionReceipt":
                known = [receipt for receipt in self.receipts if receipt["transactionHash"] == params[0]]
                return known[0] if known else self._below(upstream.ask(method, *params), "blockNumber")
        return self._logs(upstream, params[0])

    def _by_number(self, upstream: Upstream, params: list[Any]) -> Any:
        number = self._number(params[0])
        if number <= self.base:
            return upstream.ask("eth_getBlockByNumber", hex(number), *params[1:])
        return self.blocks[number - self.base - 1] if number <= self.head else None

    def _logs(self, upstream: Upstream, query: Json) -> list[Json]:
        logs = [log for receipt in self.receipts for log in receipt["logs"] if _matches(log, query)]
        if "blockHash" in query:
            if any(block["hash"] == query["blockHash"] for block in self.blocks):
                return [log for log in logs if log["blockHash"] == query["blockHash"]]
            if not self._below(upstream.ask("eth_getBlockByHash", query["blockHash"], False), "number"):
                raise RefusedError(-32000, "unknown block")
            return list(upstream.ask("eth_getLogs", query))
        first, last = (self._number(query.get(end, "latest")) for end in ("fromBlock", "toBlock"))
        shared: list[Json] = []
        if first <= self.base:
            shared = upstream.ask(
                "eth_getLogs", {**query, "fromBlock": hex(first), "toBlock": hex(min(last, self.base))}
            )
        return [*shared, *(log for log in logs if first <= int(log["blockNumber"], 16) <= last)]

    def _number(self, asked: Any) -> int:
        if isinstance(asked, str) and asked.startswith("0x"):
            return int(asked, 16)
        behind = {"earliest": self.head, "safe": 32, "finalized": 64}.get(str(asked), 0)
        return max(0, self.head - behind)

    def _below(self, found: Json | None, field: str) -> Json | None:
        return found if found is not None and int(found[field], 16) <= self.base else None


def branch_after(upstream: Upstream, base: int, head: int) -> Branch:
    """The blocks base + 1 to head as they are now."""
    numbers = [hex(number) for number in range(base + 1, head + 1)]
    blocks = upstream.ask_all([("eth_getBlockByNumber", number, False) for number in numbers])
    receipts = upstream.ask_all([("eth_getBlockReceipts", number) for number in numbers])
    return Branch(base, tuple(blocks), tuple(receipt for part in receipts for receipt in part))


def _matches(log: Json, query: Json) -> bool:
    addresses = _alternatives(query.get("address"))
    wanted = [_alternatives(topic) for topic in query.get("topics") or []]
    if addresses and log["address"].lower() not in addresses:
        return False
    if len(log["topics"]) < len(wanted):
        return False
    return all(not choice or topic.lower() in choice for choice, topic in zip(wanted, log["topics"], strict=False))


def _alternatives(asked: Any) -> set[str]:
    """What one place in a filter accepts; nothing is everything."""
    if asked is None:
        return set()
    return {str(word).lower() for word in (asked if isinstance(asked, list) else [asked])}
