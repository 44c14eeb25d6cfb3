"""Publishing source, against stand-ins that recompile what they are sent."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bridge import verbs
from bridge.connection import Connection
from bridge.core.word import HexBytes
from bridge.deploy.explorer import ALREADY, HOSTS, KEY_VARIABLE, VERIFIED, Patience, open_explorer, publish
from bridge.deploy.service import MAX_ANSWER_BYTES, Service
from bridge.deploy.source import SourceBundle
from bridge.errors import (
    BridgeError,
    ExplorerKeyMissing,
    ExplorerMalformed,
    ExplorerRefused,
    ExplorerTimeout,
    ExplorerUnreachable,
    OptionInvalid,
)
from tests.deploy.standin import KEY, MISMATCH, Answer, Request, StandIn, document, problem, standing_in

SERVICES = tuple(HOSTS)
QUICK = Patience(request=20, total=60, pause=0.01, longest_pause=0.01)
HASTY = Patience(request=0.5, total=1.0, pause=0.05, longest_pause=0.05)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)


@pytest.fixture
def server(shared_chain: Connection) -> Iterator[StandIn]:
    with standing_in(shared_chain) as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def ledger(shared_chain: Connection) -> SourceBundle:
    """A contract with constructor arguments and an immutable."""
    return next(bundle for bundle in verbs.sources(shared_chain) if bundle.contract == "InferenceLedger")


def post(bundle: SourceBundle, to: str, server: StandIn, patience: Patience = QUICK) -> str:
    return publish(bundle, open_explorer(to, server.url), patience).status


def spoil_poll(server: StandIn, to: str, answer: Callable[[Request], Answer | None]) -> None:
    """Answer questions about tickets by `answer`; submissions go on honestly."""

    def rule(request: Request) -> Answer | None:
        asked = request.method == "GET" if to == "sourcify" else b"checkverifystatus" in request.body
        return answer(request) if asked else server.honest(request)

    server.rule = rule


def always(answer: Answer | None) -> Callable[[Request], Answer | None]:
    return lambda _request: answer


@pytest.mark.parametrize("to", SERVICES)
def test_every_contract_and_model_is_verified_and_a_second_time_is_no_failure(
    to: str, shared_chain: Connection, server: StandIn
) -> None:
    first = verbs.publish_sources(shared_chain, to, url=server.url, patience=QUICK)
    assert first.refused == ()
    assert {item.contract for item in first.published} == {bundle.contract for bundle in verbs.sources(shared_chain)}
    assert {item.status for item in first.published} == {VERIFIED}
    assert len(first.published) == len(shared_chain.book().contracts) + 1
    second = verbs.publish_sources(shared_chain, to, url=server.url, patience=QUICK)
    assert {item.status for item in second.published} == {ALREADY}
    assert len(second.published) == len(first.published)


def with_source(bundle: SourceBundle, change: Callable[[str], str]) -> SourceBundle:
    posted = json.loads(json.dumps(bundle.standard_json_input))
    source = posted["sources"]["src/InferenceLedger.sol"]
    assert change(source["content"]) != source["content"]
    source["content"] = change(source["content"])
    return dataclasses.replace(bundle, standard_json_input=posted)


def with_a_back_door(text: str) -> str:
    return text[: text.rindex("}")] + "    function added() external pure returns (uint256) { return 1; }\n}\n"


def with_runs(bundle: SourceBundle) -> SourceBundle:
    posted = json.loads(json.dumps(bundle.standard_json_input))
    posted["settings"]["optimizer"]["runs"] = 1
    return dataclasses.replace(bundle, standard_json_input=posted)


MANGLED: dict[str, Callable[[SourceBundle], SourceBundle]] = {
    "another source": lambda bundle: with_source(bundle, with_a_back_door),
    "a source that does not compile": lambda bundle: with_source(bundle, lambda text: text + "}"),
    "other settings": with_runs,
    "another contract of the source": lambda bundle: dataclasses.replace(
        bundle, contract_identifier="src/ModelRegistry.sol:ModelRegistry"
    ),
    "a contract that is not in the source": lambda bundle: dataclasses.replace(bundle, contract_identifier="a.sol:A"),
    "another compiler": lambda bundle: dataclasses.replace(bundle, compiler_version="0.8.36+commit.8a079791"),
    "a short compiler version": lambda bundle: dataclasses.replace(bundle, compiler_version="0.8.37"),
}


DOES_NOT_COMPILE = frozenset({"a source that does not compile", "a contract that is not in the source"})


@pytest.mark.parametrize("how", MANGLED)
@pytest.mark.parametrize("to", SERVICES)
def test_what_is_not_the_source_of_the_contract_is_refused(
    to: str, how: str, server: StandIn, ledger: SourceBundle
) -> None:
    with pytest.raises(ExplorerRefused) as refused:
        post(MANGLED[how](ledger), to, server)
    assert refused.value.contract == "InferenceLedger"
    assert refused.value.address == ledger.address
    assert (how in DOES_NOT_COMPILE) == ("ompiler error" in refused.value.reason) or to == "etherscan"
    assert server.verified == set()
    assert post(ledger, to, server) == VERIFIED


def test_other_constructor_arguments_are_refused_by_etherscan(server: StandIn, ledger: SourceBundle) -> None:
    other = dataclasses.replace(ledger, constructor_arguments=HexBytes(ledger.constructor_arguments[:-2] + "00"))
    with pytest.raises(ExplorerRefused, match=f"Etherscan refused the source of InferenceLedger at .*{MISMATCH[:-1]}"):
        post(other, "etherscan", server)


def test_one_refusal_does_not_hold_up_the_others(shared_chain: Connection, server: StandIn) -> None:
    address = shared_chain.book().contract("EzklVerifier").address
    server.fault(address, always(problem(400, "invalid_parameter", "not this one")))
    done = verbs.publish_sources(shared_chain, "sourcify", url=server.url, patience=QUICK)
    assert [item.contract for item in done.refused] == ["EzklVerifier"]
    assert done.refused[0].reason == "not this one (invalid_parameter)"
    assert {item.status for item in done.published} == {VERIFIED}
    assert len(done.published) == len(shared_chain.book().contracts)


def test_the_payload_for_etherscan_spells_the_arguments_in_both_ways(server: StandIn, ledger: SourceBundle) -> None:
    post(ledger, "etherscan", server)
    form = server.requests[0].form
    assert form["constructorArguements"] == form["constructorArguments"] == ledger.constructor_arguments[2:]
    assert form["compilerversion"].startswith("v0.")
    assert "+commit." in form["compilerversion"]


BEFORE: dict[str, dict[str, Answer]] = {
    "sourcify": {
        "exactly": problem(409, "already_verified", "Contract is already verified with both being exact matches."),
    },
    "etherscan": {
        "in the old words": document(200, status="0", message="NOTOK", result="Already Verified"),
        "in the new words": document(200, status="0", message="NOTOK", result="Contract source code already verified"),
    },
}


@pytest.mark.parametrize(("to", "how"), [(to, how) for to in SERVICES for how in BEFORE[to]])
def test_verified_before_is_success_however_it_is_said(
    to: str, how: str, server: StandIn, ledger: SourceBundle
) -> None:
    server.rule = always(BEFORE[to][how])
    assert post(ledger, to, server) == ALREADY
    assert len(server.requests) == 1


def test_etherscan_may_say_so_only_when_it_is_asked_for_the_verdict(server: StandIn, ledger: SourceBundle) -> None:
    spoil_poll(server, "etherscan", always(BEFORE["etherscan"]["in the old words"]))
    assert post(ledger, "etherscan", server) == ALREADY


BUSY: dict[str, tuple[Answer, ...]] = {
    "sourcify": (problem(429, "duplicate_verification_request", "Contract is already being verified"),),
    "etherscan": (
        document(200, status="0", message="NOTOK", result="Max calls per sec rate limit reached (3/sec)"),
        document(200, status="0", message="NOTOK", result="Max rate limit reached, please use API Key"),
        document(200, status="0", message="NOTOK", result="Unable to locate ContractCode at 0x00"),
    ),
}


@pytest.mark.parametrize("to", SERVICES)
def test_a_service_that_is_busy_is_asked_again(to: str, server: StandIn, ledger: SourceBundle) -> None:
    answers = list(BUSY[to]) * 2

    def rule(request: Request) -> Answer | None:
        return answers.pop() if answers else server.honest(request)

    server.rule = rule
    assert post(ledger, to, server) == VERIFIED
    assert answers == []


@pytest.mark.parametrize("to", SERVICES)
def test_a_service_that_stays_busy_is_given_up_in_time_with_its_last_words(
    to: str, server: StandIn, ledger: SourceBundle
) -> None:
    server.rule = always(BUSY[to][-1])
    started = time.monotonic()
    with pytest.raises(ExplorerTimeout, match=r"did not finish InferenceLedger within 1 s; last it said: \w+"):
        post(ledger, to, server, HASTY)
    assert time.monotonic() - started < 5
    assert len(server.requests) > 2


def pending(bundle: SourceBundle) -> dict[str, Answer]:
    contract = {"match": None, "chainId": str(bundle.chain_id), "address": bundle.address}
    return {
        "sourcify": document(200, isJobCompleted=False, verificationId="x", contract=contract),
        "etherscan": document(200, status="0", message="NOTOK", result="Pending in queue"),
    }


@pytest.mark.parametrize("to", SERVICES)
def test_a_verdict_that_never_comes_is_given_up_in_time(to: str, server: StandIn, ledger: SourceBundle) -> None:
    spoil_poll(server, to, always(pending(ledger)[to]))
    with pytest.raises(ExplorerTimeout, match="within 1 s"):
        post(ledger, to, server, HASTY)


GARBAGE: dict[str, Answer] = {
    "nothing": (200, b""),
    "nothing, accepted": (202, b""),
    "HTML": (200, b"<!doctype html><title>hello</title>"),
    "HTML, not found": (404, b"<!doctype html><title>404</title>"),
    "no text": (200, b"\xff\xfe\x00"),
    "a list": (202, b"[]"),
    "a number": (200, b"1e999"),
    "null": (202, b"null"),
    "deep brackets": (200, b"[" * 200_000),
    "an empty object": (202, b"{}"),
    "numbers for words": (200, b'{"status": 1, "message": 2, "result": 3}'),
    "a list for a word": (200, b'{"status": "1", "message": "OK", "result": []}'),
    "another status": (200, b'{"status": "2", "message": "OK", "result": "x"}'),
    "a ticket that is a path": (202, b'{"verificationId": "../../contract/1/0x00?fields=all&more=12345"}'),
    "a guid that is a query": (200, b'{"status": "1", "message": "OK", "result": "x&apikey=y"}'),
    "a redirect": (302, b""),
    "a redirect that keeps the body": (307, b"{}"),
    "half of an object": (200, b'{"status": "1", "mess'),
}


@pytest.mark.parametrize("how", GARBAGE)
@pytest.mark.parametrize("to", SERVICES)
def test_an_answer_that_is_not_the_apis_is_named(to: str, how: str, server: StandIn, ledger: SourceBundle) -> None:
    server.rule = always(GARBAGE[how])
    with pytest.raises(ExplorerMalformed, match=f"at {server.url} answered with what is not its API"):
        post(ledger, to, server)
    assert len(server.requests) == 1
    assert "/elsewhere" not in {request.path for request in server.requests}


@pytest.mark.parametrize("how", [how for how in GARBAGE if "ticket" not in how and "guid" not in how])
@pytest.mark.parametrize("to", SERVICES)
def test_a_verdict_that_is_not_the_apis_is_named(to: str, how: str, server: StandIn, ledger: SourceBundle) -> None:
    spoil_poll(server, to, always(GARBAGE[how]))
    with pytest.raises(ExplorerMalformed):
        post(ledger, to, server)


def test_a_verdict_about_another_contract_is_not_believed(server: StandIn, ledger: SourceBundle) -> None:
    def about(**changed: Any) -> Answer:
        contract = {"match": "exact_match", "chainId": str(ledger.chain_id), "address": ledger.address, **changed}
        return document(200, isJobCompleted=True, verificationId="x", contract=contract)

    for wrong in (about(chainId="1"), about(address="0x" + "11" * 20), about(match=None), about(match="maybe")):
        spoil_poll(server, "sourcify", always(wrong))
        with pytest.raises(ExplorerMalformed):
            post(ledger, "sourcify", server)
    spoil_poll(server, "sourcify", always(about(address=ledger.address.lower())))
    assert post(ledger, "sourcify", server) == VERIFIED


@pytest.mark.parametrize("to", SERVICES)
def test_a_server_that_is_down_drops_or_fails_is_unreachable(to: str, server: StandIn, ledger: SourceBundle) -> None:
    for answer, words in ((None, "does not answer"), ((502, b"<html>bad gateway</html>"), "HTTP 502")):
        server.rule = always(answer)
        with pytest.raises(ExplorerUnreachable, match=words):
            post(ledger, to, server)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(ExplorerUnreachable, match="ConnectionError"):
            publish(ledger, open_explorer(to, down), QUICK)
    with pytest.raises(ExplorerUnreachable):
        Service("a service", "https://no-such-host.invalid").ask("/", 10)


@pytest.mark.parametrize("to", SERVICES)
def test_an_answer_that_is_too_long_is_not_read_to_its_end(to: str, server: StandIn, ledger: SourceBundle) -> None:
    server.rule = always((200, b" " * (MAX_ANSWER_BYTES + 1)))
    with pytest.raises(ExplorerMalformed, match=f"longer than {MAX_ANSWER_BYTES} bytes"):
        post(ledger, to, server)
    server.rule = always((200, b" " * MAX_ANSWER_BYTES))
    with pytest.raises(ExplorerMalformed, match="JSON"):
        post(ledger, to, server)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def raw_server(talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server below HTTP, for each connection `talk`."""
    listener, stop = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                try:
                    talk(peer, stop)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=10)


