"""How well a result is assured. Written into every record and never raised afterwards."""

from __future__ import annotations

from enum import IntEnum


class Grade(IntEnum):
    """Ordered; the numbers are those of `contracts/src/Grade.sol`."""

    CLAIMED = 0
    SIGNED = 1
    ATTESTED = 2
    PROVEN = 3

    @property
    def label(self) -> str:
        """The name as it is written in tables and JSON."""
        return self.name.capitalize()

    @classmethod
    def parse(cls, text: str) -> Grade:
        """Any case of a label. Raises ValueError."""
        try:
            return cls[text.upper()]
        except KeyError:
            raise ValueError(f"expected one of {', '.join(grade.label for grade in cls)}, got {text!r}") from None
