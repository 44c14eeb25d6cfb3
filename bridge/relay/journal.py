"""The jobs of a relayer, in SQL: every step is written before its effect, and every step back is refused."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, Select, bindparam, case, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from bridge.core.word import Hex32
from bridge.database.engine import reading, writing
from bridge.database.lease import Lease
from bridge.database.schema import jobs, submissions, transitions
from bridge.errors import BridgeError, IdempotencyConflict, JobUnknown
from bridge.relay.job import Job, Request, State
from bridge.relay.submission import Call

MOST_TRIES = 3
"""A job whose proving was begun so often and never ended is parked."""

_WORKING = (State.REQUESTED.value, State.WITNESSED.value, State.PROVED.value)


class Journal:
    """Jobs by chain. Safe to be used by several threads and processes at once."""

    def __init__(self, engine: Engine, *, lease: Lease | None = None, clock: Callable[[], float] = time.time) -> None:
        """With a `lease`, every write but a request is refused once that is lost."""
        self._engine = engine
        self._lease = lease
        self._clock = clock
        self._local = threading.local()

    def request(self, idempotency_key: str, request: Request) -> Job:
        """Write a request down, or find it. Raises `IdempotencyConflict` for the same key with another payload."""
        now = self._clock()
        job_id = uuid.uuid4().hex
        values = {
            "id": job_id,
            "chain_id": request.chain_id,
            "idempotency_key": idempotency_key,
            "payload": request.payload,
            "model_id": request.model_id,
            "bundle": request.bundle,
            "input": request.input,
            "deadline": request.deadline,
            "request_id": request.request_id,
            "state": State.REQUESTED.value,
            "tries": 0,
            "created_at": now,
            "changed_at": now,
        }
        try:
            with writing(self._engine) as connection, connection.begin_nested():
                connection.execute(_ASKED, values)
                _note(connection, job_id, State.REQUESTED, "", now)
        except IntegrityError:
            known = self._find(jobs.c.chain_id == request.chain_id, jobs.c.idempotency_key == idempotency_key)
            if known is None:
                raise
            if known.request.payload != request.payload:
                raise IdempotencyConflict(key=idempotency_key, job_id=known.id) from None
            return known
        return Job(job_id, idempotency_key, request, State.REQUESTED, created_at=now, changed_at=now)

    def job(self, job_id: str) -> Job:
        """Raises `JobUnknown`."""
        found = self._find(jobs.c.id == job_id)
        if found is None:
            raise JobUnknown(job_id=job_id)
        return found

    def newest(self, chain_id: int, *, limit: int = 50) -> tuple[Job, ...]:
        """The jobs of a chain, the newest first."""
        query = _QUERY.where(jobs.c.chain_id == chain_id).order_by(jobs.c.created_at.desc(), jobs.c.id).limit(limit)
        return self._read(query)

    def waiting(self, chain_id: int, *, limit: int) -> tuple[Job, ...]:
        """Jobs that have to be proved still: the nearest deadline first, and of equals the oldest."""
        query = (
            _QUERY.where(jobs.c.chain_id == chain_id, jobs.c.state.in_(_WORKING))
            .order_by(jobs.c.deadline.is_(None), jobs.c.deadline, jobs.c.created_at, jobs.c.id)
            .limit(limit)
        )
        return self._read(query)

    def at_the_desk(self, chain_id: int) -> tuple[Job, ...]:
        """Jobs that somebody pays for at the desk, and that nothing was signed for yet."""
        begun = (*_WORKING, State.CHECKED.value)
        return self._read(
            _QUERY.where(jobs.c.chain_id == chain_id, jobs.c.request_id.is_not(None), _state().in_(begun))
        )

    def counts(self, chain_id: int) -> dict[State, int]:
        """How many jobs are in each state."""
        state = _state()
        query = select(state, func.count()).select_from(_joined()).where(jobs.c.chain_id == chain_id).group_by(state)
        with reading(self._engine) as connection:
            return {State(name): count for name, count in connection.execute(query)}

    def begin(self, job: Job) -> Job:
        """Say that work on a job starts, before it does: what kills the relayer each time is found by counting."""
        now = self._clock()
        with self._write() as connection:
            row = connection.execute(_BEGUN, {"of_job": job.id, "changed_at": now}).mappings().one()
        return _alone(row)

    def witnessed(self, job: Job, witness: str) -> Job:
        """Its witness lies in the store."""
        return self._step(job, (State.REQUESTED,), State.WITNESSED, witness=witness)

    def proved(self, job: Job, proof: str, seconds: float, position: int = 0) -> Job:
        """Its proof lies in the store; `position` is its row in that."""
        values = {"proof": proof, "prove_seconds": seconds, "position": position}
        return self._step(job, (State.REQUESTED, State.WITNESSED), State.PROVED, **values)

    def stumbled(self, job: Job, evidence: str) -> Job:
        """A try ended, for a reason that another one may not meet."""
        with self._write() as connection:
            values = {"evidence": evidence, "changed_at": self._clock()}
            connection.execute(update(jobs).where(jobs.c.id == job.id).values(**values))
        return self.job(job.id)

    def checked(self, job: Job, inference_id: Hex32, *calls: Call) -> Job:
        """Its proof is verified, and these calls record it: each is sent once the one before it is mined, and where the job is,
        the last one says. A call that another job of the same statement made is shared.
        """
        after = None
        with self._write() as connection:
            for call in calls:
                self._submit(connection, job, call, after)
                after = call.statement
            self._move(
                connection, job, (State.PROVED,), State.CHECKED, {"statement": after, "inference_id": inference_id}
            )
        return self.job(job.id)  # a submission that is shared may be anywhere by now

    def failed(self, job: Job, error: BridgeError) -> Job:
        """It ends here, for this reason."""
        before = (State.REQUESTED, State.WITNESSED, State.PROVED, State.CHECKED)
        return self._step(job, before, State.FAILED, reason=type(error).__name__, evidence=str(error))

    def history(self, job: Job) -> tuple[tuple[State, float, str], ...]:
        """Every state that it and its submission have been in, and when."""
        subjects = [job.id, *([job.statement] if job.statement else [])]
        query = select(transitions.c.state, transitions.c.at, transitions.c.note)
        query = query.where(transitions.c.subject.in_(subjects)).order_by(transitions.c.number)
        with reading(self._engine) as connection:
            return tuple((State(row.state), row.at, row.note) for row in connection.execute(query))

    def _submit(self, connection: Connection, job: Job, call: Call, after: Hex32 | None) -> None:
        now, chain_id = self._clock(), job.request.chain_id
        values = {
            "chain_id": chain_id,
            "statement": call.statement,
            "destination": call.destination,
            "function": call.function,
            "calldata": call.calldata,
            "value": call.value,
            "after": after,
            "deadline": job.request.deadline,
            "state": State.CHECKED.value,
            "created_at": now,
            "changed_at": now,
        }
        try:
            with connection.begin_nested():
                connection.execute(_HANDED_OVER, values)
                _note(connection, call.statement, State.CHECKED, call.function, now)
        except IntegrityError:
            self._hurry(connection, chain_id, call.statement, job.request.deadline)

    def _hurry(self, connection: Connection, chain_id: int, statement: Hex32, deadline: float | None) -> None:
        """A shared submission is due when the first that wants it is."""
        if deadline is None:
            return
        ours = (submissions.c.chain_id == chain_id) & (submissions.c.statement == statement)
        later = submissions.c.deadline.is_(None) | (submissions.c.deadline > deadline)
        connection.execute(update(submissions).where(ours, later).values(deadline=deadline))

    def _step(self, job: Job, before: Sequence[State], after: State, **values: Any) -> Job:
        with self._write() as connection:
            moved = self._move(connection, job, before, after, values)
        return moved or self.job(job.id)

    def _move(
        self, connection: Connection, job: Job, before: Sequence[State], after: State, values: dict[str, Any]
    ) -> Job | None:
        """The job after it; None for a step that was taken already: it is not taken again."""
        now = self._clock()
        known = [state.value for state in before]
        step = {"of_job": job.id, "before": known, "state": after.value, "changed_at": now, **values}
        row = connection.execute(_MOVED, step).mappings().one_or_none()
        if row is None:
            return None
        _note(connection, job.id, after, str(values.get("reason") or ""), now)
        return _alone(row)

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

    def _find(self, *conditions: Any) -> Job | None:
        found = self._read(_QUERY.where(*conditions))
        return found[0] if found else None

    def _read(self, query: Select[Any]) -> tuple[Job, ...]:
        with reading(self._engine) as connection:
            return tuple(_job(row) for row in connection.execute(query).mappings())


def _joined() -> Any:
    same = (jobs.c.chain_id == submissions.c.chain_id) & (jobs.c.statement == submissions.c.statement)
    return jobs.outerjoin(submissions, same)


def _state() -> Any:
    """A job that is handed over is where its submission is."""
    return case(
        (jobs.c.state == State.FAILED.value, jobs.c.state), else_=func.coalesce(submissions.c.state, jobs.c.state)
    )


_QUERY: Select[Any] = select(
    jobs,
    _state().label("shown"),
    func.coalesce(jobs.c.reason, submissions.c.reason).label("why"),
    func.coalesce(jobs.c.evidence, submissions.c.evidence).label("said"),
    submissions.c.tx_hash,
    submissions.c.block_number,
).select_from(_joined())


# Statements that every job needs, made once: to build and to compile them anew would take longer than to run them.
_ASKED = insert(jobs)
_HANDED_OVER = insert(submissions)
_NOTED = insert(transitions)
_BEGUN = update(jobs).where(jobs.c.id == bindparam("of_job")).values(tries=jobs.c.tries + 1).returning(jobs)
_MOVED = (
    update(jobs)
    .where(jobs.c.id == bindparam("of_job"), jobs.c.state.in_(bindparam("before", expanding=True)))
    .returning(jobs)
)


def _alone(row: RowMapping) -> Job:
    """A job whose submission says nothing yet, or nothing any more."""
    nothing = {"tx_hash": None, "block_number": None}
    return _job({**row, **nothing, "shown": row["state"], "why": row["reason"], "said": row["evidence"]})


def _job(row: RowMapping | Mapping[str, Any]) -> Job:
    return Job(
        id=row["id"],
        idempotency_key=row["idempotency_key"],
        request=Request(
            row["chain_id"], row["model_id"], row["bundle"], row["input"], row["deadline"], row["request_id"]
        ),
        state=State(row["shown"]),
        reason=row["why"],
        evidence=row["said"],
        tries=row["tries"],
        witness=row["witness"],
        proof=row["proof"],
        position=row["position"],
        statement=row["statement"],
        inference_id=row["inference_id"],
        tx_hash=row["tx_hash"],
        block_number=row["block_number"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )


def _note(connection: Connection, subject: str, state: State, note: str, now: float) -> None:
    connection.execute(_NOTED, {"subject": subject, "state": state.value, "note": note, "at": now})
