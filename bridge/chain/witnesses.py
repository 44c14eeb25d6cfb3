"""The nodes that an index reads, and what enough of them say of the same thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from bridge.chain import block
from bridge.chain.stretch import Stretch, Watch, headers, stretch
from bridge.chain.wire import Refusal, Wire
from bridge.core.word import Hex32
from bridge.errors import ChainError, NodeContradiction, NodesDisagree, RangeRefused, RpcFailed, RpcUnreachable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Nodes of one chain; `quorum` of them have to agree."""

    chain_id: int
    wires: tuple[Wire, ...]
    quorum: int = 1
    trouble: Counter[str] = field(default_factory=Counter)
    """What went wrong, by node and kind."""

    def head(self) -> int:
        """The highest block that as many nodes have as have to agree. Raises what the last failed with, where too few answer."""
        told = sorted(self._each(lambda wire: _number(wire.ask("eth_blockNumber"))), reverse=True)
        return told[self.quorum - 1]

    def tagged(self, tag: str) -> int | None:
        """The number of a block that the chain calls safe or finalized: the least that is said. None where a node knows no such tag."""
        told = self._each(lambda wire: _tagged(wire, tag))
        numbers = [number for number in told if number is not None]
        return min(numbers) if len(numbers) == len(told) else None

    def hash_of(self, number: int) -> Hex32 | None:
        """The hash of a block, as a quorum has it; None where too few have the block yet. Raises `NodesDisagree`."""
        found = [header for told in self._each(lambda wire: headers(wire, [number])) for header in told]
        votes = Counter(header.hash for header in found if header is not None)
        if not votes:
            return None
        answer, count = votes.most_common(1)[0]
        if len(votes) > 1 and (count < self.quorum or 2 * count <= votes.total()):
            self.trouble["disagreement"] += 1
            raise NodesDisagree(chain_id=self.chain_id, what_of=f"block {number}", answers=tuple(sorted(votes)))
        return answer if count >= self.quorum else None

    def confirm(self, wire: Wire, watch: Watch, read: Stretch) -> None:
        """That as many nodes show a stretch as have to agree, `wire` being one: every field of it. Raises `NodesDisagree`."""
        agreed, first, last = 1, read.headers[0].number, read.last.number
        for other in self.wires:
            if agreed >= self.quorum:
                return
            if other is wire:
                continue
            try:
                agreed += stretch(other, watch, first, last, by_hash=read.by_hash) == read
            except (RpcUnreachable, RpcFailed, RangeRefused, NodeContradiction) as error:
                self.tell(other, error)
        if agreed < self.quorum:
            said = f"blocks {first} to {last}"
            raise NodesDisagree(
                chain_id=self.chain_id,
                what_of=said,
                answers=(f"{agreed} of {self.quorum} show what {wire.place} shows",),
            )

    def tell(self, wire: Wire, error: Exception) -> None:
        """Count a failure of a node."""
        self.trouble[f"{wire.place}: {type(error).__name__}"] += 1

    def _each(self, ask: Callable[[Wire], T]) -> list[T]:
        answers: list[T] = []
        failure: ChainError = RpcUnreachable(url="(no node)", reason="fewer nodes than have to agree")
        for wire in self.wires:
            try:
                answers.append(ask(wire))
            except (RpcUnreachable, RpcFailed, NodeContradiction) as error:
                self.tell(wire, error)
                failure = error
        if len(answers) < self.quorum:
            raise failure
        return answers


def _number(answer: object) -> int:
    try:
        return block.quantity(answer)
    except (ValueError, TypeError) as error:
        raise RpcFailed(method="eth_blockNumber", reason=f"its answer is malformed: {error}") from None


def _tagged(wire: Wire, tag: str) -> int | None:
    (answer,) = wire.try_all([("eth_getBlockByNumber", [tag, False])])
    if isinstance(answer, Refusal) or answer is None:
        return None
    try:
        return block.header(answer).number
    except ValueError as error:
        raise RpcFailed(method="eth_getBlockByNumber", reason=str(error)[:200]) from None
