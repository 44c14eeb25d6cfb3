"""Requests at the desk: calls that carry value, follow one another, and are sent by one key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """To this version."""
    op.add_column("jobs", sa.Column("request_id", sa.String(length=66)))
    op.add_column("submissions", sa.Column("value", sa.String(length=78), nullable=False, server_default="0"))
    op.add_column("submissions", sa.Column("sender", sa.String(length=42)))
    op.add_column("submissions", sa.Column("after", sa.String(length=66)))
    op.create_index("ix_submissions_after", "submissions", ["chain_id", "after"])
    op.create_table(
        "cursors",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_cursors")),
    )
