"""Transactions inside transactions, on both databases."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import IntegrityError

from bridge.database.engine import reading, writing
from bridge.database.schema import cursors


def put(engine: Engine, name: str) -> None:
    with writing(engine) as connection, connection.begin_nested():
        connection.execute(insert(cursors).values(name=name, block_number=1))


def count(engine: Engine) -> int:
    with reading(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(cursors)).scalar_one())


def test_what_is_written_together_is_there_together(engine: Engine) -> None:
    seen: list[int] = []
    with writing(engine):
        put(engine, "one")
        put(engine, "two")
        assert count(engine) == 2, "the block sees what it wrote"
        elsewhere = threading.Thread(target=lambda: seen.append(count(engine)))
        elsewhere.start()
        elsewhere.join()
    assert seen == [0], "and nobody else does, before its end"
    assert count(engine) == 2


def test_what_has_a_savepoint_and_fails_is_undone_alone(engine: Engine) -> None:
    with writing(engine):
        put(engine, "one")
        with pytest.raises(IntegrityError):
            put(engine, "one")
        put(engine, "two")
    assert count(engine) == 2


def test_a_block_that_fails_takes_everything_inside_along(engine: Engine) -> None:
    def fail() -> None:
        with writing(engine):
            put(engine, "one")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert count(engine) == 0
    put(engine, "one")
    assert count(engine) == 1, "and the thread is in no transaction any more"
