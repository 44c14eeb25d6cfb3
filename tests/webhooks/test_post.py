"""A URL is a stranger's choice: it leads out of our network, or nowhere."""

from __future__ import annotations

import socket
import time

import pytest

from bridge.errors import WebhookUrlRefused
from bridge.webhooks import post as room
from bridge.webhooks.post import Post
from tests.webhooks.receiver import receiver


@pytest.mark.parametrize(
    "url", ["https://example.org/hook", "https://example.org:8443/a?b=c", "https://[2606:4700::1]/"]
)
def test_a_public_url_is_taken(url: str) -> None:
    assert Post().check(url).geturl() == url


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://",
        "https://user:password@example.org/",
        "https://example.org/#part",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://exa mple.org/",
        "https://example.org/\r\nx-evil: 1",
        "https://exämple.org/",
        "https://example.org/" + "a" * 2000,
        "https://[::1",
        "",
    ],
)
def test_what_is_no_public_url_is_refused(url: str) -> None:
    with pytest.raises(WebhookUrlRefused) as refused:
        Post().check(url)
    assert "password" not in refused.value.what.split(":")[0]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",  # noqa: S104
        "[::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "224.0.0.1",
    ],
)
def test_nothing_is_sent_into_a_private_network(host: str) -> None:
    answer = Post().send(f"https://{host}:1/", {}, b"{}")
    assert answer.status is None
    assert answer.said == "it is in a private network"


def test_a_receiver_of_ones_own_is_allowed_by_name() -> None:
    with receiver() as known:
        answer = Post(may_be_private=True).send(known.url, {"webhook-id": "one"}, b'{"a": 1}')
    assert answer.is_taken
    ((headers, body),) = known.came
    assert body == b'{"a": 1}'
    assert {name.lower() for name in headers} >= {"webhook-id", "content-type", "host"}


@pytest.mark.parametrize("status", [301, 302, 307, 400, 410, 500])
def test_an_answer_that_is_no_success_is_none(status: int) -> None:
    with receiver() as known:
        known.answering = lambda _message: status
        answer = Post(may_be_private=True).send(known.url, {}, b"{}")
    assert (answer.status, answer.is_taken, answer.said) == (status, False, f"HTTP {status}")
    assert len(known.came) == 1, "it is neither followed nor sent again"


def test_a_receiver_that_never_answers_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        started = time.monotonic()
        answer = Post(may_be_private=True).send(f"http://127.0.0.1:{server.getsockname()[1]}/", {}, b"{}")
    assert answer.status is None
    assert answer.said == "ReadTimeoutError"
    assert time.monotonic() - started < 5


def test_a_receiver_that_is_not_there_is_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    answer = Post(may_be_private=True).send(f"http://127.0.0.1:{port}/", {}, b"{}")
    assert answer.status is None
    assert answer.said


def test_a_name_that_nobody_has_is_an_answer() -> None:
    assert Post().send("https://nobody.invalid/", {}, b"{}").said == "gaierror"
