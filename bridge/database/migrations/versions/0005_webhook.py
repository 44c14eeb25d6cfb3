"""Webhooks: who is told, what, and every try."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """To this version."""
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column(
            "owner", sa.String(length=100), nullable=False, comment="id of the API key that made it, or who else did"
        ),
        sa.Column("idempotency_key", sa.String(length=100), nullable=True, comment="None: each time another one"),
        sa.Column("payload", sa.String(length=64), nullable=False, comment="sha256 of everything that was asked for"),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False, comment="what messages are signed with"),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("model_id", sa.String(length=66), nullable=True, comment="None: every model"),
        sa.Column("min_grade", sa.SmallInteger(), nullable=False),
        sa.Column(
            "min_finality", sa.SmallInteger(), nullable=False, comment="nothing is told before it is as sure as this"
        ),
        sa.Column(
            "position",
            sa.BigInteger(),
            nullable=False,
            comment="everything in the feed up to it became a delivery, or did not concern it",
        ),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("ended", sa.String(length=200), nullable=True, comment="why it ended"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("owner", "idempotency_key", name=op.f("uq_subscriptions_owner_idempotency_key")),
    )
    op.create_index("ix_subscriptions_owner", "subscriptions", ["owner", "created_at"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("subscription_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False, comment="in the feed"),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("inference_id", sa.String(length=66), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="the same at every try"),
        sa.Column(
            "after", sa.BigInteger(), nullable=True, comment="number of the delivery that has to be over before it"
        ),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.CheckConstraint("kind IN ('verified', 'retracted')", name=op.f("ck_deliveries_kind")),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'gave up', 'moot')", name=op.f("ck_deliveries_state")),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name=op.f("fk_deliveries_subscription_id")),
        sa.PrimaryKeyConstraint("subscription_id", "number", name=op.f("pk_deliveries")),
    )
    op.create_index("ix_deliveries_due", "deliveries", ["state", "due_at"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("subscription_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True, comment="of HTTP; None where there was no answer"),
        sa.Column("said", sa.String(length=200), nullable=False, comment="what went wrong; empty where nothing did"),
        sa.ForeignKeyConstraint(
            ["subscription_id", "number"],
            ["deliveries.subscription_id", "deliveries.number"],
            name=op.f("fk_attempts_subscription_id_number"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    op.create_index("ix_attempts_delivery", "attempts", ["subscription_id", "number", "id"], unique=False)
