"""Jobs in SQL, on both databases: what is written once, what is refused, and in which order they come."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from bridge.core.word import Address, hex32
from bridge.errors import CircuitRefused, IdempotencyConflict, JobUnknown
from bridge.relay.job import Job, Request, State
from bridge.relay.journal import Journal
from bridge.relay.outbox import Outbox
from bridge.relay.submission import Call

WANTED = Request(chain_id=31337, model_id=hex32(1), bundle="b" * 64, input="a" * 64)
LEDGER = Address("0x1111111111111111111111111111111111111111")


@pytest.fixture
def journal(engine: Engine) -> Journal:
    return Journal(engine)


def checked(journal: Journal, job: Job, statement: int) -> Job:
    """The whole way to a call that can be sent."""
    journal.witnessed(job, "c" * 64)
    journal.proved(job, "d" * 64, 1.5)
    return journal.checked(job, hex32(statement), Call(hex32(statement), LEDGER, "verifyAndStoreInference", b"data"))


def test_a_request_is_written_once_however_often_it_is_made(journal: Journal) -> None:
    first = journal.request("key", WANTED)
    assert first.state is State.REQUESTED
    assert journal.request("key", WANTED) == first
    assert journal.request("another", WANTED).id != first.id
    elsewhere = journal.request("key", replace(WANTED, chain_id=1))
    assert elsewhere.id != first.id, "a key is one chain's"


@pytest.mark.parametrize(
    "other", [{"input": "f" * 64}, {"model_id": hex32(2)}, {"bundle": "e" * 64}, {"deadline": 1.0}]
)
def test_a_key_with_another_payload_is_refused(journal: Journal, other: dict[str, object]) -> None:
    first = journal.request("key", WANTED)
    with pytest.raises(IdempotencyConflict) as refused:
        journal.request("key", replace(WANTED, **other))  # type: ignore[arg-type]
    assert refused.value.job_id == first.id
    assert journal.job(first.id) == first


def test_of_many_that_ask_at_once_one_writes(journal: Journal) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = {job.id for job in pool.map(lambda _: journal.request("key", WANTED), range(32))}
    assert len(ids) == 1


def test_an_unknown_job_is_named(journal: Journal) -> None:
    with pytest.raises(JobUnknown, match="no job 0123"):
        journal.job("0123")


def test_the_nearest_deadline_comes_first_and_of_equals_the_oldest(engine: Engine) -> None:
    times = iter(range(100))
    journal = Journal(engine, clock=lambda: float(next(times)))
    for key, deadline in (("late", 50.0), ("none", None), ("soon", 10.0), ("never", None), ("sooner", 5.0)):
        journal.request(key, replace(WANTED, deadline=deadline))
    order = [job.idempotency_key for job in journal.waiting(31337, limit=10)]
    assert order == ["sooner", "soon", "late", "none", "never"]
    assert len(journal.waiting(31337, limit=2)) == 2
    assert journal.waiting(1, limit=2) == ()


def test_a_job_goes_its_way_step_by_step(journal: Journal) -> None:
    job = journal.request("key", WANTED)
    assert journal.witnessed(job, "c" * 64).state is State.WITNESSED
    proved = journal.proved(job, "d" * 64, 1.5)
    assert (proved.state, proved.witness, proved.proof) == (State.PROVED, "c" * 64, "d" * 64)
    done = journal.checked(job, hex32(9), Call(hex32(9), LEDGER, "verifyAndStoreInference", b"data"))
    assert (done.state, done.statement) == (State.CHECKED, hex32(9))
    assert journal.waiting(31337, limit=10) == ()
    states = [state for state, _, _ in journal.history(done)]
    assert states == [State.REQUESTED, State.WITNESSED, State.PROVED, State.CHECKED, State.CHECKED]
    assert journal.counts(31337) == {State.CHECKED: 1}


def test_no_step_leads_back(journal: Journal) -> None:
    job = checked(journal, journal.request("key", WANTED), 9)
    assert journal.witnessed(job, "0" * 64) == job
    assert journal.proved(job, "0" * 64, 0.0) == job
    failed = journal.failed(job, CircuitRefused(path=None, reason="out of range"))  # type: ignore[arg-type]
    assert (failed.state, failed.reason) == (State.FAILED, "CircuitRefused")
    assert "out of range" in (failed.evidence or "")
    assert checked(journal, job, 9) == failed


def test_two_jobs_of_one_statement_share_the_submission(journal: Journal, engine: Engine) -> None:
    outbox = Outbox(engine, 31337)
    one = checked(journal, journal.request("one", replace(WANTED, deadline=50.0)), 9)
    two = checked(journal, journal.request("two", replace(WANTED, deadline=20.0)), 9)
    other = checked(journal, journal.request("other", WANTED), 8)
    assert one.statement == two.statement != other.statement
    waiting = outbox.waiting([Address("0x" + "11" * 20)], limit=10)
    assert [submission.statement for submission in waiting] == [hex32(9), hex32(8)]
    assert waiting[0].deadline == 20.0, "it is due when the first of them is"


def test_what_is_begun_is_counted_before_it_is_done(journal: Journal) -> None:
    job = journal.request("key", WANTED)
    assert job.tries == 0
    assert [journal.begin(job).tries for _ in range(3)] == [1, 2, 3]
