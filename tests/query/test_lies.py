"""What a node says in one answer is held against what it says in the others, and against other nodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.core.circuit import Visibility
from bridge.database import index as tables
from bridge.database.engine import open_database
from bridge.errors import ChainError, NodeContradiction, NodesDisagree, RpcFailed
from tests.chain.proxy import Answer, Proxy, Request, problem, proxied
from tests.query.test_follower import catch_up, replayed, rows
from tests.sim.stage import Code
from tests.sim.theatre import Theatre, follower

Lie = Callable[[Any], Any]


@pytest.fixture
def proxy(played: Theatre) -> Iterator[Proxy]:
    """A node that passes on what the chain with one verification in its last block but two says."""
    model = played.stage.new_model(rows=1, visibility=Visibility.PUBLIC)
    played.play(*played.stage.register(model))
    played.play(played.stage.verify(played.stage.statement(model), "verifyInference"))
    played.mine(2)
    with proxied(played.url) as made:
        yield made


def lying(proxy: Proxy, method: str, lie: Lie) -> None:
    """Change the results of a method."""
    honest = proxy.forward

    def forward(request: Request) -> Answer | None:
        status, body = honest(request)
        answer = json.loads(body)
        if request["method"] == method and answer.get("result"):
            answer["result"] = lie(answer["result"])
        return status, json.dumps(answer).encode()

    proxy.rule = forward


LIES: tuple[tuple[str, str, Lie], ...] = (
    ("an event left out", "eth_getLogs", lambda logs: logs[:-1]),
    ("no event at all", "eth_getLogs", lambda _: []),
    ("an event of another block", "eth_getLogs", lambda logs: [{**log, "blockHash": "0x" + "ab" * 32} for log in logs]),
    ("an event with other data", "eth_getLogs", lambda logs: [{**log, "data": "0x" + "00" * 96} for log in logs]),
    ("a receipt left out", "eth_getBlockReceipts", lambda receipts: receipts[:-1]),
    ("a receipt without its events", "eth_getBlockReceipts", lambda receipts: [{**x, "logs": []} for x in receipts]),
    (
        "events numbered anew",
        "eth_getBlockReceipts",
        lambda receipts: [{**x, "logs": [{**log, "logIndex": "0x9"} for log in x["logs"]]} for x in receipts],
    ),
    (
        "a transaction left out",
        "eth_getBlockByHash",
        lambda block: {**block, "transactions": block["transactions"][:-1]},
    ),
    (
        "another transaction",
        "eth_getBlockByHash",
        lambda block: {**block, "transactions": [{**x, "hash": "0x" + "cd" * 32} for x in block["transactions"]]},
    ),
    ("a parent that is none", "eth_getBlockByNumber", lambda block: {**block, "parentHash": "0x" + "ef" * 32}),
    ("a bloom filter without events", "eth_getBlockByNumber", lambda block: {**block, "logsBloom": "0x" + "00" * 256}),
    ("another number", "eth_getBlockByNumber", lambda block: {**block, "number": hex(int(block["number"], 16) + 1)}),
    ("a hash of no form", "eth_getBlockByNumber", lambda block: {**block, "hash": "0xnothing"}),
    ("a number beyond 63 bits", "eth_getBlockByNumber", lambda block: {**block, "timestamp": "0x" + "f" * 40}),
    ("text for a list", "eth_getBlockReceipts", lambda _: "receipts"),
    (
        "an odd hex digit",
        "eth_getBlockByHash",
        lambda block: {**block, "transactions": [{**x, "input": "0x123"} for x in block["transactions"]]},
    ),
)


@pytest.mark.parametrize(("method", "lie"), [lie[1:] for lie in LIES], ids=[lie[0] for lie in LIES])
@pytest.mark.parametrize("depth", [0, 64], ids=["final", "at the head"])
def test_a_lie_is_found_out_and_nothing_of_it_is_written(
    played: Theatre, proxy: Proxy, code: Code, method: str, lie: Lie, depth: int
) -> None:
    engine = open_database("sqlite://")
    lying(proxy, method, lie)
    with pytest.raises((NodeContradiction, RpcFailed)):
        catch_up(follower(engine, code, [proxy.url], depth=depth))
    assert rows(engine, tables.verifications) == []
    proxy.rule = proxy.forward
    catch_up(follower(engine, code, [proxy.url], depth=depth))
    assert replayed(engine, code, played.url, depth=depth) == []


def test_an_honest_node_is_believed(played: Theatre, proxy: Proxy, code: Code) -> None:
    engine = open_database("sqlite://")
    lying(proxy, "eth_getLogs", lambda logs: logs)
    catch_up(follower(engine, code, [proxy.url]))
    assert len(rows(engine, tables.verifications)) == 1


def test_another_node_settles_what_one_lies_about(played: Theatre, proxy: Proxy, code: Code) -> None:
    engine = open_database("sqlite://")
    lying(proxy, "eth_getLogs", lambda _: [])
    catch_up(follower(engine, code, [proxy.url, played.url]))
    assert replayed(engine, code, played.url) == []


def test_a_lie_that_fits_itself_needs_a_quorum(played: Theatre, proxy: Proxy, code: Code) -> None:
    """Nothing else that a node says depends on the gas that it says was used."""
    lying(proxy, "eth_getBlockReceipts", lambda receipts: [{**x, "gasUsed": "0x1"} for x in receipts])
    alone, both, most = (open_database("sqlite://") for _ in range(3))
    catch_up(follower(alone, code, [proxy.url]))
    assert rows(alone, tables.verifications)[0].gas_used == 1
    with pytest.raises(NodesDisagree):
        catch_up(follower(both, code, [proxy.url, played.url], quorum=2))
    assert rows(both, tables.verifications) == []
    catch_up(follower(most, code, [proxy.url, played.url, played.url], quorum=2))
    assert replayed(most, code, played.url) == []


def test_fewer_nodes_than_have_to_agree_settle_nothing(played: Theatre, proxy: Proxy, code: Code) -> None:
    proxy.go_silent()
    with pytest.raises(ChainError):
        catch_up(follower(open_database("sqlite://"), code, [proxy.url, played.url], quorum=2))


def test_receipts_are_asked_for_one_by_one_where_a_node_knows_only_those(
    played: Theatre, proxy: Proxy, code: Code
) -> None:
    proxy.spoil("eth_getBlockReceipts", problem("the method does not exist", code=-32601))
    engine = open_database("sqlite://")
    catch_up(follower(engine, code, [proxy.url]))
    assert replayed(engine, code, played.url) == []


def lying_in_turn(proxy: Proxy, *lies: Lie) -> None:
    """Lie about one block after another that is asked for by its number, and be honest after the last."""
    honest, left = proxy.forward, list(lies)

    def forward(request: Request) -> Answer | None:
        if not left or request["method"] != "eth_getBlockByNumber" or not request["params"][0].startswith("0x"):
            return honest(request)
        status, body = honest(request)
        answer = json.loads(body)
        return status, json.dumps({**answer, "result": left.pop(0)(answer["result"])}).encode()

    proxy.rule = forward


def test_a_lie_about_the_hashes_of_old_blocks_takes_nothing_back(played: Theatre, proxy: Proxy, code: Code) -> None:
    engine = open_database("sqlite://")
    catch_up(follower(engine, code, [proxy.url], depth=4))
    played.mine()
    other_parent: Lie = lambda block: {**block, "parentHash": "0x" + "ab" * 32}  # noqa: E731
    other_hash: Lie = lambda block: {**block, "hash": "0x" + "cd" * 32}  # noqa: E731
    look = min(16, len(rows(engine, tables.blocks)))
    lying_in_turn(proxy, other_parent, *[other_hash] * look)
    with pytest.raises(NodeContradiction):
        follower(engine, code, [proxy.url], depth=4).step()
    assert [row.kind for row in rows(engine, tables.feed)] == ["verified"]
    assert catch_up(follower(engine, code, [proxy.url], depth=4)) == 0
    assert replayed(engine, code, played.url, depth=4) == []


def test_an_index_that_began_at_a_lie_mends_itself(played: Theatre, proxy: Proxy, code: Code) -> None:
    engine = open_database("sqlite://")
    lying_in_turn(proxy, lambda block: {**block, "hash": "0x" + "ab" * 32})
    catch_up(follower(engine, code, [proxy.url]))
    assert replayed(engine, code, played.url) == []
