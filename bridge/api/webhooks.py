"""/v1/webhooks: who is told of what is verified, and whether they heard. Everything here is of the caller's own API key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as Part
from pydantic import ConfigDict, Field, TypeAdapter, with_config

from bridge.api.infer import IdempotencyKey, caller, idempotency
from bridge.api.intake import read_json
from bridge.api.parameters import LARGEST, FinalityText, GradeText, HexId, Question, hex32_or_none
from bridge.api.problems import DOCUMENTED
from bridge.api.reply import reply
from bridge.api.server import server_of
from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.query.answers.wire import FinalityLabel, GradeLabel, Id, answer
from bridge.webhooks.delivery import Attempt, Deliveries, Delivery
from bridge.webhooks.subscription import Subscription, Subscriptions, Wish

router = APIRouter(tags=["webhooks"], responses=DOCUMENTED)

_CREATED = 201
_SECURED: dict[str, Any] = {"security": [{"apiKey": []}]}
WebhookId = Annotated[str, Part(pattern="^[0-9a-f]{32}$", examples=["0123456789abcdef" * 2])]


@with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True))
@dataclass(frozen=True, slots=True)
class WebhookOrder:
    """A webhook that is wanted."""

    url: Annotated[str, Field(min_length=1, max_length=2000, examples=["https://example.org/hook"])]
    """A public https:// URL. Redirects are not followed."""
    model: HexId | None = None
    """Only of this model."""
    grade: GradeText = Grade.CLAIMED.label
    """Only of what is at least so well assured."""
    finality: FinalityText = Finality.MINED.label
    """Nothing is told before it is so sure to stay. What is told once it is mined may be taken back: then that is told, too."""


@answer
class Webhook:
    """Who is told, and of what."""

    id: str
    url: str
    chain_id: int
    model_id: Id | None
    """Null: every model."""
    grade: GradeLabel
    finality: FinalityLabel
    created_at: float
    """Seconds since 1970 (UTC)."""
    ended_at: float | None
    ended: str | None
    """Why it ended."""
    secret: str | None
    """What messages are signed with (Standard Webhooks, HMAC-SHA256); only in the answer to the POST that made it."""


@answer
class Try:
    """One try of a message."""

    at: float
    """Seconds since 1970 (UTC)."""
    seconds: float
    status: int | None
    """Of HTTP; null where there was no answer."""
    said: str
    """What went wrong; empty where nothing did."""


@answer
class WebhookMessage:
    """What one webhook was told."""

    message_id: str
    """`webhook-id` of every try: a receiver knows a second one by it."""
    number: int
    """In the stream of news."""
    kind: str
    """verified or retracted."""
    inference_id: Id
    state: str
    """pending, delivered, gave up, or moot: taken back before anybody heard of it."""
    due_at: float
    tries: tuple[Try, ...]


@answer
class Webhooks:
    """Those of one key, the oldest first."""

    items: tuple[Webhook, ...]


@answer
class WebhookLog:
    """Messages, the newest first."""

    items: tuple[WebhookMessage, ...]


class LogQuestion(Question):
    """Which messages."""

    before: int | None = Field(None, ge=0, le=LARGEST)
    """Only those with a smaller number."""
    limit: int = Field(50, ge=1, le=200)


_ORDER = TypeAdapter(WebhookOrder)
ORDER_SCHEMA = _ORDER.json_schema(ref_template="#/components/schemas/{model}")
_ONE, _ALL, _LOG = TypeAdapter(Webhook), TypeAdapter(Webhooks), TypeAdapter(WebhookLog)
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/WebhookOrder"}}},
    },
    **_SECURED,
}


