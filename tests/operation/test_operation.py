"""An operator's whole way on a real chain with real proofs: asked for, proved, recorded, read back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from bridge import operation, verbs
from bridge.connection import Connection
from bridge.core.bundle import Bundle
from bridge.core.rows import Row
from bridge.database.engine import open_database
from bridge.errors import AccountMissing, AccountRefused, DatabaseFailed
from bridge.operation import Plan
from bridge.relay.artifacts import Artifacts
from bridge.relay.job import State
from bridge.relay.journal import Journal
from tests.conftest import Example
from tests.operation.conftest import PATIENCE, RECORDED, relaying


def rows_of(bundle: Bundle, example: Example) -> tuple[Row, ...]:
    return verbs.read_input(bundle, example.sample)


def test_what_is_asked_for_is_proved_recorded_and_read_back(
    staged: Connection, bundle: Bundle, example: Example, plan: Plan
) -> None:
    rows = rows_of(bundle, example)[:2]
    jobs = operation.request(bundle, rows, staged, plan)
    with relaying(staged, plan):
        done = operation.wait_for(jobs, plan, RECORDED, timeout=PATIENCE)
    assert {job.state for job in done} <= RECORDED
    told = {record.inference_id for record in verbs.results(staged)}
    assert {job.inference_id for job in done} == told
    history = Journal(open_database(plan.database)).history(done[0])
    states = [state for state, _, _ in history if state is not State.FINAL]
    assert list(dict.fromkeys(states)) == [
        State.REQUESTED,
        State.WITNESSED,
        State.PROVED,
        State.CHECKED,
        State.SIGNED,
        State.SENT,
        State.MINED,
    ]
    status = operation.status(staged, plan)
    assert sum(status.counts.values()) == 2
    assert status.purses[0].spent_hour_wei > 0


def test_the_same_asked_for_again_is_the_same_job(
    staged: Connection, bundle: Bundle, example: Example, plan: Plan
) -> None:
    rows = rows_of(bundle, example)[:1]
    (job,) = operation.request(bundle, rows, staged, plan)
    assert operation.request(bundle, rows, staged, plan) == (job,)
    (other,) = operation.request(bundle, rows, staged, plan, key="of my own")
    assert other.id != job.id
    with relaying(staged, plan):
        done = operation.wait_for([job, other], plan, RECORDED, timeout=PATIENCE)
    assert len({each.inference_id for each in done}) == 1
    assert len(verbs.results(staged)) == 1, "one statement, one record"


def test_a_row_that_the_circuit_refuses_fails_by_name_and_holds_up_nobody(
    staged: Connection, bundle: Bundle, example: Example, plan: Plan
) -> None:
    good = rows_of(bundle, example)[0]
    bad = tuple(array * 1000 for array in good)
    jobs = operation.request(bundle, [bad, good], staged, plan)
    with relaying(staged, plan):
        refused, done = operation.wait_for(jobs, plan, RECORDED, timeout=PATIENCE)
    assert (refused.state, refused.reason, refused.tries) == (State.FAILED, "InputOutOfRange", 1)
    assert done.state in RECORDED


def test_rows_of_one_batch_are_proved_together(
    staged: Connection, batch_bundle: Bundle, example: Example, plan: Plan
) -> None:
    verbs.deploy_model(batch_bundle, staged)
    rows = rows_of(batch_bundle, example)
    jobs = operation.request(batch_bundle, rows[:3], staged, plan)
    with relaying(staged, plan):
        done = operation.wait_for(jobs, plan, RECORDED, timeout=PATIENCE)
    assert {job.state for job in done} <= RECORDED
    assert len({job.statement for job in done}) == 1, "one root"
    assert len({job.inference_id for job in done}) == 3
    assert sorted(job.position or 0 for job in done) == [0, 1, 2]


def test_a_bundle_that_is_not_in_the_store_fails_its_job(
    staged: Connection, bundle: Bundle, example: Example, plan: Plan
) -> None:
    (job,) = operation.request(bundle, rows_of(bundle, example)[:1], staged, plan)
    elsewhere = replace(plan, store=f"{plan.store}-elsewhere")
    Artifacts(elsewhere.store).put(b"something else")
    with relaying(staged, elsewhere):
        (done,) = operation.wait_for([job], plan, RECORDED, timeout=PATIENCE)
    assert (done.state, done.reason) in {(State.FAILED, "ArtifactMissing"), (done.state, None)}


def test_of_two_relayers_one_acts_and_the_other_takes_over(
    staged: Connection, bundle: Bundle, example: Example, plan: Plan
) -> None:
    rows = rows_of(bundle, example)
    second = replace(plan, holder="second")
    with relaying(staged, second):
        with relaying(staged, replace(plan, holder="first")):
            done = operation.wait_for(
                operation.request(bundle, rows[:1], staged, plan), plan, RECORDED, timeout=PATIENCE
            )
            assert done[0].state in RECORDED
        jobs = operation.request(bundle, rows[1:2], staged, plan)
        (later,) = operation.wait_for(jobs, plan, RECORDED, timeout=PATIENCE)
        assert later.state in RECORDED
    assert len(verbs.results(staged)) == 2


@pytest.mark.parametrize("accounts", [(), ("unlocked",)])
def test_a_relayer_needs_keys_that_sign_here(staged: Connection, plan: Plan, accounts: tuple[str, ...]) -> None:
    with pytest.raises((AccountMissing, AccountRefused)):
        operation.relay(staged, replace(plan, accounts=accounts), threading.Event())


def test_one_key_is_one_lane(staged: Connection, plan: Plan, funded_key: str) -> None:
    with pytest.raises(AccountRefused, match="one key"):
        operation.relay(staged, replace(plan, accounts=(funded_key, funded_key)), threading.Event())


@contextmanager
def without(url: str) -> Iterator[None]:
    """A PostgreSQL database that takes no connections and has none, for the length of a block: as while its server restarts."""
    name = make_url(url).database
    server = create_engine(make_url(url).set(database="postgres", drivername="postgresql+psycopg"))
    try:
        with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            asked = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
            assert connection.execute(asked, {"name": name}).all(), "somebody was connected"
            yield
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    finally:
        server.dispose()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_database_that_goes_away_is_waited_for(
    staged: Connection, bundle: Bundle, example: Example, plan: Plan, database_url: str
) -> None:
    rows, lasting = rows_of(bundle, example), replace(plan, database=database_url)
    with relaying(staged, lasting):
        (before,) = operation.wait_for(
            operation.request(bundle, rows[:1], staged, lasting), lasting, RECORDED, timeout=PATIENCE
        )
        with without(database_url):
            with pytest.raises(DatabaseFailed):
                operation.request(bundle, rows[1:2], staged, lasting)
            time.sleep(3)
        (after,) = operation.wait_for(
            operation.request(bundle, rows[1:2], staged, lasting), lasting, RECORDED, timeout=PATIENCE
        )
    assert {before.state, after.state} <= RECORDED
    assert len(verbs.results(staged)) == 2


def test_a_database_that_was_never_there_ends_the_relayer_by_name(staged: Connection, plan: Plan) -> None:
    nowhere = replace(plan, database="postgresql://127.0.0.1:9/nothing")
    with pytest.raises(DatabaseFailed):
        operation.relay(staged, nowhere, threading.Event())
