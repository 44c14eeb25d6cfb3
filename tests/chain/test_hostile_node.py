from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.chain.rpc import Rpc
from bridge.core.word import Address, Hex32
from bridge.errors import ChainError, RpcFailed
from tests.chain.proxy import Rule, Server, body, on_chain, problem, result, serving

ACCOUNT = Address("0x" + "11" * 20)
WORD = Hex32("0x" + "22" * 32)

BLOCK = {"number": "0x1", "hash": WORD, "timestamp": "0x5", "baseFeePerGas": "0x1"}
RECEIPT = {
    "transactionHash": WORD,
    "blockNumber": "0x1",
    "blockHash": WORD,
    "status": "0x1",
    "gasUsed": "0x1",
    "effectiveGasPrice": "0x1",
    "from": ACCOUNT,
}
LOG = {
    "address": ACCOUNT,
    "topics": [WORD],
    "data": "0x",
    "blockNumber": "0x1",
    "blockHash": WORD,
    "transactionHash": WORD,
    "logIndex": "0x0",
}

METHODS: dict[str, Callable[[Rpc], Any]] = {
    "block_number": lambda rpc: rpc.block_number(),
    "block": lambda rpc: rpc.block(1),
    "head": lambda rpc: rpc.block("safe"),
    "code": lambda rpc: rpc.code(ACCOUNT),
    "balance": lambda rpc: rpc.balance(ACCOUNT),
    "nonce": lambda rpc: rpc.nonce(ACCOUNT),
    "gas_price": lambda rpc: rpc.gas_price(),
    "priority_fee": lambda rpc: rpc.priority_fee(),
    "accounts": lambda rpc: rpc.accounts(),
    "call": lambda rpc: rpc.call(ACCOUNT, b"", label="call"),
    "estimate_gas": lambda rpc: rpc.estimate_gas({"to": ACCOUNT}, label="estimate"),
    "send_raw": lambda rpc: rpc.send_raw(b"\x01"),
    "send_unlocked": lambda rpc: rpc.send_unlocked({"from": ACCOUNT, "to": ACCOUNT}),
    "knows_transaction": lambda rpc: rpc.knows_transaction(WORD),
    "receipt": lambda rpc: rpc.receipt(WORD),
    "logs": lambda rpc: rpc.logs(ACCOUNT, [WORD], 0, 1),
    "raw": lambda rpc: rpc.raw("any_method"),
}
QUANTITIES = ("block_number", "balance", "nonce", "gas_price", "priority_fee", "estimate_gas")

GARBAGE: dict[str, Rule] = {
    "nothing": body(b""),
    "HTML": body(b"<!doctype html><title>502</title>"),
    "binary": body(bytes(range(256))),
    "a number": body(b"5"),
    "null": body(b"null"),
    "a list": body(b"[]"),
    "half a document": body(b'{"jsonrpc": "2.0", "id": 1, "resu'),
    "no id": body(b'{"result": "0x1"}'),
    "brackets without end": body(b"[" * 200_000),
    "a number of 5000 digits": body(b'{"jsonrpc": "2.0", "id": 1, "result": ' + b"9" * 5000 + b"}"),
    "HTTP 500": body(b"<html>", 500),
    "HTTP 429": body(b"", 429),
    "HTTP 302 to nowhere": body(b"", 302),
    "no answer": lambda _request: None,
    "an error of text": lambda request: (200, json.dumps({"id": request["id"], "error": "boom"}).encode()),
    "an error of null": lambda request: (200, json.dumps({"id": request["id"], "error": None}).encode()),
    "a revert of no hex": problem("execution reverted", code=3, data="0xzz"),
    "a revert of a list": problem("execution reverted", code=3, data=[1]),
    "a revert with text that is no UTF-8": problem(
        "execution reverted", code=3, data="0x08c379a0" + f"{32:064x}{2:064x}" + "ff" * 32
    ),
    "a revert with an offset beyond memory": problem("execution reverted", code=3, data="0x08c379a0" + "ff" * 64),
    **{
        f"the result {value!r}": result(value)
        for value in (None, True, -5, 1.5, "zzz", "0x", "0x12zz", "-0x5", "0x" + "f" * 65, "0x" + "ab" * 40)
    },
    **{f"the result {value!r}": result(value) for value in ([1], ["x"], [{}], [None], {}, {"a": 1})},
}


@pytest.fixture
def node() -> Iterator[Server]:
    with serving(Server(result("0x7a69"))) as server:
        yield server


