"""A chain's rows as the index writes them, by hand: what subscribers are told depends on nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Engine, delete, insert, select, update

from bridge.core.grade import Grade
from bridge.core.word import Hex32, hex32, keccak256
from bridge.database.engine import writing
from bridge.database.index import blocks, chains, feed, verifications

CHAIN_ID = 31_337
MODEL, OTHER_MODEL = (hex32(keccak256(name)) for name in (b"model", b"other model"))
_NOBODY = "0x" + "00" * 20
_KEY = ("chain_id", "block_number", "log_index", "row")


@dataclass
class Chain:
    """Blocks come by `mine`, and go by `reorganise`."""

    engine: Engine
    head: int = 0
    fork: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        with writing(self.engine) as connection:
            values = {
                "ledger": _NOBODY,
                "first_block": 0,
                "block_number": 0,
                "block_hash": self.hash(0),
                "followed_at": 0,
            }
            connection.execute(insert(chains).values(chain_id=CHAIN_ID, **values))

    def hash(self, number: int) -> Hex32:
        return hex32(keccak256(f"block {number} of fork {self.fork}".encode()))

    def mine(self, *inferences: str, model: Hex32 = MODEL, grade: Grade = Grade.PROVEN) -> tuple[Hex32, ...]:
        """A block with these inferences; their ids."""
        self.head += 1
        ids = tuple(hex32(keccak256(name.encode())) for name in inferences)
        with writing(self.engine) as connection:
            row = {
                "number": self.head,
                "hash": self.hash(self.head),
                "parent_hash": self.hash(0),
                "timestamp": self.head,
            }
            connection.execute(insert(blocks).values(chain_id=CHAIN_ID, **row))
            for place, identity in enumerate(ids):
                key = {"chain_id": CHAIN_ID, "block_number": self.head, "log_index": place, "row": 0}
                told = {"inference_id": identity, "model_id": model}
                said = {"input_commitment": identity, "output": b"", "grade": int(grade), "caller": _NOBODY}
                sent = {"submitter": _NOBODY, "tx_hash": identity, "gas_used": 1, "block_time": self.head}
                flags = {"stored": True, "is_first": True}
                connection.execute(insert(verifications).values(**key, **told, **said, **sent, **flags))
                news = {"kind": "verified", "block_hash": self.hash(self.head), "at": float(self.head)}
                connection.execute(insert(feed).values(**key, **told, **news))
            connection.execute(update(chains).values(block_number=self.head, block_hash=self.hash(self.head)))
        return ids

    def reorganise(self, depth: int) -> None:
        """The newest blocks are none any more."""
        with writing(self.engine) as connection:
            gone = verifications.c.block_number > self.head - depth
            query = select(verifications).where(gone).order_by(*(verifications.c[name].desc() for name in _KEY))
            for row in connection.execute(query).mappings().all():
                told = {name: row[name] for name in (*_KEY, "inference_id", "model_id")}
                news = {"kind": "retracted", "block_hash": self.hash(row["block_number"]), "at": 0.0}
                connection.execute(insert(feed).values(**told, **news))
            connection.execute(delete(verifications).where(gone))
            connection.execute(delete(blocks).where(blocks.c.number > self.head - depth))
        self.head -= depth
        self.fork += 1

    def settle(self, *, safe: int | None = None, final: int | None = None, broken: int | None = None) -> None:
        """What the chain says of its finality."""
        with writing(self.engine) as connection:
            connection.execute(update(chains).values(safe_number=safe, final_number=final, broken_at=broken))
