"""Calls on their way to the chain, in SQL: which nonce each has, what was signed for it, what was mined, what that cost.

A nonce is given out in the transaction that keeps the signed bytes, so there is no nonce without a transaction that can be sent
again, and no transaction that the network saw and we did not.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, and_, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from bridge.chain.answer import Receipt
from bridge.chain.fee import Fee, LegacyFee
from bridge.chain.signature import Signed
from bridge.core.word import Address, Hex32
from bridge.database.engine import reading, upsert, writing
from bridge.database.lease import Lease
from bridge.database.schema import offers, slots, spendings, submissions, transitions
from bridge.errors import BridgeError, NonceTaken
from bridge.relay.job import State
from bridge.relay.submission import Offer, Slot, SlotState, Submission


class Outbox:
    """The submissions of one chain. Safe to be used by several threads at once."""

    def __init__(
        self, engine: Engine, chain_id: int, *, lease: Lease | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """With a `lease`, every write is refused once that is lost."""
        self.chain_id = chain_id
        self._engine = engine
        self._lease = lease
        self._clock = clock
        self._local = threading.local()

    def submission(self, statement: Hex32) -> Submission | None:
        """The submission of a statement, if there is one."""
        query = select(submissions).where(*self._of(statement))
        with reading(self._engine) as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else _submission(row)

    def waiting(self, senders: Sequence[Address], *, limit: int) -> tuple[Submission, ...]:
        """Submissions without a nonce that one of these keys may send now: the nearest deadline first, and of equals the oldest."""
        before = submissions.alias()
        led = exists().where(
            before.c.chain_id == submissions.c.chain_id,
            before.c.statement == submissions.c.after,
            before.c.state.in_([State.MINED.value, State.FINAL.value]),
        )
        query = (
            select(submissions)
            .where(
                submissions.c.chain_id == self.chain_id,
                submissions.c.state == State.CHECKED.value,
                submissions.c.sender.is_(None) | submissions.c.sender.in_(senders),
                submissions.c.after.is_(None) | led,
            )
            .order_by(
                submissions.c.deadline.is_(None),
                submissions.c.deadline,
                submissions.c.created_at,
                submissions.c.statement,
            )
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return tuple(_submission(row) for row in connection.execute(query).mappings())

    def found(self, *, limit: int = 1000) -> tuple[Submission, ...]:
        """Submissions that somebody else's transaction recorded, and that are not final yet."""
        query = select(submissions).where(
            submissions.c.chain_id == self.chain_id,
            submissions.c.state == State.MINED.value,
            submissions.c.tx_hash.is_(None),
        )
        with reading(self._engine) as connection:
            return tuple(_submission(row) for row in connection.execute(query.limit(limit)).mappings())

    def slots(self, *senders: Address) -> tuple[Slot, ...]:
        """The nonces of these keys that are not final, key by key, the lowest first."""
        query = (
            select(slots, *(column.label(f"offer_{column.name}") for column in _OFFER))
            .join(offers, and_(*(slots.c[name] == offers.c[name] for name in ("chain_id", "sender", "nonce"))))
            .where(
                slots.c.chain_id == self.chain_id,
                slots.c.sender.in_(senders),
                slots.c.state.in_([SlotState.OPEN.value, SlotState.MINED.value]),
            )
            .order_by(slots.c.sender, slots.c.nonce, offers.c.number)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(_slot(list(group)) for _, group in groupby(rows, key=lambda row: (row["sender"], row["nonce"])))

    def senders(self) -> tuple[Address, ...]:
        """Every key that ever had a nonce here."""
        query = select(slots.c.sender).where(slots.c.chain_id == self.chain_id).distinct().order_by(slots.c.sender)
        with reading(self._engine) as connection:
            return tuple(connection.execute(query).scalars())

    def next_nonce(self, sender: Address) -> int:
        """One above the highest nonce that was ever given out; 0 where none was."""
        query = select(func.max(slots.c.nonce)).where(
            slots.c.chain_id == self.chain_id, slots.c.sender == sender, slots.c.state != SlotState.LOST.value
        )
        with reading(self._engine) as connection:
            highest = connection.execute(query).scalar_one()
        return 0 if highest is None else int(highest) + 1

    def sign(self, statement: Hex32 | None, sender: Address, signed: Signed, gas: int, fee: Fee | LegacyFee) -> None:
        """Give out a nonce, with the transaction that takes it; `statement` is None for one that fills a gap.

        Raises `NonceTaken` where it was given out before, or the submission has another nonce by now.
        """
        now = self._clock()
        key = {"chain_id": self.chain_id, "sender": sender, "nonce": signed.nonce}
        try:
            with self._write() as connection, connection.begin_nested():
                again = {"statement": statement, "state": SlotState.OPEN.value, "opened_at": now}
                again |= {"block_number": None, "block_hash": None}
                given = upsert(connection, slots).values(**key, **again)
                given = given.on_conflict_do_update(
                    index_elements=list(key), set_=again, where=slots.c.state == SlotState.LOST.value
                )
                if not connection.execute(given).rowcount:
                    raise NonceTaken(sender=sender, nonce=signed.nonce)
                if statement is not None:
                    moved = self._move(connection, statement, (State.CHECKED,), State.SIGNED, f"nonce {signed.nonce}")
                    if not moved:
                        raise NonceTaken(sender=sender, nonce=signed.nonce)
                    # Who claims a request has to fulfil it.
                    led = {"of_chain": self.chain_id, "of_statement": statement}
                    connection.execute(_LED, {**led, "sender": sender})
                self._offer(connection, key, signed, gas, fee, now)
        except IntegrityError:
            raise NonceTaken(sender=sender, nonce=signed.nonce) from None

    def outbid(self, slot: Slot, signed: Signed, gas: int, fee: Fee | LegacyFee) -> None:
        """Keep a dearer transaction with the same nonce. Raises `NonceTaken` where the slot is not open any more."""
        key = {"chain_id": slot.chain_id, "sender": slot.sender, "nonce": slot.nonce}
        try:
            with self._write() as connection, connection.begin_nested():
                if connection.execute(_STILL, _at(slot)).scalar_one() != SlotState.OPEN.value:
                    raise NonceTaken(sender=slot.sender, nonce=slot.nonce)
                self._offer(connection, key, signed, gas, fee, self._clock())
        except IntegrityError:
            raise NonceTaken(sender=slot.sender, nonce=slot.nonce) from None

    def sent(self, statement: Hex32 | None, tx_hash: Hex32) -> None:
        """A node took an offer."""
        with self._write() as connection:
            connection.execute(_TAKEN, {"of_hash": tx_hash, "sent_at": self._clock()})
            if statement is not None:
                self._move(connection, statement, (State.SIGNED,), State.SENT, tx_hash)

    def mined(self, slot: Slot, receipt: Receipt) -> None:
        """One of its offers is in a block; which may be another one after a reorganisation."""
        place = {"block_number": receipt.block_number, "block_hash": receipt.block_hash}
        with self._write() as connection:
            connection.execute(_TURNED, {**_at(slot), "state": SlotState.MINED.value, **place})
            self._spend(connection, slot, receipt)
            if slot.statement is not None:
                before = (State.SIGNED, State.SENT, State.MINED)
                note = f"block {receipt.block_number}"
                values = {"tx_hash": receipt.tx_hash, **place}
                self._move(connection, slot.statement, before, State.MINED, note, **values)

    def reorganised(self, slot: Slot) -> None:
        """Its block is none of the chain any more, and nothing of it was paid."""
        with self._write() as connection:
            nowhere = {"block_number": None, "block_hash": None}
            connection.execute(_TURNED, {**_at(slot), "state": SlotState.OPEN.value, **nowhere})
            hashes = [offer.tx_hash for offer in slot.offers]
            connection.execute(_UNPAID, {"hashes": hashes})
            if slot.statement is not None:
                note = f"block {slot.block_number} is gone"
                values = {"tx_hash": None, **nowhere}
                self._move(connection, slot.statement, (State.MINED,), State.SENT, note, **values)

    def final(self, slot: Slot, failure: BridgeError | None = None) -> None:
        """Its block cannot go any more; with a `failure` the transaction was mined and did nothing."""
        with self._write() as connection:
            connection.execute(_TURNED, {**_at(slot), "state": SlotState.FINAL.value})
            if slot.statement is None:
                return
            if failure is None:
                self._move(connection, slot.statement, (State.MINED,), State.FINAL, "")
            else:
                self._fail(connection, slot.statement, (State.MINED,), failure)

    def lost(self, slot: Slot) -> None:
        """Something that is not ours was mined with its nonce: the submission needs another one."""
        with self._write() as connection:
            connection.execute(_TURNED, {**_at(slot), "state": SlotState.LOST.value})
            if slot.statement is not None:
                note = f"nonce {slot.nonce} was used from outside"
                self._move(connection, slot.statement, (State.SIGNED, State.SENT), State.CHECKED, note)

    def recorded_elsewhere(self, submission: Submission, block: int) -> None:
        """The ledger holds it by a transaction that is none of ours; nothing has to be sent."""
        with self._write() as connection:
            note = f"recorded by somebody else in block {block}"
            values = {"block_number": block, "tx_hash": None}
            self._move(connection, submission.statement, (State.CHECKED,), State.MINED, note, **values)

    def settled_elsewhere(self, submission: Submission, *, stands: bool) -> None:
        """Whether what somebody else recorded still stands, once it is final or gone."""
        with self._write() as connection:
            after = State.FINAL if stands else State.CHECKED
            values = {} if stands else {"block_number": None}
            self._move(connection, submission.statement, (State.MINED,), after, "", **values)

    def failed(self, submission: Submission, error: BridgeError) -> None:
        """It cannot be recorded, for this reason; nothing was sent."""
        with self._write() as connection:
            self._fail(connection, submission.statement, (State.CHECKED,), error)

    def spent_since(self, sender: Address, start: float) -> int:
        """Wei that a key paid by receipt since then."""
        query = select(spendings.c.wei).where(
            spendings.c.chain_id == self.chain_id, spendings.c.sender == sender, spendings.c.at >= start
        )
        with reading(self._engine) as connection:
            return sum(connection.execute(query).scalars())

    def _offer(
        self, connection: Connection, key: dict[str, Any], signed: Signed, gas: int, fee: Fee | LegacyFee, now: float
    ) -> None:
        earlier = select(func.coalesce(func.max(offers.c.number), 0) + 1).where(
            *(offers.c[name] == value for name, value in key.items())
        )
        values = {
            "tx_hash": signed.tx_hash,
            "number": earlier.scalar_subquery(),
            "raw": signed.raw,
            "gas": gas,
            "max_fee_wei": fee.max_fee_wei,
            "priority_wei": fee.priority_wei if isinstance(fee, Fee) else None,
            "signed_at": now,
        }
        connection.execute(insert(offers).values(**key, **values))

    def _spend(self, connection: Connection, slot: Slot, receipt: Receipt) -> None:
        hashes = [offer.tx_hash for offer in slot.offers]
        connection.execute(_UNPAID, {"hashes": hashes})
        values = {
            "tx_hash": receipt.tx_hash,
            "chain_id": slot.chain_id,
            "sender": slot.sender,
            "block_number": receipt.block_number,
            "succeeded": receipt.succeeded,
            "gas_used": receipt.gas_used,
            "wei": receipt.gas_used * receipt.effective_gas_price_wei,
            "at": self._clock(),
        }
        connection.execute(_PAID, values)

    def _fail(self, connection: Connection, statement: Hex32, before: Sequence[State], error: BridgeError) -> None:
        """It, and every call that was to come after it: those are not paid for."""
        name = type(error).__name__
        self._move(connection, statement, before, State.FAILED, name, reason=name, evidence=str(error))
        led = select(submissions.c.statement).where(
            submissions.c.chain_id == self.chain_id, submissions.c.after == statement
        )
        for each in connection.execute(led).scalars().all():
            self._fail(connection, each, (State.CHECKED,), error)

    def _move(
        self, connection: Connection, statement: Hex32, before: Sequence[State], after: State, note: str, **values: Any
    ) -> bool:
        """Whether it was in a state that the step leads from; one that was taken already is not taken again."""
        now = self._clock()
        step = {"of_chain": self.chain_id, "of_statement": statement, "before": [state.value for state in before]}
        moved = connection.execute(_MOVED, {**step, "state": after.value, "changed_at": now, **values}).rowcount
        if moved:
            connection.execute(_NOTED, {"subject": statement, "state": after.value, "note": note, "at": now})
        return bool(moved)

    def _of(self, statement: Hex32) -> tuple[Any, ...]:
        return submissions.c.chain_id == self.chain_id, submissions.c.statement == statement

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written in the block is on disk at its end, and not before: once for all of it."""
        with self._write():
            self._local.together = True
            try:
                yield
            finally:
                self._local.together = False

    @property
    def _together(self) -> bool:
        return getattr(self._local, "together", False)

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with writing(self._engine) as connection:
            if self._lease is not None and not self._together:  # the outer one was checked
                self._lease.check(connection)
            yield connection


# Statements that every transaction needs, made once: to build and to compile them anew would take longer than to run them.
_NOTED = insert(transitions)
_PAID = insert(spendings)
_UNPAID = delete(spendings).where(spendings.c.tx_hash.in_(bindparam("hashes", expanding=True)))
_TAKEN = update(offers).where(offers.c.tx_hash == bindparam("of_hash"))
_OF = (submissions.c.chain_id == bindparam("of_chain"), submissions.c.statement == bindparam("of_statement"))
_MOVED = update(submissions).where(*_OF, submissions.c.state.in_(bindparam("before", expanding=True)))
_LED = update(submissions).where(
    submissions.c.chain_id == bindparam("of_chain"), submissions.c.after == bindparam("of_statement")
)
_THERE = tuple(slots.c[name] == bindparam(f"of_{name}") for name in ("chain_id", "sender", "nonce"))
_TURNED = update(slots).where(*_THERE)
_STILL = select(slots.c.state).where(*_THERE).with_for_update()

_OFFER = tuple(
    offers.c[name]
    for name in ("tx_hash", "number", "raw", "gas", "max_fee_wei", "priority_wei", "signed_at", "sent_at")
)


def _at(slot: Slot) -> dict[str, Any]:
    return {"of_chain_id": slot.chain_id, "of_sender": slot.sender, "of_nonce": slot.nonce}


def _submission(row: RowMapping) -> Submission:
    return Submission(
        chain_id=row["chain_id"],
        statement=row["statement"],
        destination=row["destination"],
        function=row["function"],
        calldata=bytes(row["calldata"]),
        deadline=row["deadline"],
        state=State(row["state"]),
        created_at=row["created_at"],
        tx_hash=row["tx_hash"],
        block_number=row["block_number"],
        block_hash=row["block_hash"],
        value=row["value"],
        sender=row["sender"],
        after=row["after"],
    )


def _slot(rows: list[RowMapping]) -> Slot:
    first = rows[0]
    return Slot(
        chain_id=first["chain_id"],
        sender=first["sender"],
        nonce=first["nonce"],
        statement=first["statement"],
        state=SlotState(first["state"]),
        block_number=first["block_number"],
        block_hash=first["block_hash"],
        opened_at=first["opened_at"],
        offers=tuple(_offer(row) for row in rows),
    )


def _offer(row: RowMapping) -> Offer:
    most, tip = row["offer_max_fee_wei"], row["offer_priority_wei"]
    return Offer(
        tx_hash=row["offer_tx_hash"],
        number=row["offer_number"],
        raw=bytes(row["offer_raw"]),
        gas=row["offer_gas"],
        fee=LegacyFee(most) if tip is None else Fee(most, tip),
        signed_at=row["offer_signed_at"],
        sent_at=row["offer_sent_at"],
    )
