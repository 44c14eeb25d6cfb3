from __future__ import annotations

from typing import Any

import pytest

from bridge.chain.anvil import Anvil
from bridge.chain.log import scan
from bridge.chain.rpc import Rpc
from bridge.chain.transaction import wait
from bridge.core.word import Address, Hex32
from bridge.errors import RpcFailed
from tests.chain.proxy import Answer, Proxy, Request, problem, proxied

EMITTER = Address("0x" + "77" * 20)
TOPIC = Hex32("0x" + "00" * 31 + "2a")
EMITS = "0x602a60006000a1"
"""PUSH1 42, PUSH1 0, PUSH1 0, LOG1: an event with the topic 42 whatever it is called with."""


@pytest.fixture
def emitting(anvil: Anvil) -> Rpc:
    """A chain whose blocks 1 to 20 hold one event each."""
    rpc = Rpc(anvil.url)
    rpc.raw("anvil_setCode", EMITTER, EMITS)
    sender = rpc.accounts()[0]
    for _ in range(20):
        wait(rpc, rpc.send_unlocked({"from": sender, "to": EMITTER, "gas": 100_000}), label="emitting")
    return rpc


def ranges(proxy: Proxy) -> list[tuple[int, int]]:
    return [(int(query["fromBlock"], 16), int(query["toBlock"], 16)) for (query,) in proxy.asked("eth_getLogs")]


@pytest.mark.parametrize("span", [1, 3, 7, 20, 1000])
def test_a_scan_asks_for_bounded_ranges_that_cover_every_block_once(span: int, anvil: Anvil, emitting: Rpc) -> None:
    with proxied(anvil.url) as proxy:
        found = list(scan(Rpc(proxy.url), EMITTER, [TOPIC], 0, 20, span=span))
        asked = ranges(proxy)
    assert [log.block_number for log in found] == list(range(1, 21))
    assert all(last - first < span for first, last in asked)
    assert [block for first, last in asked for block in range(first, last + 1)] == list(range(21))
    assert emitting.block_number() == 20


def test_a_scan_of_other_topics_or_blocks_finds_nothing_else(emitting: Rpc) -> None:
    assert [log.block_number for log in scan(emitting, EMITTER, [TOPIC], 5, 6, span=100)] == [5, 6]
    assert list(scan(emitting, EMITTER, [Hex32("0x" + "11" * 32)], 0, 20, span=100)) == []
    assert list(scan(emitting, Address("0x" + "78" * 20), [TOPIC], 0, 20, span=100)) == []
    assert list(scan(emitting, EMITTER, [TOPIC], 7, 6, span=100)) == []


def refuse_beyond(proxy: Proxy, blocks: int) -> None:
    """A provider that takes ranges of so many blocks at most."""

    def rule(request: Request) -> Answer | None:
        query: dict[str, Any] = request["params"][0]
        wide = int(query["toBlock"], 16) - int(query["fromBlock"], 16) + 1
        return proxy.forward(request) if wide <= blocks else problem("range too wide")(request)

    proxy.spoil("eth_getLogs", rule)


def test_a_range_that_a_node_refuses_is_halved_until_it_is_taken(anvil: Anvil, emitting: Rpc) -> None:
    with proxied(anvil.url) as proxy:
        refuse_beyond(proxy, 4)
        found = list(scan(Rpc(proxy.url), EMITTER, [TOPIC], 0, 20, span=1000))
        asked = ranges(proxy)
    assert [log.block_number for log in found] == list(range(1, 21))
    assert asked[:3] == [(0, 20), (0, 9), (0, 4)]
    assert [block for first, last in asked[3:] for block in range(first, last + 1)] == list(range(21))
    assert emitting.block_number() == 20


def test_a_node_that_refuses_even_one_block_is_named(anvil: Anvil, emitting: Rpc) -> None:
    with proxied(anvil.url) as proxy:
        refuse_beyond(proxy, 0)
        with pytest.raises(RpcFailed, match="range too wide"):
            list(scan(Rpc(proxy.url), EMITTER, [TOPIC], 0, 20, span=1000))
        assert ranges(proxy)[-1] == (0, 0)
    assert emitting.block_number() == 20
