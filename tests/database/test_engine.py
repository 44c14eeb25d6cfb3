"""Opening a file by many at once, and transactions inside transactions, on both databases."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import IntegrityError

from bridge.database.engine import opened, reading, writing
from bridge.database.schema import cursors
from bridge.errors import DatabaseFailed

_MEETING: list[Barrier] = []
"""Where a process waits for the other one, so that both open a file at the same moment."""


def _meet(barrier: Barrier) -> None:
    _MEETING.append(barrier)


def _open(path: Path) -> int:
    _MEETING[0].wait(60)
    with opened(f"sqlite:///{path}") as engine:
        put(engine, f"{threading.get_native_id()}")
        return count(engine)


def put(engine: Engine, name: str) -> None:
    with writing(engine) as connection, connection.begin_nested():
        connection.execute(insert(cursors).values(name=name, block_number=1))


def count(engine: Engine) -> int:
    with reading(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(cursors)).scalar_one())


def test_a_new_file_can_be_opened_by_two_processes_at_once(tmp_path: Path) -> None:
    context = get_context("spawn")
    with ProcessPoolExecutor(2, context, _meet, (context.Barrier(2),)) as pool:
        for name in range(20):
            path = tmp_path / f"{name}.db"
            assert max(pool.map(_open, (path, path))) == 2
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",), "whoever reads waits for nobody who writes"
    assert [found.name for found in tmp_path.glob("*.lock")] == []


def test_a_file_that_had_another_journal_gets_the_one_we_need(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("CREATE TABLE theirs (a)")
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    with opened(f"sqlite:///{path}") as engine, reading(engine) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"


def test_a_file_that_is_no_database_is_named_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, " * 10)
    with pytest.raises(DatabaseFailed, match="not a database"), opened(f"sqlite:///{path}"):
        pytest.fail("opened")
    assert path.read_text().startswith("Dear")


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
