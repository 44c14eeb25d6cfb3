"""What was signed, written down before it is sent: one file for each statement on each chain.

A statement is (chain, key of its record). Whoever submits it again finds the transaction here and goes on with that one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from bridge.core.storage import home, write_atomic
from bridge.core.word import Address, Hex32, HexBytes, hex32, keccak256, to_bytes


@dataclass(frozen=True, slots=True)
class Attempt:
    """A signed transaction that carries a statement."""

    chain_id: int
    key: Hex32
    """What the ledger records it under: the inference id, or the root of a batch."""
    sender: Address
    nonce: int
    tx_hash: Hex32
    raw: HexBytes
    """The signed transaction. It holds no secret: it is what the network sees."""


_ADAPTER = TypeAdapter(Attempt)


def write_attempt(attempt: Attempt) -> None:
    """Keep an attempt, flushed to disk. Raises `DiskFull`, `NotWritable`."""
    write_atomic(_path(attempt.chain_id, attempt.key), _ADAPTER.dump_json(attempt, indent=2), mode=0o600)


def read_attempt(chain_id: int, key: Hex32) -> Attempt | None:
    """The newest attempt at a statement, if there was one."""
    path = _path(chain_id, key)
    try:
        attempt = _ADAPTER.validate_json(path.read_bytes())
        whole = hex32(keccak256(to_bytes(attempt.raw))) == attempt.tx_hash
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return None  # not ours to repair: the ledger refuses to record a statement twice in any case
    return attempt if whole and attempt.key == key and attempt.chain_id == chain_id else None


def _path(chain_id: int, key: Hex32) -> Path:
    return home("journal") / str(chain_id) / f"{key}.json"
