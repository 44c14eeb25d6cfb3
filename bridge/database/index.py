"""The tables of the index: what the contracts of a chain said, by block. Rows are added and, where a reorganisation took their block,
removed, and never changed: after any history the tables are what a replay of the chain as it is now would make of them.

`feed` is the exception, on purpose: it is what was told to subscribers, what was taken back included, in the order of telling.
`series` only gives short numbers to long names.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from bridge.database.column import Account, Hash, Serial, Wei
from bridge.database.metadata import metadata, one_of

MODEL_CHANGES = ("uri", "deprecated", "transferred", "stopped")
LINE_CHANGES = ("transferred",)
REQUEST_STEPS = ("claimed", "fulfilled", "refunded", "told", "untold")
"""`told`: the callback was called and did not revert; `untold`: it did."""
SIDES = ("input", "output")
FEED_KINDS = ("verified", "retracted")


def _place() -> tuple[Column[int], Column[int]]:
    """Where an event stands on its chain."""
    return Column("block_number", BigInteger, nullable=False), Column("log_index", Integer, nullable=False)


def _key() -> tuple[Column[int], Column[int], Column[int]]:
    """The same, where it is what a row is known by."""
    return (
        Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
        Column("block_number", BigInteger, primary_key=True, autoincrement=False),
        Column("log_index", Integer, primary_key=True, autoincrement=False),
    )


chains = Table(
    "chains",
    metadata,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("ledger", Account, nullable=False, comment="of the core contracts that are followed"),
    Column("first_block", BigInteger, nullable=False, comment="nothing of theirs is older"),
    Column("block_number", BigInteger, nullable=False, comment="everything up to it is in the tables"),
    Column("block_hash", Hash, nullable=False, comment="of that block"),
    Column("safe_number", BigInteger, comment="the chain's own word; None where it has none"),
    Column("final_number", BigInteger, comment="the chain's own word, or the preset's depth"),
    Column(
        "broken_at",
        BigInteger,
        comment="the lowest final block that went all the same: nothing is called final any more",
    ),
    Column("followed_at", Double, nullable=False, comment="when the checkpoint last moved or was found to be the head"),
)
"""How far each chain was followed. It is written in the transaction of the rows that it vouches for."""

blocks = Table(
    "blocks",
    metadata,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Hash, nullable=False),
    Column("parent_hash", Hash, nullable=False),
    Column("timestamp", BigInteger, nullable=False, comment="seconds since 1970"),
)
"""Blocks that may go still, by which a reorganisation is found, and those that hold something of ours."""

routes = Table(
    "routes",
    metadata,
    *_key(),
    Column("proof_system", String(10), nullable=False, comment="0x and 8 hex digits"),
    Column("verifier", Account, nullable=False),
    Column("grade", SmallInteger, nullable=False),
)
"""ProofSystemRouted: which adapter checks which proofs, and the grade of what it lets through."""

models = Table(
    "models",
    metadata,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("model_id", Hash, primary_key=True),
    *_place(),
    Column("owner", Account, nullable=False),
    Column("model_hash", Hash, nullable=False),
    Column("circuit_hash", Hash, nullable=False),
    Column("vk_hash", Hash, nullable=False),
    Column("proof_system", String(10), nullable=False),
    Column("uri", Text, nullable=False, comment="as it was registered"),
    Column("tx_hash", Hash, nullable=False),
    Index("ix_models_block", "chain_id", "block_number", "log_index"),
)
"""ModelRegistered."""

model_changes = Table(
    "model_changes",
    metadata,
    *_key(),
    Column("model_id", Hash, nullable=False),
    Column("kind", String(12), nullable=False),
    Column("value", Text, nullable=False, comment="the new uri or owner; the adapter that stopped it"),
    one_of("kind", MODEL_CHANGES),
    Index("ix_model_changes_model", "chain_id", "model_id", "kind", "block_number", "log_index"),
)
"""ModelUpdated, ModelDeprecated, ModelTransferred and ModelStopped."""

bindings = Table(
    "bindings",
    metadata,
    *_key(),
    Column("model_id", Hash, nullable=False),
    Column("adapter", Account, nullable=False),
    Column("verifier", Account, comment="the generated one; None for a panel of signers"),
    Column(
        "circuit",
        Text,
        nullable=False,
        comment="JSON: settings_hash, visibility, rows, inputs and outputs as [elements, scale]",
    ),
    Index("ix_bindings_model", "chain_id", "model_id", "block_number", "log_index"),
)
"""ModelBound of any adapter: what is needed to read a model's instances as numbers."""

