from __future__ import annotations

import json
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import rlp
from eth_account import Account
from eth_account.signers.local import LocalAccount

from bridge.chain.account import Signer, open_signer
from bridge.chain.anvil import Anvil, local_chain
from bridge.chain.remote import CLEF, MAX_ANSWER_BYTES, WEB3SIGNER, Dialect, RemoteSigner, said
from bridge.chain.signature import ORDER, Signed
from bridge.chain.transaction import Wallet
from bridge.connection import Connection, connect
from bridge.core.word import Address
from bridge.errors import (
    AccountError,
    AccountMissing,
    AccountRefused,
    BridgeError,
    SignatureRefused,
    SignerDeclined,
    SignerUnreachable,
)
from tests.chain.proxy import Proxy, Request, Rule, Server, body, problem, proxied, result, serving

RICH: LocalAccount = Account.from_key("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
"""Anvil gives it coin."""
OTHER: LocalAccount = Account.from_key("0x" + "5d" * 32)
TARGET = Address("0x" + "77" * 20)
CHAIN_ID = 31337
ASKED: dict[str, Any] = {
    "to": TARGET,
    "value": 0,
    "data": b"\x01\x02",
    "nonce": 0,
    "gas": 30_000,
    "chainId": CHAIN_ID,
    "maxFeePerGas": 2 * 10**9,
    "maxPriorityFeePerGas": 10**9,
}
DIALECTS = pytest.mark.parametrize("dialect", [WEB3SIGNER, CLEF], ids=["web3signer", "clef"])
Change = Callable[[dict[str, Any]], object]


def honestly(_transaction: dict[str, Any]) -> None:
    """Sign what was asked."""


def raw_of(request: Request, change: Change = honestly, key: LocalAccount = RICH) -> str:
    """What both signers do: read the JSON of a request, and sign. A signer that is set up for one chain ignores what it is told."""
    (asked,) = request["params"]
    assert asked["from"] == RICH.address
    numbers = ("value", "nonce", "gas", "chainId", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas")
    transaction = {name: int(asked[name], 16) for name in numbers if name in asked}
    transaction = {"chainId": CHAIN_ID, **transaction, "to": asked["to"], "data": asked["data"]}
    change(transaction)
    return str(key.sign_transaction(transaction).raw_transaction.to_0x_hex())


def answering(dialect: Dialect, make: Callable[[Request], Any]) -> Rule:
    """The stand-in for a signer whose signed transaction `make` makes."""

    def rule(request: Request) -> tuple[int, bytes] | None:
        assert request["method"] == dialect.method
        assert ("chainId" in request["params"][0]) == dialect.takes_chain
        raw = make(request)
        return result({"raw": raw, "tx": {}} if dialect is CLEF else raw)(request)

    return rule


def spec(dialect: Dialect, server: Server, address: str = RICH.address) -> str:
    return f"{dialect.name}:{server.url}#{address}"


def opened(text: str) -> Signer:
    return open_signer(text, lambda: "", is_local=False, unlocked=lambda: ())


@contextmanager
def signer(dialect: Dialect, rule: Rule) -> Iterator[Signer]:
    with serving(Server(rule)) as server:
        yield opened(spec(dialect, server))


@pytest.fixture(scope="module")
def watched() -> Iterator[tuple[Proxy, Connection]]:
    """A chain that tells what it was asked. Nothing is mined on it: the tests below are of what is never sent."""
    with local_chain() as chain, proxied(chain.url) as proxy:
        yield proxy, connect(rpc=proxy.url)


def nothing_sent(watched: tuple[Proxy, Connection], dialect: Dialect, rule: Rule, error: type[BridgeError]) -> Any:
    """Send through a signer, expect the error, and see that neither the caller nor the chain was given a transaction."""
    proxy, connection = watched
    kept: list[Signed] = []
    with serving(Server(rule)) as server:
        wallet = replace(connection, account=spec(dialect, server)).wallet()
        with pytest.raises(error) as caught:
            wallet.send(TARGET, b"\x01\x02", label="poke", on_signed=kept.append)
        assert len(server.requests) == 1, "it is asked once"
    assert kept == []
    assert proxy.asked("eth_sendRawTransaction") == []
    assert wallet.rpc.nonce(wallet.address) == 0
    return caught.value


@DIALECTS
def test_a_transaction_is_signed_elsewhere_and_mined_from_the_account_that_was_named(
    dialect: Dialect, anvil: Anvil
) -> None:
    with serving(Server(answering(dialect, raw_of))) as server:
        wallet: Wallet = connect(rpc=anvil.url, account=spec(dialect, server)).wallet()
        receipt = wallet.execute(TARGET, b"\x01\x02", label="poke")
        (asked,) = server.asked(dialect.method)
    assert receipt.succeeded
    assert receipt.sender == wallet.address == RICH.address
    sent = wallet.rpc.transaction(receipt.tx_hash)
    assert sent is not None
    assert (sent.to, sent.data) == (TARGET, b"\x01\x02")
    assert set(asked[0]) >= {"from", "to", "nonce", "gas", "value", "data", "maxFeePerGas", "maxPriorityFeePerGas"}


@DIALECTS
def test_a_legacy_transaction_is_signed_too(dialect: Dialect) -> None:
    asked = {name: value for name, value in ASKED.items() if not name.startswith("max")} | {"gasPrice": 10**9}
    with signer(dialect, answering(dialect, raw_of)) as remote:
        signed = remote.sign(asked)
    assert signed is not None
    assert Account.recover_transaction(signed.raw) == RICH.address


LIES: dict[str, tuple[Change, str]] = {
    "another nonce": (lambda asked: asked.update(nonce=asked["nonce"] + 1), "nonce"),
    "another receiver": (lambda asked: asked.update(to="0x" + "66" * 20), "to"),
    "some value": (lambda asked: asked.update(value=1), "value"),
    "other data": (lambda asked: asked.update(data="0x0103"), "data"),
    "more gas": (lambda asked: asked.update(gas=asked["gas"] + 1), "gas"),
    "a larger fee": (lambda asked: asked.update(maxFeePerGas=asked["maxFeePerGas"] + 1), "maxFeePerGas"),
    "another tip": (lambda asked: asked.update(maxPriorityFeePerGas=1), "maxPriorityFeePerGas"),
    "another chain": (lambda asked: asked.update(chainId=1), "chainId"),
    "an access list": (lambda asked: asked.update(accessList=[{"address": TARGET, "storageKeys": []}]), "accessList"),
    "one gas price": (
        lambda asked: (asked.pop("maxPriorityFeePerGas"), asked.update(gasPrice=asked.pop("maxFeePerGas"))),
        "type",
    ),
}


@DIALECTS
@pytest.mark.parametrize("lie", LIES)
def test_a_signer_that_signs_something_else_is_refused_by_the_field(
    lie: str, dialect: Dialect, watched: tuple[Proxy, Connection]
) -> None:
    change, field = LIES[lie]
    error = nothing_sent(
        watched, dialect, answering(dialect, lambda request: raw_of(request, change)), SignatureRefused
    )
    assert error.field == field
    assert error.signer.startswith(f"{dialect.name}:http://127.0.0.1:")


def with_higher_s(request: Request) -> str:
    raw = bytes.fromhex(raw_of(request)[2:])
    fields = list(rlp.decode(raw[1:]))
    fields[-1] = (ORDER - int.from_bytes(fields[-1], "big")).to_bytes(32, "big")
    fields[-3] = b"" if fields[-3] else b"\x01"
    return "0x02" + rlp.encode(fields).hex()


MADE: dict[str, tuple[Callable[[Request], Any], str]] = {
    "another key": (lambda request: raw_of(request, key=OTHER), "from"),
    "the higher s": (with_higher_s, "s"),
    "cut short": (lambda request: raw_of(request)[:-2], "encoding"),
    "a byte more": (lambda request: raw_of(request) + "00", "encoding"),
    "a hash and not a transaction": (lambda _request: "0x" + "22" * 32, "type"),
    "an empty text": (lambda _request: "", "the result"),
    "0x": (lambda _request: "0x", "type"),
    "no hex": (lambda request: "0xzz" + raw_of(request)[4:], "the result"),
    "hex without 0x": (lambda request: raw_of(request)[2:], "the result"),
    "an odd digit": (lambda request: raw_of(request) + "0", "the result"),
    "null": (lambda _request: None, "the result"),
    "a number": (lambda _request: 5, "the result"),
    "a list": (lambda request: [raw_of(request)], "the result"),
    "an object": (lambda request: {"tx": raw_of(request)}, "the result"),
}


@DIALECTS
@pytest.mark.parametrize("how", MADE)
def test_an_answer_that_is_not_the_signed_transaction_is_refused(
    how: str, dialect: Dialect, watched: tuple[Proxy, Connection]
) -> None:
    make, field = MADE[how]
    assert nothing_sent(watched, dialect, answering(dialect, make), SignatureRefused).field == field


GARBAGE: dict[str, Rule] = {
    "nothing": body(b""),
    "HTML": body(b"<!doctype html>"),
    "binary": body(bytes(range(256))),
    "a JSON text": body(b'"0x02"'),
    "a JSON list": body(b"[]"),
    "half a document": body(b'{"jsonrpc": "2.0", "id": 1, "resu'),
    "brackets without end": body(b"[" * 200_000),
    "a number of 5000 digits": body(b'{"result": ' + b"9" * 5000 + b"}"),
    "no result": body(b'{"jsonrpc": "2.0", "id": 1}'),
    "a byte too much": body(b" " * (MAX_ANSWER_BYTES + 1)),
}


@DIALECTS
@pytest.mark.parametrize("how", GARBAGE)
def test_garbage_is_refused(how: str, dialect: Dialect, watched: tuple[Proxy, Connection]) -> None:
    error = nothing_sent(watched, dialect, GARBAGE[how], SignatureRefused)
    assert error.field in {"the answer", "the result"}


def test_an_answer_as_long_as_allowed_is_read() -> None:
    def padded(request: Request) -> tuple[int, bytes]:
        answer = answering(WEB3SIGNER, raw_of)(request)
        assert answer is not None
        return 200, answer[1].ljust(MAX_ANSWER_BYTES)

    with signer(WEB3SIGNER, padded) as remote:
        assert remote.sign(ASKED) is not None


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (body(b"<html>", 500), "HTTP 500"),
        (body(b"", 302), "HTTP 302"),
        (body(b'{"jsonrpc": "2.0", "id": 1, "result": "0x02"}', 503), "HTTP 503"),
        (lambda _request: None, "ConnectionError"),
    ],
    ids=["HTTP 500", "a redirect", "a result with HTTP 503", "a connection that is dropped"],
)
@DIALECTS
def test_a_signer_that_fails_is_named(
    rule: Rule, reason: str, dialect: Dialect, watched: tuple[Proxy, Connection]
) -> None:
    error = nothing_sent(watched, dialect, rule, SignerUnreachable)
    assert error.reason == reason


