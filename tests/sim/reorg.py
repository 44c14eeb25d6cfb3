"""Real reorganisations of Anvil's chain, by the pool's rules: what geth puts back comes back."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from dataclasses import dataclass
from enum import StrEnum

from tests.sim.branch import Branch, branch_after
from tests.sim.mempool import Mempool
from tests.sim.signed import read_signed

DEEPEST = 64
"""Two epochs: a reorg beyond it would undo what is final."""


class Shape(StrEnum):
    """What the new blocks hold of the old ones' transactions."""

    EMPTY = "empty"
    """Nothing."""
    SAME = "same"
    """Everything, in the same order, in blocks of other hashes."""
    REORDERED = "re-ordered"
    """Everything, in another order and in other blocks."""
    PARTLY = "partly"
    """Some of it, in another order."""


@dataclass(frozen=True, slots=True)
class Reorg:
    """A reorg that happened."""

    depth: int
    shape: Shape
    old: Branch
    """The blocks that are gone; `StrictNode.branch` takes it, for a replica that has not heard of the reorg."""
    new: Branch
    """The blocks in their place."""

    @property
    def was(self) -> tuple[str, ...]:
        """Hashes of the transactions in the old blocks, in their order."""
        return self.old.transactions

    @property
    def now(self) -> tuple[str, ...]:
        """Hashes of the transactions in the new blocks, in their order."""
        return self.new.transactions

    @property
    def dropped(self) -> tuple[str, ...]:
        """Hashes of what was in the old blocks and is not in the new ones."""
        kept = set(self.now)
        return tuple(tx_hash for tx_hash in self.was if tx_hash not in kept)


def reorganise(pool: Mempool, dice: random.Random, depth: int, shape: Shape = Shape.EMPTY) -> Reorg:
    """Replace the newest blocks. A chain shorter than `depth` is replaced from its first block on."""
    head = int(pool.upstream.ask("eth_blockNumber"), 16)
    depth = min(depth, head)
    base = head - depth
    old = branch_after(pool.upstream, base, head)
    raws = pool.in_blocks(base + 1, head)
    sizes = [len(block["transactions"]) for block in old.blocks]
    pool.reorganise(depth, _placed(pool, dice, raws, sizes, shape))
    pool.tally.add(f"reorg: {shape}")
    return Reorg(depth, shape, old, branch_after(pool.upstream, base, head))


def consecutive(pool: Mempool, dice: random.Random, depths: list[int], shape: Shape = Shape.EMPTY) -> list[Reorg]:
    """One reorg after another without a block between them."""
    return [reorganise(pool, dice, depth, shape) for depth in depths]


def _placed(
    pool: Mempool, dice: random.Random, raws: list[str], sizes: list[int], shape: Shape
) -> list[tuple[str, int]]:
    """(signed transaction, place of its block) in the order in which the new blocks take them."""
    match shape:
        case Shape.EMPTY:
            return []
        case Shape.SAME:
            places = [place for place, size in enumerate(sizes) for _ in range(size)]
            return list(zip(raws, places, strict=True))
    order = _shuffled(pool, dice, raws)
    if shape is Shape.PARTLY:
        order = order[: dice.randint(0, len(order))]
    places = sorted(dice.randrange(len(sizes)) for _ in order)
    return list(zip(order, places, strict=True))


def _shuffled(pool: Mempool, dice: random.Random, raws: list[str]) -> list[str]:
    """Another order in which every sender's nonces still rise."""
    by_sender: defaultdict[str, deque[str]] = defaultdict(deque)
    for raw in raws:
        by_sender[pool.sender(read_signed(raw))].append(raw)
    turns = [sender for sender, queue in by_sender.items() for _ in queue]
    dice.shuffle(turns)
    return [by_sender[sender].popleft() for sender in turns]
