"""Cursors: a place, and which query it is of, in letters that a client has no reason to look into."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct

from bridge.errors import CursorMalformed, CursorOfAnotherQuery
from bridge.query.answers.place import LAST_BLOCK, NEWEST, Place

_FORM = struct.Struct(">QII8s")
_LETTERS = 4 * _FORM.size // 3


def write_cursor(place: Place, query: object) -> str:
    """A cursor for what lies before a place. `query` is a record whose repr says all that was asked for."""
    return base64.urlsafe_b64encode(_FORM.pack(*place, _mark(query))).decode()


def read_cursor(text: str | None, query: object) -> Place:
    """The place of a cursor; the newest without one. Raises `CursorMalformed`, `CursorOfAnotherQuery`."""
    if text is None:
        return NEWEST
    try:
        raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    if len(text) != _LETTERS or len(raw) != _FORM.size:
        raise CursorMalformed(cursor=text)
    block_number, log_index, row, mark = _FORM.unpack(raw)
    if block_number > LAST_BLOCK:
        raise CursorMalformed(cursor=text)
    if mark != _mark(query):
        raise CursorOfAnotherQuery(cursor=text)
    return Place(block_number, log_index, row)


def _mark(query: object) -> bytes:
    return hashlib.sha256(repr(query).encode()).digest()[:8]
