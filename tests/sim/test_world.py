"""A world starts, can be told apart from another only by its seed, settles when it is told to, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import pytest

from bridge.chain.rpc import Rpc
from bridge.core.word import Address, Hex32
from bridge.errors import ChainError, RpcFailed
from tests.sim import seeds as seed_list
from tests.sim.clock import START, Clock
from tests.sim.faults import ALL, Schedule
from tests.sim.payer import GWEI, Payer
from tests.sim.seeds import seeds
from tests.sim.world import CHAIN_ID, SLOT_SECONDS, World


@pytest.mark.parametrize("seed", seeds())
def test_a_run_through_every_fault_and_reorg_settles_with_every_transaction_mined(seed: int) -> None:
    """A client that only ever sends again gets there: what the simulator does to it can be survived."""
    with World(seed, replicas=2, faults=ALL, rate=0.3) as world:
        alice, wanted = Payer(world.account()), 12
        raws = [bytes.fromhex(alice.signed(nonce, fee=100 * GWEI).removeprefix("0x")) for nonce in range(wanted)]
        for step in range(60):
            rpc_url = world.random.choice(world.urls)
            with contextlib.suppress(ChainError):
                Rpc(rpc_url, CHAIN_ID).send_raw(raws[step % wanted])
            match world.random.randrange(4):
                case 0:
                    world.mine(world.random.randint(1, 3))
                case 1 if world.head:
                    world.reorg()
                case 2:
                    world.pool.evict_some(1)
        world.calm()
        rpc = Rpc(world.url, CHAIN_ID)
        for raw in raws:
            with contextlib.suppress(RpcFailed):  # already known, or mined
                rpc.send_raw(raw)
        world.mine()
        assert rpc.nonce(Address(alice.address), "latest") == wanted
        assert len(world.tally.kinds()) > 5


def test_the_same_seed_gives_the_same_chain_block_for_block() -> None:
    def head(seed: int) -> tuple[str, int]:
        with World(seed) as world:
            payers = [Payer(world.account()) for _ in range(3)]
            for nonce in range(6):
                for sender in payers:
                    world.pool.submit(sender.signed(nonce, fee=100 * GWEI))
                world.mine()
            world.pool.submit(payers[0].signed(6, fee=100 * GWEI))
            world.pool.evict_some(1)
            world.reorg()
            world.reorg(3)
            world.mine(2)
            block = world.ask("eth_getBlockByNumber", "latest", False)
            return block["hash"], int(block["timestamp"], 16)

    assert head(1) == head(1)
    assert head(1) != head(2)
    assert head(1)[1] == START + 8 * SLOT_SECONDS


def test_accounts_are_the_seeds_and_have_coin() -> None:
    with World(1) as world:
        first = world.account(5)
        assert Rpc(world.url).balance(Address(first.address)) == 5
    with World(1) as world:
        assert world.account().address == first.address
    with World(2) as world:
        assert world.account().address != first.address


def test_blocks_come_when_they_are_asked_for_or_by_themselves() -> None:
    with World(1) as world:
        raw = Payer(world.account()).signed(0)
        tx_hash = Hex32(world.pool.submit(raw))
        rpc = Rpc(world.url)
        assert rpc.receipt(tx_hash) is None
        world.mine()
        assert rpc.receipt(tx_hash) is not None
    with World(1, automine=True) as world:
        tx_hash = Hex32(world.pool.submit(Payer(world.account()).signed(0)))
        assert Rpc(world.url).receipt(tx_hash) is not None


def test_replicas_have_faults_of_their_own() -> None:
    with World(1, replicas=2, faults=ALL, rate=0.5) as world:
        dealt = [
            [schedule.decide(number, ["eth_getLogs"]) for number in range(50)]
            for schedule in (node.schedule for node in world.nodes)
        ]
        assert dealt[0] != dealt[1]
        assert all(dealt)


def test_nothing_listens_when_a_world_is_over() -> None:
    with World(1, replicas=2) as world:
        urls = [*world.urls, world.direct]
        kept = Rpc(world.url)
        assert kept.block_number() == 0
    for url in urls:
        host, port = url.removeprefix("http://").split(":")
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((host, int(port)), timeout=1)
    with pytest.raises(ChainError):
        kept.block_number()


def test_a_failing_run_names_its_seed() -> None:
    with pytest.raises(ZeroDivisionError) as failed, World(123):
        _ = 1 / 0
    assert failed.value.__notes__ == ["SEED=123 (nothing)"]


def test_the_seed_comes_from_the_environment_and_those_that_failed_are_always_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    failed = tmp_path / "seeds.txt"
    failed.write_text("# a remark\n77  # lost a nonce\n\n78\n")
    monkeypatch.setattr(seed_list, "_FAILED", failed)
    monkeypatch.setenv("SEED", "5")
    assert seeds() == [5, 77, 78]
    monkeypatch.setenv("SEED", "77")
    assert seeds() == [77, 78]
    monkeypatch.delenv("SEED")
    assert seeds()[-2:] == [77, 78]
    assert len(seeds()) > 2
    assert World().seed == seeds()[0]


def test_a_clock_goes_on_sleeps_without_waiting_and_jumps_both_ways() -> None:
    clock = Clock(step=0.5)
    assert (clock(), clock()) == (START + 0.5, START + 1.0)
    clock.sleep(100)
    assert clock() == START + 101.5
    clock.sleep(-5)
    clock.jump(-3600)
    assert clock() == START + 102 - 3600
    clock.jump(7200)
    assert clock() == START + 102.5 + 3600
    assert [jump.seconds for jump in clock.jumps] == [-3600, 7200]


def test_a_clock_jumps_by_the_seed_until_it_is_calm() -> None:
    def readings(seed: int) -> list[float]:
        clock = Clock(seed, rate=0.3, longest=10)
        return [clock() for _ in range(50)]

    assert readings(1) == readings(1)
    assert readings(1) != readings(2)
    steps = [after - before for before, after in zip(readings(1), readings(1)[1:], strict=False)]
    assert min(steps) < 0
    assert max(steps) > 1
    clock = Clock(1, rate=1.0)
    clock.calm()
    assert clock() < clock()
    assert clock.jumps == []


def test_a_schedule_of_its_own_can_be_given_to_a_replica() -> None:
    with World(1) as world:
        world.node.schedule = Schedule("mine", ALL, 1.0)
        with contextlib.suppress(ChainError):
            Rpc(world.url, CHAIN_ID)
        assert [request.fault is not None for request in world.node.asked] == [True]
