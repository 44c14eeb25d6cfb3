"""Many rows at once, as plain tuples: what an index writes by the thousand needs no statement of its own for each row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, insert
from sqlalchemy.dialects import postgresql, sqlite

_DIALECTS = {
    "sqlite": sqlite.dialect(paramstyle="qmark"),
    "postgresql": postgresql.dialect(paramstyle="format"),  # type: ignore[no-untyped-call]
}


def insert_all(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows in the order of the table's columns, without those that the database counts up.

    Values are the driver's: amounts of 256 bits are decimal texts here.
    """
    if rows:
        connection.exec_driver_sql(_statement(connection.dialect.name, table), list(rows))


@cache
def _statement(dialect: str, table: Table) -> str:
    columns = [column.name for column in table.columns if column.autoincrement is not True]
    return str(insert(table).inline().compile(dialect=_DIALECTS[dialect], column_keys=columns))
