"""The index of one chain in its tables: a checkpoint, and everything up to it.

What a stretch of the chain adds, what a reorganisation takes, what subscribers are told of both and the checkpoint that vouches for it
are one transaction. Whoever dies before its end has changed nothing, and whoever finds that the checkpoint moved writes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, select, union, update
from sqlalchemy.exc import IntegrityError

from bridge.chain.block import Header
from bridge.core.word import Hex32
from bridge.database import index as tables
from bridge.database.bulk import insert_all
from bridge.database.engine import reading, writing
from bridge.database.lease import Lease
from bridge.errors import IndexMoved, IndexOfAnother, PageContradicts
from bridge.query.entries import enter, verified_by
from bridge.query.known import Known, known_at
from bridge.query.rows import Page

_AT_ONCE = 1000
"""Ids in one query."""
PLACED = (
    tables.routes,
    tables.models,
    tables.model_changes,
    tables.bindings,
    tables.stops,
    tables.lines,
    tables.line_changes,
    tables.versions,
    tables.batches,
    tables.verifications,
    tables.requests,
    tables.request_steps,
)
"""Every table whose rows stand in a block of a chain."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a chain was followed."""

    number: int
    hash: Hex32
    final: int | None
    """Up to here nothing is expected to go any more."""
    broken_at: int | None
    """The lowest final block that went all the same."""


@dataclass(frozen=True, slots=True)
class Tail:
    """What the chain says of its newest blocks."""

    safe: int | None
    final: int | None


