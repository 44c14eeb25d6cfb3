"""Several nodes of one chain as one: each may lag, lie or fall silent.

What counts up (the head, a key's nonce) is the most that any says and no less than it was. What is claimed of a transaction has
to be claimed by a quorum. What is sent is sent to all. One that let others wait in vain is not asked for a while, as long as the
others are a quorum (`rest`).
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from bridge.chain import question
from bridge.chain.answer import Block, Receipt, Transaction
from bridge.chain.question import Question
from bridge.chain.rest import Rests
from bridge.chain.rpc import Rpc
from bridge.chain.signature import Signed
from bridge.core.word import Address, Hex32
from bridge.errors import BridgeError, ChainError, NodesDisagree, RpcFailed, RpcUnreachable

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
    _rests: Rests = field(default_factory=Rests, repr=False)

    @property
    def chain_id(self) -> int:
        """Of the chain; each node was asked for it when it was opened."""
        return self.all[0].chain_id

    def any(self, ask: Callable[[Rpc], T]) -> T:
        """The first answer; a node that fails is passed over. Raises what the last one failed with."""
        failure: ChainError | None = None
        for rpc in self._awake_first():
            started = time.monotonic()
            try:
                return ask(rpc)
            except _UNUSABLE as error:
                self._tell_all(rpc, [error], started)
                failure = error
        raise failure or RpcUnreachable(url="(no node)", reason="none was given")

    def any_all(self, asked: Sequence[Question[T]]) -> list[T | BridgeError]:
        """Of each question the first answer, or what the last node failed with."""
        answers: dict[int, T | BridgeError] = {}
        left = list(range(len(asked)))
        for rpc in self._awake_first():
            told = self._told(rpc, [asked[place] for place in left])
            answers |= zip(left, told, strict=True)
            left = [place for place in left if isinstance(answers[place], _UNUSABLE)]
            if not left:
                break
        return [answers[place] for place in range(len(asked))]

    def each_all(self, asked: Sequence[Question[T]]) -> list[list[T] | BridgeError]:
        """Of each question every answer that there is; what the last node failed with, if all did."""
        told = [self._told(rpc, asked) for rpc in self._awake()]
        return [_answers(each) for each in zip(*told, strict=True)]

    def nonce(self, address: Address, which: str = "latest") -> int:
        """The most that any node has seen: one that lags says less."""
        return max(self._each(question.nonce(address, which)))

    def head(self, age: float = 0.0) -> Block:
        """The highest block that any node has; seen within `age` seconds by anybody who shares these nodes."""
        with self._turn:
            now = time.monotonic()
            if self._seen and now - self._seen[-1][0] < age:
                return self._seen[-1][1]
            block = max(self._each(question.tagged("latest")), key=lambda block: block.number)
            self._seen[:] = [(now, block)]
            return block

    def final_number(self, depth: int | None) -> int:
        """The highest block that cannot go any more: `depth` below the head, or the chain's own word where that is None.

        Of several nodes the least: a lie here makes a record final that is not.
        """
        if depth is not None:
            return self.head().number - depth
        return min(block.number for block in self._each(question.tagged("finalized")))

    def block_hashes(self, numbers: Sequence[int]) -> list[Hex32 | BridgeError | None]:
        """The hash of each block, as a quorum has it; None where none has it. `NodesDisagree` may be why there is none."""
        told = [self._told(rpc, [question.block(number) for number in numbers]) for rpc in self._awake()]
        # A node that cannot tell of a block is one that does not have it.
        hashes = [[_hash(block) for block in each] for each in zip(*told, strict=True)]
        return [self._agreed(f"block {number}", each) for number, each in zip(numbers, hashes, strict=True)]

    def receipts(self, bundles: Sequence[Sequence[Hex32]]) -> list[Receipt | BridgeError | None]:
        """Of each bundle of transactions the receipt of whichever was mined, as a quorum has it; None where none has one."""
        flat = [question.receipt(tx_hash) for bundle in bundles for tx_hash in bundle]
        told = [self._told(rpc, flat) for rpc in self._awake()]
        answers = [iter(each) for each in told]
        return [
            self._agreed("a receipt", [_newest(list(islice(each, len(bundle)))) for each in answers])
            for bundle in bundles
        ]

    def know(self, hashes: Sequence[Hex32]) -> list[bool | BridgeError]:
        """Whether every node has a transaction, mined or waiting: one that does not gets it again."""
        told = self.each_all([question.transaction(tx_hash) for tx_hash in hashes])
        return [each if isinstance(each, BridgeError) else all(found is not None for found in each) for each in told]

    def send(self, signed: Sequence[Signed]) -> list[int | BridgeError]:
        """Broadcast to all, and say how many have each; the last refusal where fewer than the quorum do."""
        told = [self._sent(rpc, signed) for rpc in self._awake()]
        return [self._taken(each) for each in zip(*told, strict=True)]

    def _sent(self, rpc: Rpc, signed: Sequence[Signed]) -> list[BridgeError | None]:
        """Why a node has not taken each; one that has it already is as good as one that takes it."""
        started = time.monotonic()
        answers = rpc.send_all([each.raw for each in signed])
        refused = [place for place, answer in enumerate(answers) if isinstance(answer, RpcFailed)]
        known = rpc.ask_all([question.transaction(signed[place].tx_hash) for place in refused])
        has = {place for place, found in zip(refused, known, strict=True) if isinstance(found, Transaction)}
        failures = [
            answer if isinstance(answer, BridgeError) and place not in has else None
            for place, answer in enumerate(answers)
        ]
        self._tell_all(rpc, failures, started)
        return failures

    def _taken(self, failures: Sequence[BridgeError | None]) -> int | BridgeError:
        taken = sum(failure is None for failure in failures)
        last = next((failure for failure in reversed(failures) if failure is not None), None)
        return last if last is not None and taken < self.quorum else taken

    def _each(self, asked: Question[T]) -> list[T]:
        """Every answer that there is. Raises what the last one failed with, if all do."""
        (told,) = self.each_all([asked])
        if isinstance(told, BridgeError):
            raise told
        return told

    def _told(self, rpc: Rpc, asked: Sequence[Question[T]]) -> list[T | BridgeError]:
        """What a node says to each."""
        started = time.monotonic()
        answers = rpc.ask_all(asked)
        self._tell_all(rpc, answers, started)
        return answers

    def _agreed(self, what: str, answers: Sequence[T | BridgeError | None]) -> T | BridgeError | None:
        """The answer that a quorum gives. Nodes that have none yet lag, and do not count."""
        there = _answers(answers)
        if isinstance(there, BridgeError):
            return there
        told = [answer for answer in there if answer is not None]
        if not told:
            return None
        answer, votes = Counter(told).most_common(1)[0]
        if len(set(told)) > 1:
            self.trouble[f"disagreement on {what.split(maxsplit=1)[0]}"] += 1
            if votes * 2 <= len(told) or votes < self.quorum:
                return NodesDisagree(chain_id=self.chain_id, what_of=what, answers=tuple(sorted(map(str, set(told)))))
        return answer if votes >= self.quorum else None

    def _awake(self) -> tuple[Rpc, ...]:
        return self._rests.awake(self.all, self.quorum)

    def _awake_first(self) -> tuple[Rpc, ...]:
        awake = self._awake()
        return (*awake, *(rpc for rpc in self.all if rpc not in awake))

    def _tell_all(self, rpc: Rpc, answers: Sequence[object], started: float) -> None:
        """Count what went wrong with a node since `started`, and let it rest where it was silent."""
        for answer in answers:
            if isinstance(answer, _UNUSABLE):
                self.trouble[f"{rpc.place}: {type(answer).__name__}"] += 1
        if any(isinstance(answer, RpcUnreachable) for answer in answers):
            self._rests.failed(rpc, time.monotonic() - started)
        elif answers:
            self._rests.answered(rpc)


def _answers(told: Sequence[T | BridgeError]) -> list[T] | BridgeError:
    """What nodes said; what the last one failed with, if all did."""
    answers: list[T] = []
    failure: BridgeError = RpcUnreachable(url="(no node)", reason="none was given")
    for each in told:
        if isinstance(each, BridgeError):
            failure = each
        else:
            answers.append(each)
    return answers or failure


def _hash(told: Block | BridgeError | None) -> Hex32 | BridgeError | None:
    if isinstance(told, Block):
        return told.hash
    return None if isinstance(told, RpcFailed) else told


def _newest(told: Sequence[Receipt | BridgeError | None]) -> Receipt | BridgeError | None:
    """A node's receipt of one of several transactions: the newest that it has one of, unless it failed on the way there."""
    return next((each for each in reversed(told) if each is not None), None)
