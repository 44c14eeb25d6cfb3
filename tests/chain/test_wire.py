"""Raw JSON-RPC: many calls in one exchange, and whatever a node may answer to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from bridge.chain import wire as module
from bridge.chain.anvil import Anvil
from bridge.chain.recorded import record_blocks
from bridge.chain.wire import Refusal, Wire
from bridge.core.word import hex32
from bridge.errors import RpcFailed, RpcUnreachable
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


class Whole(Server):
    """Answers to whole documents, batches among them."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        super().__init__(answering(well))
        self.make = make
        self.RequestHandlerClass = _Handler


class _Handler(BaseHTTPRequestHandler):
    server: Whole

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        content = json.dumps(self.server.make(asked)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Silence."""


def test_a_node_that_takes_no_batches_is_asked_one_by_one_and_one_in_another_order_is_understood() -> None:
    def alone(asked: Any) -> Any:
        return {"error": {"code": -32600, "message": "no"}} if isinstance(asked, list) else well(asked)

    def shuffled(asked: Any) -> Any:
        return [well(call) for call in reversed(asked)]

    for make in (alone, shuffled):
        with serving(Whole(make)) as server:
            assert Wire(server.url).ask_all(CALLS) == [method for method, _ in CALLS]


@pytest.mark.parametrize(
    "make",
    [
        lambda asked: [well(call) for call in asked[1:]],
        lambda asked: [well({**call, "id": 0}) for call in asked],
        lambda asked: ["text" for _ in asked],
        lambda _: "text",
    ],
    ids=["one too few", "one id for all", "texts", "a text"],
)
def test_what_is_no_json_rpc_is_named(make: Callable[[Any], Any]) -> None:
    with serving(Whole(make)) as server, pytest.raises(RpcFailed):
        Wire(server.url).ask_all(CALLS)


@pytest.mark.parametrize(
    "rule", [body(b"<html>", 200), body(b"{}", 429), lambda _request: None], ids=["a page", "too many", "silence"]
)
def test_what_is_no_answer_is_named(rule: Rule) -> None:
    with serving(Server(rule)) as server, pytest.raises(RpcUnreachable):
        Wire(server.url).ask("eth_chainId")


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
