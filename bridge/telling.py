"""What keeps subscribers told: one process at a time sends the messages of a database, for as long as it is wanted."""

from __future__ import annotations

import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from pydantic import TypeAdapter
from sqlalchemy import Connection

from bridge.database.engine import default_url, opened
from bridge.database.lease import SECONDS, Lease, acquire
from bridge.errors import DatabaseFailed, InferenceUnknown, LeaseLost
from bridge.query.answers.face import face
from bridge.query.answers.feed import News
from bridge.query.answers.horizon import horizon
from bridge.query.answers.inferences import Inference, inference
from bridge.query.answers.wire import answer
from bridge.webhooks.courier import AT_ONCE, Courier
from bridge.webhooks.delivery import Deliveries
from bridge.webhooks.post import Post
from bridge.webhooks.subscription import Subscriptions

_LOG = structlog.get_logger("webhooks")
_LEASE = "webhooks"
_TAKE_OVER_SECONDS = 1.0
_LOOK_SECONDS, _SOON_SECONDS = 0.5, 0.02
"""Between two looks at the database, where nothing is under way and where something is."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How subscribers are told."""

    database: str = field(default_factory=default_url, repr=False)
    """URL; it may hold a password."""
    private: bool = False
    """Whether receivers of one's own network are told, too."""
    holder: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    """What this process is called in the lease."""


@answer
class Message:
    """The body of a webhook."""

    type: str
    """inference.verified or inference.retracted."""
    timestamp: str
    """When it was written, in ISO 8601 (UTC)."""
    data: News
    inference: Inference | None
    """As the API answered then; null where it is taken back."""


_MESSAGE = TypeAdapter(Message)


def tell(plan: Plan, stop: threading.Event) -> None:
    """Send what is to be told until `stop`. Waits for the lease, and for a database that went away.

    Raises `DatabaseFailed` where the database was not there to begin with.
    """
    with opened(plan.database) as engine:
        post = Post(may_be_private=plan.private)
        courier = Courier(Subscriptions(engine, post), Deliveries(engine, written), post)
        while not stop.is_set():
            try:
                lease = acquire(engine, _LEASE, plan.holder)
                if lease is not None:
                    _lead(courier, lease, stop)
            except DatabaseFailed as error:
                _LOG.error("waiting for the database", said=str(error))
            stop.wait(_TAKE_OVER_SECONDS)


def written(connection: Connection, told: News) -> str | None:
    """The body of a message; None where what it would tell of went since."""
    found = None
    if told.kind == "verified":
        now = horizon(connection, told.chain_id)
        face_of = lambda model_id: face(connection, told.chain_id, model_id)  # noqa: E731
        try:
            found = inference(connection, now, face_of, told.inference_id)
        except InferenceUnknown:
            return None
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return _MESSAGE.dump_json(Message(f"inference.{told.kind}", at, told, found)).decode()


def _lead(courier: Courier, lease: Lease, stop: threading.Event) -> None:
    """Send while the lease lasts, let what is under way come to its end, and let go of the lease. Raises `DatabaseFailed`."""
    renewed = time.monotonic()
    try:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as pool:
            while not stop.is_set():
                if time.monotonic() - renewed > SECONDS / 3:
                    lease.renew()
                    renewed = time.monotonic()
                stop.wait(_SOON_SECONDS if courier.step(pool) else _LOOK_SECONDS)
        courier.collect()
    except LeaseLost as error:
        _LOG.warning("lost the lease", said=str(error))
    finally:
        lease.release()
