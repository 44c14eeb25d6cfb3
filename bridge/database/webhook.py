"""The tables of webhooks: who is told, what they are told, and every try to tell them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from bridge.database.column import Digest, Hash, Serial
from bridge.database.index import FEED_KINDS
from bridge.database.metadata import metadata, one_of

DELIVERY_STATES = ("pending", "delivered", "gave up", "moot")
"""`moot`: what it would have told was taken back before anybody heard of it."""

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(100), nullable=False, comment="id of the API key that made it, or who else did"),
    Column("idempotency_key", String(100), comment="None: each time another one"),
    Column("payload", Digest, nullable=False, comment="sha256 of everything that was asked for"),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False, comment="what messages are signed with"),
    Column("chain_id", BigInteger, nullable=False),
    Column("model_id", Hash, comment="None: every model"),
    Column("min_grade", SmallInteger, nullable=False),
    Column("min_finality", SmallInteger, nullable=False, comment="nothing is told before it is as sure as this"),
    Column(
        "position",
        BigInteger,
        nullable=False,
        comment="everything in the feed up to it became a delivery, or did not concern it",
    ),
    Column("created_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("ended", String(200), comment="why it ended"),
    UniqueConstraint("owner", "idempotency_key"),
    Index("ix_subscriptions_owner", "owner", "created_at"),
)
"""Webhooks."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("subscription_id", String(32), ForeignKey("subscriptions.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False, comment="in the feed"),
    Column("kind", String(12), nullable=False),
    Column("inference_id", Hash, nullable=False),
    Column("body", Text, nullable=False, comment="the same at every try"),
    Column("after", BigInteger, comment="number of the delivery that has to be over before it"),
    Column("state", String(12), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("ended_at", Double),
    one_of("kind", FEED_KINDS),
    one_of("state", DELIVERY_STATES),
    Index("ix_deliveries_due", "state", "due_at"),
)
"""One message to one subscriber, written down before it is sent."""

attempts = Table(
    "attempts",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("subscription_id", String(32), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("at", Double, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("status", Integer, comment="of HTTP; None where there was no answer"),
    Column("said", String(200), nullable=False, comment="what went wrong; empty where nothing did"),
    ForeignKeyConstraint(["subscription_id", "number"], ["deliveries.subscription_id", "deliveries.number"]),
    Index("ix_attempts_delivery", "subscription_id", "number", "id"),
)
"""Every try; nothing here is ever changed."""