def endless(peer: socket.socket, stop: threading.Event) -> None:
    peer.sendall(HEAD + b"\r\n")
    while not stop.is_set():
        peer.sendall(b" " * 2**16)


def endless_bomb(peer: socket.socket, stop: threading.Event) -> None:
    peer.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + b"\x1f\x8b" + b"\x00" * 18)
    stop.wait(2)


def silent_server(_peer: socket.socket, stop: threading.Event) -> None:
    stop.wait(10)


def drips_a_body(peer: socket.socket, stop: threading.Event) -> None:
    peer.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
    while not stop.wait(0.1):
        peer.sendall(b" ")


def drips_headers(peer: socket.socket, stop: threading.Event) -> None:
    peer.sendall(HEAD)
    while not stop.wait(0.1):
        peer.sendall(b"X: y\r\n")


def no_http(peer: socket.socket, _stop: threading.Event) -> None:
    peer.sendall(b"220 mail.example ESMTP\r\n")


@pytest.mark.parametrize(
    ("talk", "error", "words"),
    [
        (endless, ExplorerMalformed, "longer than"),
        (endless_bomb, ExplorerMalformed, "HTTP 200"),
        (silent_server, ExplorerUnreachable, "no answer within 1 s"),
        (drips_a_body, ExplorerUnreachable, "no answer within 1 s"),
        (drips_headers, ExplorerUnreachable, "no answer within 1 s"),
        (no_http, ExplorerUnreachable, "does not answer"),
    ],
    ids=lambda item: getattr(item, "__name__", None),
)
def test_no_server_holds_us_up(
    talk: Callable[[socket.socket, threading.Event], None],
    error: type[BridgeError],
    words: str,
    ledger: SourceBundle,
) -> None:
    started = time.monotonic()
    with raw_server(talk) as url, pytest.raises(error, match=words):
        publish(ledger, open_explorer("etherscan", url), Patience(request=1, total=3))
    assert time.monotonic() - started < 10


