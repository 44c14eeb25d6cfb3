"""One relayer acts for a chain at a time, and one that lost its turn can write nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from bridge.database.lease import acquire
from bridge.errors import LeaseLost
from bridge.relay.job import State
from bridge.relay.journal import Journal
from tests.relay.test_journal import WANTED

NAME = "chain 31337"


def expire(engine: Engine) -> None:
    """Let the time pass, for both kinds of clock."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE leases SET expires_at = 1"))


def test_one_has_it_and_the_next_gets_it_when_it_runs_out(engine: Engine) -> None:
    first = acquire(engine, NAME, "first")
    assert first is not None
    assert acquire(engine, NAME, "second") is None
    first.renew()
    assert acquire(engine, NAME, "second") is None
    assert acquire(engine, "another chain", "second") is not None
    expire(engine)
    second = acquire(engine, NAME, "second")
    assert second is not None
    assert second.term == first.term + 1
    with pytest.raises(LeaseLost, match="second does"):
        first.renew()


def test_of_many_that_want_it_at_once_one_gets_it(engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        got = [lease for lease in pool.map(lambda at: acquire(engine, NAME, f"{at}"), range(16)) if lease]
    assert len(got) == 1


def test_a_released_lease_is_free_at_once_and_one_that_was_lost_cannot_be_released(engine: Engine) -> None:
    first = acquire(engine, NAME, "first")
    assert first is not None
    first.release()
    second = acquire(engine, NAME, "second")
    assert second is not None
    first.release()
    assert acquire(engine, NAME, "third") is None


def test_who_slept_through_the_end_of_its_lease_writes_nothing(engine: Engine) -> None:
    first = acquire(engine, NAME, "first")
    assert first is not None
    asleep = Journal(engine, lease=first)
    job = asleep.request("key", WANTED)
    asleep.witnessed(job, "c" * 64)
    expire(engine)
    asleep.proved(job, "d" * 64, 1.0)  # nobody else took it, so nothing can be in the way
    second = acquire(engine, NAME, "second")
    assert second is not None
    with pytest.raises(LeaseLost):
        asleep.begin(job)
    assert asleep.job(job.id).state is State.PROVED
    assert Journal(engine, lease=second).begin(job).tries == 1