@dataclass(frozen=True, slots=True)
class Index:
    """The tables of one chain."""

    engine: Engine
    chain_id: int
    ledger: str
    first_block: int
    lease: Lease | None = None
    clock: Callable[[], float] = time.time

    @property
    def anchor(self) -> int:
        """The block before all that is followed. Nothing of ours is in it, so nothing depends on its hash."""
        return max(0, self.first_block - 1)

    def checkpoint(self) -> Checkpoint | None:
        """How far the chain was followed; None where that was not begun. Raises `IndexOfAnother`, `DatabaseFailed`."""
        with reading(self.engine) as connection:
            return self._checkpoint(connection)

    def begin(self, anchor: Header) -> Checkpoint:
        """Begin after a block that is older than all that is followed. Raises `LeaseLost`, `DatabaseFailed`."""
        with self._writing() as connection:
            found = self._checkpoint(connection)
            if found is None:
                row = (self.chain_id, self.ledger, self.first_block, anchor.number, anchor.hash)
                insert_all(connection, tables.chains, [(*row, None, None, None, self.clock())])
            return found or Checkpoint(anchor.number, anchor.hash, None, None)

    def known(self, number: int) -> Known:
        """What later events are read by, as of a block. Raises `DatabaseFailed`."""
        with reading(self.engine) as connection:
            return known_at(connection, self.chain_id, number)

    def hash_of(self, number: int) -> str | None:
        """The hash of a block that is kept. Raises `DatabaseFailed`."""
        blocks = tables.blocks
        chosen = (blocks.c.chain_id == self.chain_id) & (blocks.c.number == number)
        with reading(self.engine) as connection:
            return connection.execute(select(blocks.c.hash).where(chosen)).scalar_one_or_none()

    def kept(self, below: int, most: int) -> list[tuple[int, str]]:
        """(number, hash) of so many blocks that are kept, from a number downwards. Raises `DatabaseFailed`."""
        blocks = tables.blocks
        chosen = (blocks.c.chain_id == self.chain_id) & (blocks.c.number <= below)
        query = select(blocks.c.number, blocks.c.hash).where(chosen).order_by(blocks.c.number.desc()).limit(most)
        with reading(self.engine) as connection:
            return [(row.number, row.hash) for row in connection.execute(query)]

    def kept_above(self, number: int) -> tuple[int, str] | None:
        """(number, hash) of the lowest block above a number that is kept, the checkpoint among them. Raises `DatabaseFailed`."""
        blocks, chains = tables.blocks, tables.chains
        above = (blocks.c.chain_id == self.chain_id) & (blocks.c.number > number)
        query = select(blocks.c.number, blocks.c.hash).where(above).order_by(blocks.c.number).limit(1)
        stand = select(chains.c.block_number, chains.c.block_hash).where(chains.c.chain_id == self.chain_id)
        with reading(self.engine) as connection:
            row = connection.execute(query).one_or_none() or connection.execute(stand).one()
            return (row[0], row[1]) if row[0] > number else None

    def recorded(self, ids: Sequence[str], up_to: int) -> set[str]:
        """Those inferences that the ledger wrote a record of by a block. Raises `DatabaseFailed`."""
        with reading(self.engine) as connection:
            return verified_by(connection, self.chain_id, ids, up_to, stored=True)

    def write(self, before: Checkpoint, ancestor: int, headers: Sequence[Header], page: Page, tail: Tail) -> Checkpoint:
        """Put blocks in the place of all after `ancestor`, which is `before` unless there was a reorganisation.

        Raises `IndexMoved`, `PageContradicts`, `LeaseLost`, `DatabaseFailed`; then nothing is written.
        """
        with self._writing() as connection:
            self._hold(connection, before)
            if ancestor < before.number:
                self._retract(connection, ancestor)
            broken = _broken(before, ancestor)
            final = before.final if broken is not None else _later(before.final, tail.final)
            try:
                for table, rows in page.rows.items():
                    insert_all(connection, table, rows)
                enter(connection, self.chain_id, page, ancestor, self.clock())
            except IntegrityError as error:
                raise PageContradicts(
                    chain_id=self.chain_id, first=ancestor + 1, reason=str(error.orig).splitlines()[0][:200]
                ) from None
            self._keep(connection, headers, page, final)
            self._prune(connection, before.final, final)
            last = headers[-1]
            self._move(connection, last.number, last.hash, Tail(tail.safe, final), broken)
        return Checkpoint(last.number, last.hash, final, broken)

    def seen(self, before: Checkpoint, tail: Tail) -> Checkpoint:
        """The checkpoint is the head, and the chain says this of its tail. Raises as `write`."""
        with self._writing() as connection:
            self._hold(connection, before)
            final = before.final if before.broken_at is not None else _later(before.final, tail.final)
            self._prune(connection, before.final, final)
            self._move(connection, before.number, before.hash, Tail(tail.safe, final), before.broken_at)
        return Checkpoint(before.number, before.hash, final, before.broken_at)

    def trust_again(self) -> None:
        """Call things final again after a final block went: whoever runs this looked at why. Raises as `begin`."""
        with self._writing() as connection:
            chosen = tables.chains.c.chain_id == self.chain_id
            connection.execute(update(tables.chains).where(chosen).values(broken_at=None))

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with writing(self.engine) as connection:
            if self.lease is not None:
                self.lease.check(connection)
            yield connection

    def _checkpoint(self, connection: Connection) -> Checkpoint | None:
        chains = tables.chains
        row = connection.execute(select(chains).where(chains.c.chain_id == self.chain_id)).one_or_none()
        if row is None:
            return None
        if row.ledger != self.ledger:
            raise IndexOfAnother(chain_id=self.chain_id, expected=row.ledger, got=self.ledger)
        return Checkpoint(row.block_number, row.block_hash, row.final_number, row.broken_at)

    def _hold(self, connection: Connection, before: Checkpoint) -> None:
        """Keep the checkpoint where it is until the transaction ends. Raises `IndexMoved`."""
        chains = tables.chains
        query = select(chains.c.block_number, chains.c.block_hash).where(chains.c.chain_id == self.chain_id)
        row = connection.execute(query.with_for_update()).one()
        if (row.block_number, row.block_hash) != (before.number, before.hash):
            raise IndexMoved(chain_id=self.chain_id, expected=before.number, got=row.block_number)

    def _move(self, connection: Connection, number: int, block_hash: str, tail: Tail, broken_at: int | None) -> None:
        values = {
            "block_number": number,
            "block_hash": block_hash,
            "safe_number": tail.safe,
            "final_number": tail.final,
            "broken_at": broken_at,
            "followed_at": self.clock(),
        }
        chosen = tables.chains.c.chain_id == self.chain_id
        connection.execute(update(tables.chains).where(chosen).values(**values))

    def _keep(self, connection: Connection, headers: Sequence[Header], page: Page, final: int | None) -> None:
        """Of blocks that are final only those that hold something of ours."""
        holding = {each.header.number for each in page.verifications}
        for table, rows in page.rows.items():
            at = [column.name for column in table.columns].index("block_number")
            holding.update(row[at] for row in rows)
        kept = [header for header in headers if final is None or header.number >= final or header.number in holding]
        insert_all(
            connection,
            tables.blocks,
            [(self.chain_id, each.number, each.hash, each.parent_hash, each.timestamp) for each in kept],
        )

    def _prune(self, connection: Connection, before: int | None, final: int | None) -> None:
        """Let go of blocks that became final and hold nothing."""
        if final is None or before == final:
            return
        blocks = tables.blocks
        least = 0 if before is None else before
        became = (blocks.c.chain_id == self.chain_id) & (blocks.c.number >= least) & (blocks.c.number < final)
        numbers = set(connection.execute(select(blocks.c.number).where(became)).scalars())
        if not numbers:
            return
        of = [
            select(table.c.block_number).where(
                table.c.chain_id == self.chain_id, table.c.block_number >= least, table.c.block_number < final
            )
            for table in PLACED
        ]
        empty = sorted(numbers - set(connection.execute(union(*of)).scalars()))
        for at in range(0, len(empty), _AT_ONCE):
            connection.execute(delete(blocks).where(became, blocks.c.number.in_(empty[at : at + _AT_ONCE])))

    def _retract(self, connection: Connection, ancestor: int) -> None:
        """Take back everything after a block, and tell subscribers, the newest first."""
        of, blocks = tables.verifications.c, tables.blocks
        gone = (
            select(of.inference_id, of.model_id, of.block_number, blocks.c.hash, of.log_index, of.row)
            .join(blocks, (blocks.c.chain_id == of.chain_id) & (blocks.c.number == of.block_number))
            .where(of.chain_id == self.chain_id, of.block_number > ancestor, of.is_first.is_(True))
            .order_by(of.block_number.desc(), of.log_index.desc(), of.row.desc())
        )
        now = self.clock()
        told = [(self.chain_id, "retracted", *row, now) for row in connection.execute(gone)]
        insert_all(connection, tables.feed, told)
        own = select(tables.series.c.id).where(tables.series.c.chain_id == self.chain_id)
        numbers = tables.numbers
        connection.execute(delete(numbers).where(numbers.c.block_number > ancestor, numbers.c.series.in_(own)))
        for table in PLACED:
            after = (table.c.chain_id == self.chain_id) & (table.c.block_number > ancestor)
            connection.execute(delete(table).where(after))
        connection.execute(delete(blocks).where(blocks.c.chain_id == self.chain_id, blocks.c.number > ancestor))


def _broken(before: Checkpoint, ancestor: int) -> int | None:
    """The lowest final block that went, if one did."""
    if before.final is None or ancestor >= min(before.final, before.number):
        return before.broken_at
    return ancestor + 1 if before.broken_at is None else min(before.broken_at, ancestor + 1)


def _later(before: int | None, now: int | None) -> int | None:
    """What was final stays final."""
    return before if now is None else now if before is None else max(before, now)
