"""The tables of the HTTP API."""

from __future__ import annotations

from sqlalchemy import Column, Double, String, Table, Text

from bridge.database.column import Digest
from bridge.database.metadata import metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True, comment="the part of a key that is no secret"),
    Column("name", Text, nullable=False, comment="whose it is, for people"),
    Column("hash", Digest, nullable=False, comment="sha256 of the whole key; the key itself is nowhere"),
    Column("created_at", Double, nullable=False),
    Column("revoked_at", Double),
)
"""Who may ask for what costs the operator gas. A key is 256 bits of chance, so its hash needs no salt and no slowness."""
