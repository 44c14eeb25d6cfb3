"""Who is told: a URL, and what it wants to hear of."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Engine, RowMapping, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.core.word import Hex32
from bridge.database.engine import reading, writing
from bridge.database.index import feed
from bridge.database.webhook import subscriptions
from bridge.errors import WebhookConflict, WebhookUnknown
from bridge.webhooks.post import Post
from bridge.webhooks.signature import new_secret


@dataclass(frozen=True, slots=True)
class Wish:
    """What a subscriber wants to hear of."""

    chain_id: int
    model_id: Hex32 | None = None
    """None: every model."""
    min_grade: Grade = Grade.CLAIMED
    min_finality: Finality = Finality.MINED


@dataclass(frozen=True, slots=True)
class Subscription:
    """A webhook."""

    id: str
    owner: str
    url: str = field(repr=False)
    """It may hold a secret of the subscriber's."""
    secret: str = field(repr=False)
    wish: Wish
    position: int
    """In the feed: everything up to it became a delivery, or did not concern it."""
    created_at: float
    ended_at: float | None
    ended: str | None
    """Why it ended."""


class Subscriptions:
    """The webhooks of a database."""

    def __init__(self, engine: Engine, post: Post, *, clock: Callable[[], float] = time.time) -> None:
        """`post` says which URLs are allowed."""
        self._engine = engine
        self._post = post
        self._clock = clock

    def add(self, owner: str, url: str, wish: Wish, *, key: str | None = None) -> Subscription:
        """Tell this URL of what comes from now on; asked for again with the same idempotency key it is the same webhook.

        Raises `WebhookUrlRefused`, and `WebhookConflict` for the same key with another payload.
        """
        self._post.check(url)
        newest = select(func.coalesce(func.max(feed.c.number), 0)).where(feed.c.chain_id == wish.chain_id)
        values = {
            "id": uuid.uuid4().hex,
            "owner": owner,
            "idempotency_key": key,
            "payload": _payload(url, wish),
            "url": url,
            "secret": new_secret(),
            "chain_id": wish.chain_id,
            "model_id": wish.model_id,
            "min_grade": int(wish.min_grade),
            "min_finality": int(wish.min_finality),
            "position": newest.scalar_subquery(),
            "created_at": self._clock(),
        }
        try:
            with writing(self._engine) as connection, connection.begin_nested():
                connection.execute(insert(subscriptions).values(**values))
        except IntegrityError:
            return self._known(owner, key, str(values["payload"]))
        return self.get(str(values["id"]))

    def get(self, identity: str, *, owner: str | None = None) -> Subscription:
        """One of them, of this owner or of any. Raises `WebhookUnknown`, also for one of somebody else."""
        query = select(subscriptions).where(subscriptions.c.id == identity)
        with reading(self._engine) as connection:
            row = connection.execute(query).mappings().one_or_none()
        if row is None or owner not in {None, row["owner"]}:
            raise WebhookUnknown(webhook_id=identity)
        return _subscription(row)

    def all(self, *, owner: str | None = None, ended: bool = False) -> tuple[Subscription, ...]:
        """Those of an owner, or of everybody; the oldest first."""
        query = select(subscriptions).order_by(subscriptions.c.created_at, subscriptions.c.id)
        if owner is not None:
            query = query.where(subscriptions.c.owner == owner)
        if not ended:
            query = query.where(subscriptions.c.ended_at.is_(None))
        with reading(self._engine) as connection:
            return tuple(_subscription(row) for row in connection.execute(query).mappings())

    def end(self, identity: str, reason: str, *, owner: str | None = None) -> Subscription:
        """Tell it nothing any more; what waits is dropped, the log stays. Raises `WebhookUnknown`."""
        self.get(identity, owner=owner)
        with writing(self._engine) as connection:
            query = update(subscriptions).where(subscriptions.c.id == identity, subscriptions.c.ended_at.is_(None))
            connection.execute(query.values(ended_at=self._clock(), ended=reason[:200]))
        return self.get(identity)

    def _known(self, owner: str, key: str | None, payload: str) -> Subscription:
        query = select(subscriptions).where(subscriptions.c.owner == owner, subscriptions.c.idempotency_key == key)
        with reading(self._engine) as connection:
            row = connection.execute(query).mappings().one()
        if row["payload"] != payload:
            raise WebhookConflict(key=str(key), webhook_id=row["id"])
        return _subscription(row)


def _payload(url: str, wish: Wish) -> str:
    parts = (url, wish.chain_id, wish.model_id or "", int(wish.min_grade), int(wish.min_finality))
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def _subscription(row: RowMapping) -> Subscription:
    return Subscription(
        id=row["id"],
        owner=row["owner"],
        url=row["url"],
        secret=row["secret"],
        wish=Wish(row["chain_id"], row["model_id"], Grade(row["min_grade"]), Finality(row["min_finality"])),
        position=row["position"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
        ended=row["ended"],
    )
