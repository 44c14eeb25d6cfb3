"""Opening a database and bringing its tables up to date."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    InterfaceError,
    InternalError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.pool import StaticPool

from bridge.core.lock import locked
from bridge.core.storage import home
from bridge.errors import DatabaseFailed

_MIGRATIONS = Path(__file__).parent / "migrations"
_UPGRADING = 0x70726F6F66
"""Of PostgreSQL's advisory lock that one upgrade at a time holds."""
_BUSY_MILLISECONDS = 30_000
_CACHE_KIB = 2_048
"""What SQLite keeps of a file in memory at most, for each connection: its own default."""
INDEX_CACHE_KIB = 65_536
"""The same for who reads all over an index: where its pages do not fit they are read again and again."""
_READING = "reading"
"""Execution option of a connection that begins no transaction that could write."""
_TURNS: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()
_TURNS_LOCK = threading.Lock()
_OPEN = threading.local()
"""The transaction that a thread is in."""
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


def default_url() -> str:
    """The file that is used where no database is named."""
    return f"sqlite:///{home('relay') / 'relay.db'}"


def open_database(url: str, *, cache_kib: int = _CACHE_KIB) -> Engine:
    """The database of a URL with its tables as this version has them; a SQLite file is made where there is none.

    `cache_kib` is of SQLite's alone. Raises `DatabaseFailed`.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseFailed(place="(no readable URL)", reason="expected sqlite:///FILE or postgresql://…") from None
    parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
    place = redacted(parsed)
    try:
        engine = _sqlite(parsed, cache_kib) if parsed.get_backend_name() == "sqlite" else _server(parsed)
        _upgrade(engine)
    except (SQLAlchemyError, sqlite3.Error, CommandError, OSError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise DatabaseFailed(place=place, reason=_words(error)) from None
    return engine


@contextmanager
def opened(url: str, *, cache_kib: int = _CACHE_KIB) -> Iterator[Engine]:
    """`open_database` for the length of a block, with every connection closed at its end."""
    engine = open_database(url, cache_kib=cache_kib)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes, committed at the end of the block. Raises `DatabaseFailed`; `IntegrityError` is the caller's.

    A block inside another one of the same thread is a part of its transaction: it is on disk when the outer one is. What may fail
    and be undone alone has a savepoint of its own (`begin_nested`). Threads of one process take turns at a file: SQLite itself
    would let them poll for it.
    """
    outer = _open(engine)
    if outer is not None:
        with _named(engine):
            yield outer
        return
    turn = _turn(engine) if engine.dialect.name == "sqlite" else nullcontext()
    with _named(engine), turn, engine.begin() as connection:
        _OPEN.connection = connection
        try:
            yield connection
        finally:
            _OPEN.connection = None


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that only reads, and so waits for nobody who writes; inside `writing` that one's, which sees what was written.

    Raises `DatabaseFailed`.
    """
    outer = _open(engine)
    if outer is not None:
        with _named(engine):
            yield outer
        return
    with _named(engine), engine.connect().execution_options(**{_READING: True}) as connection:
        yield connection


def upsert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that knows ON CONFLICT, as both databases have it."""
    make: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[connection.dialect.name]
    made: sqlite.Insert | postgresql.Insert = make(table)
    return made


def redacted(url: URL) -> str:
    """A URL without what may be a secret: user, password and query."""
    return url.set(username=None, password=None, query={}).render_as_string()


def _sqlite(url: URL, cache_kib: int) -> Engine:
    if url.database in {None, "", ":memory:"}:
        memory = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
        return _immediate(memory, cache_kib)
    path = Path(str(url.database))
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_ahead(path)
    return _immediate(create_engine(url), cache_kib)


def _write_ahead(path: Path) -> None:
    """Put a file into WAL, which it then stays in, by one process at a time.

    Where two try, SQLite refuses one at once, however long it was told to wait. That the file is in WAL already is asked of SQLite,
    too: whoever opens the file otherwise and closes it lets go of every lock that this process has on it
    (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """
    with (
        locked(path.with_name(f"{path.name}.lock"), f"waiting for another process that opens {path.name}"),
        closing(sqlite3.connect(path, timeout=_BUSY_MILLISECONDS / 1000)) as connection,
    ):
        connection.execute("PRAGMA journal_mode = WAL")


def _immediate(engine: Engine, cache_kib: int) -> Engine:
    """SQLite as a journal needs it: on disk before a commit returns, and a writer waits for another one."""

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # sqlite3 would begin transactions by itself, and late
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA cache_size = -{cache_kib}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if not connection.get_execution_options().get(_READING):
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # a read that writes later cannot be refused half-way

    return engine


def _server(url: URL) -> Engine:
    return create_engine(url, pool_pre_ping=True, isolation_level="READ COMMITTED")


def _upgrade(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADING})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _open(engine: Engine) -> Connection | None:
    """The transaction of this database that the thread is in, if it is in one."""
    connection: Connection | None = getattr(_OPEN, "connection", None)
    return connection if connection is not None and connection.engine is engine else None


def _turn(engine: Engine) -> threading.Lock:
    with _TURNS_LOCK:
        return _TURNS.setdefault(engine, threading.Lock())


@contextmanager
def _named(engine: Engine) -> Iterator[None]:
    """A server that is gone, a disk that is full: failures that are nobody's statement."""
    try:
        yield
    except (OperationalError, InterfaceError, InternalError) as error:
        raise DatabaseFailed(place=redacted(engine.url), reason=_words(error)) from error


def _words(error: BaseException) -> str:
    """A driver's own words, on one line and without the statement that SQLAlchemy adds."""
    cause = getattr(error, "orig", None) or error
    return " ".join(str(cause).split())[:300] or type(cause).__name__
