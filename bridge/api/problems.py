"""Every error as a problem document (RFC 9457): its type is the error's name, its detail what happened, its fix what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bridge import errors
from bridge.errors import (
    BodyMalformed,
    BridgeError,
    MethodRefused,
    ParametersRefused,
    RateExceeded,
    RouteUnknown,
    ServerFailed,
)
from bridge.query.answers.wire import answer

MEDIA_TYPE = "application/problem+json"
_TYPE = "urn:proofbridge:problem:"
_SERVER = 500
_NOT_FOUND, _NOT_ALLOWED = 404, 405
_LONGEST = 300


@answer
class Refusal:
    """One parameter that was refused."""

    name: str
    reason: str


@answer
class Problem:
    """Why a request was not served (RFC 9457)."""

    type: str
    """`urn:proofbridge:problem:` and the name of the error; programs go by this."""
    title: str
    """The same in words, always the same for one type."""
    status: int
    detail: str
    """What happened this time."""
    fix: str
    """What to do about it."""
    instance: str
    """The path that was asked for."""
    errors: tuple[Refusal, ...] = ()
    """Every parameter that was refused, where that is the problem."""


STATUSES: dict[type[BridgeError], int] = {
    errors.BridgeError: 500,
    errors.InputError: 422,
    errors.AnswerError: 422,
    errors.ChainNotFollowed: 503,
    errors.InferenceUnknown: 404,
    errors.ModelUnknown: 404,
    errors.LineUnknown: 404,
    errors.RequestUnknown: 404,
    errors.JobUnknown: 404,
    errors.CursorMalformed: 400,
    errors.CursorOfAnotherQuery: 400,
    errors.SchemaRefused: 500,
    errors.IdempotencyConflict: 409,
    errors.RouteUnknown: 404,
    errors.MethodRefused: 405,
    errors.ParametersRefused: 422,
    errors.BodyTooLarge: 413,
    errors.BodyMalformed: 400,
    errors.MediaTypeRefused: 415,
    errors.BodyTooSlow: 408,
    errors.ApiKeyMissing: 401,
    errors.ApiKeyRefused: 401,
    errors.RateExceeded: 429,
    errors.ModelNotServed: 404,
    errors.StreamFull: 503,
    errors.WebhookUrlRefused: 422,
    errors.WebhookUnknown: 404,
    errors.WebhookConflict: 409,
    errors.DatabaseError: 503,
    errors.StorageError: 503,
}
"""Of an error or of its family, whichever is nearer."""

_SHOWN = frozenset({errors.ChainNotFollowed, errors.StreamFull})
"""Failures of the server that are nobody's secret."""

DOCUMENTED: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem document (RFC 9457): see `type`.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
"""What the API's description says of every route."""

_ADAPTER = TypeAdapter(Problem)
PROBLEM_SCHEMA = _ADAPTER.json_schema(ref_template="#/components/schemas/{model}")


def status_of(error: BridgeError) -> int:
    """The status of an error."""
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def problem(error: BridgeError, path: str, refused: Sequence[Refusal] = ()) -> Response:
    """The answer to a request that failed."""
    status = status_of(error)
    if status >= _SERVER and type(error) not in _SHOWN:
        error = ServerFailed(kind=type(error).__name__)  # paths and hosts of the server are in the words of others
    told = Problem(
        type=_TYPE + type(error).__name__,
        title=(type(error).__doc__ or "").split("\n")[0],
        status=status,
        detail=_clean(error.what),
        fix=_clean(error.fix),
        instance=_clean(path)[:_LONGEST],
        errors=tuple(refused),
    )
    return Response(_ADAPTER.dump_json(told), status, headers=_headers(error), media_type=MEDIA_TYPE)


async def on_named(request: Request, error: Exception) -> Response:
    """A named error that a handler raised."""
    if not isinstance(error, BridgeError):
        raise error
    return problem(error, request.url.path)


async def on_refused(request: Request, error: Exception) -> Response:
    """Parameters that FastAPI refused."""
    if not isinstance(error, RequestValidationError):
        raise error
    refused = [Refusal(_where(item["loc"]), _clean(str(item["msg"]))[:_LONGEST]) for item in error.errors()]
    first = refused[0]
    return problem(ParametersRefused(name=first.name, reason=first.reason), request.url.path, refused)


async def on_http(request: Request, error: Exception) -> Response:
    """What the router itself has to say."""
    if not isinstance(error, HTTPException):
        raise error
    path = request.url.path
    if error.status_code == _NOT_FOUND:
        return problem(RouteUnknown(path=path), path)
    if error.status_code == _NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another")
        return problem(MethodRefused(method=request.method, allowed=allowed), path)
    return problem(BodyMalformed(reason=str(error.detail)), path)


def _headers(error: BridgeError) -> Mapping[str, str]:
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, RateExceeded):
        headers["Retry-After"] = str(error.seconds)
    if isinstance(error, MethodRefused):
        headers["Allow"] = error.allowed
    if isinstance(error, (errors.ApiKeyMissing, errors.ApiKeyRefused)):
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def _where(place: Sequence[Any]) -> str:
    return _clean(".".join(str(part) for part in place[1:]))[:_LONGEST] or str(place[0])


def _clean(text: str) -> str:
    """A stranger's text that JSON and terminals can hold."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")
