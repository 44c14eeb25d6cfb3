"""A verified inference as it is read back from a chain."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.core.word import Address, Hex32, HexBytes


@dataclass(frozen=True, slots=True)
class BatchPlace:
    """How a row is shown to be in a batch."""

    root: Hex32
    row: int
    """The first is 1."""
    path: tuple[Hex32, ...]
    """For `isVerifiedInBatch` and `storeFromBatch`: the siblings from the leaf to the root."""


@dataclass(frozen=True, slots=True)
class VerifiedInference:
    """One statement that a contract checked a proof of: this model maps this input to this output."""

    inference_id: Hex32
    model_id: Hex32
    input_commitment: Hex32
    output: HexBytes
    """The output instances as 32-byte words."""
    outputs: tuple[tuple[float, ...], ...]
    """The same as numbers, one tuple for each output tensor."""
    grade: Grade
    finality: Finality
    recorded: bool
    """Whether the ledger holds it under its own id, so that contracts can read it."""
    batch: BatchPlace | None
    """Where it stands in a batch that the ledger holds, if it does: contracts can read it by that as well."""
    submitter: Address
    tx_hash: Hex32
    block_number: int
    block_time: int
    """Seconds since 1970 (UTC)."""
    gas_used: int
    """Gas of the whole transaction."""
