"""The tables of the relayer. What must never happen twice is a constraint here, and not a rule that code has to remember."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from bridge.database.column import Account, Digest, Hash, Serial, Wei
from bridge.database.metadata import metadata, one_of

JOB_STATES = ("requested", "witnessed", "proved", "checked", "failed")
"""Of a job itself; from checked on it is where its submission is."""
SUBMISSION_STATES = ("checked", "signed", "sent", "mined", "final", "failed")
SLOT_STATES = ("open", "mined", "final", "lost")


jobs = Table(
    "jobs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("chain_id", BigInteger, nullable=False),
    Column("idempotency_key", String(200), nullable=False),
    Column("payload", Digest, nullable=False, comment="sha256 of everything that was asked for"),
    Column("model_id", Hash, nullable=False),
    Column("bundle", Digest, nullable=False, comment="sha256 of the bundle's manifest"),
    Column("input", Digest, nullable=False, comment="artifact: the row"),
    Column("deadline", Double, comment="seconds since 1970; None: when there is time"),
    Column("state", String(12), nullable=False),
    Column("reason", String(100), comment="name of the error that it failed with"),
    Column("evidence", Text, comment="what that error said"),
    Column("tries", Integer, nullable=False, default=0, comment="how often proving was begun"),
    Column("witness", Digest, comment="artifact"),
    Column("proof", Digest, comment="artifact"),
    Column("position", Integer, comment="its row of the proof"),
    Column("statement", Hash, comment="what the ledger records it under: itself, or the root of a batch"),
    Column("inference_id", Hash),
    Column("request_id", Hash, comment="of the desk, where somebody pays for it there"),
    Column("prove_seconds", Double),
    Column("created_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
    UniqueConstraint("chain_id", "idempotency_key"),
    ForeignKeyConstraint(["chain_id", "statement"], ["submissions.chain_id", "submissions.statement"]),
    one_of("state", JOB_STATES),
    Index("ix_jobs_waiting", "chain_id", "state", "deadline", "created_at"),
    Index("ix_jobs_inference", "chain_id", "inference_id"),
)
"""An inference that somebody wants. Two of the same statement share one submission."""

submissions = Table(
    "submissions",
    metadata,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("statement", Hash, primary_key=True),
    Column("destination", Account, nullable=False),
    Column("function", String(60), nullable=False, comment="the contract's, for people"),
    Column("calldata", LargeBinary, nullable=False),
    Column("value", Wei, nullable=False, server_default="0", comment="wei that go with it"),
    Column("sender", Account, comment="the key that has to send it; None: any"),
    Column("after", Hash, comment="statement of the call that has to be mined before it"),
    Column("deadline", Double),
    Column("state", String(12), nullable=False),
    Column("reason", String(100)),
    Column("evidence", Text),
    Column("tx_hash", Hash, comment="the offer that was mined"),
    Column("block_number", BigInteger),
    Column("block_hash", Hash),
    Column("created_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
    one_of("state", SUBMISSION_STATES),
    Index("ix_submissions_waiting", "chain_id", "state", "deadline", "created_at"),
    Index("ix_submissions_after", "chain_id", "after"),
)
"""A call that is to be mined once: (chain, statement) is the key."""

slots = Table(
    "slots",
    metadata,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("sender", Account, primary_key=True),
    Column("nonce", BigInteger, primary_key=True, autoincrement=False),
    Column("statement", Hash, comment="None: it fills a gap"),
    Column("state", String(12), nullable=False),
    Column("block_number", BigInteger),
    Column("block_hash", Hash),
    Column("opened_at", Double, nullable=False),
    ForeignKeyConstraint(["chain_id", "statement"], ["submissions.chain_id", "submissions.statement"]),
    one_of("state", SLOT_STATES),
    Index("ix_slots_open", "chain_id", "sender", "state"),
)
"""A nonce that was given out: (chain, sender, nonce) is the key, so that it is given out once."""

offers = Table(
    "offers",
    metadata,
    Column("tx_hash", Hash, primary_key=True),
    Column("chain_id", BigInteger, nullable=False),
    Column("sender", Account, nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("number", Integer, nullable=False, comment="1 is the first offer, each later one pays more"),
    Column("raw", LargeBinary, nullable=False, comment="the signed transaction: what the network sees"),
    Column("gas", BigInteger, nullable=False),
    Column("max_fee_wei", Wei, nullable=False),
    Column("priority_wei", Wei, comment="None on a chain without EIP-1559"),
    Column("signed_at", Double, nullable=False),
    Column("sent_at", Double, comment="when a node last took it"),
    UniqueConstraint("chain_id", "sender", "nonce", "number"),
    ForeignKeyConstraint(["chain_id", "sender", "nonce"], ["slots.chain_id", "slots.sender", "slots.nonce"]),
)
"""Signed transactions, each written down before the network sees it."""

spendings = Table(
    "spendings",
    metadata,
    Column("tx_hash", Hash, ForeignKey("offers.tx_hash"), primary_key=True),
    Column("chain_id", BigInteger, nullable=False),
    Column("sender", Account, nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("succeeded", Boolean, nullable=False),
    Column("gas_used", BigInteger, nullable=False),
    Column("wei", Wei, nullable=False),
    Column("at", Double, nullable=False),
    Index("ix_spendings_recent", "chain_id", "sender", "at"),
)
"""What was paid, by receipt."""

transitions = Table(
    "transitions",
    metadata,
    Column("number", Serial, primary_key=True, autoincrement=True),
    Column("subject", String(80), nullable=False, comment="a job's id, or chain and statement"),
    Column("state", String(12), nullable=False),
    Column("note", Text, nullable=False, default=""),
    Column("at", Double, nullable=False),
    Index("ix_transitions_subject", "subject", "number"),
)
"""Every change of state, in order; nothing here is ever changed."""

leases = Table(
    "leases",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("holder", String(100), nullable=False),
    Column("term", BigInteger, nullable=False, comment="counts the holders: a write of an earlier one is refused"),
    Column("expires_at", Double, nullable=False),
)
"""Who may act for a chain."""

cursors = Table(
    "cursors",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("block_number", BigInteger, nullable=False, comment="everything up to it was looked at, and cannot change"),
)
"""How far each watcher of events has come."""
