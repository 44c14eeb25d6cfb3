"""What somebody wants proved and recorded, and how far it has come."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

from bridge.core.word import Hex32
from bridge.errors import (
    ArtifactMissing,
    CircuitError,
    InputError,
    ProofError,
    RequestDeclined,
    RequestLost,
    RequestUnknown,
)

FAULT_OF_THE_JOB = (
    InputError,
    CircuitError,
    ProofError,
    ArtifactMissing,
    RequestDeclined,
    RequestLost,
    RequestUnknown,
)
"""What another try would end with again."""


class State(StrEnum):
    """The way of a job. Each step is written down before what it allows is done."""

    REQUESTED = "requested"
    WITNESSED = "witnessed"
    PROVED = "proved"
    CHECKED = "checked"
    """Its proof was verified here, and the call that records it is known."""
    SIGNED = "signed"
    SENT = "sent"
    MINED = "mined"
    FINAL = "final"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be done."""
        return self in {State.FINAL, State.FAILED}


@dataclass(frozen=True, slots=True)
class Request:
    """One inference that somebody wants on a chain."""

    chain_id: int
    model_id: Hex32
    bundle: str
    """sha256 of the bundle's manifest."""
    input: str
    """sha256 of the row, which lies in the store."""
    deadline: float | None = None
    """Seconds since 1970; the earliest comes first, and those without one when there is time."""

    request_id: Hex32 | None = None
    """Of the desk, where somebody pays for it there."""

    @property
    def payload(self) -> str:
        """sha256 of everything that was asked for: two requests with one key must agree in it."""
        parts = [self.chain_id, self.model_id, self.bundle, self.input, self.deadline]
        parts += [self.request_id] if self.request_id else []
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Job:
    """A request in the journal."""

    id: str
    idempotency_key: str
    request: Request
    state: State
    reason: str | None = None
    """Name of the error that it failed with."""
    evidence: str | None = None
    """What that error said."""
    tries: int = 0
    """How often proving was begun."""
    witness: str | None = None
    """sha256 of the witness in the store."""
    proof: str | None = None
    """sha256 of the proof in the store."""
    position: int | None = None
    """Its row of the proof."""
    statement: Hex32 | None = None
    """What the ledger records it under: itself, or the root of its batch."""
    inference_id: Hex32 | None = None
    """Of the verified inference; in a batch a leaf of the root."""
    tx_hash: Hex32 | None = None
    block_number: int | None = None
    created_at: float = 0.0
    changed_at: float = 0.0
