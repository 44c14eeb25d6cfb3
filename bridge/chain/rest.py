"""Which of several nodes are left alone for a while: whoever waits for a silent one again and again does nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.chain.rpc import Rpc

SLOW_SECONDS = 2.0
"""A node that fails sooner keeps nobody waiting."""
_TIMES = 4
"""A rest is so many times as long as the wait before it, and each one after it without an answer in between twice as long."""
_LONGEST_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class _Rest:
    seconds: float
    until: float


class Rests:
    """Of the nodes of one chain. Threads may share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds that never go back."""
        self._clock = clock
        self._rests: dict[Rpc, _Rest] = {}

    def awake(self, nodes: Sequence[Rpc], least: int) -> tuple[Rpc, ...]:
        """Those that do not rest, in their order; all of them where fewer than `least` would be left."""
        now = self._clock()
        awake = tuple(rpc for rpc in nodes if rpc not in self._rests or self._rests[rpc].until <= now)
        return awake if len(awake) >= max(1, least) else tuple(nodes)

    def answered(self, rpc: Rpc) -> None:
        """A node that speaks has no rest behind it."""
        self._rests.pop(rpc, None)

    def failed(self, rpc: Rpc, seconds: float) -> None:
        """A node did not answer, and that took so long."""
        if seconds < SLOW_SECONDS:
            return
        before = self._rests.get(rpc)
        rest = min(2 * before.seconds if before else _TIMES * seconds, _LONGEST_SECONDS)
        self._rests[rpc] = _Rest(rest, self._clock() + rest)
