"""A body as it comes in: bounded in size, time and depth before anything reads it, and strict JSON then."""

from __future__ import annotations

import asyncio
import re
from typing import Any, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect, Request

from bridge.errors import BodyMalformed, BodyTooLarge, BodyTooSlow, MediaTypeRefused, ParametersRefused

T = TypeVar("T")

MOST_BYTES = 1 << 20
DEEPEST = 16
"""Of nested arrays and objects: a tensor has fewer axes than that."""
SECONDS = 10.0
"""For the whole body."""
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NOT_BRACKETS = bytes(set(range(256)) - set(_BRACKETS))


async def read_json(request: Request, adapter: TypeAdapter[T]) -> T:
    """The body as what it has to be. Raises `MediaTypeRefused`, `BodyTooLarge`, `BodyTooSlow`, `BodyMalformed`,
    `ParametersRefused`.
    """
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise MediaTypeRefused(got=kind)
    raw = await _whole(request)
    try:
        return adapter.validate_python(_parsed(raw))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "body"
        raise ParametersRefused(name=name[:200], reason=str(first["msg"])[:300]) from None


async def _whole(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > MOST_BYTES:
                    raise BodyTooLarge(most=MOST_BYTES)
                parts.append(part)
    except TimeoutError:
        raise BodyTooSlow(seconds=SECONDS) from None
    except ClientDisconnect:
        raise BodyMalformed(reason="it ended before its end") from None
    return b"".join(parts)


def _parsed(raw: bytes) -> Any:
    depth = 0
    for letter in _STRING.sub(b"", raw).translate(None, _NOT_BRACKETS):
        depth += _BRACKETS[letter]
        if depth > DEEPEST:
            raise BodyMalformed(reason=f"it is nested deeper than {DEEPEST}")
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BodyMalformed(reason=str(error)) from None
