"""The end of the feed, shared by everybody who listens: nothing missed, nothing twice, and no queue for anyone.

Each process reads the feed once, however many listen. A subscriber is a number, the last that it was told, and takes what comes
after it from what everybody shares, or from the table where that does not reach back far enough.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Sequence

from fastapi.sse import format_sse_event
from pydantic import TypeAdapter

from bridge.api.reader import Reader
from bridge.errors import BridgeError
from bridge.query.answers.feed import News, newest, news

POLL_SECONDS = 0.1
HEARTBEAT_SECONDS = 15.0
_SHARED = 10_000
"""News that are kept in memory."""
_PIECE = 500
"""News in one piece at most."""

_LOG = logging.getLogger("proofbridge.api")
_NEWS = TypeAdapter(News)
NEWS_SCHEMA = _NEWS.json_schema(ref_template="#/components/schemas/{model}", mode="serialization")

Told = tuple[int, str, bytes]
"""Number, model and event of a piece of news."""


class Tail:
    """The end of the feed, in memory."""

    def __init__(self, reader: Reader) -> None:
        """Nothing is read before `run`."""
        self._reader = reader
        self._shared: deque[Told] = deque(maxlen=_SHARED)
        self._floor = 0
        """Everything after it that was told is in `_shared`."""
        self._more = asyncio.Event()
        self._begun = asyncio.Event()
        self._is_over = False
        self.last = 0
        self.subscribers = 0

    async def run(self) -> None:
        """Read on until cancelled; a database that does not answer is asked again."""
        said = ""
        while True:
            try:
                if not self._begun.is_set():
                    self.last = self._floor = await self._reader.ask(
                        lambda view: newest(view.connection, view.now.chain_id)
                    )
                    self._begun.set()
                await self._read_on()
                said = ""
            except BridgeError as error:
                if str(error) != said:
                    said = str(error)
                    _LOG.warning("the feed waits: %s", said)
            await asyncio.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Let every subscriber go."""
        self._is_over = True
        self._begun.set()
        self._more.set()

    async def subscribe(self, after: int | None, model_id: str | None) -> AsyncGenerator[bytes, None]:
        """What to send to one subscriber, from a number on or from now."""
        await self._begun.wait()  # before that it is not known where now is
        place = self.last if after is None else after
        yield _mark(place)
        while not self._is_over:
            if place < self.last:
                told = await self._after(place)
                place = told[-1][0] if told else self.last
                piece = b"".join(event for _, model, event in told if model_id in {None, model})
                if piece:
                    yield piece
                continue
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await self._more.wait()
            except TimeoutError:
                yield _mark(place)

    async def _read_on(self) -> None:
        while True:
            found = await self._look(self.last)
            for each in found:
                if len(self._shared) == _SHARED:
                    self._floor = self._shared[0][0]
                self._shared.append(each)
            if found:
                self.last = found[-1][0]
                self._more.set()
                self._more = asyncio.Event()
            if len(found) < _PIECE:
                return

    async def _after(self, place: int) -> Sequence[Told]:
        """The first news after a number."""
        if place < self._floor:
            return await self._look(place)
        told: list[Told] = []
        for each in reversed(self._shared):
            if each[0] <= place:
                break
            told.append(each)
        return told[::-1][:_PIECE]

    async def _look(self, after: int) -> list[Told]:
        found = await self._reader.ask(lambda view: news(view.connection, view.now.chain_id, after, _PIECE))
        return [(each.number, each.model_id, _event(each)) for each in found]


def _event(told: News) -> bytes:
    return format_sse_event(event=told.kind, data_str=_NEWS.dump_json(told).decode(), id=str(told.number))


def _mark(number: int) -> bytes:
    """A number without an event: a client keeps it as its last one, and is told nothing."""
    return f"retry: 1000\nid: {number}\n\n".encode()