def test_the_key_is_sent_in_the_body_alone_and_shown_nowhere(
    server: StandIn, ledger: SourceBundle, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    echo = f"Invalid API Key {KEY} for you"
    faults: tuple[Callable[[Request], Answer | None], ...] = (
        always(document(200, status="0", message="NOTOK", result=echo)),
        always(document(200, status="1", message="OK", result=echo)),
        always((200, echo.encode())),
        always(document(200, status=KEY, message=KEY, result=KEY)),
        always(document(200, status="0", message=KEY, result="a" * 280 + KEY)),
        lambda request: (
            200,
            b'{"status":"0","message":"x","result":' + json.dumps(request.body[:400].decode()).encode() + b"}",
        ),
        always((502, echo.encode())),
        always((302, echo.encode())),
        always(None),
    )
    said = [repr(open_explorer("etherscan", server.url))]
    with caplog.at_level(logging.DEBUG):
        assert post(ledger, "etherscan", server) == VERIFIED
        for fault in faults:
            server.rule = fault
            with pytest.raises(BridgeError) as raised:
                post(ledger, "etherscan", server, HASTY)
            error = raised.value
            chain = (error, error.__cause__, None if error.__suppress_context__ else error.__context__)
            said += [f"{item} {item!r} {vars(item) if item else ''}" for item in chain]
    assert any("***" in text for text in said)
    shown = " ".join([*said, caplog.text, *capfd.readouterr(), *(request.path for request in server.requests)])
    for form in (KEY, KEY[:12], KEY[-12:], "THEKEY%2F"):
        assert form not in shown
    assert all(request.form["apikey"] == KEY for request in server.requests)


def test_a_services_words_are_one_short_line_without_control_characters(server: StandIn, ledger: SourceBundle) -> None:
    server.rule = always(document(200, status="0", message="NOTOK", result="no\x1b[31m\n\nway\u202e " + "x" * 1000))
    with pytest.raises(ExplorerRefused) as refused:
        post(ledger, "etherscan", server)
    reason = refused.value.reason
    assert reason.startswith("no [31m way x")
    assert reason.isprintable()
    assert len(reason) < 310


@pytest.mark.parametrize("value", [None, "", "  "])
def test_etherscan_without_a_key_is_named_before_anything_is_sent(
    value: str | None, shared_chain: Connection, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_VARIABLE)
    if value is not None:
        monkeypatch.setenv(KEY_VARIABLE, value)
    with pytest.raises(ExplorerKeyMissing, match=KEY_VARIABLE):
        verbs.publish_sources(shared_chain, "etherscan", url=server.url)
    assert server.requests == []
    assert open_explorer("sourcify").service.secret == ""
    assert KEY not in os.environ.values()


def test_a_wrong_key_is_refused_by_etherscan(
    server: StandIn, ledger: SourceBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "another")
    with pytest.raises(ExplorerRefused, match="Invalid API Key"):
        post(ledger, "etherscan", server)


def test_without_a_url_the_public_services_are_meant() -> None:
    for to in SERVICES:
        assert open_explorer(to).service.url == HOSTS[to]
        assert HOSTS[to].startswith("https://")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sourcify.dev",
        "ftp://sourcify.dev",
        "file:///etc/passwd",
        "http://sourcify.dev",
        "http://127.0.0.1.example.com",
        "https://user:secret@sourcify.dev",
        "https://sourcify.dev/?key=secret",
        "https://sourcify.dev/#secret",
        "https://[::1",
    ],
)
def test_a_url_that_would_show_the_key_or_holds_a_secret_is_refused(url: str) -> None:
    with pytest.raises(OptionInvalid, match="--url") as refused:
        open_explorer("etherscan", url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["https://sourcify.example/server", "http://localhost:5555", "http://[::1]:5555/"])
def test_https_anywhere_and_http_on_this_machine_are_taken(url: str) -> None:
    assert open_explorer("sourcify", url).service.url == url


def test_an_unknown_service_is_named() -> None:
    with pytest.raises(OptionInvalid, match="expected sourcify or etherscan"):
        open_explorer("blockscout")
