from __future__ import annotations

import socket
import sys
import time
import traceback
from pathlib import Path

import pytest

from bridge.chain import rpc as room
from bridge.chain.anvil import Anvil
from bridge.chain.rpc import Rpc, redacted
from bridge.chain.transaction import wait
from bridge.core.word import Address
from bridge.errors import ChainError, ContractReverted, RpcFailed, RpcUnreachable, WrongChain
from tests.chain.proxy import Server, body, on_chain, problem, proxied, result, serving

SECRETS = ("s3cretuser", "s3cretpass", "s3cretkey", "s3cretquery")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def with_secrets(host: str) -> str:
    return f"http://s3cretuser:s3cretpass@{host}/v3/s3cretkey?token=s3cretquery"


def said(error: BaseException) -> str:
    """Everything that a user could be shown of an error."""
    return "".join([str(error), repr(error), *traceback.format_exception(error)])


def test_a_port_where_nobody_listens_is_named_at_once() -> None:
    port = free_port()
    started = time.monotonic()
    with pytest.raises(RpcUnreachable, match=f"127.0.0.1:{port}"):
        Rpc(f"http://127.0.0.1:{port}")
    assert time.monotonic() - started < 2


def test_a_host_that_does_not_take_the_connection_is_given_up_within_the_connect_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert room.CONNECT_SECONDS < 5
    monkeypatch.setattr(room, "CONNECT_SECONDS", 0.3)
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):  # they fill the queue, so that the kernel drops whoever comes next
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        started = time.monotonic()
        with pytest.raises(RpcUnreachable, match="ConnectTimeout"):
            Rpc(f"http://127.0.0.1:{full.getsockname()[1]}")
        assert time.monotonic() - started < 2


def test_a_node_that_takes_the_connection_and_stays_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "REQUEST_SECONDS", 0.3)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with pytest.raises(RpcUnreachable, match="ReadTimeout"):
            Rpc(f"http://127.0.0.1:{listener.getsockname()[1]}")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "ftp://127.0.0.1",
        "wss://127.0.0.1",
        "http://",
        "http://[::1",
        "http://127.0.0.1:99999",
        "http://a..b",
    ],
)
def test_what_is_no_http_url_is_a_chain_error(url: str) -> None:
    with pytest.raises(ChainError):
        Rpc(url)


def test_a_node_on_the_expected_chain_is_taken_and_any_other_refused(anvil: Anvil) -> None:
    assert Rpc(anvil.url, 31337).chain_id == 31337
    with pytest.raises(WrongChain, match="on chain 31337, expected chain 1") as caught:
        Rpc(anvil.url, 1)
    assert (caught.value.expected, caught.value.got) == (1, 31337)


def test_a_shown_url_keeps_the_host_and_loses_what_may_be_secret() -> None:
    assert redacted(with_secrets("node.example:8545")) == "http://node.example:8545"
    assert redacted("https://node.example") == "https://node.example"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (lambda _request: None, RpcUnreachable),
        (body(b"", 429), RpcUnreachable),
        (body(b"", 500), RpcUnreachable),
        (body(b"<html>"), RpcFailed),
        (problem("no"), RpcFailed),
        (result("0x1"), WrongChain),
    ],
    ids=["dropped", "429", "500", "html", "refused", "wrong chain"],
)
def test_no_error_shows_the_secrets_of_a_url(rule: object, expected: type[ChainError]) -> None:
    with serving(Server(rule)) as node, pytest.raises(expected) as caught:  # type: ignore[arg-type]
        Rpc(with_secrets(f"127.0.0.1:{node.server_port}"), 31337)
    assert not any(secret in said(caught.value) for secret in SECRETS)


@pytest.mark.parametrize("host", ["127.0.0.1:1", "127.0.0.1:99999", "[::1", "a..b"])
def test_no_error_of_an_unusable_address_shows_the_secrets_of_its_url(host: str) -> None:
    with pytest.raises(ChainError) as caught:
        Rpc(with_secrets(host))
    assert not any(secret in said(caught.value) for secret in SECRETS)


