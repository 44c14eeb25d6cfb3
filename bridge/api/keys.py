"""API keys: shown once, kept as a hash, found by the part that is no secret."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time

from sqlalchemy import Connection, Row, insert, select, update

from bridge.database.api import api_keys
from bridge.errors import ApiKeyMissing, ApiKeyRefused, ApiKeyUnknown
from bridge.query.answers.wire import answer

HEADER = "Authorization"
_FORM = re.compile(r"pb_([0-9a-f]{12})_[A-Za-z0-9_-]{43}", re.ASCII)
_SCHEME = "bearer "


@answer
class ApiKey:
    """A key without its secret."""

    id: str
    name: str
    created_at: float
    """Seconds since 1970 (UTC)."""
    revoked_at: float | None


def new_key(connection: Connection, name: str) -> tuple[ApiKey, str]:
    """A key, and the only sight of its secret."""
    made = ApiKey(secrets.token_hex(6), name, time.time(), None)
    whole = f"pb_{made.id}_{secrets.token_urlsafe(32)}"
    values = {"id": made.id, "name": name, "hash": _hash(whole), "created_at": made.created_at}
    connection.execute(insert(api_keys).values(**values))
    return made, whole


def list_keys(connection: Connection) -> tuple[ApiKey, ...]:
    """All that there ever were, the oldest first."""
    return tuple(_key(row) for row in connection.execute(select(api_keys).order_by(api_keys.c.created_at)))


def revoke(connection: Connection, key_id: str) -> ApiKey:
    """End a key; again it stays as it ended. Raises `ApiKeyUnknown`."""
    still = (api_keys.c.id == key_id) & api_keys.c.revoked_at.is_(None)
    connection.execute(update(api_keys).where(still).values(revoked_at=time.time()))
    row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).one_or_none()
    if row is None:
        raise ApiKeyUnknown(key_id=key_id)
    return _key(row)


def bearer(header: str | None) -> str:
    """The key out of a header. Raises `ApiKeyMissing`."""
    if header is None or not header.lower().startswith(_SCHEME):
        raise ApiKeyMissing(header=f"{HEADER}: Bearer")
    return header[len(_SCHEME) :].strip()


def find_key(connection: Connection, whole: str) -> ApiKey:
    """The key that a secret is of. Raises `ApiKeyRefused`."""
    found = _FORM.fullmatch(whole)
    if found is None:
        raise ApiKeyRefused(key_id="of no form")
    row = connection.execute(select(api_keys).where(api_keys.c.id == found[1])).one_or_none()
    expected = "" if row is None else row.hash
    if not hmac.compare_digest(expected, _hash(whole)) or row is None or row.revoked_at is not None:
        raise ApiKeyRefused(key_id=found[1])
    return _key(row)


def _hash(whole: str) -> str:
    return hashlib.sha256(whole.encode()).hexdigest()


def _key(row: Row[tuple[object, ...]]) -> ApiKey:
    fields = row._mapping  # noqa: SLF001 - SQLAlchemy's documented way to a row's columns by name
    return ApiKey(fields["id"], fields["name"], fields["created_at"], fields["revoked_at"])
