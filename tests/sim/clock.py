"""A clock that jumps: the code under test gets it as `Callable[[], float]` and must not believe in it."""

from __future__ import annotations

import random
from dataclasses import dataclass

START = 1_800_000_000.0
"""A second in 2027."""


@dataclass(frozen=True, slots=True)
class Jump:
    """One jump that happened."""

    reading: int
    """The number of the reading before which it did."""
    seconds: float


class Clock:
    """Seconds that go on by `step` with every reading, and jump by the seed; nobody waits."""

    def __init__(
        self, seed: object = 0, *, start: float = START, step: float = 0.001, rate: float = 0.0, longest: float = 3600.0
    ) -> None:
        self.step = step
        self.rate = rate
        self.longest = longest
        """Seconds of a jump, in either direction."""
        self.jumps: list[Jump] = []
        self._dice = random.Random(f"clock {seed}")
        self._now = start
        self._readings = 0

    def __call__(self) -> float:
        self._readings += 1
        if self.rate and self._dice.random() < self.rate:
            self.jump(self._dice.uniform(-self.longest, self.longest))
        self._now += self.step
        return self._now

    def sleep(self, seconds: float) -> None:
        """What the code under test calls instead of time.sleep: time passes at once."""
        self._now += max(0.0, seconds)

    def jump(self, seconds: float) -> None:
        """A step of any sign, as a suspended machine or a time server makes it."""
        self.jumps.append(Jump(self._readings, seconds))
        self._now += seconds

    def calm(self) -> None:
        """No jumps from now on."""
        self.rate = 0.0