@DIALECTS
def test_a_signer_that_declines_is_quoted_in_one_printable_line(
    dialect: Dialect, watched: tuple[Proxy, Connection]
) -> None:
    for rule in (problem("Request\x1b[2J\n denied."), lambda request: (400, problem("Request denied")(request)[1])):  # type: ignore[index]
        assert "\x1b" not in nothing_sent(watched, dialect, rule, SignerDeclined).reason
    error = nothing_sent(watched, dialect, problem("Request denied"), SignerDeclined)
    assert "does not sign: Request denied. Nothing was sent" in str(error)


def test_what_a_signer_says_is_cut() -> None:
    assert said("no " * 1000).endswith("…")
    assert len(said("x" * 1000)) == 301
    assert said("\n\t") == "no reason given"


@DIALECTS
def test_a_signer_that_takes_its_time_is_given_up(dialect: Dialect) -> None:
    done = threading.Event()

    def late(request: Request) -> tuple[int, bytes] | None:
        done.wait(20)
        return answering(dialect, raw_of)(request)

    with serving(Server(late)) as server:
        hasty = RemoteSigner(Address(RICH.address), replace(dialect, seconds=0.3), server.url)
        began = time.monotonic()
        with pytest.raises(SignerUnreachable, match=r"no answer within 0\.3 s"):
            hasty.sign(ASKED)
        assert time.monotonic() - began < 10, "and not when it has its answer"
        done.set()
        patient = RemoteSigner(Address(RICH.address), replace(dialect, seconds=20.0), server.url)
        assert patient.sign(ASKED).nonce == 0


