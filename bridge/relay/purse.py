"""What a key may do and spend: the caps of an operator, and what is left of them until the chain is looked at again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bridge.chain.fee import Fee, LegacyFee
from bridge.core.word import Address
from bridge.errors import BudgetSpent, InsufficientFunds
from bridge.relay.submission import Slot, SlotState

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Caps:
    """What a key may do and spend."""

    max_fee_wei: int
    """For one gas."""
    transaction_wei: int | None = None
    """For one transaction."""
    hour_wei: int | None = None
    """For all that is paid within an hour and all that is under way."""
    in_flight: int = 16
    """Transactions that are offered and not mined."""
    outbid_after: float = 30.0
    """Seconds until an offer that nobody mines is raised."""
    fill_after: float = 30.0
    """Seconds until a gap in the nonces is filled."""

    def check_transaction(self, gas: int, fee: Fee | LegacyFee) -> None:
        """Raises `BudgetSpent`."""
        allowed, needed = self.transaction_wei, gas * fee.max_fee_wei
        if allowed is not None and needed > allowed:
            raise BudgetSpent(span="one transaction", allowed_wei=allowed, needed_wei=needed)


@dataclass(slots=True)
class Purse:
    """What a key may promise still, if everything under way were mined now."""

    address: Address
    balance: int
    hour: int | None
    under_way: int
    spent: int
    """Within the hour."""
    room: int
    """Transactions that may still be offered."""
    nonce: int
    """Of the next one."""

    def take(self, wei: int) -> None:
        """Promise it, for one transaction. Raises `InsufficientFunds`, `BudgetSpent`; nothing is promised then."""
        needed = self.under_way + wei
        if needed > self.balance:
            raise InsufficientFunds(address=self.address, needed_wei=needed, balance_wei=self.balance)
        if self.hour is not None and needed + self.spent > self.hour:
            raise BudgetSpent(span="an hour", allowed_wei=self.hour, needed_wei=needed + self.spent)
        self.under_way = needed
        self.room -= 1


def under_way(slots: Iterable[Slot]) -> tuple[int, int]:
    """How many transactions are offered and not mined, and the most that they can cost."""
    waiting = [slot.most_wei for slot in slots if slot.state is SlotState.OPEN]
    return len(waiting), sum(waiting)
