"""How a relayer divides its time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds, and how many proofs."""

    proofs: int = 1
    """At once."""
    batch_age: float = 2.0
    """Seconds that a row waits for others of its batch at most."""
    look: float = 0.05
    """Seconds between two looks at what provers have done."""
    tick: float = 0.05
    """Seconds between two looks at the chain."""
    timeout: float = 3600.0
    """Seconds that each half of a proof may take."""
    desk: float = 1.0
    """Seconds between two looks at the desk."""
    drain: float = 60.0
    """Seconds that proofs are waited for once the relayer is to stop; after that they are begun again by the next one."""
