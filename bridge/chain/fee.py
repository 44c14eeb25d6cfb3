"""What to offer for one unit of gas."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors import FeeAboveCap

_BUMP_NUMERATOR, _BUMP_DENOMINATOR = 110, 100
_HEADROOM = 2
"""Six full blocks in a row raise the base fee by 1.125**6, about 2 (EIP-1559)."""


@dataclass(frozen=True, slots=True)
class Fee:
    """An EIP-1559 fee, in wei for one gas."""

    max_fee_wei: int
    priority_wei: int

    @property
    def fields(self) -> dict[str, int]:
        """As transaction fields."""
        return {"maxFeePerGas": self.max_fee_wei, "maxPriorityFeePerGas": self.priority_wei}


@dataclass(frozen=True, slots=True)
class LegacyFee:
    """A gas price, on a chain without EIP-1559."""

    max_fee_wei: int

    @property
    def fields(self) -> dict[str, int]:
        """As transaction fields."""
        return {"gasPrice": self.max_fee_wei}


def offer(base_fee_wei: int, suggested_priority_wei: int, cap_wei: int) -> Fee:
    """Twice the base fee plus the tip, never over the cap. Raises `FeeAboveCap` if the base fee alone exceeds it."""
    if base_fee_wei > cap_wei:
        raise FeeAboveCap(base_fee_wei=base_fee_wei, cap_wei=cap_wei)
    max_fee = min(_HEADROOM * base_fee_wei + suggested_priority_wei, cap_wei)
    return Fee(max_fee, min(suggested_priority_wei, max_fee))


def legacy_offer(gas_price_wei: int, cap_wei: int) -> LegacyFee:
    """The node's price. Raises `FeeAboveCap` if it exceeds the cap."""
    if gas_price_wei > cap_wei:
        raise FeeAboveCap(base_fee_wei=gas_price_wei, cap_wei=cap_wei)
    return LegacyFee(gas_price_wei)


def outbid(before: Fee | LegacyFee, market: Fee | LegacyFee, cap_wei: int) -> Fee | LegacyFee:
    """The least that a node takes in the place of an offer with the same nonce, or the market's price where that is higher.

    geth wants a tenth more of both parts (`PriceBump` of its legacypool, in per cent of the old). Raises `FeeAboveCap`.
    """
    most = max(_a_tenth_more(before.max_fee_wei), market.max_fee_wei)
    if most > cap_wei:
        raise FeeAboveCap(base_fee_wei=most, cap_wei=cap_wei)
    if isinstance(before, LegacyFee):
        return LegacyFee(most)
    tip = market.priority_wei if isinstance(market, Fee) else 0
    return Fee(most, min(max(_a_tenth_more(before.priority_wei), tip), most))


def _a_tenth_more(wei: int) -> int:
    """At least one more: a tenth of nothing is nothing."""
    return max(-(-wei * _BUMP_NUMERATOR // _BUMP_DENOMINATOR), wei + 1)
