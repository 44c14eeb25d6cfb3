"""Who a server tells of what is verified: the webhooks of one API key, and what became of each message.

What a receiver gets is checked by `bridge.webhooks.signature.check` with the secret of the webhook.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from pydantic import TypeAdapter, with_config

from bridge.client.record import ANSWERED, FinalityLabel, GradeLabel, Id
from bridge.client.server import Server
from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.core.word import Hex32


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class Webhook:
    """Who is told, and of what."""

    id: str
    url: str
    chain_id: int
    model_id: Id | None
    """None: every model."""
    grade: GradeLabel
    finality: FinalityLabel
    created_at: float
    """Seconds since 1970 (UTC)."""
    ended_at: float | None
    ended: str | None
    """Why it ended."""
    secret: str | None = field(repr=False)
    """What messages are signed with; told once, where the webhook is made."""


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class Try:
    """One try of a message."""

    at: float
    """Seconds since 1970 (UTC)."""
    seconds: float
    status: int | None
    """Of HTTP; None where there was no answer."""
    said: str
    """What went wrong; empty where nothing did."""


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class WebhookMessage:
    """What a webhook was told."""

    message_id: str
    """`webhook-id` of every try: a receiver knows a second one by it."""
    number: int
    """In the stream of news."""
    kind: str
    """verified or retracted."""
    inference_id: Id
    state: str
    """pending, delivered, gave up, or moot."""
    due_at: float
    tries: tuple[Try, ...]


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Those of the API key. Raises members of `ClientError` from every method."""

    server: Server = field(repr=False)

    def new(
        self,
        url: str,
        *,
        idempotency_key: str,
        model: Hex32 | None = None,
        grade: Grade = Grade.CLAIMED,
        finality: Finality = Finality.MINED,
    ) -> Webhook:
        """From now on each inference of the model, or of all, that is at least so well assured and so sure to stay is posted to the
        URL. Again with the same key it is the same webhook, and its secret is told again.
        """
        order = {"url": url, "model": model, "grade": grade.label, "finality": finality.label}
        body = json.dumps(order).encode()
        return self.server.post(_ONE, *_PATH, body=body, idempotency_key=idempotency_key)

    def get(self, webhook_id: str) -> Webhook:
        """One of them."""
        return self.server.get(_ONE, *_PATH, webhook_id)

    def all(self) -> tuple[Webhook, ...]:
        """All of them, those that ended too, the oldest first."""
        return self.server.get(_ALL, *_PATH).items

    def log(self, webhook_id: str, *, before: int | None = None, limit: int = 50) -> tuple[WebhookMessage, ...]:
        """What it was told with a number below `before`, with every try, the newest first."""
        return self.server.get(_LOG, *_PATH, webhook_id, "messages", before=before, limit=limit).items

    def end(self, webhook_id: str) -> Webhook:
        """Tell it nothing any more; what waits is dropped, and the log stays."""
        return self.server.delete(_ONE, *_PATH, webhook_id)


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class _All:
    items: tuple[Webhook, ...]


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class _Log:
    items: tuple[WebhookMessage, ...]


_PATH = ("v1", "webhooks")
_ONE, _ALL, _LOG = TypeAdapter(Webhook), TypeAdapter(_All), TypeAdapter(_Log)