stops = Table("stops", metadata, *_key(), Column("adapter", Account, nullable=False))
"""VerifierStopped."""

lines = Table(
    "lines",
    metadata,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("line_id", Hash, primary_key=True),
    *_place(),
    Column("owner", Account, nullable=False, comment="who created it"),
    Column("name", Text, nullable=False),
    Index("ix_lines_block", "chain_id", "block_number", "log_index"),
)
"""LineCreated."""

line_changes = Table(
    "line_changes",
    metadata,
    *_key(),
    Column("line_id", Hash, nullable=False),
    Column("kind", String(12), nullable=False),
    Column("value", Text, nullable=False, comment="the new owner"),
    one_of("kind", LINE_CHANGES),
    Index("ix_line_changes_line", "chain_id", "line_id", "block_number", "log_index"),
)
"""LineTransferred."""

versions = Table(
    "versions",
    metadata,
    *_key(),
    Column("line_id", Hash, nullable=False),
    Column("model_id", Hash, nullable=False),
    Column("version", BigInteger, nullable=False, comment="the first is 0"),
    Index("ix_versions_line", "chain_id", "line_id", "version"),
    Index("ix_versions_model", "chain_id", "model_id"),
)
"""VersionAppended."""

batches = Table(
    "batches",
    metadata,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("root", Hash, primary_key=True),
    *_place(),
    Column("model_id", Hash, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("tx_hash", Hash, nullable=False),
    Column(
        "opened",
        Boolean,
        nullable=False,
        comment="whether its rows were found in the calldata, and so are verifications",
    ),
    Index("ix_batches_block", "chain_id", "block_number", "log_index"),
)
"""BatchStored."""

verifications = Table(
    "verifications",
    metadata,
    *_key(),
    Column(
        "row", Integer, primary_key=True, autoincrement=False, comment="of a batch, the first is 1; 0 where it is none"
    ),
    Column("inference_id", Hash, nullable=False),
    Column("model_id", Hash, nullable=False),
    Column("input_commitment", Hash, nullable=False),
    Column("output", LargeBinary, nullable=False, comment="the output instances as 32-byte words"),
    Column("outputs", Text, comment="JSON: the same as one list of numbers; None where the model is not bound"),
    Column(
        "inputs",
        Text,
        comment="JSON: the input as one list of numbers; None where it is not public or not in the calldata",
    ),
    Column("grade", SmallInteger, nullable=False),
    Column("caller", Account, nullable=False, comment="who called the gateway"),
    Column("submitter", Account, nullable=False, comment="who sent the transaction"),
    Column("tx_hash", Hash, nullable=False),
    Column("gas_used", BigInteger, nullable=False, comment="of the whole transaction"),
    Column("block_time", BigInteger, nullable=False),
    Column("stored", Boolean, nullable=False, comment="whether the ledger wrote its record in this block"),
    Column("root", Hash, comment="of the batch that it is a row of"),
    Column("is_first", Boolean, nullable=False, comment="whether nothing before it has the same inference id"),
    Index("ix_verifications_inference", "chain_id", "inference_id", "block_number", "log_index", "row"),
    Index("ix_verifications_root", "chain_id", "root", "row"),
    Index("ix_verifications_newest", "chain_id", "is_first", "block_number", "log_index", "row"),
    Index("ix_verifications_model", "chain_id", "model_id", "is_first", "block_number", "log_index", "row"),
    Index("ix_verifications_submitter", "chain_id", "submitter", "is_first", "block_number", "log_index", "row"),
    Index("ix_verifications_time", "chain_id", "block_time"),
)
"""InferenceVerified, and each row of a batch: one for each time that something was verified."""

series = Table(
    "series",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("chain_id", BigInteger, nullable=False),
    Column("model_id", Hash, nullable=False),
    Column("side", String(6), nullable=False),
    Column("place", Integer, nullable=False, comment="of the number among all of its side, the first is 0"),
    UniqueConstraint("chain_id", "model_id", "side", "place"),
    one_of("side", SIDES),
)
"""One number of a model's input or output, over all its inferences."""

numbers = Table(
    "numbers",
    metadata,
    Column("series", BigInteger, ForeignKey("series.id"), primary_key=True, autoincrement=False),
    Column("value", Double, primary_key=True),
    Column("block_number", BigInteger, primary_key=True, autoincrement=False),
    Column("log_index", Integer, primary_key=True, autoincrement=False),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Index("ix_numbers_block", "block_number"),
    sqlite_with_rowid=False,
)
"""The numbers of first verifications, sorted by value for filters; those of the first MOST_NUMBERS places of each side."""

MOST_NUMBERS = 16
"""Places of a side that filters know: an image's pixels are not worth a row each."""

requests = Table(
    "requests",
    metadata,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("request_id", Hash, primary_key=True),
    *_place(),
    Column("requester", Account, nullable=False),
    Column("model_id", Hash, nullable=False),
    Column("input_commitment", Hash, nullable=False),
    Column(
        "input", LargeBinary, nullable=False, comment="what the requester says that it is: input instances as words"
    ),
    Column("callback", Account, nullable=False),
    Column("callback_gas", BigInteger, nullable=False),
    Column("deadline", BigInteger, nullable=False),
    Column("claim_seconds", BigInteger, nullable=False),
    Column("token", Account, nullable=False),
    Column("fee", Wei, nullable=False),
    Column("bond", Wei, nullable=False),
    Column("block_time", BigInteger, nullable=False),
    Column("tx_hash", Hash, nullable=False),
    Index("ix_requests_block", "chain_id", "block_number", "log_index"),
    Index("ix_requests_model", "chain_id", "model_id", "block_number", "log_index"),
    Index("ix_requests_requester", "chain_id", "requester", "block_number", "log_index"),
)
"""Requested."""

request_steps = Table(
    "request_steps",
    metadata,
    *_key(),
    Column("request_id", Hash, nullable=False),
    Column("kind", String(12), nullable=False),
    Column("account", Account, nullable=False, comment="claimer, receiver of the bond, or callback"),
    Column("inference_id", Hash, comment="of what fulfilled it"),
    Column("end", BigInteger, comment="the last second of a claim"),
    Column("block_time", BigInteger, nullable=False),
    Column("tx_hash", Hash, nullable=False),
    one_of("kind", REQUEST_STEPS),
    Index("ix_request_steps_request", "chain_id", "request_id", "block_number", "log_index"),
    Index("ix_request_steps_inference", "chain_id", "inference_id"),
)
"""Claimed, Fulfilled, Refunded, CallbackSucceeded and CallbackFailed."""

feed = Table(
    "feed",
    metadata,
    Column("number", Serial, primary_key=True, autoincrement=True),
    Column("chain_id", BigInteger, nullable=False),
    Column("kind", String(12), nullable=False),
    Column("inference_id", Hash, nullable=False),
    Column("model_id", Hash, nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("block_hash", Hash, nullable=False),
    Column("log_index", Integer, nullable=False),
    Column("row", Integer, nullable=False),
    Column("at", Double, nullable=False),
    one_of("kind", FEED_KINDS),
    sqlite_autoincrement=True,
)
"""What subscribers are told: each first verification, and each that a reorganisation took back. A number is never used again."""

schemas = Table(
    "schemas",
    metadata,
    Column("model_id", Hash, primary_key=True),
    Column("name", Text, nullable=False, comment="of the model, for people"),
    Column("circuit_hash", Hash, nullable=False),
    Column(
        "document",
        Text,
        nullable=False,
        comment="JSON: the circuit with names, shapes and element types, as the bundle has it",
    ),
    Column("card", Text, comment="JSON: fidelity, measurements, setup and versions, as the bundle's manifest has them"),
)
"""What the chain does not hold: the names and shapes of a model's tensors, out of a bundle whose circuit hash is the model's."""
