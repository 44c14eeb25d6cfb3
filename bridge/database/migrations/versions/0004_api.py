"""The HTTP API: its keys, and jobs by the inference that they became."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """To this version."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=16), nullable=False, comment="the part of a key that is no secret"),
        sa.Column("name", sa.Text(), nullable=False, comment="whose it is, for people"),
        sa.Column(
            "hash",
            sa.String(length=64),
            nullable=False,
            comment="sha256 of the whole key; the key itself is nowhere",
        ),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("revoked_at", sa.Double()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_index("ix_jobs_inference", "jobs", ["chain_id", "inference_id"])
