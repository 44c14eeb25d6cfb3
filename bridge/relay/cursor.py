"""How far a watcher of events has come, in SQL."""

from __future__ import annotations

from sqlalchemy import Engine, insert, select, update

from bridge.database.engine import reading, writing
from bridge.database.lease import Lease
from bridge.database.schema import cursors


class Cursor:
    """One watcher's place."""

    def __init__(self, engine: Engine, name: str, *, lease: Lease | None = None) -> None:
        """With a `lease`, it does not move once that is lost."""
        self._engine = engine
        self._name = name
        self._lease = lease

    def block(self) -> int | None:
        """Everything up to it was looked at; None where nothing was."""
        with reading(self._engine) as connection:
            found = connection.execute(select(cursors.c.block_number).where(cursors.c.name == self._name)).scalar()
        return None if found is None else int(found)

    def move(self, block: int) -> None:
        """To a later block; to an earlier one it does not go."""
        with writing(self._engine) as connection:
            if self._lease is not None:
                self._lease.check(connection)
            ours = cursors.c.name == self._name
            known = connection.execute(select(cursors.c.block_number).where(ours)).scalar()
            if known is None:
                connection.execute(insert(cursors).values(name=self._name, block_number=block))
            elif known < block:
                connection.execute(update(cursors).where(ours).values(block_number=block))
