"""A database that fails: a disk without room, and a server that is not there."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

_NO_LIMIT = 2**31
"""Pages."""


class Outage:
    """What is wrong with a SQLite database just now. Use it from the thread that uses the database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_gone = False
        event.listen(engine, "before_cursor_execute", self._before)

    def fill(self) -> None:
        """From here on the file cannot grow: SQLite's own error of a full disk, wherever it meets it."""
        self._limit("(SELECT page_count FROM pragma_page_count)")

    def part(self) -> None:
        """From here on no statement comes through; what was not committed is lost."""
        self._is_gone = True

    def mend(self) -> None:
        """All is well again."""
        self._is_gone = False
        self._limit(str(_NO_LIMIT))

    def close(self) -> None:
        """Leave the database as it was found."""
        self.mend()
        event.remove(self._engine, "before_cursor_execute", self._before)

    def _limit(self, pages: str) -> None:
        connection = self._engine.raw_connection()  # which the statements that are refused do not go through
        cursor = connection.cursor()
        (count,) = cursor.execute(f"SELECT {pages}").fetchone()
        cursor.execute(f"PRAGMA max_page_count = {count}")
        cursor.close()
        connection.close()

    def _before(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if self._is_gone:
            raise OperationalError(statement, {}, ConnectionError("the server closed the connection"))
