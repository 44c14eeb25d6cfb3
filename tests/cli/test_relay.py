"""The relayer as an operator runs it: processes of their own, signals, and what they say."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import Engine

from bridge import verbs
from bridge.connection import Connection
from bridge.core.bundle import Bundle
from bridge.database.lease import holder_of
from tests.cli.conftest import ANVIL_KEY, Command, cli, free_port
from tests.conftest import Example

KEY = {"RELAY_KEY": ANVIL_KEY}
SECOND = {"RELAY_KEY": "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"}


class Site:
    """A chain, a database and a store, and the command line over them."""

    def __init__(self, connection: Connection, bundle: Bundle, example: Example, folder: Path, database: str) -> None:
        self.connection = connection
        self.bundle = bundle
        self.example = example
        self.where = ("--rpc", connection.rpc.place, "--deployments", connection.deployments, "--database", database)
        self.store = ("--store", folder / "store")

    def add(self, *more: object) -> Any:
        done = cli(
            "relay", "add", self.bundle.path, "--input", self.example.sample, *self.where, *self.store, *more, "--json"
        )
        assert done.code == 0, done.err
        return done.document["jobs"]

    def status(self) -> Any:
        done = cli("relay", "status", *self.where, "--json")
        assert done.code == 0, done.err
        return done.document

    @contextmanager
    def running(self, *more: object, env: dict[str, str] | None = None) -> Iterator[Command]:
        command = Command(
            "relay", "run", *self.where, *self.store, "--account", "env:RELAY_KEY", *more, "--json", env=env or KEY
        )
        try:
            yield command
        finally:
            if command.is_running:
                command.signal(signal.SIGKILL)
                command.done()


@pytest.fixture
def site(staged: Connection, bundle: Bundle, example: Example, tmp_path: Path, database_url: str) -> Site:
    return Site(staged, bundle, example, tmp_path, database_url)


def until(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The first answer that is true."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.1)
    return found


def fetched(url: str) -> tuple[int, str]:
    try:
        answer = requests.get(url, timeout=5)
    except requests.ConnectionError:
        return 0, ""
    return answer.status_code, answer.text


def test_an_operators_day(site: Site) -> None:
    port = free_port()
    with site.running("--metrics-port", port) as relayer:
        jobs = site.add("--row", 1, "--wait", 60)
        assert [job["state"] for job in jobs] in (["mined"], ["final"])
        assert site.add("--row", 1)[0]["id"] == jobs[0]["id"]

        told = until(lambda: (found := site.status())["jobs"]["final"] and found)
        assert told["holder"]
        assert told["keys"][0]["spent_hour_wei"] > 0
        assert fetched(f"http://127.0.0.1:{port}/readyz") == (200, "ok\n")
        assert fetched(f"http://127.0.0.1:{port}/nothing")[0] == 404
        metrics = f"http://127.0.0.1:{port}/metrics"
        until(lambda: 'state="final"} 1.0' in fetched(metrics)[1])
        figures = fetched(metrics)[1]
        assert "proofbridge_leads 1.0" in figures
        assert 'what="mined"} 1.0' in figures
        assert "proofbridge_proving_seconds_count 1.0" in figures

        shown = cli("relay", "show", jobs[0]["id"], *site.where[4:], "--json")
        states = [step["state"] for step in shown.document["history"]]
        assert states[0] == "requested"
        assert states[-1] == "final"

        relayer.signal(signal.SIGTERM)
        done = relayer.done()
    assert done.code == 0, done.err
    assert done.document["jobs"]["final"] == 1
    events = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    assert {"proving", "proved"} <= {event["event"] for event in events}
    assert ANVIL_KEY[2:] not in done.err + done.out
    assert site.status()["holder"] is None
    assert len(verbs.results(site.connection)) == 1


def test_another_relayer_takes_over_within_15_seconds_of_a_kill(site: Site, engine: Engine) -> None:
    def holder() -> str | None:
        return holder_of(engine, "chain 31337")

    with site.running() as first:
        dead = until(holder)
        with site.running(env=SECOND) as second:
            until(lambda: site.status()["holder"])
            assert second.is_running
            first.signal(signal.SIGKILL)
            killed = time.monotonic()
            until(lambda: holder() not in {None, dead}, 30.0)
            assert time.monotonic() - killed < 15.0
            first.done()
            site.add("--row", 2)
            until(lambda: site.status()["jobs"]["final"] == 1)
    assert len(verbs.results(site.connection)) == 1


def test_a_relayer_that_is_killed_while_it_proves_begins_again(site: Site) -> None:
    site.add()
    with site.running() as first:
        until(lambda: sum(site.status()["jobs"][state] for state in ("witnessed", "proved", "checked", "sent")) or True)
        first.signal(signal.SIGKILL)
        first.done()
    with site.running():
        told = until(lambda: (found := site.status())["jobs"]["final"] == 4 and found, 90.0)
    assert told["jobs"]["failed"] == 0
    assert len(verbs.results(site.connection)) == 4


def test_what_a_relayer_is_not_given_is_named(site: Site) -> None:
    done = cli("relay", "run", *site.where)
    assert (done.code, "AccountMissing" in done.err) == (1, True)
    done = cli("relay", "run", *site.where, "--account", "unlocked")
    assert (done.code, "AccountRefused" in done.err) == (1, True)
    done = cli("relay", "show", "0123", *site.where[4:])
    assert (done.code, "JobUnknown" in done.err) == (1, True)
    done = cli("relay", "status", *site.where[:4], "--database", "postgresql://user:s3cret@127.0.0.1:1/none")
    assert (done.code, "DatabaseFailed" in done.err, "s3cret" in done.err) == (1, True, False)
    done = cli("relay", "run", *site.where, "--account", "env:RELAY_KEY", "--executor", "tcp://127.0.0.1:1", env=KEY)
    assert (done.code, "SchedulerUnreachable" in done.err) == (1, True)