@pytest.fixture
def rpc(node: Server) -> Rpc:
    """Connected while the node was still honest."""
    return Rpc(node.url)


@pytest.mark.parametrize("name", GARBAGE)
def test_whatever_a_node_answers_no_method_raises_anything_but_a_chain_error(name: str, node: Server, rpc: Rpc) -> None:
    node.rule = on_chain(GARBAGE[name])
    refused = []
    for method, ask in METHODS.items():
        try:
            ask(rpc)
        except ChainError:
            refused.append(method)
    assert "estimate_gas" in refused


def test_a_body_without_end_is_a_chain_error(node: Server, rpc: Rpc) -> None:
    node.rule = on_chain(body(b" " * 30_000_000))
    with pytest.raises(RpcFailed, match="malformed"):
        rpc.block_number()


@pytest.mark.parametrize("method", QUANTITIES)
def test_a_quantity_is_read_and_what_is_none_is_refused(method: str, node: Server, rpc: Rpc) -> None:
    node.rule = on_chain(result("0x10"))
    assert METHODS[method](rpc) == 16
    for value in ("-0x1", "zz", None, [], {}, "0x1" + "0" * 64):
        node.rule = on_chain(result(value))
        with pytest.raises(RpcFailed):
            METHODS[method](rpc)


@pytest.mark.parametrize("value", ["zz", "-0x1", None, [], "0x12zz", True, 1.5])
def test_a_chain_id_that_is_no_number_is_refused(value: object, node: Server) -> None:
    node.rule = result(value)
    with pytest.raises(RpcFailed, match="eth_chainId"):
        Rpc(node.url)


MALFORMED: dict[str, tuple[object, ...]] = {
    "quantity": ("zz", "-0x1", [1], {"a": 1}, True, "0x1" + "0" * 64),
    "word": ("zz", "0x1234", WORD + "00", None, 7, [], {}),
    "address": ("zz", "0x1234", ACCOUNT + "00", None, 7, [], {}),
    "data": ("zz", "0x12zz", None, 1.5, {}),
    "topics": ([None], ["zz"], ["0x1234"], [[]], [{}], 7, None, WORD),
}
FIELDS = {
    "block": {"number": "quantity", "hash": "word", "timestamp": "quantity", "baseFeePerGas": "quantity"},
    "receipt": {
        "transactionHash": "word",
        "blockNumber": "quantity",
        "blockHash": "word",
        "status": "quantity",
        "gasUsed": "quantity",
        "effectiveGasPrice": "quantity",
        "from": "address",
    },
    "logs": {
        "address": "address",
        "topics": "topics",
        "data": "data",
        "blockNumber": "quantity",
        "blockHash": "word",
        "transactionHash": "word",
        "logIndex": "quantity",
    },
}
WHOLE: dict[str, dict[str, object]] = {"block": BLOCK, "receipt": RECEIPT, "logs": LOG}


@pytest.mark.parametrize(
    ("method", "field", "kind"), [(method, *item) for method, kinds in FIELDS.items() for item in kinds.items()]
)
def test_a_whole_record_is_read_and_one_with_a_malformed_field_refused(
    method: str, field: str, kind: str, node: Server, rpc: Rpc
) -> None:
    def answer(document: dict[str, object]) -> Rule:
        return result([document] if method == "logs" else document)

    node.rule = on_chain(answer(WHOLE[method]))
    assert METHODS[method](rpc)
    for value in MALFORMED[kind]:
        node.rule = on_chain(answer({**WHOLE[method], field: value}))
        with pytest.raises(RpcFailed):
            METHODS[method](rpc)


@pytest.mark.parametrize("field", ["number", "hash", "timestamp"])
def test_a_block_that_lacks_a_field_is_refused(field: str, node: Server, rpc: Rpc) -> None:
    node.rule = on_chain(result({name: value for name, value in BLOCK.items() if name != field}))
    with pytest.raises(RpcFailed, match="eth_getBlockByNumber"):
        rpc.block(1)


def test_a_block_from_beyond_the_calendar_is_refused(node: Server, rpc: Rpc) -> None:
    node.rule = on_chain(result({**BLOCK, "timestamp": hex(253_402_300_799)}))
    assert rpc.block(1) is not None
    node.rule = on_chain(result({**BLOCK, "timestamp": hex(253_402_300_800)}))
    with pytest.raises(RpcFailed, match="malformed"):
        rpc.block(1)
