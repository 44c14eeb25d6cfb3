"""A call that is to be mined once, the nonce that it was given, and the signed transactions that offered it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bridge.chain.fee import Fee, LegacyFee
from bridge.core.word import Address, Hex32
from bridge.relay.job import State


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a contract, and what it records."""

    statement: Hex32
    destination: Address
    function: str
    """The contract's, for people."""
    calldata: bytes
    value: int = 0
    """Wei that go with it."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What is to be recorded, by its statement: whoever asks for the same again shares this one."""

    chain_id: int
    statement: Hex32
    """What the ledger records it under."""
    destination: Address
    function: str
    """The contract's function, for people."""
    calldata: bytes
    deadline: float | None
    state: State
    """From checked on."""
    created_at: float
    tx_hash: Hex32 | None = None
    block_number: int | None = None
    block_hash: Hex32 | None = None
    value: int = 0
    """Wei that go with it."""
    sender: Address | None = None
    """The key that has to send it; None: any."""
    after: Hex32 | None = None
    """Statement of the call that has to be mined before it."""


class SlotState(StrEnum):
    """What became of a nonce."""

    OPEN = "open"
    MINED = "mined"
    FINAL = "final"
    LOST = "lost"
    """Something else was mined with it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A signed transaction, written down before the network saw it."""

    tx_hash: Hex32
    number: int
    """1 is the first with its nonce; each later one pays more."""
    raw: bytes
    gas: int
    fee: Fee | LegacyFee
    signed_at: float
    sent_at: float | None
    """When a node last took it; None: nobody is known to have it."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A nonce that was given out."""

    chain_id: int
    sender: Address
    nonce: int
    statement: Hex32 | None
    """None: it fills a gap."""
    state: SlotState
    block_number: int | None
    block_hash: Hex32 | None
    opened_at: float
    offers: tuple[Offer, ...]
    """The dearest, which is the newest, last."""

    @property
    def newest(self) -> Offer:
        """What is offered now."""
        return self.offers[-1]

    @property
    def most_wei(self) -> int:
        """What it can cost."""
        return max((offer.gas * offer.fee.max_fee_wei for offer in self.offers), default=0)
