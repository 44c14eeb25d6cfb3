"""Signatures of messages, as Standard Webhooks 1.0 has them: HMAC-SHA256 over id, time and body.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Mapping

from bridge.errors import MessageRefused

_PREFIX = "whsec_"
_SECRET_BYTES = 32
_SHORTEST_BYTES = 24
"""The least that the standard allows."""
TOLERANCE_SECONDS = 300.0
"""A message of another time than this may be one that somebody kept."""


def new_secret() -> str:
    """A secret for one subscriber, in the form of the standard."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def headers(secret: str, message_id: str, at: float, body: bytes) -> dict[str, str]:
    """What is sent along with a body at a time in seconds since 1970. Raises ValueError for a secret of another form."""
    stamp = str(int(at))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{_signature(secret, message_id, stamp, body)}",
    }


def check(secret: str, told: Mapping[str, str], body: bytes, *, now: float | None = None) -> str:
    """The id of a message that was signed with the secret, not long ago; for whoever receives one. Raises `MessageRefused`.

    `told` are the headers as they came, of any case. An id that was seen before is a message that was sent again.
    """
    fields = {name.lower(): value for name, value in told.items()}
    try:
        message_id, stamp, signed = (fields[f"webhook-{part}"] for part in ("id", "timestamp", "signature"))
    except KeyError as error:
        raise MessageRefused(reason=f"it has no header {error.args[0]}") from None
    if not (stamp.isascii() and stamp.isdigit()):
        raise MessageRefused(reason="its time is no number of seconds")
    if abs((time.time() if now is None else now) - int(stamp[:20])) > TOLERANCE_SECONDS:
        raise MessageRefused(reason=f"its time is not within {TOLERANCE_SECONDS:g} seconds of now")
    expected = _signature(secret, message_id, stamp, body)
    told_ones = [part.removeprefix("v1,") for part in signed.split(" ") if part.startswith("v1,")]
    if not any(hmac.compare_digest(expected.encode(), each.encode()) for each in told_ones):
        raise MessageRefused(reason="it is not signed with this secret")
    return message_id


def _signature(secret: str, message_id: str, stamp: str, body: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a webhook's secret is whsec_ and base64") from None
    if len(key) < _SHORTEST_BYTES:
        raise ValueError(f"a webhook's secret has at least {_SHORTEST_BYTES} bytes")
    signed = b".".join((message_id.encode(), stamp.encode(), body))
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
