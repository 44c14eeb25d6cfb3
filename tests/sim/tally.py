"""How often each thing happened: a run that claims to have met a fault shows its number."""

from __future__ import annotations

import threading
from collections import Counter


class Tally:
    """Counters by name; safe for threads."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __getitem__(self, kind: str) -> int:
        return self._counts[kind]

    def __str__(self) -> str:
        return ", ".join(f"{kind} {count}" for kind, count in sorted(self._counts.items())) or "nothing"

    def add(self, kind: str, count: int = 1) -> None:
        """It happened."""
        with self._lock:
            self._counts[kind] += count

    def kinds(self) -> set[str]:
        """What happened at all."""
        with self._lock:
            return {kind for kind, count in self._counts.items() if count}
