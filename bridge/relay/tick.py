"""What one turn of the loop did, key by key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.core.word import Address
from bridge.errors import BridgeError


@dataclass(frozen=True, slots=True)
class Tick:
    """What was done with a key."""

    offered: int = 0
    again: int = 0
    """Sent once more: a node had lost it."""
    raised: int = 0
    filled: int = 0
    """Gaps in the nonces."""
    mined: int = 0
    final: int = 0
    gone: int = 0
    """Mined in a block that a reorganisation took."""
    lost: int = 0
    """Nonces that somebody else used."""
    held: BridgeError | None = None
    """Why something waits."""


class Tally:
    """Counts while a turn lasts."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        """Of these keys, and of no other."""
        self._counts: dict[Address, Counter[str]] = {address: Counter() for address in addresses}
        self._held: dict[Address, BridgeError] = {}

    def count(self, address: Address, what: str) -> None:
        """Something was done: `what` is a field of `Tick`."""
        self._counts[address][what] += 1

    def hold(self, address: Address, reason: BridgeError) -> None:
        """Something waits; the first reason is the one that is told."""
        self._held.setdefault(address, reason)

    def hold_all(self, reason: BridgeError) -> None:
        """Everything waits."""
        for address in self._counts:
            self.hold(address, reason)

    @property
    def offered(self) -> bool:
        """Whether anything was offered for the first time."""
        return any(counts["offered"] for counts in self._counts.values())

    @property
    def is_held(self) -> bool:
        """Whether anything waits."""
        return bool(self._held)

    def ticks(self) -> dict[Address, Tick]:
        """What was done, by key."""
        return {address: Tick(**counts, held=self._held.get(address)) for address, counts in self._counts.items()}
