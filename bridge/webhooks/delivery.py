"""What subscribers are told: planned out of the feed, written down, tried, and over.

A message is due until it is taken or given up, so a subscriber may hear twice of one thing, by the same message id, and never of
none. What is taken back before anybody may have heard of it is not told at all.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, and_, exists, insert, select, update

from bridge.core.finality import Finality
from bridge.core.word import Hex32
from bridge.database.engine import reading, writing
from bridge.database.index import blocks, feed, verifications
from bridge.database.webhook import attempts, deliveries, subscriptions
from bridge.errors import DeliveryUnknown
from bridge.query.answers.feed import News, news
from bridge.query.answers.horizon import horizon
from bridge.webhooks.post import Answer
from bridge.webhooks.subscription import Subscription

BACK_OFF = (5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400)
"""Seconds until the next try after the first, the second, …; after the last of them a message is given up. Two days in all."""
_SCATTER = 0.1
"""Share of a wait that is left to chance, so that what failed together does not come back together."""
_PLANNED_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to one subscriber."""

    subscription_id: str
    number: int
    kind: str
    inference_id: Hex32
    body: str
    state: str
    tries: int
    due_at: float
    created_at: float
    ended_at: float | None

    @property
    def message_id(self) -> str:
        """The same at every try; what a receiver knows a second one by."""
        return f"{self.subscription_id}_{self.number}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a message."""

    at: float
    seconds: float
    status: int | None
    said: str


Write = Callable[[Connection, News], str | None]
"""The body of a message; None where there is nothing to tell, because it was taken back since."""


