"""Many questions in one request: each has its own answer, and a node that takes no batches is asked one by one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.chain import question
from bridge.chain.anvil import Anvil
from bridge.chain.nodes import Nodes
from bridge.chain.question import Question
from bridge.chain.rpc import Rpc
from bridge.core.word import Address, Hex32
from bridge.errors import BridgeError, ContractReverted, NodesDisagree, RpcFailed, RpcUnreachable
from tests.chain.proxy import Answer, Request, Server, on_chain, problem, proxied, result, serving, too_many
from tests.chain.test_hostile_node import RECEIPT, WORD

ACCOUNTS = [Address("0x" + f"{number:02x}" * 20) for number in range(10)]
BALANCES = [question.balance(address) for address in ACCOUNTS]


def counting(request: Request) -> Answer:
    """The balance of an account is its first byte."""
    told = hex(int(request["params"][0][2:4], 16)) if request["method"] == "eth_getBalance" else "0x7a69"
    return 200, json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": told}).encode()


@pytest.fixture
def node() -> Iterator[Server]:
    with serving(Server(counting)) as server:
        yield server


@pytest.fixture
def rpc(node: Server) -> Rpc:
    return Rpc(node.url)


def test_many_questions_are_one_request_and_their_answers_are_in_order(node: Server, rpc: Rpc) -> None:
    assert rpc.ask_all(BALANCES) == list(range(10))
    assert node.batches == [10]
    assert rpc.ask_all(BALANCES[:1]) == [0]
    assert rpc.ask_all([]) == []
    assert node.batches == [10], "one question needs no batch, and none needs no request"


def test_answers_in_another_order_are_put_in_order(node: Server, rpc: Rpc, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(node, monkeypatch, lambda answers: answers[::-1])
    assert rpc.ask_all(BALANCES) == list(range(10))


@pytest.mark.parametrize("status", [200, 400, 413, 501])
def test_a_node_that_takes_few_at_once_is_asked_few_at_once_from_then_on(status: int, node: Server, rpc: Rpc) -> None:
    node.most, node.refusal = 3, too_many(status)
    assert rpc.ask_all(BALANCES) == list(range(10))
    assert node.batches == [10, 5, 2, 2, 2, 2, 2]
    node.batches.clear()
    assert rpc.ask_all(BALANCES) == list(range(10))
    assert node.batches == [2] * 5


def test_a_node_that_takes_no_batches_is_asked_one_by_one(node: Server, rpc: Rpc) -> None:
    node.most = 0
    assert rpc.ask_all(BALANCES) == list(range(10))
    assert len(node.asked("eth_getBalance")) == 10


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_node_that_cannot_answer_now_is_not_asked_again(status: int, node: Server, rpc: Rpc) -> None:
    node.most, node.refusal = 0, (status, b"<html>")
    answers = rpc.ask_all(BALANCES)
    assert len(answers) == 10
    assert all(isinstance(answer, RpcUnreachable) for answer in answers)
    assert node.batches == [10]


SPOILED: dict[str, Callable[[list[Any]], Any]] = {
    "one too few": lambda answers: answers[:-1],
    "one too many": lambda answers: [*answers, answers[-1]],
    "none": lambda _answers: [],
    "one twice": lambda answers: [answers[0], *answers[:-1]],
    "no ids": lambda answers: [{**answer, "id": None} for answer in answers],
    "ids of text": lambda answers: [{**answer, "id": str(answer["id"])} for answer in answers],
    "ids of truth": lambda answers: [{**answer, "id": True} for answer in answers],
    "a list of numbers": lambda answers: list(range(len(answers))),
    "a list of nothing": lambda answers: [None] * len(answers),
    "a number": lambda _answers: 5,
    "null": lambda _answers: None,
    "text": lambda _answers: "answers",
    "an object": lambda _answers: {},
}


@pytest.mark.parametrize("name", SPOILED)
def test_answers_that_are_not_those_to_the_questions_are_all_refused(
    name: str, node: Server, rpc: Rpc, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(node, monkeypatch, SPOILED[name])
    answers = rpc.ask_all(BALANCES)
    assert len(answers) == 10
    assert all(isinstance(answer, RpcFailed) for answer in answers)


def test_one_bad_answer_spoils_no_other(node: Server, rpc: Rpc) -> None:
    bad = iter(["zz", None, "-0x1", {}])
    rules = {address: result(next(bad)) for address in ACCOUNTS[:4]}
    rules |= {ACCOUNTS[4]: problem("no")}

    def rule(request: Request) -> Answer | None:
        return rules.get(request["params"][0], counting)(request)

    node.rule = on_chain(rule)
    answers = rpc.ask_all(BALANCES)
    assert all(isinstance(answer, RpcFailed) for answer in answers[:5])
    assert answers[5:] == list(range(5, 10))


def test_a_contract_that_reverts_is_named_and_what_is_asked_beside_it_is_answered(anvil: Anvil) -> None:
    rpc, target = Rpc(anvil.url), Address("0x" + "77" * 20)
    rpc.raw("anvil_setCode", target, "0x60006000fd")
    asked: list[Question[Any]] = [
        question.gas({"to": target}, label="poke"),
        question.balance(target),
        question.call({"to": target}, label="look", read=bytes),
        question.receipt(WORD),
    ]
    reverted, balance, looked, nothing = rpc.ask_all(asked)
    assert isinstance(reverted, ContractReverted)
    assert isinstance(looked, ContractReverted)
    assert (balance, nothing) == (0, None)


def test_the_receipt_of_another_transaction_is_no_receipt(node: Server, rpc: Rpc) -> None:
    other = Hex32("0x" + "33" * 32)
    node.rule = on_chain(result(RECEIPT))
    assert rpc.receipt(WORD) is not None
    with pytest.raises(RpcFailed):
        rpc.receipt(other)
    nodes = Nodes((rpc,))
    mine, others = nodes.receipts([[WORD], [other]])
    assert not isinstance(mine, BridgeError)
    assert mine is not None
    assert isinstance(others, RpcFailed)


def test_nodes_that_disagree_on_one_receipt_agree_on_another(anvil: Anvil) -> None:
    true = {"jsonrpc": "2.0", "result": RECEIPT}
    false = {**true, "result": {**RECEIPT, "status": "0x0"}}
    with serving(Server(on_chain(result(None)))) as one, serving(Server(on_chain(result(None)))) as two:
        nodes = Nodes((Rpc(one.url), Rpc(two.url)), quorum=2)
        one.rule = on_chain(lambda request: said(request, true))
        two.rule = on_chain(lambda request: said(request, true))
        assert not isinstance(nodes.receipts([[WORD]])[0], NodesDisagree)
        two.rule = on_chain(lambda request: said(request, false))
        assert isinstance(nodes.receipts([[WORD]])[0], NodesDisagree)
        two.rule = on_chain(result(None))
        assert nodes.receipts([[WORD]]) == [None], "one of two is no quorum"


def test_what_one_node_cannot_say_the_next_is_asked(anvil: Anvil) -> None:
    with proxied(anvil.url) as first:
        nodes = Nodes((Rpc(first.url), Rpc(anvil.url)))
        asked = [question.nonce(ACCOUNTS[1]), question.balance(ACCOUNTS[1])]
        first.spoil("eth_getBalance", problem("not today"))
        assert nodes.any_all(asked) == [0, 0]
        assert nodes.trouble[f"{first.url}: RpcFailed"] == 1
        first.go_silent()
        assert nodes.any_all(asked) == [0, 0]
        only = Nodes((nodes.all[0],))
        assert all(isinstance(answer, RpcUnreachable) for answer in only.any_all(asked))


def said(request: Request, document: dict[str, Any]) -> Answer:
    return 200, json.dumps({**document, "id": request["id"]}).encode()


def spoil(node: Server, monkeypatch: pytest.MonkeyPatch, how: Callable[[list[Any]], Any]) -> None:
    """What every batch of a node is answered with, out of its honest answers."""
    honest = node.RequestHandlerClass._all  # type: ignore[attr-defined]

    def spoiled(handler: Any, requests: list[Request]) -> Answer | None:
        status, body = honest(handler, requests)
        return status, json.dumps(how(json.loads(body))).encode()

    monkeypatch.setattr(node.RequestHandlerClass, "_all", spoiled)
