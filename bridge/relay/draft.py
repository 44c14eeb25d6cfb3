"""A transaction that waits for its signature: a new offer, a dearer one in the place of another, or one that fills a gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge.chain.fee import Fee, LegacyFee
from bridge.core.word import Address, Hex32
from bridge.relay.submission import Slot, Submission

FILLER_GAS = 21_000
"""Of a transfer of nothing to oneself."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be signed. Make one with `new`, `dearer` or `filler`."""

    to: Address
    data: bytes
    value: int
    nonce: int
    gas: int
    fee: Fee | LegacyFee
    submission: Submission | None = None
    """What it offers for the first time."""
    slot: Slot | None = None
    """What it takes the place of."""

    @property
    def statement(self) -> Hex32 | None:
        """What it is to record; None for one that fills a gap."""
        if self.slot is not None:
            return self.slot.statement
        return None if self.submission is None else self.submission.statement

    @property
    def what(self) -> str:
        """What a tick counts it as."""
        return "raised" if self.slot is not None else "filled" if self.submission is None else "offered"

    @property
    def most_wei(self) -> int:
        """What it can cost."""
        return self.gas * self.fee.max_fee_wei + self.value

    def transaction(self, chain_id: int) -> dict[str, Any]:
        """As a signer takes it."""
        fields = {"to": self.to, "data": self.data, "value": self.value, "nonce": self.nonce, "gas": self.gas}
        return {**fields, "chainId": chain_id, **self.fee.fields}


def new(submission: Submission, nonce: int, gas: int, fee: Fee | LegacyFee) -> Draft:
    """A first offer of a submission."""
    called = submission.destination, submission.calldata, submission.value
    return Draft(*called, nonce, gas, fee, submission=submission)


def dearer(slot: Slot, submission: Submission | None, fee: Fee | LegacyFee) -> Draft:
    """The same call for more."""
    if submission is None:
        return Draft(slot.sender, b"", 0, slot.nonce, slot.newest.gas, fee, slot=slot)
    called = submission.destination, submission.calldata, submission.value
    return Draft(*called, slot.nonce, slot.newest.gas, fee, slot=slot)


def filler(address: Address, nonce: int, fee: Fee | LegacyFee) -> Draft:
    """Nothing, so that what is above it can be mined."""
    return Draft(address, b"", 0, nonce, FILLER_GAS, fee)
