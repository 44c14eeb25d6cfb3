"""/v1/stream and /v1/feed: news as it comes, from where a subscriber left off."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import Field, TypeAdapter
from starlette.types import Receive, Scope, Send

from bridge.api.parameters import MOST_ITEMS, Count, HexId, Question
from bridge.api.problems import DOCUMENTED
from bridge.api.reply import reply
from bridge.api.server import server_of
from bridge.api.tail import Tail
from bridge.errors import StreamFull
from bridge.query.answers.feed import Feed, news

router = APIRouter(tags=["news"], responses=DOCUMENTED)

PATIENCE_SECONDS = 20.0
"""A subscriber that does not take a piece for so long is cut off; it comes back with the number that it has."""
_FEED = TypeAdapter(Feed)


class EventStream(Response):
    """Server-sent events, until the subscriber goes, is too slow, or the server stops."""

    media_type = "text/event-stream"

    def __init__(self, tail: Tail, after: int | None, model_id: str | None) -> None:
        """One subscriber."""
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._tail = tail
        self._pieces = tail.subscribe(after, model_id)

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Tell until one side has enough."""
        self._tail.subscribers += 1
        telling, gone = asyncio.create_task(self._tell(send)), asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({telling, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._tail.subscribers -= 1
            for task in (telling, gone):
                task.cancel()
            await asyncio.gather(telling, gone, return_exceptions=True)

    async def _tell(self, send: Send) -> None:
        with suppress(TimeoutError):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for piece in self._pieces:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class FeedQuestion(Question):
    """From where on."""

    after: Count = 0
    """The number of the last news that you have seen."""
    limit: int = Field(100, ge=1, le=MOST_ITEMS)


class StreamQuestion(Question):
    """What to be told."""

    after: Count | None = None
    """Everything after this number first; Last-Event-ID goes before it. Without either, only what comes."""
    model: HexId | None = None
    """Only of this model."""


@router.get("/v1/feed", operation_id="getFeed", summary="News, in turns", response_model=Feed)
async def get_feed(request: Request, asked: Annotated[FeedQuestion, Query()]) -> Response:
    """What the stream tells, for those who would rather ask: hand `last` in as `after`."""
    found = await server_of(request).reader.ask(
        lambda view: news(view.connection, view.now.chain_id, asked.after, asked.limit)
    )
    return reply(request, _FEED, Feed(found, found[-1].number if found else asked.after))


@router.get(
    "/v1/stream",
    operation_id="stream",
    summary="News as it comes (server-sent events)",
    status_code=200,
    response_class=EventStream,
    responses={
        200: {
            "description": "Events `verified` and `retracted`; the data of each is a News document, its id the number.",
            "content": {"text/event-stream": {"schema": {"$ref": "#/components/schemas/News"}}},
        }
    },
)
async def get_stream(
    request: Request,
    asked: Annotated[StreamQuestion, Query()],
    last_event_id: Annotated[
        Count | None, Header(description="The number of the last event seen; browsers send it by themselves.")
    ] = None,
) -> Response:
    """Each first verification, and each that a reorganisation took back. Whoever is cut off comes back with the last number and
    misses nothing and is told nothing twice. Quiet times are marked with a line that holds the number alone.
    """
    server = server_of(request)
    if server.tail.subscribers >= server.settings.most_subscribers:
        raise StreamFull(most=server.settings.most_subscribers)
    return EventStream(server.tail, asked.after if last_event_id is None else last_event_id, asked.model)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
