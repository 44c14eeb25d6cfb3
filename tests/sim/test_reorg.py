"""Reorgs happen on the real chain, to any depth that is not final, and what they drop comes back or does not, by the rules."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from bridge.chain.rpc import Rpc
from bridge.core.word import Hex32
from tests.sim.payer import GWEI, Payer, payer
from tests.sim.reorg import DEEPEST, Shape, consecutive
from tests.sim.rules import Rules
from tests.sim.seeds import seeds
from tests.sim.signed import read_signed
from tests.sim.world import World


def busy(world: World, blocks: int, senders: int = 3) -> list[Payer]:
    """Blocks with one transaction of each sender."""
    payers = [payer(world) for _ in range(senders)]
    for nonce in range(blocks):
        for sender in payers:
            world.pool.submit(sender.signed(nonce, fee=100 * GWEI))
        world.mine()
    return payers


def nonces(world: World, payers: list[Payer]) -> list[int]:
    return [int(world.ask("eth_getTransactionCount", sender.address, "latest"), 16) for sender in payers]


def by_sender(world: World, hashes: tuple[str, ...]) -> dict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for document in world.upstream.ask_all([("eth_getTransactionByHash", tx_hash) for tx_hash in hashes]):
        found[document["from"]].append(int(document["nonce"], 16))
    return found


@pytest.mark.parametrize("seed", seeds())
def test_sixty_four_blocks_come_back_in_another_order(seed: int) -> None:
    with World(seed) as world:
        payers = busy(world, 70)
        receipts = {tx_hash: world.ask("eth_getTransactionReceipt", tx_hash) for tx_hash in world.pool.waiting()}
        assert receipts == {}
        happened = world.reorg(DEEPEST, Shape.REORDERED)
        assert world.head == 70
        assert happened.old.base == 6
        assert len(happened.was) == 3 * 64
        assert set(happened.was) == set(happened.now)
        assert happened.was != happened.now
        assert happened.dropped == ()
        assert not set(happened.old.hashes) & set(happened.new.hashes)
        assert all(order == sorted(order) for order in by_sender(world, happened.now).values())
        assert nonces(world, payers) == [70, 70, 70]
        moved = [
            old["blockNumber"] != new["blockNumber"]
            for old in happened.old.receipts
            for new in happened.new.receipts
            if old["transactionHash"] == new["transactionHash"]
        ]
        assert any(moved)


def test_an_empty_reorg_drops_all_and_geth_puts_it_back() -> None:
    with World(3) as world:
        payers = busy(world, 10)
        happened = world.reorg(4, Shape.EMPTY)
        assert happened.now == ()
        assert len(happened.dropped) == 12
        assert nonces(world, payers) == [6, 6, 6]
        assert set(world.pool.waiting()) == set(happened.dropped)
        assert world.tally["back in the pool"] == 12
        world.mine()
        assert nonces(world, payers) == [10, 10, 10]
        assert world.pool.waiting() == []


def test_a_forgetful_node_does_not_put_it_back_and_sending_again_does() -> None:
    with World(3, rules=Rules(returning=0.0)) as world:
        payers = busy(world, 10)
        raws = world.pool.in_blocks(7, 10)
        happened = world.reorg(4, Shape.EMPTY)
        assert len(happened.dropped) == 12
        world.mine()
        assert nonces(world, payers) == [6, 6, 6]
        assert Rpc(world.url).receipt(Hex32(happened.dropped[0])) is None
        for raw in raws:
            world.pool.submit(raw)
        world.mine()
        assert nonces(world, payers) == [10, 10, 10]


def test_between_the_two_the_seed_decides() -> None:
    def back(seed: int) -> list[int]:
        with World(seed, rules=Rules(returning=0.5)) as world:
            busy(world, 10)
            happened = world.reorg(10, Shape.EMPTY)
            waiting = set(world.pool.waiting())
            return [place for place, tx_hash in enumerate(happened.was) if tx_hash in waiting]

    assert back(4) == back(4)
    assert back(4) != back(5)
    assert 0 < len(back(4)) < 30


def test_plain_anvil_forgets_what_its_reorg_drops() -> None:
    with World(3) as world:
        alice = payer(world)
        tx_hash = world.pool.submit(alice.signed(0))
        world.mine()
        world.ask("anvil_reorg", 1, [])
        assert world.ask("eth_getTransactionByHash", tx_hash) is None
        world.mine()
        assert nonces(world, [alice]) == [0]


def test_a_reorg_that_a_client_asks_of_the_node_is_one_of_geth() -> None:
    with World(3) as world:
        payers = busy(world, 5)
        Rpc(world.url).raw("anvil_reorg", 5, [])
        assert nonces(world, payers) == [0, 0, 0]
        world.mine()
        assert nonces(world, payers) == [5, 5, 5]


def test_what_waited_before_a_reorg_waits_after_it() -> None:
    with World(3) as world:
        (alice,) = busy(world, 5, senders=1)
        waiting = [world.pool.submit(alice.signed(nonce, fee=100 * GWEI)) for nonce in (5, 6)]
        happened = world.reorg(3, Shape.EMPTY)
        assert world.pool.waiting() == [*happened.was, *waiting]
        world.mine()
        assert nonces(world, [alice]) == [7]


def test_what_waited_may_be_mined_by_the_other_branch() -> None:
    with World(3) as world:
        (alice,) = busy(world, 3, senders=1)
        early = alice.signed(3, fee=100 * GWEI)
        waiting = world.pool.submit(early)
        raws = [*world.pool.in_blocks(1, 3), early]
        assert world.pool.reorganise(3, [(raw, 0) for raw in raws]) == []
        assert world.pool.waiting() == []
        assert world.ask("eth_getTransactionReceipt", waiting)["blockNumber"] == "0x1"
        assert world.pool.pending_nonce(alice.address) == 4


def test_a_replacement_in_the_gap_that_a_reorg_leaves_keeps_the_old_one_out() -> None:
    with World(3, rules=Rules(returning=0.0)) as world:
        (alice,) = busy(world, 1, senders=1)
        happened = world.reorg(1, Shape.EMPTY)
        other = alice.signed(0, fee=200 * GWEI, value=7)
        assert world.pool.submit(other) == read_signed(other).hash
        world.mine()
        assert nonces(world, [alice]) == [1]
        assert world.ask("eth_getTransactionReceipt", happened.was[0]) is None


def test_one_reorg_after_another() -> None:
    with World(3) as world:
        payers = busy(world, 20)
        first, second, third = consecutive(world.pool, world.random, [5, 64, 9], Shape.REORDERED)
        assert second.depth == 20, "a chain is as deep as it is"
        assert first.new.hashes == second.old.hashes[-5:]
        assert second.new.hashes[-9:] == third.old.hashes
        assert third.dropped == ()
        assert nonces(world, payers) == [20, 20, 20]


@pytest.mark.parametrize("shape", Shape)
def test_blocks_are_other_blocks_after_a_reorg_even_where_nothing_else_changed(shape: Shape) -> None:
    with World(3) as world:
        busy(world, 4)
        world.mine(4)
        happened = world.reorg(8, shape)
        assert not set(happened.old.hashes) & set(happened.new.hashes)
        assert world.tally[f"reorg: {shape}"] == 1
        assert (happened.was == happened.now) is (shape is Shape.SAME)


def test_a_replica_on_the_branch_that_was_left_still_shows_it() -> None:
    with World(3, replicas=2) as world:
        busy(world, 6)
        happened = world.reorg(3, Shape.EMPTY)
        stale, fresh = world.client(0), world.client(1)
        world.node.branch = happened.old
        tx_hash, gone = happened.was[0], happened.old.hashes[0]
        assert stale.ask("eth_getTransactionReceipt", tx_hash)["blockHash"] == gone
        assert fresh.ask("eth_getTransactionReceipt", tx_hash) is None
        assert stale.ask("eth_getBlockByNumber", "latest", False)["hash"] == happened.old.hashes[-1]
        assert fresh.ask("eth_getBlockByNumber", "latest", False)["hash"] == happened.new.hashes[-1]
        assert stale.ask("eth_getBlockByHash", gone, False)["number"] == "0x4"
        shared = fresh.ask("eth_getBlockByNumber", "0x3", False)
        assert stale.ask("eth_getBlockByNumber", "0x3", False) == shared
        world.calm()
        assert stale.ask("eth_getTransactionReceipt", tx_hash) is None


def test_the_seed_decides_depth_and_shape() -> None:
    def happened(seed: int) -> list[tuple[int, str, tuple[str, ...]]]:
        with World(seed) as world:
            busy(world, 12)
            return [(reorg.depth, reorg.shape, reorg.now) for reorg in (world.reorg() for _ in range(3))]

    assert happened(8) == happened(8)
    assert happened(8) != happened(9)
    assert random.Random("world 8").random() == random.Random("world 8").random()
