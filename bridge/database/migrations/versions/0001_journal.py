"""The relayer's journal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """To this version."""
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("holder", sa.String(length=100), nullable=False),
        sa.Column(
            "term", sa.BigInteger(), nullable=False, comment="counts the holders: a write of an earlier one is refused"
        ),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "submissions",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("statement", sa.String(length=66), nullable=False),
        sa.Column("destination", sa.String(length=42), nullable=False),
        sa.Column("function", sa.String(length=60), nullable=False, comment="the contract's, for people"),
        sa.Column("calldata", sa.LargeBinary(), nullable=False),
        sa.Column("deadline", sa.Double(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("tx_hash", sa.String(length=66), nullable=True, comment="the offer that was mined"),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.String(length=66), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.CheckConstraint(
            "state IN ('checked', 'signed', 'sent', 'mined', 'final', 'failed')", name=op.f("ck_submissions_state")
        ),
        sa.PrimaryKeyConstraint("chain_id", "statement", name=op.f("pk_submissions")),
    )
    with op.batch_alter_table("submissions", schema=None) as batch_op:
        batch_op.create_index("ix_submissions_waiting", ["chain_id", "state", "deadline", "created_at"], unique=False)

    op.create_table(
        "transitions",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False, comment="a job's id, or chain and statement"),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_transitions")),
    )
    with op.batch_alter_table("transitions", schema=None) as batch_op:
        batch_op.create_index("ix_transitions_subject", ["subject", "number"], unique=False)

    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=200), nullable=False),
        sa.Column("payload", sa.String(length=64), nullable=False, comment="sha256 of everything that was asked for"),
        sa.Column("model_id", sa.String(length=66), nullable=False),
        sa.Column("bundle", sa.String(length=64), nullable=False, comment="sha256 of the bundle's manifest"),
        sa.Column("input", sa.String(length=64), nullable=False, comment="artifact: the row"),
        sa.Column("deadline", sa.Double(), nullable=True, comment="seconds since 1970; None: when there is time"),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=True, comment="name of the error that it failed with"),
        sa.Column("evidence", sa.Text(), nullable=True, comment="what that error said"),
        sa.Column("tries", sa.Integer(), nullable=False, comment="how often proving was begun"),
        sa.Column("witness", sa.String(length=64), nullable=True, comment="artifact"),
        sa.Column("proof", sa.String(length=64), nullable=True, comment="artifact"),
        sa.Column("position", sa.Integer(), nullable=True, comment="its row of the proof"),
        sa.Column(
            "statement",
            sa.String(length=66),
            nullable=True,
            comment="what the ledger records it under: itself, or the root of a batch",
        ),
        sa.Column("inference_id", sa.String(length=66), nullable=True),
        sa.Column("prove_seconds", sa.Double(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.CheckConstraint(
            "state IN ('requested', 'witnessed', 'proved', 'checked', 'failed')", name=op.f("ck_jobs_state")
        ),
        sa.ForeignKeyConstraint(
            ["chain_id", "statement"],
            ["submissions.chain_id", "submissions.statement"],
            name=op.f("fk_jobs_chain_id_statement"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("chain_id", "idempotency_key", name=op.f("uq_jobs_chain_id_idempotency_key")),
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index("ix_jobs_waiting", ["chain_id", "state", "deadline", "created_at"], unique=False)

    op.create_table(
        "slots",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sender", sa.String(length=42), nullable=False),
        sa.Column("nonce", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("statement", sa.String(length=66), nullable=True, comment="None: it fills a gap"),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.String(length=66), nullable=True),
        sa.Column("opened_at", sa.Double(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'mined', 'final', 'lost')", name=op.f("ck_slots_state")),
        sa.ForeignKeyConstraint(
            ["chain_id", "statement"],
            ["submissions.chain_id", "submissions.statement"],
            name=op.f("fk_slots_chain_id_statement"),
        ),
        sa.PrimaryKeyConstraint("chain_id", "sender", "nonce", name=op.f("pk_slots")),
    )
    with op.batch_alter_table("slots", schema=None) as batch_op:
        batch_op.create_index("ix_slots_open", ["chain_id", "sender", "state"], unique=False)

    op.create_table(
        "offers",
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.String(length=42), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="1 is the first offer, each later one pays more"),
        sa.Column("raw", sa.LargeBinary(), nullable=False, comment="the signed transaction: what the network sees"),
        sa.Column("gas", sa.BigInteger(), nullable=False),
        sa.Column("max_fee_wei", sa.String(length=78), nullable=False),
        sa.Column(
            "priority_wei",
            sa.String(length=78),
            nullable=True,
            comment="None on a chain without EIP-1559",
        ),
        sa.Column("signed_at", sa.Double(), nullable=False),
        sa.Column("sent_at", sa.Double(), nullable=True, comment="when a node last took it"),
        sa.ForeignKeyConstraint(
            ["chain_id", "sender", "nonce"],
            ["slots.chain_id", "slots.sender", "slots.nonce"],
            name=op.f("fk_offers_chain_id_sender_nonce"),
        ),
        sa.PrimaryKeyConstraint("tx_hash", name=op.f("pk_offers")),
        sa.UniqueConstraint(
            "chain_id", "sender", "nonce", "number", name=op.f("uq_offers_chain_id_sender_nonce_number")
        ),
    )
    op.create_table(
        "spendings",
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.String(length=42), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("gas_used", sa.BigInteger(), nullable=False),
        sa.Column("wei", sa.String(length=78), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["tx_hash"], ["offers.tx_hash"], name=op.f("fk_spendings_tx_hash")),
        sa.PrimaryKeyConstraint("tx_hash", name=op.f("pk_spendings")),
    )
    with op.batch_alter_table("spendings", schema=None) as batch_op:
        batch_op.create_index("ix_spendings_recent", ["chain_id", "sender", "at"], unique=False)


def downgrade() -> None:
    """To the one before."""
    with op.batch_alter_table("spendings", schema=None) as batch_op:
        batch_op.drop_index("ix_spendings_recent")

    op.drop_table("spendings")
    op.drop_table("offers")
    with op.batch_alter_table("slots", schema=None) as batch_op:
        batch_op.drop_index("ix_slots_open")

    op.drop_table("slots")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index("ix_jobs_waiting")

    op.drop_table("jobs")
    with op.batch_alter_table("transitions", schema=None) as batch_op:
        batch_op.drop_index("ix_transitions_subject")

    op.drop_table("transitions")
    with op.batch_alter_table("submissions", schema=None) as batch_op:
        batch_op.drop_index("ix_submissions_waiting")

    op.drop_table("submissions")
    op.drop_table("leases")
