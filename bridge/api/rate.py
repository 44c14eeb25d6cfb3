"""How many requests one key or one address may send."""

from __future__ import annotations

import math
import time

import limits
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.api.keys import bearer
from bridge.api.problems import problem
from bridge.api.server import Server
from bridge.errors import ApiKeyMissing, BridgeError, OptionInvalid, RateExceeded

_FREE = frozenset({"/livez", "/readyz", "/metrics"})


class RateLimit:
    """In front of every route but those for whoever runs the server. Each process counts what comes to it."""

    def __init__(self, app: ASGIApp, rate: str) -> None:
        """`rate` as `600/minute`. Raises `OptionInvalid`."""
        self._app = app
        self._item = parse_rate(rate)
        self._rate = rate
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or say when to come back."""
        if scope["type"] != "http" or scope["path"] in _FREE:
            await self._app(scope, receive, send)
            return
        try:
            who = await _who(scope)
        except BridgeError as error:
            await problem(error, scope["path"])(scope, receive, send)
            return
        if self._limiter.hit(self._item, who):
            await self._app(scope, receive, send)
            return
        ends = self._limiter.get_window_stats(self._item, who).reset_time
        refusal = RateExceeded(limit=self._rate, seconds=max(1, math.ceil(ends - time.time())))
        await problem(refusal, scope["path"])(scope, receive, send)


def parse_rate(text: str) -> limits.RateLimitItem:
    """Raises `OptionInvalid`."""
    try:
        return limits.parse(text)
    except ValueError:
        raise OptionInvalid(option="--rate", got=text, expected="a count and a time, as 600/minute") from None


async def _who(scope: Scope) -> str:
    """The key that a request bears, if it is one; else the address that it comes from."""
    header = next((value for name, value in scope["headers"] if name == b"authorization"), None)
    server: Server = scope["app"].state.server
    try:
        key = None if header is None else await server.known(bearer(header.decode("latin-1")))
    except ApiKeyMissing:
        key = None
    client = scope.get("client") or ("nobody", 0)
    return f"key {key.id}" if key else f"address {client[0]}"