@router.post(
    "/v1/webhooks",
    operation_id="createWebhook",
    summary="Be told of what is verified",
    status_code=_CREATED,
    response_model=Webhook,
    openapi_extra=_BODY,
)
async def post_webhook(request: Request, idempotency_key: IdempotencyKey) -> Response:
    """From now on each inference is posted to the URL, signed, tried again for two days, and taken back where a reorganisation takes
    it. Again with the same Idempotency-Key it is the same webhook. Needs an API key.
    """
    server = server_of(request)
    key = await caller(request, server)
    idempotency(idempotency_key)
    order = await read_json(request, _ORDER)
    wish = Wish(
        server.settings.chain_id, hex32_or_none(order.model), Grade.parse(order.grade), Finality.parse(order.finality)
    )
    made = await server.reader.do(lambda: _all_of(request).add(key.id, order.url, wish, key=idempotency_key))
    answered = reply(request, _ONE, _shown(made, made.secret))
    answered.status_code = _CREATED
    answered.headers["Location"] = f"/v1/webhooks/{made.id}"
    return answered


@router.get(
    "/v1/webhooks",
    operation_id="listWebhooks",
    summary="Your webhooks",
    response_model=Webhooks,
    openapi_extra=_SECURED,
)
async def get_webhooks(request: Request) -> Response:
    """Those that ended, too."""
    server = server_of(request)
    key = await caller(request, server)
    found = await server.reader.do(lambda: _all_of(request).all(owner=key.id, ended=True))
    return reply(request, _ALL, Webhooks(tuple(map(_shown, found))))


@router.get(
    "/v1/webhooks/{webhook_id}",
    operation_id="getWebhook",
    summary="One webhook",
    response_model=Webhook,
    openapi_extra=_SECURED,
)
async def get_webhook(request: Request, webhook_id: WebhookId) -> Response:
    """Without its secret."""
    server = server_of(request)
    key = await caller(request, server)
    found = await server.reader.do(lambda: _all_of(request).get(webhook_id, owner=key.id))
    return reply(request, _ONE, _shown(found))


@router.delete(
    "/v1/webhooks/{webhook_id}",
    operation_id="endWebhook",
    summary="Be told nothing any more",
    response_model=Webhook,
    openapi_extra=_SECURED,
)
async def delete_webhook(request: Request, webhook_id: WebhookId) -> Response:
    """What waits is dropped; the log stays. Again it stays as it ended."""
    server = server_of(request)
    key = await caller(request, server)
    ended = await server.reader.do(lambda: _all_of(request).end(webhook_id, "its owner ended it", owner=key.id))
    return reply(request, _ONE, _shown(ended))


@router.get(
    "/v1/webhooks/{webhook_id}/messages",
    operation_id="listWebhookMessages",
    summary="What a webhook was told",
    response_model=WebhookLog,
    openapi_extra=_SECURED,
)
async def get_messages(request: Request, webhook_id: WebhookId, asked: Annotated[LogQuestion, Query()]) -> Response:
    """Every message with every try, the newest first."""
    server = server_of(request)
    key = await caller(request, server)

    def look() -> WebhookLog:
        _all_of(request).get(webhook_id, owner=key.id)
        deliveries = Deliveries(server.engine, lambda _connection, _news: None)
        told = deliveries.log(webhook_id, before=asked.before, limit=asked.limit)
        return WebhookLog(tuple(_message(each, deliveries.attempts(each)) for each in told))

    return reply(request, _LOG, await server.reader.do(look))


def _all_of(request: Request) -> Subscriptions:
    return server_of(request).subscriptions


def _shown(webhook: Subscription, secret: str | None = None) -> Webhook:
    return Webhook(
        webhook.id,
        webhook.url,
        webhook.wish.chain_id,
        webhook.wish.model_id,
        webhook.wish.min_grade,
        webhook.wish.min_finality,
        webhook.created_at,
        webhook.ended_at,
        webhook.ended,
        secret,
    )


def _message(delivery: Delivery, tries: tuple[Attempt, ...]) -> WebhookMessage:
    return WebhookMessage(
        delivery.message_id,
        delivery.number,
        delivery.kind,
        delivery.inference_id,
        delivery.state,
        delivery.due_at,
        tuple(Try(each.at, each.seconds, each.status, each.said) for each in tries),
    )
