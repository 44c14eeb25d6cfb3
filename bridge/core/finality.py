"""How sure it is that a record stays on the chain."""

from __future__ import annotations

from enum import IntEnum


class Finality(IntEnum):
    """Ordered. A record that a reorganisation removed is not in an answer at all."""

    MINED = 0
    SAFE = 1
    FINAL = 2

    @property
    def label(self) -> str:
        """The name as it is written in tables and JSON."""
        return self.name.lower()

    @classmethod
    def parse(cls, text: str) -> Finality:
        """Any case of a label. Raises ValueError."""
        try:
            return cls[text.upper()]
        except KeyError:
            raise ValueError(f"expected one of {', '.join(step.label for step in cls)}, got {text!r}") from None
