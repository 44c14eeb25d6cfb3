"""A request at the desk: who wants which inference, what is paid for it, how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from bridge.core.word import Address, Hex32

NATIVE = Address("0x0000000000000000000000000000000000000000")
"""Stands for the chain's own coin where a token could stand."""


class RequestState(IntEnum):
    """As the desk counts them."""

    NONE = 0
    OPEN = 1
    CLAIMED = 2
    FULFILLED = 3
    REFUNDED = 4

    @property
    def label(self) -> str:
        """A word for people."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class PaidRequest:
    """A request as the desk keeps it. Amounts in the token's smallest unit, times in seconds since 1970."""

    request_id: Hex32
    model_id: Hex32
    input_commitment: Hex32
    requester: Address
    claimer: Address
    """`NATIVE`, which is zero, if nobody has claimed it."""
    state: RequestState
    end: int
    """The last second of what comes next: of a claim while it is open, of its fulfilment once it is claimed."""
    deadline: int
    claim_seconds: int
    token: Address
    """`NATIVE` for the chain's own coin."""
    fee: int
    bond: int
    callback_gas: int


@dataclass(frozen=True, slots=True)
class Offer:
    """What a requester pays and demands. Amounts in wei, times in seconds."""

    fee: int
    deadline: int
    """The last second of a claim and of a fulfilment, since 1970."""
    bond: int = 0
    """What a claimer deposits and loses if it does not deliver."""
    claim_seconds: int = 600
    """How long a claim holds."""
    callback: Address = NATIVE
    """Who is told of the output; zero for nobody."""
    callback_gas: int = 0
