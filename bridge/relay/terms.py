"""On which terms an operator takes a request: what it pays against what it costs."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.core.request import NATIVE, PaidRequest

CLAIM_GAS = 52_000
"""Of a claim in the native coin: 21 000 and calldata, and what `contracts/snapshots/gas.json` has for the call."""
FULFIL_GAS = 150_000
"""Of a fulfilment above its verification: calldata of a proof, and what the same file has for the call."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an operator asks for. Amounts in wei."""

    profit: int = 0
    """What has to be left of the fee at least."""
    second: int = 0
    """What a second of proving costs."""
    bond: int = 10**18
    """The most that is deposited for one request."""


@dataclass(frozen=True, slots=True)
class Price:
    """What fulfilling a request is expected to take."""

    gas: int
    """Of claim, verification and fulfilment."""
    gas_wei: int
    """Of one gas, now."""
    seconds: float
    """To prove."""

    def cost(self, terms: Terms) -> int:
        """In wei, the bond left out: it comes back."""
        return self.gas * self.gas_wei + round(self.seconds * terms.second)


def unfit(request: PaidRequest, terms: Terms) -> str | None:
    """Why a request is never taken, whatever gas costs."""
    if request.token != NATIVE:
        return f"it is paid in the token {request.token}, and only the chain's own coin is taken"
    if request.bond > terms.bond:
        return f"it asks for a bond of {request.bond} wei, over the limit of {terms.bond} wei"
    return None


def unprofitable(request: PaidRequest, price: Price, terms: Terms) -> str | None:
    """Why a request is not taken at this price."""
    cost = price.cost(terms)
    if request.fee - cost < terms.profit:
        return (
            f"it pays {request.fee} wei and costs {cost} wei ({price.gas} gas at {price.gas_wei} wei, {price.seconds:.1f} s of "
            f"proving), and {terms.profit} wei have to be left"
        )
    return None
