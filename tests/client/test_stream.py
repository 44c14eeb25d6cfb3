"""A stream over a line that breaks: nothing is missed, nothing told twice."""

from __future__ import annotations

import json
import random
import socket
import time
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.client import Client, client
from bridge.client.events import LONGEST_EVENT, Event, EventParser
from bridge.core.word import hex32
from bridge.errors import AnswerMalformed, ServerRefused, ServerUnreachable
from tests.client.conftest import Served, follow
from tests.client.hostile import hostile, saying

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def told(number: int) -> bytes:
    news = {
        "number": number,
        "kind": "verified" if number % 3 else "retracted",
        "chain_id": 1,
        "inference_id": hex32(number),
        "model_id": hex32(1),
        "block_number": number,
        "block_hash": hex32(number),
        "log_index": 0,
        "row": 0,
        "at": 0.5,
    }
    return f"id: {number}\nevent: {news['kind']}\ndata: {json.dumps(news)}\n\n".encode()


def last_seen(head: bytes) -> int:
    lines = head.decode().lower().split("\r\n")
    return next((int(line.removeprefix("last-event-id:")) for line in lines if line.startswith("last-event-id:")), 0)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause between one connection and the next."""
    monkeypatch.setattr(client, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(client, "_LONGEST_PAUSE", 0.001)


@pytest.mark.usefixtures("at_once")
def test_over_a_line_that_breaks_anywhere_everything_is_told_once_and_in_order() -> None:
    dice = random.Random(7)  # noqa: S311 - falls the same way again
    total = 300

    def script(_number: int, head: bytes, connection: socket.socket) -> None:
        """From where the client was, and some of what it had seen, cut off anywhere."""
        start = max(1, last_seen(head) + 1 - dice.randint(0, 3))
        whole = b"".join(told(number) for number in range(start, total + 1))
        connection.sendall(HEAD + whole[: dice.randint(0, 4_000)])

    with hostile(script) as server:
        news = list(islice(Client(server.url).stream(after=0), total))
    assert [each.number for each in news] == list(range(1, total + 1))
    assert len(server.heads) > 20


@pytest.mark.usefixtures("at_once")
def test_a_mark_moves_the_place_and_tells_nothing() -> None:
    def script(number: int, _head: bytes, connection: socket.socket) -> None:
        connection.sendall(HEAD + (b"retry: 1000\nid: 41\n\n" if number == 0 else told(42)))

    with hostile(script) as server:
        assert next(iter(Client(server.url).stream())).number == 42
    assert "last-event-id" not in server.heads[0].lower()
    assert last_seen(server.heads[1].encode()) == 41


@pytest.mark.usefixtures("at_once")
def test_a_server_that_fails_is_tried_again_until_patience_ends_and_one_that_refuses_is_not() -> None:
    started = time.monotonic()
    with hostile(saying(b"", "503 Service Unavailable")) as server, pytest.raises(ServerRefused):
        next(iter(Client(server.url).stream(patience=0.3)))
    assert len(server.heads) > 3
    with hostile(saying(b"", "422 Unprocessable Content")) as server, pytest.raises(ServerRefused):
        next(iter(Client(server.url).stream(patience=300)))
    assert len(server.heads) == 1
    with pytest.raises(ServerUnreachable):
        next(iter(Client("http://127.0.0.1:9").stream(patience=0.1)))
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    "said",
    [
        b"id: x\ndata: {}\n\n",
        b"id: 1\ndata: {}\n\n",
        b"id: 1\ndata: nonsense\n\n",
        b"id: 1\ndata: \xff\n\n",
        b"data: " + b"x" * (LONGEST_EVENT + 2**17),
        b"data: x\n" * 2**15,
    ],
    ids=["no number", "no news", "no JSON", "no UTF-8", "a line without end", "lines without end"],
)
def test_what_is_no_news_is_refused_by_name(said: bytes) -> None:
    def script(_number: int, _head: bytes, connection: socket.socket) -> None:
        connection.sendall(HEAD + said)

    with hostile(script) as server, pytest.raises(AnswerMalformed):
        next(iter(Client(server.url).stream()))


def test_a_real_server_tells_all_that_its_index_has_learned(served: Served) -> None:
    news = list(islice(served.client.stream(after=0), 6))
    assert [each.inference_id for each in news] == [served.recorded, served.verified, *served.rows]
    assert {each.kind for each in news} == {"verified"}
    again = list(islice(served.client.stream(after=news[3].number), 2))
    assert again == news[4:]
    of_model = served.client.stream(after=0, model=served.bundle.model_id)
    assert [each.inference_id for each in islice(of_model, 2)] == [served.recorded, served.verified]
    follow(served.connection, served.database)  # nothing new, so nothing more is told


chunks = st.lists(st.integers(1, 40), max_size=40)


@given(chunks, st.sampled_from(["\n", "\r\n"]))
def test_events_are_the_same_wherever_the_bytes_are_cut(sizes: list[int], ending: str) -> None:
    text = ": hello\n\nid: 1\nevent: verified\ndata: one\ndata: two\n\n\nid:2\nretry: 5\n\ndata:ä\n\n".replace(
        "\n", ending
    )
    raw, parser, found = text.encode(), EventParser(), []
    for size in sizes:
        found += list(parser.feed(raw[:size]))
        raw = raw[size:]
    found += list(parser.feed(raw))
    assert found == [Event("", "", ""), Event("verified", "1", "one\ntwo"), Event("", "2", ""), Event("", "", "ä")]