def test_the_words_of_a_node_are_repeated_and_cut_short() -> None:
    with serving(Server(problem("no such luck"))) as node, pytest.raises(RpcFailed, match="no such luck"):
        Rpc(node.url)
    with serving(Server(problem("x" * 1_000_000))) as node, pytest.raises(RpcFailed) as caught:
        Rpc(node.url)
    assert len(str(caught.value)) < 1000


def test_a_call_of_a_contract_that_reverts_is_named_even_without_a_reason(anvil: Anvil) -> None:
    rpc = Rpc(anvil.url)
    target = Address("0x" + "77" * 20)
    assert rpc.call(target, b"", label="nothing") == b""
    rpc.raw("anvil_setCode", target, "0x60006000fd")
    with pytest.raises(ContractReverted, match="refused poke: EmptyRevert"):
        rpc.call(target, b"", label="poke")


def test_a_contract_cannot_send_us_to_a_url() -> None:
    """OffchainLookup (ERC-3668) names URLs that a client fetches; ours does not."""
    with serving(Server(result("0x7a69"))) as node:
        rpc = Rpc(node.url)
        lookup = _offchain_lookup(f"{node.url}/{{sender}}/{{data}}")
        node.rule = on_chain(problem("execution reverted", code=3, data="0x" + lookup.hex()))
        with pytest.raises(ContractReverted, match="UnknownError"):
            rpc.call(Address("0x" + "77" * 20), b"", label="poke")
        assert node.fetched == []


def test_importing_the_room_leaves_pythons_recursion_limit_alone() -> None:
    """A dependency raises it to 100 000, with which deep JSON overflows the stack and kills the process."""
    assert sys.getrecursionlimit() < 10_000


def test_a_method_of_the_local_chain_alone_answers_raw_and_an_unknown_one_is_named(anvil: Anvil) -> None:
    rpc = Rpc(anvil.url)
    assert str(rpc.raw("web3_clientVersion")).startswith("anvil")
    with pytest.raises(RpcFailed, match="no_such"):
        rpc.raw("no_such")


def test_what_does_not_exist_is_none_and_what_exists_is_not(anvil: Anvil) -> None:
    rpc = Rpc(anvil.url)
    head = rpc.block()
    assert head is not None
    assert rpc.block(head.number) == head
    assert rpc.block(head.number + 100) is None
    nothing = head.hash
    assert rpc.receipt(nothing) is None
    assert not rpc.knows_transaction(nothing)
    sender, other = rpc.accounts()[:2]
    sent = rpc.send_unlocked({"from": sender, "to": other, "value": 1})
    receipt = wait(rpc, sent, label="a payment")
    assert rpc.knows_transaction(sent)
    assert rpc.receipt(sent) == receipt
    assert receipt.sender == sender


def test_the_proxy_passes_honest_answers_on(anvil: Anvil) -> None:
    with proxied(anvil.url) as proxy:
        assert Rpc(proxy.url).block_number() == Rpc(anvil.url).block_number()
        assert [request["method"] for request in proxy.requests] == ["eth_chainId", "eth_blockNumber"]


def _offchain_lookup(url: str) -> bytes:
    from eth_abi.abi import encode  # noqa: PLC0415

    kinds = ["address", "string[]", "bytes", "bytes4", "bytes"]
    return bytes.fromhex("556f1830") + encode(kinds, ["0x" + "77" * 20, [url], b"\x01", b"\x01\x02\x03\x04", b""])


def test_what_netrc_has_for_a_host_is_not_sent_to_a_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login s3cretuser password s3cretpass\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(Server(on_chain(result("0x1")))) as node:
        Rpc(node.url)
        assert all("Authorization" not in headers for _, headers in node.heads)
        Rpc(node.url.replace("//", "//own:word@"))
        assert "Authorization" in node.heads[-1][1], "what the URL itself has is meant for it"


@pytest.mark.parametrize("excepted", ["", "127.0.0.1"])
def test_a_proxy_of_the_environment_is_gone_through_unless_the_host_is_excepted(
    monkeypatch: pytest.MonkeyPatch, excepted: str
) -> None:
    with serving(Server(on_chain(result("0x1")))) as proxy, serving(Server(on_chain(result("0x1")))) as node:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", excepted)
        Rpc(node.url)
        asked, other = (node, proxy) if excepted else (proxy, node)
        assert len(asked.heads) == 1
        assert not other.heads
