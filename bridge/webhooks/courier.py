"""Tells subscribers, step by step: plan, send what is due, keep what came back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import structlog

from bridge.webhooks.delivery import Deliveries, Delivery
from bridge.webhooks.post import Answer, Post
from bridge.webhooks.signature import headers
from bridge.webhooks.subscription import Subscription, Subscriptions

_LOG = structlog.get_logger("webhooks")
AT_ONCE = 16
"""Messages under way."""
_OF_ONE = 2
"""Of those, to one receiver: one that is slow keeps no other waiting."""
_GONE = 410
"""What a receiver says that wants to hear nothing any more."""


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A message that is being sent."""

    subscription: Subscription
    delivery: Delivery
    future: Future[Answer]


class Courier:
    """Tells the subscribers of a database. One at a time acts: run it under a lease."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        deliveries: Deliveries,
        post: Post,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is known here that is not in the database, but what is under way."""
        self._subscriptions = subscriptions
        self._deliveries = deliveries
        self._post = post
        self._clock = clock
        self._under_way: list[_UnderWay] = []

    def step(self, pool: Executor) -> bool:
        """Plan, send and keep what came back, once; whether there is anything under way."""
        self.collect()
        known = {each.id: each for each in self._subscriptions.all()}
        for each in known.values():
            self._deliveries.plan(each)
        while len(self._under_way) < AT_ONCE:
            busy = Counter(each.subscription.id for each in self._under_way)
            full = [identity for identity, count in busy.items() if count >= _OF_ONE]
            due = self._deliveries.due(besides=full, limit=1)
            if not due or due[0].subscription_id not in known:
                break
            self._tell(known[due[0].subscription_id], due[0], pool)
        return bool(self._under_way)

    def _tell(self, subscription: Subscription, delivery: Delivery, pool: Executor) -> None:
        self._deliveries.trying(delivery)
        body = delivery.body.encode()
        signed = headers(subscription.secret, delivery.message_id, self._clock(), body)
        future = pool.submit(self._post.send, subscription.url, signed, body)
        self._under_way.append(_UnderWay(subscription, delivery, future))

    def collect(self) -> None:
        """Write down what came back."""
        for each in [each for each in self._under_way if each.future.done()]:
            answer = each.future.result()
            after = self._deliveries.tried(each.delivery, answer)
            self._under_way.remove(each)
            told = {"webhook": each.subscription.id, "message": after.number, "kind": after.kind, "state": after.state}
            _LOG.info("told" if answer.is_taken else "not told", **told, said=answer.said)
            if answer.status == _GONE:
                self._subscriptions.end(each.subscription.id, "its receiver answered 410 Gone")
