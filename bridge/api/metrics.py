"""What the API says of itself: requests by route and status, how long they took, who listens. And the last net under every failure."""

from __future__ import annotations

import logging
import os
import time

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.api.problems import problem
from bridge.errors import ServerFailed

MEDIA_TYPE = CONTENT_TYPE_LATEST
SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable: the folder that worker processes add their figures up in."""

_LOG = logging.getLogger("proofbridge.api")
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """The figures of one process."""

    def __init__(self) -> None:
        """In a registry of their own: two servers in one process do not mix."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "proofbridge_http_requests",
            "Requests by route and status.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "proofbridge_http_seconds",
            "Until the answer begins.",
            ["route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._subscribers = Gauge(
            "proofbridge_subscribers",
            "Streams that are open.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def listening(self, subscribers: int) -> None:
        """So many streams are open."""
        self._subscribers.set(subscribers)

    def exposed(self) -> bytes:
        """The figures of all worker processes, as Prometheus reads them."""
        if SHARED not in os.environ:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


class Watch:
    """Around everything: measures, and turns what nobody caught into a problem document and a line of the log."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """The outermost layer."""
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                route = getattr(scope.get("route"), "path", "none")
                self._metrics.answered(scope["method"], route, status, time.perf_counter() - started)
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as error:
            _LOG.exception("a request failed: %s", scope["path"][:200])
            if status:
                raise  # half an answer is out: the connection has to end
            await problem(ServerFailed(kind=type(error).__name__), scope["path"])(scope, receive, sent)