class Deliveries:
    """The messages of a database."""

    def __init__(self, engine: Engine, write: Write, *, clock: Callable[[], float] = time.time) -> None:
        """`write` makes bodies, in the transaction that plans them."""
        self._engine = engine
        self._write = write
        self._clock = clock
        self._dice = random.SystemRandom()

    def plan(self, subscription: Subscription) -> int:
        """Turn what is new in the feed into messages, in one transaction with the place that was come to. How many were made."""
        with writing(self._engine) as connection:
            place = subscriptions.c.position
            mine = subscriptions.c.id == subscription.id
            still = select(place).where(mine, subscriptions.c.ended_at.is_(None)).with_for_update()
            start = connection.execute(still).scalar_one_or_none()
            if start is None:
                return 0
            position, made = start, 0
            for told in news(connection, subscription.wish.chain_id, start, _PLANNED_AT_ONCE):
                if not self._is_sure(connection, subscription, told):
                    break
                made += self._plan(connection, subscription, told)
                position = told.number
            if position != start:
                connection.execute(update(subscriptions).where(mine).values(position=position))
        return made

    def due(self, *, besides: Collection[str] = (), limit: int = 32) -> tuple[Delivery, ...]:
        """Messages to be tried now, the longest due first; none of an ended webhook or of those `besides`, and none before the one
        that it takes back.
        """
        earlier = deliveries.alias("earlier")
        waits = exists().where(
            earlier.c.subscription_id == deliveries.c.subscription_id,
            earlier.c.number == deliveries.c.after,
            earlier.c.state == "pending",
        )
        query = (
            select(deliveries)
            .join(subscriptions, subscriptions.c.id == deliveries.c.subscription_id)
            .where(
                deliveries.c.state == "pending",
                deliveries.c.due_at <= self._clock(),
                deliveries.c.subscription_id.not_in(list(besides)),
                subscriptions.c.ended_at.is_(None),
                ~waits,
            )
            .order_by(deliveries.c.due_at, deliveries.c.number)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return tuple(_delivery(row) for row in connection.execute(query).mappings())

    def trying(self, delivery: Delivery) -> None:
        """Say that a try begins, before it does: from here on somebody may have heard of it."""
        with writing(self._engine) as connection:
            values = {"tries": deliveries.c.tries + 1, "due_at": self._clock() + self._wait(delivery.tries)}
            connection.execute(update(deliveries).where(*_at(delivery)).values(**values))

    def tried(self, delivery: Delivery, answer: Answer) -> Delivery:
        """What came of it: over, or due again later."""
        now = self._clock()
        with writing(self._engine) as connection:
            values = {
                "at": now - answer.seconds,
                "seconds": answer.seconds,
                "status": answer.status,
                "said": answer.said,
            }
            key = {"subscription_id": delivery.subscription_id, "number": delivery.number}
            connection.execute(insert(attempts).values(**key, **values))
            if answer.is_taken or delivery.tries + 1 > len(BACK_OFF):
                state = "delivered" if answer.is_taken else "gave up"
                query = update(deliveries).where(*_at(delivery), deliveries.c.state == "pending")
                connection.execute(query.values(state=state, ended_at=now))
        return self.get(delivery.subscription_id, delivery.number)

    def again(self, subscription_id: str, number: int) -> Delivery:
        """Try a message once more, from the start. Raises `DeliveryUnknown`."""
        delivery = self.get(subscription_id, number)
        with writing(self._engine) as connection:
            values = {"state": "pending", "tries": 0, "due_at": self._clock(), "ended_at": None}
            connection.execute(update(deliveries).where(*_at(delivery)).values(**values))
        return self.get(subscription_id, number)

    def get(self, subscription_id: str, number: int) -> Delivery:
        """Raises `DeliveryUnknown`."""
        query = select(deliveries).where(deliveries.c.subscription_id == subscription_id, deliveries.c.number == number)
        with reading(self._engine) as connection:
            row = connection.execute(query).mappings().one_or_none()
        if row is None:
            raise DeliveryUnknown(webhook_id=subscription_id, number=number)
        return _delivery(row)

    def log(self, subscription_id: str, *, before: int | None = None, limit: int = 50) -> tuple[Delivery, ...]:
        """The messages of a webhook, the newest first; those before a number."""
        query = select(deliveries).where(deliveries.c.subscription_id == subscription_id)
        if before is not None:
            query = query.where(deliveries.c.number < before)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(deliveries.c.number.desc()).limit(limit)).mappings()
            return tuple(_delivery(row) for row in rows)

    def attempts(self, delivery: Delivery) -> tuple[Attempt, ...]:
        """Every try of a message, in order."""
        query = select(attempts.c.at, attempts.c.seconds, attempts.c.status, attempts.c.said).where(
            attempts.c.subscription_id == delivery.subscription_id, attempts.c.number == delivery.number
        )
        with reading(self._engine) as connection:
            return tuple(Attempt(*row) for row in connection.execute(query.order_by(attempts.c.id)))

    def _wait(self, tries: int) -> float:
        wait = BACK_OFF[min(tries, len(BACK_OFF) - 1)]
        return wait * self._dice.uniform(1 - _SCATTER, 1 + _SCATTER)

    def _plan(self, connection: Connection, subscription: Subscription, told: News) -> int:
        wanted = subscription.wish.model_id
        if wanted not in {None, told.model_id}:
            return 0
        after = None
        if told.kind == "retracted":
            after = self._taken_back(connection, subscription, told)
            if after is None:
                return 0
        elif not _is_wanted(connection, subscription, told):
            return 0
        body = self._write(connection, told)
        if body is None:
            return 0
        now = self._clock()
        values = {
            "subscription_id": subscription.id,
            "number": told.number,
            "kind": told.kind,
            "inference_id": told.inference_id,
            "body": body,
            "after": after,
            "state": "pending",
            "tries": 0,
            "due_at": now,
            "created_at": now,
        }
        connection.execute(insert(deliveries).values(**values))
        return 1

    def _taken_back(self, connection: Connection, subscription: Subscription, told: News) -> int | None:
        """The number of the message that told of it; None where nobody can have heard of it, and then nobody will."""
        query = (
            select(deliveries.c.number, deliveries.c.state, deliveries.c.tries)
            .join(feed, feed.c.number == deliveries.c.number)
            .where(
                deliveries.c.subscription_id == subscription.id,
                deliveries.c.kind == "verified",
                deliveries.c.number < told.number,
                deliveries.c.inference_id == told.inference_id,
                feed.c.block_hash == told.block_hash,
                feed.c.log_index == told.log_index,
                feed.c.row == told.row,
            )
            .order_by(deliveries.c.number.desc())
            .limit(1)
            .with_for_update(of=deliveries)
        )
        earlier = connection.execute(query).one_or_none()
        if earlier is None or earlier.state == "moot":
            return None
        if earlier.state == "pending" and earlier.tries == 0:
            key = (deliveries.c.subscription_id == subscription.id, deliveries.c.number == earlier.number)
            connection.execute(update(deliveries).where(*key).values(state="moot", ended_at=self._clock()))
            return None
        return int(earlier.number)

    def _is_sure(self, connection: Connection, subscription: Subscription, told: News) -> bool:
        """Whether an entry is as sure as the subscriber wants it, or is gone, so that nothing has to be waited for."""
        wanted = subscription.wish.min_finality
        if told.kind == "retracted" or wanted is Finality.MINED:
            return True
        return told.block_number <= horizon(connection, told.chain_id).newest(wanted) or _is_gone(connection, told)


def _is_wanted(connection: Connection, subscription: Subscription, told: News) -> bool:
    """Whether it is there still, with the grade that is asked for."""
    query = select(verifications.c.grade).where(
        verifications.c.chain_id == told.chain_id,
        verifications.c.block_number == told.block_number,
        verifications.c.log_index == told.log_index,
        verifications.c.row == told.row,
        verifications.c.inference_id == told.inference_id,
    )
    grade = connection.execute(query).scalar_one_or_none()
    return grade is not None and grade >= subscription.wish.min_grade and not _is_gone(connection, told)


def _is_gone(connection: Connection, told: News) -> bool:
    """Whether a reorganisation took its block."""
    same = and_(blocks.c.chain_id == told.chain_id, blocks.c.number == told.block_number)
    found = connection.execute(select(blocks.c.hash).where(same)).scalar_one_or_none()
    return found is None or found != told.block_hash


def _at(delivery: Delivery) -> tuple[Any, ...]:
    return (
        deliveries.c.subscription_id == delivery.subscription_id,
        deliveries.c.number == delivery.number,
    )


def _delivery(row: RowMapping) -> Delivery:
    return Delivery(**{name: row[name] for name in Delivery.__dataclass_fields__})
