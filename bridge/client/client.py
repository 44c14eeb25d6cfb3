"""A server's answers, typed: what it knows of verified inferences, and whether a chain confirms it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from bridge.client.anchor import Anchor
from bridge.client.confirm import Confirmation, confirm
from bridge.client.events import EventParser
from bridge.client.record import (
    DeskRequest,
    Inference,
    Job,
    Line,
    Model,
    News,
    Page,
    Statistics,
    Status,
)
from bridge.client.server import Server
from bridge.client.webhook import Webhooks
from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.core.word import Address, Hex32
from bridge.errors import ServerRefused, ServerUnreachable

T = TypeVar("T")

_QUIET_SECONDS = 60.0
"""A stream that tells nothing for so long, not even how far it is, is cut."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0
"""Seconds between one connection and the next."""
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class InferenceQuery:
    """Which inferences: all that is given has to hold."""

    model: Hex32 | None = None
    submitter: Address | None = None
    grade: Grade | None = None
    """At least so well assured."""
    finality: Finality | None = None
    """At least so sure to stay."""
    since: int | None = None
    """By the time of the block, in seconds since 1970 (UTC); both ends included."""
    until: int | None = None
    from_block: int | None = None
    to_block: int | None = None
    where: tuple[str, ...] = ()
    """Conditions on decoded numbers: `output.score>=0.8`, `input.x[3]<1`. They need `model`."""


@dataclass(frozen=True, slots=True)
class RequestQuery:
    """Which requests at the desk."""

    model: Hex32 | None = None
    requester: Address | None = None
    state: str | None = None
    """open, claimed, fulfilled or refunded."""


@dataclass(frozen=True, slots=True)
class Every:
    """All there are."""


class Collection(Generic[T]):
    """Records of one kind: by id, by page, or one after another."""

    def __init__(self, server: Server, name: str, kind: type[T], key: str) -> None:
        """`key` is the field that holds a record's id."""
        self._server, self._name, self._key = server, name, key
        self._one: TypeAdapter[T] = TypeAdapter(kind)
        self._page: TypeAdapter[Page[T]] = TypeAdapter(Page[kind])  # type: ignore[valid-type]

    def get(self, key: str) -> T:
        """One record. Raises members of `ClientError`."""
        found = self._server.get(self._one, "v1", self._name, key)
        if getattr(found, self._key) != key.lower():
            raise self._server.malformed(("v1", self._name, key), f"it is of {getattr(found, self._key)}")
        return found

    def page(
        self, query: InferenceQuery | RequestQuery | Every = Every(), *, cursor: str | None = None, limit: int = 50
    ) -> Page[T]:
        """Some records, the newest first; a page may be short and not the last. Raises members of `ClientError`."""
        return self._server.get(self._page, "v1", self._name, cursor=cursor, limit=limit, **_parameters(query))

    def each(self, query: InferenceQuery | RequestQuery | Every = Every(), *, limit: int = 200) -> Iterator[T]:
        """Every record, the newest first, page by page as they are used. Raises members of `ClientError`."""
        cursor: str | None = None
        while True:
            page = self.page(query, cursor=cursor, limit=limit)
            yield from page.items
            if page.next is None:
                return
            if page.next == cursor:
                raise self._server.malformed(("v1", self._name), "its next page is the same page")
            cursor = page.next


class Client:
    """One server. Nothing that it says has to be believed: see `confirm`."""

    def __init__(self, url: str, *, api_key: str = "", seconds: float = 20.0) -> None:
        """`api_key` is for `infer`, `job` and `webhooks`; `seconds` bound every answer."""
        self._server = Server(url, api_key, seconds)
        self.inferences = Collection(self._server, "inferences", Inference, "inference_id")
        self.models = Collection(self._server, "models", Model, "model_id")
        self.requests = Collection(self._server, "requests", DeskRequest, "request_id")
        self.webhooks = Webhooks(self._server)

    def line(self, line_id: Hex32) -> Line:
        """A line of versions."""
        return self._server.get(_LINE, "v1", "lines", line_id)

    def status(self) -> Status:
        """How far the server has followed the chain."""
        return self._server.get(_STATUS, "v1", "status")

    def statistics(
        self, *, model: Hex32 | None = None, since: int | None = None, until: int | None = None
    ) -> Statistics:
        """Figures over many inferences, by day and in all."""
        return self._server.get(_STATISTICS, "v1", "statistics", model=model, since=since, until=until)

    def confirm(self, record: Inference, anchor: Anchor) -> Confirmation:
        """Hold a record against a chain that the caller believes, its numbers included.

        How to read the words is asked of the server and held against the registry. Raises `AnswerDiffers`, `AnswerUnconfirmed`,
        members of `ClientError` and `ChainError`.
        """
        return confirm(record, anchor, self.models.get(record.model_id).circuit)

    def infer(
        self, model: Hex32, inputs: Mapping[str, Any], *, idempotency_key: str, deadline: int | None = None
    ) -> Job:
        """Ask for the inference of one row; again with the same key it is the same job."""
        order = {"model": model, "inputs": dict(inputs)} | ({} if deadline is None else {"deadline": deadline})
        body = json.dumps(order, allow_nan=False).encode()
        return self._server.post(_JOB, "v1", "infer", body=body, idempotency_key=idempotency_key)

    def job(self, job_id: str) -> Job:
        """How far it has come."""
        return self._server.get(_JOB, "v1", "jobs", job_id)

    def stream(
        self, *, after: int | None = None, model: Hex32 | None = None, patience: float = 300.0
    ) -> Iterator[News]:
        """What is verified and what a reorganisation takes back, as it comes: all of it, each once, in order, over any number of
        connections. Without `after`, from now on.

        Raises `ServerUnreachable` after `patience` seconds without a sign of the server, `ServerRefused`, `AnswerMalformed`.
        """
        last, pause, seen = after, _FIRST_PAUSE, time.monotonic()
        while True:
            try:
                for number, told in self._told(last, model):
                    pause, seen = _FIRST_PAUSE, time.monotonic()
                    if told is not None and (last is None or number > last):
                        yield told
                    last = max(number, last or 0)
            except (ServerUnreachable, ServerRefused) as error:
                passes = isinstance(error, ServerUnreachable) or error.status >= _SERVER_ERROR
                if not passes or time.monotonic() - seen > patience:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _told(self, after: int | None, model: Hex32 | None) -> Iterator[tuple[int, News | None]]:
        """Numbers, and what there is to tell at them, of one connection."""
        path = ("v1", "stream")
        headers = {"Accept": "text/event-stream"} | ({} if after is None else {"Last-Event-ID": str(after)})
        quiet = Server(self._server.url, self._server.api_key, _QUIET_SECONDS)
        with quiet.opened("GET", path, {"model": model}, headers) as answer:
            parser = EventParser()
            try:
                for chunk in quiet.chunks(answer):
                    for event in parser.feed(chunk):
                        if event.id:
                            yield int(event.id), _NEWS.validate_json(event.data) if event.data else None
            except ValidationError as error:
                raise quiet.malformed(path, str(error.errors()[0]["msg"])) from None
            except ValueError as error:
                raise quiet.malformed(path, str(error)) from None


_LINE = TypeAdapter(Line)
_STATUS = TypeAdapter(Status)
_STATISTICS = TypeAdapter(Statistics)
_JOB = TypeAdapter(Job)
_NEWS = TypeAdapter(News)


def _parameters(query: InferenceQuery | RequestQuery | Every) -> dict[str, Any]:
    return {name: getattr(value, "label", value) for name, value in asdict(query).items() if value not in {None, ()}}
