"""What subscribers are told, in the order of telling: what was verified, and what a reorganisation took back."""

from __future__ import annotations

from sqlalchemy import Connection, select

from bridge.database.index import feed
from bridge.query.answers.wire import Id, answer


@answer
class News:
    """One thing to tell. Numbers only grow, and none is used twice."""

    number: int
    """Hand in the last one that you have seen to go on after it."""
    kind: str
    """verified, or retracted: forget what was told of this inference at this place."""
    chain_id: int
    inference_id: Id
    model_id: Id
    block_number: int
    block_hash: Id
    log_index: int
    row: int
    """Of a batch, the first is 1; 0 where it is none."""
    at: float
    """When the server learned of it, in seconds since 1970 (UTC)."""


@answer
class Feed:
    """Some news, the oldest first."""

    items: tuple[News, ...]
    last: int
    """Hand it in as `after` to go on."""


_QUERY = select(*(feed.c[name] for name in News.__annotations__)).order_by(feed.c.number)


def news(connection: Connection, chain_id: int, after: int, limit: int) -> tuple[News, ...]:
    """The first so many after a number."""
    query = _QUERY.where(feed.c.number > after, feed.c.chain_id == chain_id).limit(limit)
    return tuple(News(*row) for row in connection.execute(query))


def newest(connection: Connection, chain_id: int) -> int:
    """The last number that was given out for a chain; 0 before the first."""
    last = select(feed.c.number).where(feed.c.chain_id == chain_id).order_by(feed.c.number.desc()).limit(1)
    return connection.scalar(last) or 0