def test_a_signer_that_sends_a_byte_now_and_then_is_given_up() -> None:
    stop = threading.Event()

    def drip(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not stop.wait(0.1):
                peer.sendall(b" ")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(SignerUnreachable, match=r"no answer within 0\.8 s"):
            RemoteSigner(Address(RICH.address), replace(WEB3SIGNER, seconds=0.8), url).sign(ASKED)
        assert time.monotonic() - began < 3
        stop.set()
        thread.join()


SECRET = "hunter2"


@pytest.mark.parametrize(
    "rule",
    [answering(CLEF, raw_of), body(b"", 500), body(b"?"), problem("no"), lambda _request: None],
    ids=["honest", "HTTP 500", "garbage", "an error", "silence"],
)
def test_nothing_that_is_shown_holds_more_of_the_url_than_its_host(rule: Rule) -> None:
    with serving(Server(rule)) as server:
        text = f"clef:http://alice:{SECRET}@127.0.0.1:{server.server_port}/{SECRET}?key={SECRET}#{RICH.address}"
        remote = opened(text)
        shown = [repr(remote), str(remote)]
        try:
            remote.sign(ASKED)
        except AccountError as error:
            shown += [str(error), repr(error), *traceback.format_exception(error)]
    assert SECRET not in "".join(shown)
    assert "alice" not in "".join(shown)


def test_a_connection_does_not_show_the_account_that_pays(anvil: Anvil) -> None:
    connection = connect(rpc=anvil.url, account=f"clef:http://alice:{SECRET}@127.0.0.1:1#{RICH.address}")
    assert SECRET not in repr(connection)
    assert connection.wallet().address == RICH.address


@pytest.mark.parametrize(
    "where",
    [
        "",
        "#",
        f"http://alice:{SECRET}@127.0.0.1:1",
        f"http://alice:{SECRET}@127.0.0.1:1#",
        f"http://alice:{SECRET}@127.0.0.1:1#0x1234",
        f"http://alice:{SECRET}@127.0.0.1:1#{RICH.address.swapcase()}",
        f"alice:{SECRET}@127.0.0.1:1#{RICH.address}",
        f"ftp://alice:{SECRET}@127.0.0.1#{RICH.address}",
        f"file:///{SECRET}#{RICH.address}",
        f"http://#{RICH.address}",
        f"http://alice:{SECRET}@127.0.0.1:99999#{RICH.address}",
        f"http://alice:{SECRET}@[::1#{RICH.address}",
        RICH.address,
    ],
)
@DIALECTS
def test_a_spec_that_names_no_url_and_account_is_refused_without_repeating_it(where: str, dialect: Dialect) -> None:
    with pytest.raises(AccountRefused, match=rf"write {dialect.name}:URL#0xADDRESS") as caught:
        opened(f"{dialect.name}:{where}")
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert opened(f"{dialect.name}:http://127.0.0.1:1#{RICH.address.lower()}").address == RICH.address


def test_a_url_of_another_kind_of_signer_is_refused_without_repeating_it() -> None:
    with pytest.raises(AccountRefused, match="begins with web3signer: or clef:") as caught:
        opened(f"web3singer:http://alice:{SECRET}@127.0.0.1:1#{RICH.address}")
    assert SECRET not in str(caught.value)
    with pytest.raises(AccountMissing, match="web3singer"):
        opened("web3singer")


def test_a_request_holds_json_and_no_more_than_was_asked() -> None:
    with serving(Server(answering(CLEF, raw_of))) as server:
        opened(spec(CLEF, server)).sign(ASKED)
        (request,) = server.requests
    expected = {
        "from": RICH.address,
        "to": TARGET,
        "value": "0x0",
        "data": "0x0102",
        "nonce": "0x0",
        "gas": "0x7530",
        "chainId": "0x7a69",
        "maxFeePerGas": "0x77359400",
        "maxPriorityFeePerGas": "0x3b9aca00",
    }
    assert json.loads(json.dumps(request))["params"] == [expected]
