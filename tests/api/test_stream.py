"""A subscriber is told everything once and in order, whatever cuts it off, and what was taken back as well."""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert

from bridge.api import stream
from bridge.api.reader import Reader
from bridge.api.settings import Settings
from bridge.api.tail import Tail
from bridge.database.engine import writing
from bridge.database.index import feed
from tests.api.served import Api, refused, serving
from tests.query.story import CHAIN, Story, word

CUTS = int(os.environ.get("CUTS", "60"))
"""A thousand where it has to be shown; each takes some milliseconds."""


@contextmanager
def listening(api: Api, path: str = "/v1/stream", last: int | None = None) -> Iterator[socket.socket]:
    """A raw subscriber."""
    with socket.create_connection(api.place, timeout=10) as wire:
        header = "" if last is None else f"Last-Event-ID: {last}\r\n"
        wire.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{header}\r\n".encode())
        yield wire


def events(wire: socket.socket) -> Iterator[dict[str, str]]:
    """Blocks of lines as an EventSource reads them; the chunks of HTTP around them are left out."""
    kept: dict[str, str] = {}
    with wire.makefile("rb") as lines:
        for raw in lines:
            line = raw.decode().rstrip("\r\n")
            name, _, value = line.partition(": ")
            if name in {"event", "data", "id"}:
                kept[name] = value
            elif not line and "id" in kept:
                yield kept
                kept = {}


def told(wire: socket.socket, count: int) -> list[dict[str, Any]]:
    """So many events with data."""
    found = []
    for event in events(wire):
        if "data" in event:
            data = json.loads(event["data"])
            assert (int(event["id"]), event["event"]) == (data["number"], data["kind"])
            found.append(data)
        if len(found) == count:
            break
    return found


def test_what_is_verified_is_told_and_what_is_taken_back_is_retracted(on_both: tuple[Story, Api]) -> None:
    story, api = on_both
    model_id = story.model("digits")
    old = story.verified(model_id, 10, (1, 2, 3), (4, 5))
    time.sleep(0.3)
    with listening(api) as wire:
        assert wire.recv(12) == b"HTTP/1.1 200"
        time.sleep(0.2)
        new = story.verified(model_id, 20, (3, 2, 1), (4, 5))
        story.reorganised(15)
        first, second = told(wire, 2)
    assert (first["kind"], first["inference_id"], first["block_number"]) == ("verified", new, 20)
    assert (second["kind"], second["inference_id"], second["block_hash"]) == ("retracted", new, word("block 20"))
    assert old not in {first["inference_id"], second["inference_id"]}


def test_last_event_id_or_after_replays_and_the_header_goes_before(story: Story, api: Api) -> None:
    model_id = story.model("replayed")
    numbers = []
    with listening(api, "/v1/stream?after=0") as wire:
        for block in range(10, 14):
            story.verified(model_id, block, (block, 0, 0), (1, 1))
        numbers = [each["number"] for each in told(wire, 4)]
    with listening(api, "/v1/stream?after=0", last=numbers[1]) as wire:
        assert [each["number"] for each in told(wire, 2)] == numbers[2:]
    with listening(api, f"/v1/stream?after={numbers[0]}") as wire:
        assert [each["number"] for each in told(wire, 3)] == numbers[1:]


def test_a_subscriber_of_one_model_is_told_of_that_one_alone(story: Story, api: Api) -> None:
    one, other = story.model("this one"), story.model("that one")
    with listening(api, f"/v1/stream?model={one}&after=0") as wire:
        story.verified(other, 30, (1, 2, 3), (4, 5))
        wanted = story.verified(one, 30, (1, 2, 3), (4, 5))
        (only,) = told(wire, 1)
    assert only["inference_id"] == wanted


def test_whoever_connects_gets_a_number_before_anything_happens(api: Api, story: Story) -> None:
    """So that nothing is missed by one that is cut off before its first event."""
    last = api.get("/v1/feed", params={"limit": 200}).json()["last"]
    time.sleep(0.3)
    with listening(api) as wire:
        first = next(events(wire))
    assert first == {"id": str(last)}


def test_whoever_connects_before_the_feed_was_looked_at_is_not_told_all_that_ever_was(story: Story) -> None:
    story.verified(story.model("long before"), 33, (8, 8, 8), (1, 1))

    async def first() -> tuple[bytes, int]:
        reader = Reader(story.engine, CHAIN, 1)
        tail = Tail(reader)
        subscriber = tail.subscribe(None, None)
        waiting = asyncio.ensure_future(anext(subscriber))
        await asyncio.sleep(0.05)
        running = asyncio.create_task(tail.run())
        mark = await waiting
        running.cancel()
        await subscriber.aclose()
        reader.close()
        return mark, tail.last

    mark, last = asyncio.run(first())
    assert last > 0
    assert f"id: {last}\n".encode() in mark


