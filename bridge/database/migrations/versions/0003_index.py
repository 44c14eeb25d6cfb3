"""The index: what the contracts of a chain said, by block."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """To this version."""
    op.create_table(
        "batches",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.String(length=66), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.String(length=66), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.Column(
            "opened",
            sa.Boolean(),
            nullable=False,
            comment="whether its rows were found in the calldata, and so are verifications",
        ),
        sa.PrimaryKeyConstraint("chain_id", "root", name=op.f("pk_batches")),
    )
    op.create_index("ix_batches_block", "batches", ["chain_id", "block_number", "log_index"], unique=False)
    op.create_table(
        "bindings",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("model_id", sa.String(length=66), nullable=False),
        sa.Column("adapter", sa.String(length=42), nullable=False),
        sa.Column(
            "verifier", sa.String(length=42), nullable=True, comment="the generated one; None for a panel of signers"
        ),
        sa.Column(
            "circuit",
            sa.Text(),
            nullable=False,
            comment="JSON: settings_hash, visibility, rows, inputs and outputs as [elements, scale]",
        ),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_bindings")),
    )
    op.create_index(
        "ix_bindings_model", "bindings", ["chain_id", "model_id", "block_number", "log_index"], unique=False
    )
    op.create_table(
        "blocks",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.Column("parent_hash", sa.String(length=66), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False, comment="seconds since 1970"),
        sa.PrimaryKeyConstraint("chain_id", "number", name=op.f("pk_blocks")),
    )
    op.create_table(
        "chains",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ledger", sa.String(length=42), nullable=False, comment="of the core contracts that are followed"),
        sa.Column("first_block", sa.BigInteger(), nullable=False, comment="nothing of theirs is older"),
        sa.Column("block_number", sa.BigInteger(), nullable=False, comment="everything up to it is in the tables"),
        sa.Column("block_hash", sa.String(length=66), nullable=False, comment="of that block"),
        sa.Column(
            "safe_number", sa.BigInteger(), nullable=True, comment="the chain's own word; None where it has none"
        ),
        sa.Column(
            "final_number", sa.BigInteger(), nullable=True, comment="the chain's own word, or the preset's depth"
        ),
        sa.Column(
            "broken_at",
            sa.BigInteger(),
            nullable=True,
            comment="the lowest final block that went all the same: nothing is called final any more",
        ),
        sa.Column(
            "followed_at",
            sa.Double(),
            nullable=False,
            comment="when the checkpoint last moved or was found to be the head",
        ),
        sa.PrimaryKeyConstraint("chain_id", name=op.f("pk_chains")),
    )
    op.create_table(
        "feed",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("inference_id", sa.String(length=66), nullable=False),
        sa.Column("model_id", sa.String(length=66), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(length=66), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.CheckConstraint("kind IN ('verified', 'retracted')", name=op.f("ck_feed_kind")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_feed")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "line_changes",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("line_id", sa.String(length=66), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("value", sa.Text(), nullable=False, comment="the new owner"),
        sa.CheckConstraint("kind IN ('transferred')", name=op.f("ck_line_changes_kind")),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_line_changes")),
    )
    op.create_index(
        "ix_line_changes_line", "line_changes", ["chain_id", "line_id", "block_number", "log_index"], unique=False
    )
    op.create_table(
        "lines",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("line_id", sa.String(length=66), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=42), nullable=False, comment="who created it"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "line_id", name=op.f("pk_lines")),
    )
    op.create_index("ix_lines_block", "lines", ["chain_id", "block_number", "log_index"], unique=False)
    op.create_table(
        "model_changes",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("model_id", sa.String(length=66), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("value", sa.Text(), nullable=False, comment="the new uri or owner; the adapter that stopped it"),
        sa.CheckConstraint(
            "kind IN ('uri', 'deprecated', 'transferred', 'stopped')", name=op.f("ck_model_changes_kind")
        ),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_model_changes")),
    )
    op.create_index(
        "ix_model_changes_model",
        "model_changes",
        ["chain_id", "model_id", "kind", "block_number", "log_index"],
        unique=False,
    )
    op.create_table(
        "models",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("model_id", sa.String(length=66), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=42), nullable=False),
        sa.Column("model_hash", sa.String(length=66), nullable=False),
        sa.Column("circuit_hash", sa.String(length=66), nullable=False),
        sa.Column("vk_hash", sa.String(length=66), nullable=False),
        sa.Column("proof_system", sa.String(length=10), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False, comment="as it was registered"),
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "model_id", name=op.f("pk_models")),
    )
    op.create_index("ix_models_block", "models", ["chain_id", "block_number", "log_index"], unique=False)
    op.create_table(
        "request_steps",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("request_id", sa.String(length=66), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column(
            "account", sa.String(length=42), nullable=False, comment="claimer, receiver of the bond, or callback"
        ),
        sa.Column("inference_id", sa.String(length=66), nullable=True, comment="of what fulfilled it"),
        sa.Column("end", sa.BigInteger(), nullable=True, comment="the last second of a claim"),
        sa.Column("block_time", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.CheckConstraint(
            "kind IN ('claimed', 'fulfilled', 'refunded', 'told', 'untold')", name=op.f("ck_request_steps_kind")
        ),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_request_steps")),
    )
    op.create_index("ix_request_steps_inference", "request_steps", ["chain_id", "inference_id"], unique=False)
    op.create_index(
        "ix_request_steps_request",
        "request_steps",
        ["chain_id", "request_id", "block_number", "log_index"],
        unique=False,
    )
    op.create_table(
        "requests",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("request_id", sa.String(length=66), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("requester", sa.String(length=42), nullable=False),
        sa.Column("model_id", sa.String(length=66), nullable=False),
        sa.Column("input_commitment", sa.String(length=66), nullable=False),
        sa.Column(
            "input",
            sa.LargeBinary(),
            nullable=False,
            comment="what the requester says that it is: input instances as words",
        ),
        sa.Column("callback", sa.String(length=42), nullable=False),
        sa.Column("callback_gas", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("claim_seconds", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.String(length=42), nullable=False),
        sa.Column("fee", sa.String(length=78), nullable=False),
        sa.Column("bond", sa.String(length=78), nullable=False),
        sa.Column("block_time", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "request_id", name=op.f("pk_requests")),
    )
    op.create_index("ix_requests_block", "requests", ["chain_id", "block_number", "log_index"], unique=False)
    op.create_index(
        "ix_requests_model", "requests", ["chain_id", "model_id", "block_number", "log_index"], unique=False
    )
    op.create_index(
        "ix_requests_requester", "requests", ["chain_id", "requester", "block_number", "log_index"], unique=False
    )
    op.create_table(
        "routes",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("proof_system", sa.String(length=10), nullable=False, comment="0x and 8 hex digits"),
        sa.Column("verifier", sa.String(length=42), nullable=False),
        sa.Column("grade", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_routes")),
    )
    op.create_table(
        "schemas",
        sa.Column("model_id", sa.String(length=66), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="of the model, for people"),
        sa.Column("circuit_hash", sa.String(length=66), nullable=False),
        sa.Column(
            "document",
            sa.Text(),
            nullable=False,
            comment="JSON: the circuit with names, shapes and element types, as the bundle has it",
        ),
        sa.Column(
            "card",
            sa.Text(),
            nullable=True,
            comment="JSON: fidelity, measurements, setup and versions, as the bundle's manifest has them",
        ),
        sa.PrimaryKeyConstraint("model_id", name=op.f("pk_schemas")),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("model_id", sa.String(length=66), nullable=False),
        sa.Column("side", sa.String(length=6), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False, comment="of the number among all of its side, the first is 0"),
        sa.CheckConstraint("side IN ('input', 'output')", name=op.f("ck_series_side")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
        sa.UniqueConstraint(
            "chain_id", "model_id", "side", "place", name=op.f("uq_series_chain_id_model_id_side_place")
        ),
    )
    op.create_table(
        "stops",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("adapter", sa.String(length=42), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_stops")),
    )
    op.create_table(
        "verifications",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "row",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="of a batch, the first is 1; 0 where it is none",
        ),
        sa.Column("inference_id", sa.String(length=66), nullable=False),
        sa.Column("model_id", sa.String(length=66), nullable=False),
        sa.Column("input_commitment", sa.String(length=66), nullable=False),
        sa.Column("output", sa.LargeBinary(), nullable=False, comment="the output instances as 32-byte words"),
        sa.Column(
            "outputs",
            sa.Text(),
            nullable=True,
            comment="JSON: the same as one list of numbers; None where the model is not bound",
        ),
        sa.Column(
            "inputs",
            sa.Text(),
            nullable=True,
            comment="JSON: the input as one list of numbers; None where it is not public or not in the calldata",
        ),
        sa.Column("grade", sa.SmallInteger(), nullable=False),
        sa.Column("caller", sa.String(length=42), nullable=False, comment="who called the gateway"),
        sa.Column("submitter", sa.String(length=42), nullable=False, comment="who sent the transaction"),
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.Column("gas_used", sa.BigInteger(), nullable=False, comment="of the whole transaction"),
        sa.Column("block_time", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.Boolean(), nullable=False, comment="whether the ledger wrote its record in this block"),
        sa.Column("root", sa.String(length=66), nullable=True, comment="of the batch that it is a row of"),
        sa.Column(
            "is_first", sa.Boolean(), nullable=False, comment="whether nothing before it has the same inference id"
        ),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", "row", name=op.f("pk_verifications")),
    )
    op.create_index(
        "ix_verifications_inference",
        "verifications",
        ["chain_id", "inference_id", "block_number", "log_index", "row"],
        unique=False,
    )
    op.create_index(
        "ix_verifications_model",
        "verifications",
        ["chain_id", "model_id", "is_first", "block_number", "log_index", "row"],
        unique=False,
    )
    op.create_index(
        "ix_verifications_newest",
        "verifications",
        ["chain_id", "is_first", "block_number", "log_index", "row"],
        unique=False,
    )
    op.create_index("ix_verifications_root", "verifications", ["chain_id", "root", "row"], unique=False)
    op.create_index(
        "ix_verifications_submitter",
        "verifications",
        ["chain_id", "submitter", "is_first", "block_number", "log_index", "row"],
        unique=False,
    )
    op.create_index("ix_verifications_time", "verifications", ["chain_id", "block_time"], unique=False)
    op.create_table(
        "versions",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("line_id", sa.String(length=66), nullable=False),
        sa.Column("model_id", sa.String(length=66), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False, comment="the first is 0"),
        sa.PrimaryKeyConstraint("chain_id", "block_number", "log_index", name=op.f("pk_versions")),
    )
    op.create_index("ix_versions_line", "versions", ["chain_id", "line_id", "version"], unique=False)
    op.create_index("ix_versions_model", "versions", ["chain_id", "model_id"], unique=False)
    op.create_table(
        "numbers",
        sa.Column("series", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["series"], ["series.id"], name=op.f("fk_numbers_series")),
        sa.PrimaryKeyConstraint("series", "value", "block_number", "log_index", "row", name=op.f("pk_numbers")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_numbers_block", "numbers", ["block_number"], unique=False)
