"""Who may act for a chain: one process at a time, by a lease in the database that all of them share.

Each holder has a term of its own. A write names its term, and the database refuses one of an earlier holder in the same
transaction, so that one that slept through the end of its lease can change nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, extract, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from bridge.database.engine import reading, writing
from bridge.database.schema import leases
from bridge.errors import LeaseLost

SECONDS = 10.0
"""How long a lease lasts unless it is renewed; another one takes over that long after the last renewal."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act, for a term. Make one with `acquire`."""

    engine: Engine
    name: str
    holder: str
    term: int
    clock: Callable[[], float]

    def check(self, connection: Connection) -> None:
        """Inside a transaction that writes: hold the lease until that ends. Raises `LeaseLost`."""
        query = select(leases.c.term, leases.c.holder).where(leases.c.name == self.name).with_for_update(read=True)
        row = connection.execute(query).one_or_none()
        if row is None or row.term != self.term:
            raise LeaseLost(name=self.name, holder=self.holder, by="nobody" if row is None else row.holder)

    def renew(self, seconds: float = SECONDS) -> None:
        """Have it for so long from now on. Raises `LeaseLost`, also where it ran out and nobody took it: somebody may be about to."""
        with writing(self.engine) as connection:
            now = _now(connection, self.clock)
            row = connection.execute(
                select(leases.c.term, leases.c.holder, leases.c.expires_at)
                .where(leases.c.name == self.name)
                .with_for_update()
            ).one_or_none()
            if row is None or row.term != self.term:
                raise LeaseLost(name=self.name, holder=self.holder, by="nobody" if row is None else row.holder)
            connection.execute(update(leases).where(leases.c.name == self.name).values(expires_at=now + seconds))

    def release(self) -> None:
        """Let another one have it at once; nothing where it was lost."""
        with writing(self.engine) as connection:
            mine = (leases.c.name == self.name) & (leases.c.term == self.term)
            connection.execute(update(leases).where(mine).values(expires_at=0.0))


def acquire(
    engine: Engine, name: str, holder: str, *, seconds: float = SECONDS, clock: Callable[[], float] = time.time
) -> Lease | None:
    """The lease for a new term, or None while somebody else has it."""
    with writing(engine) as connection:
        now = _now(connection, clock)
        query = select(leases.c.term, leases.c.expires_at).where(leases.c.name == name).with_for_update()
        row = connection.execute(query).one_or_none()
        if row is not None and row.expires_at > now:
            return None
        term = 1 if row is None else row.term + 1
        values = {"holder": holder, "term": term, "expires_at": now + seconds}
        if row is not None:
            connection.execute(update(leases).where(leases.c.name == name).values(**values))
            return Lease(engine, name, holder, term, clock)
        try:
            with connection.begin_nested():
                connection.execute(insert(leases).values(name=name, **values))
        except IntegrityError:
            return None  # another one was first
        return Lease(engine, name, holder, term, clock)


def holder_of(engine: Engine, name: str, *, clock: Callable[[], float] = time.time) -> str | None:
    """Who has a lease, if anybody has."""
    with reading(engine) as connection:
        now = _now(connection, clock)
        query = select(leases.c.holder).where(leases.c.name == name, leases.c.expires_at > now)
        return connection.execute(query).scalar_one_or_none()


def _now(connection: Connection, clock: Callable[[], float]) -> float:
    """The server's own clock, so that those of several machines need not agree; a file has no clock of its own."""
    if connection.dialect.name == "postgresql":
        return float(connection.execute(select(extract("epoch", func.clock_timestamp()))).scalar_one())
    return clock()
