"""Each fault happens, is counted, and is beside an honest answer; the same seed gives the same faults."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator

import pytest

from bridge.chain.rpc import Rpc
from bridge.core.word import Address, Hex32
from bridge.errors import RpcFailed, RpcUnreachable, WrongChain
from tests.sim.faults import (
    ALL,
    BEHIND,
    HUGE,
    LIES,
    LOUD,
    Disconnect,
    Fault,
    Garbage,
    Lie,
    Lost,
    Schedule,
    ServerError,
    Slow,
    Stale,
    TooMany,
)
from tests.sim.payer import Payer, payer
from tests.sim.signed import read_signed
from tests.sim.wire import HungUpError, RefusedError
from tests.sim.world import CHAIN_ID, World

EMITTER = "0x" + "22" * 20
_EMITS = "0x60003560006000a100"
TOPIC = "0x" + "07".zfill(64)
COSTLY: tuple[Fault, ...] = (HUGE, Lost(seconds=0.1))


@pytest.fixture
def world() -> Iterator[World]:
    """A chain with two transactions that logged, the older one ten blocks deep."""
    with World(7) as world:
        world.ask("anvil_setCode", EMITTER, _EMITS)
        alice = payer(world)
        for nonce in range(2):
            world.pool.submit(
                alice.signed(nonce, to=EMITTER, gas=60_000, value=0, data=bytes.fromhex(TOPIC.removeprefix("0x")))
            )
            world.mine(1 if nonce else 10)
        yield world


def mined(world: World, number: int) -> Hex32:
    return Hex32(world.ask("eth_getBlockByNumber", hex(number), False)["transactions"][0])


def raw_http(url: str, body: bytes) -> bytes:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(b"POST / HTTP/1.1\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        return b"".join(iter(lambda: line.recv(65_536), b""))


@pytest.mark.parametrize("fault", [*LOUD, *COSTLY], ids=lambda fault: fault.kind)
def test_a_loud_fault_is_met_once_and_counted(fault: Fault, world: World) -> None:
    rpc = Rpc(world.url)
    world.node.schedule.force(fault, "eth_blockNumber")
    assert rpc.chain_id == CHAIN_ID
    if isinstance(fault, Slow):
        assert rpc.block_number() == 11
    else:
        with pytest.raises((RpcUnreachable, RpcFailed)):
            rpc.block_number()
    assert world.tally[fault.kind] == 1
    assert rpc.block_number() == 11
    assert world.tally[fault.kind] == 1


@pytest.mark.parametrize("when", [7, "Fri, 31 Dec 2027 23:59:59 GMT", None])
def test_a_429_says_when_to_come_again_or_does_not(when: int | str | None, world: World) -> None:
    world.node.schedule.force(TooMany(when))
    answer = raw_http(world.url, b'{"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}')
    assert answer.startswith(b"HTTP/1.1 429 ")
    assert (f"\r\nRetry-After: {when}\r\n".encode() in answer) is (when is not None)


@pytest.mark.parametrize(
    ("fault", "accepted"),
    [
        (Disconnect(), False),
        (TooMany(), False),
        (ServerError(502), False),
        (Lost(), True),
        (ServerError(502, after=True), True),
    ],
    ids=lambda value: getattr(value, "kind", str(value)),
)
def test_a_lost_answer_is_a_transaction_taken_and_a_refused_connection_is_none(
    fault: Fault, accepted: bool, world: World
) -> None:
    raw = payer(world).signed(0)
    rpc = Rpc(world.url)
    world.node.schedule.force(fault, "eth_sendRawTransaction")
    with pytest.raises(RpcUnreachable):
        rpc.send_raw(bytes.fromhex(raw.removeprefix("0x")))
    assert rpc.knows_transaction(Hex32(read_signed(raw).hash)) is accepted


def test_a_slow_answer_is_slow_and_honest(world: World) -> None:
    rpc = Rpc(world.url)
    world.node.schedule.force(Slow(0.3), "eth_blockNumber")
    start = time.monotonic()
    assert rpc.block_number() == 11
    assert time.monotonic() - start >= 0.3


def test_a_stale_replica_has_an_older_head_no_receipt_an_older_nonce_and_no_logs(world: World) -> None:
    rpc, newest = Rpc(world.url), mined(world, 11)
    old, sender = mined(world, 1), Address(world.ask("eth_getTransactionByHash", newest)["from"])

    def seen() -> tuple[object, ...]:
        receipt = rpc.receipt(newest)
        head = rpc.block()
        assert rpc.receipt(old)
        assert head is not None
        return (
            rpc.block_number(),
            head.number,
            rpc.nonce(sender, "latest"),
            receipt is not None,
            rpc.knows_transaction(newest),
            len(rpc.logs(Address(EMITTER), [TOPIC], 2, 11)),
            rpc.block(11) is not None,
        )

    assert seen() == (11, 11, 2, True, True, 1, True)
    world.node.lag = 3
    assert seen() == (8, 8, 1, False, False, 0, False)
    newest_hash = world.ask("eth_getBlockByNumber", "latest", False)["hash"]
    with pytest.raises(RefusedError, match="unknown block"):
        world.client().ask("eth_getLogs", {"blockHash": newest_hash})
    world.calm()
    assert seen() == (11, 11, 2, True, True, 1, True)


@pytest.mark.parametrize("fault", BEHIND, ids=lambda fault: fault.kind)
def test_one_stale_answer_is_counted(fault: Stale, world: World) -> None:
    world.node.schedule.force(fault)
    rpc = Rpc(world.url)
    assert rpc.block_number() == max(0, 11 - fault.blocks)
    assert rpc.block_number() == 11
    assert world.tally[fault.kind] == 1


def test_every_lie_is_told_counted_and_beside_the_truth(world: World) -> None:
    rpc, first, second = Rpc(world.url), mined(world, 1), mined(world, 11)
    schedule, emitter = world.node.schedule, Address(EMITTER)
    truth = rpc.receipt(first)
    assert truth is not None
    assert rpc.receipt(second) is not None

    for about in ("block hash", "receipt status"):
        schedule.force(Lie(about), "eth_getTransactionReceipt")
        told = rpc.receipt(first)
        assert told is not None
        assert told != truth
        assert rpc.receipt(first) == truth
    schedule.force(Lie("another receipt"), "eth_getTransactionReceipt")
    with pytest.raises(RpcFailed):
        rpc.receipt(first)
    assert rpc.receipt(first) == truth

    logs = rpc.logs(emitter, [TOPIC], 0, 11)
    assert len(logs) == 2
    for about in ("log address", "log topic"):
        schedule.force(Lie(about), "eth_getLogs")
        with pytest.raises(RpcFailed, match="eth_getLogs"):
            rpc.logs(emitter, [TOPIC], 0, 11)
    for about in ("missing log", "block hash"):
        schedule.force(Lie(about), "eth_getLogs")
        assert rpc.logs(emitter, [TOPIC], 0, 11) != logs
    assert rpc.logs(emitter, [TOPIC], 0, 11) == logs

    sender = truth.sender
    schedule.force(Lie("nonce"), "eth_getTransactionCount")
    assert rpc.nonce(sender) != 2
    assert rpc.nonce(sender) == 2

    schedule.force(Lie("chain id"))
    with pytest.raises(WrongChain):
        Rpc(world.url, CHAIN_ID)
    assert Rpc(world.url, CHAIN_ID).chain_id == CHAIN_ID
    assert {lie.kind for lie in LIES} <= world.tally.kinds()
    assert world.tally["lie: block hash"] == 2


def test_a_lie_about_a_nonce_is_a_number_and_another_one() -> None:
    for nonce in (0, 1, 7):
        told = {int(Lie("nonce").told(hex(nonce), random.Random(seed), []), 16) for seed in range(20)}
        assert nonce not in told
        assert min(told) >= 0


def test_a_lie_about_nothing_is_not_counted(world: World) -> None:
    world.node.schedule.force(Lie("receipt status"))
    assert Rpc(world.url).receipt(Hex32("0x" + "00" * 32)) is None
    assert world.tally["lie: receipt status"] == 0


def test_a_node_that_is_down_drops_every_connection_until_it_is_up(world: World) -> None:
    rpc = Rpc(world.url)
    world.node.is_down = True
    for _ in range(2):
        with pytest.raises(RpcUnreachable):
            rpc.block_number()
    world.calm()
    assert rpc.block_number() == 11


METHODS = ["eth_blockNumber", "eth_getLogs", "eth_sendRawTransaction", "eth_getTransactionReceipt"] * 200


def dealt(seed: int, rate: float = 0.3) -> list[Fault | None]:
    schedule = Schedule(seed, ALL, rate)
    return [schedule.decide(number, [method]) for number, method in enumerate(METHODS)]


def test_the_same_seed_and_order_of_requests_gives_the_same_faults_and_another_seed_others() -> None:
    assert dealt(1) == dealt(1)
    assert dealt(1) != dealt(2)


def test_the_rate_is_the_share_of_requests_that_meet_a_fault() -> None:
    met = sum(fault is not None for fault in dealt(1))
    assert 0.2 * len(METHODS) < met < 0.4 * len(METHODS)
    assert not any(dealt(1, rate=0.0))
    assert all(dealt(1, rate=1.0))


def test_every_fault_of_the_list_is_dealt_to_what_it_fits_and_to_nothing_else() -> None:
    schedule = Schedule(3, ALL, 1.0)
    asked = [*METHODS, *["eth_chainId", "eth_getTransactionCount"] * 100]
    faults = [(schedule.decide(number, [method]), method) for number, method in enumerate(asked)]
    assert {fault for fault, _ in faults} == set(ALL)
    assert all(fault is not None and fault.meets(method) for fault, method in faults)


def test_the_simulators_own_hand_meets_no_fault() -> None:
    schedule = Schedule(3, ALL, 1.0)
    assert schedule.decide(0, ["eth_chainId"])
    for method in ("evm_mine", "anvil_reorg", "evm_snapshot"):
        assert schedule.decide(0, [method]) is None


def test_calm_is_calm_and_a_storm_a_storm() -> None:
    schedule = Schedule(3, [Garbage("noise", b"?")], 1.0)
    schedule.calm()
    assert schedule.decide(0, ["eth_chainId"]) is None
    schedule.storm()
    assert schedule.decide(0, ["eth_chainId"]) is not None
    schedule.storm(0.0)
    assert schedule.decide(0, ["eth_chainId"]) is None


def test_over_the_wire_the_same_seed_gives_the_same_run() -> None:
    def run(seed: int) -> tuple[list[str | None], str]:
        with World(seed, faults=ALL, rate=0.4) as world:
            client, alice = world.client(), Payer(world.account())
            for nonce in range(30):
                for call in (("eth_sendRawTransaction", alice.signed(nonce)), ("eth_blockNumber",)):
                    try:
                        client.ask(*call)
                    except (HungUpError, RefusedError, OSError, ValueError, KeyError, TypeError):
                        continue
                world.mine()
            return [request.fault for request in world.node.asked], str(world.tally)

    first = run(11)
    assert first == run(11)
    assert first != run(12)
    assert len(set(first[0])) > 5