def test_what_reaches_back_further_than_memory_is_read_from_the_table(
    settings: Settings, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.api.tail._SHARED", 3)
    model_id = story.model("long ago")
    with serving(settings) as api:
        before = api.get("/v1/feed", params={"limit": 200}).json()["last"]
        for block in range(60, 80):
            story.verified(model_id, block, (block, 0, 0), (1, 1))
        time.sleep(0.3)
        with listening(api, last=before) as wire:
            numbers = [each["number"] for each in told(wire, 20)]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 20


def test_a_subscriber_that_is_cut_off_again_and_again_misses_nothing_and_is_told_nothing_twice(
    story: Story, settings: Settings
) -> None:
    """Cut at any byte: after a head, within an event, between two."""
    dice = random.Random(11)  # noqa: S311 - its dice must fall the same way again
    model_id = story.model("cut off")
    is_over = threading.Event()
    made: list[str] = []

    def tell() -> None:
        while not is_over.is_set():
            made.append(story.verified(model_id, 50, (len(made) / 4, 7, 7), (1, 1)))
            time.sleep(0.004)

    with serving(settings) as api:
        last = api.get("/v1/feed", params={"limit": 200, "after": 0}).json()["last"]
        seen: list[str] = []
        writer = threading.Thread(target=tell)
        writer.start()
        for _ in range(CUTS):
            with listening(api, f"/v1/stream?model={model_id}", last) as wire:
                raw = b""
                end = dice.randint(1, 3_000)
                with suppress(TimeoutError):
                    wire.settimeout(0.05)
                    while len(raw) < end and (part := wire.recv(min(512, end - len(raw)))):
                        raw += part
            last = _kept(raw, seen, last)
        is_over.set()
        writer.join()
        with listening(api, f"/v1/stream?model={model_id}", last) as wire:
            seen += [each["inference_id"] for each in told(wire, len(made) - len(seen))]
    assert seen == made


def _kept(raw: bytes, seen: list[str], last: int) -> int:
    """What a client has of a stream that was cut: whole events only."""
    body = b"".join(_chunks(raw.partition(b"\r\n\r\n")[2]))
    for block in body.split(b"\n\n")[:-1]:
        lines = dict(line.split(b": ", 1) for line in block.splitlines())
        last = int(lines[b"id"])
        if b"data" in lines:
            seen.append(json.loads(lines[b"data"])["inference_id"])
    return last


def _chunks(raw: bytes) -> Iterator[bytes]:
    while raw:
        size, found, rest = raw.partition(b"\r\n")
        if not found or not size:
            return
        yield rest[: int(size, 16)]
        raw = rest[int(size, 16) + 2 :]


def test_more_subscribers_than_the_server_takes_are_refused_by_name(settings: Settings) -> None:
    with serving(replace(settings, most_subscribers=1)) as api, listening(api) as wire:
        assert wire.recv(12) == b"HTTP/1.1 200"
        refused(api.get("/v1/stream"), 503, "StreamFull")


def test_a_server_that_stops_lets_its_subscribers_go_at_once(settings: Settings) -> None:
    with serving(settings) as api:
        wire = socket.create_connection(api.place, timeout=10)
        wire.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.recv(12) == b"HTTP/1.1 200"
        started = time.monotonic()
    assert time.monotonic() - started < 3
    while wire.recv(4096):
        pass
    wire.close()


def test_news_can_be_asked_for_in_turns(on_both: tuple[Story, Api]) -> None:
    story, api = on_both
    model_id = story.model("digits")
    made = [story.verified(model_id, block, (block, 0, 0), (1, 1)) for block in range(10, 15)]
    seen, after = [], 0
    while items := (page := api.get("/v1/feed", params={"after": after, "limit": 2}).json())["items"]:
        seen += [item["inference_id"] for item in items]
        after = page["last"]
    assert seen == made
    assert api.get("/v1/feed", params={"after": after}).json() == {"items": [], "last": after}


def test_a_last_event_id_that_is_no_number_is_refused(api: Api) -> None:
    refused(api.get("/v1/stream", headers={"Last-Event-ID": "last"}), 422, "ParametersRefused")


def test_a_subscriber_that_does_not_listen_is_cut_off(
    story: Story, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PATIENCE_SECONDS", 0.5)
    model_id = story.model("told to deaf ears")
    row = {"chain_id": CHAIN, "kind": "verified", "inference_id": word("x"), "model_id": model_id, "block_number": 40}
    row |= {"block_hash": word("block 40"), "log_index": 0, "row": 0, "at": 0.0}
    with writing(story.engine) as connection:
        connection.execute(insert(feed), [row] * 40_000)  # more than the kernel keeps for a connection
    with serving(settings) as api, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        deaf.connect(api.place)
        deaf.sendall(b"GET /v1/stream?after=0 HTTP/1.1\r\nHost: x\r\n\r\n")
        deadline = time.monotonic() + 20
        while "proofbridge_subscribers 0.0" not in (figures := api.get("/metrics").text):
            assert time.monotonic() < deadline, figures
            time.sleep(0.1)
