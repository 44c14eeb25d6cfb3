"""An answer as HTTP: its bytes, a strong ETag over them, and how long it may be kept."""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

KEPT = "public, max-age=300"
"""Of final answers. Not for ever: another sighting, a name or a version can be added to what will not be taken away."""
ASKED_AGAIN = "no-cache"
"""Of everything else: it may be kept, and is asked for again with its ETag."""
_NOT_MODIFIED = 304


def reply(request: Request, adapter: TypeAdapter[Any], answer: object, *, is_final: bool = False) -> Response:
    """The answer, or that it is what the client has already."""
    body = adapter.dump_json(answer)
    etag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": KEPT if is_final else ASKED_AGAIN}
    known = request.headers.get("if-none-match")
    if known is not None and _matches(known, etag):
        return Response(status_code=_NOT_MODIFIED, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def _matches(known: str, etag: str) -> bool:
    """RFC 9110, section 13.1.2: a list, compared weakly."""
    return known.strip() == "*" or etag in {each.strip().removeprefix("W/") for each in known.split(",")}
