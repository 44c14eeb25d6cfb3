"""A node that lets others wait in vain is left alone for a while; one that fails at once, or is needed, is not."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from bridge.chain import rest
from bridge.chain.anvil import Anvil
from bridge.chain.nodes import Nodes
from bridge.chain.rest import Rests
from bridge.chain.rpc import Rpc
from bridge.errors import RpcUnreachable
from tests.chain.proxy import Proxy, Request, proxied

WAIT = 0.3


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pair(anvil: Anvil, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Proxy, Rpc, Rpc]]:
    """A proxy, its node, and another node; a third of a second is slow here."""
    monkeypatch.setattr(rest, "SLOW_SECONDS", WAIT / 2)
    with proxied(anvil.url) as proxy:
        yield proxy, Rpc(proxy.url), Rpc(anvil.url)


def hang(proxy: Proxy) -> None:
    """Take every question, and drop it after a while."""

    def rule(_request: Request) -> None:
        time.sleep(WAIT)

    for method in ("eth_getBlockByNumber", "eth_getTransactionCount", "eth_gasPrice", "eth_sendRawTransaction"):
        proxy.spoil(method, rule)


def test_a_rest_ends_and_the_next_one_is_twice_as_long(pair: tuple[Proxy, Rpc, Rpc], clock: Clock) -> None:
    _, one, other = pair
    rests = Rests(clock)
    assert rests.awake((one, other), 1) == (one, other)
    rests.failed(one, 10)
    assert rests.awake((one, other), 1) == (other,)
    clock.now += 39.9
    assert rests.awake((one, other), 1) == (other,)
    clock.now += 0.1
    assert rests.awake((one, other), 1) == (one, other)
    rests.failed(one, 10)
    clock.now += 79.9
    assert rests.awake((one, other), 1) == (other,)
    clock.now += 0.1
    assert rests.awake((one, other), 1) == (one, other)
    rests.answered(one)
    rests.failed(one, 10)
    clock.now += 40
    assert rests.awake((one, other), 1) == (one, other), "an answer in between is a new beginning"


def test_no_rest_is_longer_than_ten_minutes(pair: tuple[Proxy, Rpc, Rpc], clock: Clock) -> None:
    _, one, other = pair
    rests = Rests(clock)
    for _ in range(20):
        rests.failed(one, 20)
        assert rests.awake((one, other), 1) == (other,)
        clock.now += 600
        assert rests.awake((one, other), 1) == (one, other)


def test_who_fails_at_once_keeps_nobody_waiting_and_does_not_rest(pair: tuple[Proxy, Rpc, Rpc], clock: Clock) -> None:
    _, one, other = pair
    rests = Rests(clock)
    rests.failed(one, rest.SLOW_SECONDS - 0.001)
    assert rests.awake((one, other), 1) == (one, other)


@pytest.mark.parametrize("least", [0, 1, 2])
def test_where_the_others_are_no_quorum_all_are_asked(least: int, pair: tuple[Proxy, Rpc, Rpc], clock: Clock) -> None:
    _, one, other = pair
    rests = Rests(clock)
    rests.failed(one, 10)
    assert rests.awake((one, other), least) == ((one, other) if least == 2 else (other,))
    assert rests.awake((one,), least) == (one,), "the only one never rests"


def test_a_silent_node_is_waited_for_once_and_its_chain_is_read_from_the_other(pair: tuple[Proxy, Rpc, Rpc]) -> None:
    proxy, silent, other = pair
    nodes = Nodes((silent, other))
    assert nodes.nonce(other.accounts()[0]) == 0
    hang(proxy)
    before = len(proxy.requests)
    for _ in range(5):
        assert nodes.head().number == other.block_number()
        assert nodes.any(lambda rpc: rpc.gas_price()) == other.gas_price()
    assert len(proxy.requests) == before + 1
    assert nodes.trouble[f"{silent.place}: RpcUnreachable"] == 1


def test_a_node_whose_rest_is_over_is_asked_again(
    pair: tuple[Proxy, Rpc, Rpc], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, silent, other = pair
    monkeypatch.setattr(rest, "_TIMES", 1)
    nodes = Nodes((silent, other))
    hang(proxy)
    nodes.head()
    proxy.heal()
    before = len(proxy.requests)
    nodes.head()
    assert len(proxy.requests) == before
    time.sleep(1.2 * WAIT)
    nodes.head()
    assert len(proxy.requests) == before + 1


def test_of_two_that_have_to_agree_both_are_asked_whatever_they_did(pair: tuple[Proxy, Rpc, Rpc]) -> None:
    proxy, silent, other = pair
    nodes = Nodes((silent, other), quorum=2)
    hang(proxy)
    before = len(proxy.requests)
    for _ in range(3):
        nodes.block_hashes([0])
    assert len(proxy.requests) == before + 3


def test_where_all_rest_they_are_asked_all_the_same(anvil: Anvil, pair: tuple[Proxy, Rpc, Rpc]) -> None:
    proxy, silent, _ = pair
    nodes = Nodes((silent,))
    hang(proxy)
    for _ in range(2):
        with pytest.raises(RpcUnreachable):
            nodes.head()
    proxy.heal()
    assert nodes.head().number == Rpc(anvil.url).block_number()
