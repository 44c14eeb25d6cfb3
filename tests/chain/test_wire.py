"""Raw JSON-RPC: many calls in one exchange, and whatever a node may answer to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bridge.chain import wire as module
from bridge.chain.anvil import Anvil
from bridge.chain.recorded import record_blocks
from bridge.chain.wire import Refusal, Wire
from bridge.core.word import hex32
from bridge.errors import BridgeError, RpcFailed, RpcUnreachable
from tests.chain.proxy import Rule, Server, body, serving

CALLS: list[tuple[str, list[Any]]] = [("eth_chainId", []), ("eth_blockNumber", []), ("no_such_method", [])]


def test_answers_come_in_the_order_of_the_calls_refusals_in_their_place(anvil: Anvil) -> None:
    wire = Wire(anvil.url)
    for together in (1, 2, 50):
        chain, number, refused = wire.try_all(CALLS, together=together)
        assert (chain, number) == ("0x7a69", "0x0")
        assert isinstance(refused, Refusal)
        assert refused.is_of_the_method
    with pytest.raises(RpcFailed, match="no_such_method"):
        wire.ask_all(CALLS)
    assert wire.ask("eth_chainId") == "0x7a69"


def answering(make: Callable[[Any], Any]) -> Rule:
    return lambda request: (200, json.dumps(make(request)).encode())


def well(call: Any) -> Any:
    return {"jsonrpc": "2.0", "id": call["id"], "result": call["method"]}


def test_a_node_that_takes_no_batches_is_asked_one_by_one_and_one_in_another_order_is_understood() -> None:
    alone = answering(
        lambda asked: {"error": {"code": -32600, "message": "no"}} if isinstance(asked, list) else well(asked)
    )
    shuffled = answering(lambda asked: [well(call) for call in reversed(asked)])
    for rule in (alone, shuffled):
        with serving(Server(rule)) as server:
            assert Wire(server.url).ask_all(CALLS) == [method for method, _ in CALLS]


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        (body(b"<html>", 200), RpcUnreachable),
        (body(b"{}", 429), RpcUnreachable),
        (lambda _request: None, RpcUnreachable),
        (answering(lambda asked: [well(call) for call in asked[1:]]), RpcFailed),
        (answering(lambda asked: [well({**call, "id": 0}) for call in asked]), RpcFailed),
        (answering(lambda asked: ["text" for _ in asked]), RpcFailed),
        (answering(lambda _: "text"), RpcFailed),
    ],
    ids=["a page", "too many", "silence", "one too few", "one id for all", "texts", "a text"],
)
def test_what_is_no_answer_is_named(rule: Rule, error: type[BridgeError]) -> None:
    with serving(Server(rule)) as server, pytest.raises(error):
        Wire(server.url).ask_all(CALLS)


def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1_000)
    large = answering(lambda asked: {"jsonrpc": "2.0", "id": asked["id"], "result": "x" * 2_000})
    with serving(Server(large)) as server, pytest.raises(RpcUnreachable, match="more than 1000 bytes"):
        Wire(server.url).ask("eth_chainId")
    monkeypatch.setattr(module, "MOST_BYTES", 10_000)
    with serving(Server(large)) as server:
        assert len(Wire(server.url).ask("eth_chainId")) == 2_000


def test_a_key_in_the_url_is_in_no_error() -> None:
    with pytest.raises(RpcUnreachable) as caught:
        Wire("http://user:secret@127.0.0.1:1/secret?key=secret").ask("eth_chainId")
    assert "secret" not in str(caught.value)


def test_no_id_needs_no_call_and_a_short_answer_is_refused() -> None:
    short = answering(lambda asked: {"jsonrpc": "2.0", "id": asked["id"], "result": "0x" + "00" * 31})
    with serving(Server(short)) as server:
        wire = Wire(server.url)
        assert record_blocks(wire, "0x" + "11" * 20, [], hex32(1)) == []
        with pytest.raises(RpcFailed, match="31 bytes for 1 records"):
            record_blocks(wire, "0x" + "11" * 20, [hex32(2)], hex32(1))
