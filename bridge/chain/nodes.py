"""Several nodes of one chain as one: each may lag, lie or fall silent.

What counts up (the head, a key's nonce) is the most that any says and no less than it was. What is claimed of a transaction has
to be claimed by a quorum. What is sent is sent to all.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bridge.chain.answer import Block, Receipt
from bridge.chain.rpc import Rpc
from bridge.chain.signature import Signed
from bridge.core.word import Address
from bridge.errors import ChainError, NodesDisagree, RpcFailed, RpcUnreachable

T = TypeVar("T")

_UNUSABLE = (RpcUnreachable, RpcFailed)


@dataclass(frozen=True, slots=True)
class Nodes:
    """Nodes of one chain; `quorum` of them have to agree."""

    all: tuple[Rpc, ...]
    quorum: int = 1
    trouble: Counter[str] = field(default_factory=Counter)
    """What went wrong, by node and kind, for the metrics."""
    _seen: list[tuple[float, Block]] = field(default_factory=list, repr=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def chain_id(self) -> int:
        """Of the chain; each node was asked for it when it was opened."""
        return self.all[0].chain_id

    def any(self, ask: Callable[[Rpc], T]) -> T:
        """The first answer; a node that fails is passed over. Raises what the last one failed with."""
        failure: ChainError | None = None
        for rpc in self.all:
            try:
                return ask(rpc)
            except _UNUSABLE as error:
                self._tell(rpc, error)
                failure = error
        raise failure or RpcUnreachable(url="(no node)", reason="none was given")

    def nonce(self, address: Address, which: str = "latest") -> int:
        """The most that any node has seen: one that lags says less."""
        return max(self._each(lambda rpc: rpc.nonce(address, which)))

    def pending_nonces(self, address: Address) -> tuple[int, int]:
        """The first nonce that some node has no transaction for, and the first that none has one for."""
        told = self._each(lambda rpc: rpc.nonce(address, "pending"))
        return min(told), max(told)

    def head(self, age: float = 0.0) -> Block:
        """The highest block that any node has; seen within `age` seconds by anybody who shares these nodes."""
        with self._turn:
            now = time.monotonic()
            if self._seen and now - self._seen[-1][0] < age:
                return self._seen[-1][1]
            block = max(self._each(_head), key=lambda block: block.number)
            self._seen[:] = [(now, block)]
            return block

    def final_number(self, depth: int | None) -> int:
        """The highest block that cannot go any more: `depth` below the head, or the chain's own word where that is None.

        Of several nodes the least: a lie here makes a record final that is not.
        """
        if depth is not None:
            return self.head().number - depth
        return min(self._each(_finalized))

    def block_hash(self, number: int) -> str | None:
        """The hash of a block, as a quorum has it; None where none has it."""
        return self._agreed(f"block {number}", lambda rpc: _hash(rpc, number))

    def receipt(self, offers: Sequence[str]) -> Receipt | None:
        """The receipt of whichever of these transactions was mined, as a quorum has it; None where none has one."""
        return self._agreed("a receipt", lambda rpc: _receipt(rpc, offers))

    def knows(self, tx_hash: str) -> bool:
        """Whether every node has a transaction, mined or waiting: one that does not gets it again."""
        return all(self._each(lambda rpc: rpc.knows_transaction(tx_hash)))  # type: ignore[arg-type]

    def send(self, signed: Signed) -> int:
        """Broadcast to all and say how many have it. Raises the last refusal where fewer than the quorum do."""
        taken, failure = 0, None
        for rpc in self.all:
            try:
                _offer(rpc, signed)
                taken += 1
            except _UNUSABLE as error:
                self._tell(rpc, error)
                failure = error
        if failure is not None and taken < self.quorum:
            raise failure
        return taken

    def _each(self, ask: Callable[[Rpc], T]) -> list[T]:
        """Every answer that there is. Raises what the last one failed with, if all do."""
        answers: list[T] = []
        failure: ChainError | None = None
        for rpc in self.all:
            try:
                answers.append(ask(rpc))
            except _UNUSABLE as error:
                self._tell(rpc, error)
                failure = error
        if not answers:
            raise failure or RpcUnreachable(url="(no node)", reason="none was given")
        return answers

    def _agreed(self, what: str, ask: Callable[[Rpc], T | None]) -> T | None:
        """The answer that a quorum gives. Nodes that have none yet lag, and do not count. Raises `NodesDisagree`."""
        told = [answer for answer in self._each(ask) if answer is not None]
        if not told:
            return None
        answer, votes = Counter(told).most_common(1)[0]
        if len(set(told)) > 1:
            self.trouble[f"disagreement on {what.split(maxsplit=1)[0]}"] += 1
            if votes * 2 <= len(told) or votes < self.quorum:
                raise NodesDisagree(chain_id=self.chain_id, what_of=what, answers=tuple(sorted(map(str, set(told)))))
        return answer if votes >= self.quorum else None

    def _tell(self, rpc: Rpc, error: ChainError) -> None:
        self.trouble[f"{rpc.place}: {type(error).__name__}"] += 1


def _head(rpc: Rpc) -> Block:
    block = rpc.block()
    if block is None:
        raise RpcFailed(method="eth_getBlockByNumber", reason="it has no latest block")
    return block


def _finalized(rpc: Rpc) -> int:
    block = rpc.block("finalized")
    if block is None:
        raise RpcFailed(method="eth_getBlockByNumber", reason="it has no finalized block")
    return block.number


def _hash(rpc: Rpc, number: int) -> str | None:
    try:
        block = rpc.block(number)
    except RpcFailed:
        return None
    return None if block is None else block.hash


def _receipt(rpc: Rpc, offers: Sequence[str]) -> Receipt | None:
    for tx_hash in reversed(offers):
        receipt = rpc.receipt(tx_hash)  # type: ignore[arg-type]
        if receipt is not None and receipt.tx_hash == tx_hash:
            return receipt
    return None


def _offer(rpc: Rpc, signed: Signed) -> None:
    """A node that has it already is as good as one that takes it."""
    try:
        rpc.send_raw(signed.raw)
    except RpcFailed:
        if not rpc.knows_transaction(signed.tx_hash):
            raise
