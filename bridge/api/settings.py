"""How a server is run. It travels to worker processes, so it is data and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bridge.relay.artifacts import default_store


@dataclass(frozen=True, slots=True)
class Settings:
    """One server, of one chain."""

    database: str = field(repr=False)
    """URL; it may hold a password."""
    chain_id: int
    models: tuple[Path, ...] = ()
    """Bundles: their names are shown, and inferences of them are taken."""
    store: str = field(default_factory=default_store, repr=False)
    """URL of what jobs are made of."""
    origins: tuple[str, ...] = ()
    """Web pages of these origins may ask; `*` for any."""
    rate: str | None = None
    """Requests of one key or address, as `600/minute`; None: as many as come. Each worker process counts for itself."""
    most_subscribers: int = 5_000
    """Streams that are open at once, of one worker process."""
    threads: int = 4
    """That wait for the database."""
    private_webhooks: bool = False
    """Whether webhooks may lead into private networks: for receivers of one's own."""
