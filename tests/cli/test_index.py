"""The index as an operator runs it: processes of their own, signals, and what they say."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bridge import verbs
from bridge.connection import Connection
from bridge.core.bundle import Bundle
from bridge.core.rows import Row
from bridge.database.engine import open_database, opened
from bridge.database.lease import acquire, holder_of
from bridge.verbs import Inference
from tests.chain.proxy import proxied
from tests.cli.conftest import Command, cli


@pytest.fixture
def done(deployed: Connection, bundle: Bundle, row: Row) -> Inference:
    """A proof of ezkl's that the ledger has checked and recorded."""
    return verbs.infer(bundle, row, deployed)


@pytest.fixture
def where(deployed: Connection, database_url: str) -> tuple[object, ...]:
    return ("--rpc", deployed.url, "--deployments", deployed.deployments, "--database", database_url)


@pytest.fixture
def following(where: tuple[object, ...]) -> Iterator[Callable[..., Command]]:
    """Start one, and have none left over."""
    started: list[Command] = []

    def start(*more: object) -> Command:
        started.append(Command("index", *where, *more, "--json"))
        return started[-1]

    yield start
    for command in started:
        if command.is_running:
            command.signal(signal.SIGKILL)
            command.done()


def rows(database_url: str, table: str) -> int:
    return number(database_url, f"SELECT count(*) FROM {table}")  # noqa: S608


def standing(database_url: str) -> int:
    return number(database_url, "SELECT max(block_number) FROM chains")


def number(database_url: str, query: str) -> int:
    with opened(database_url) as engine, engine.connect() as connection:
        return int(connection.execute(text(query)).scalar_one() or 0)


def until(is_so: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_proven_inference_is_in_the_database_and_a_second_run_has_nothing_to_do(
    done: Inference, deployed: Connection, where: tuple[object, ...], database_url: str
) -> None:
    first = cli("index", *where, "--until-head", "--json")
    assert first.code == 0, first.err
    told = first.document
    head = deployed.rpc.block_number()
    assert (told["chain_id"], told["block_number"], told["head"]) == (31337, head, head)
    assert told["events"] > 0
    assert told["broken_at"] is None
    with opened(database_url) as engine, engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM verifications")).one()
    assert row.inference_id == done.inference_id
    assert json.loads(row.outputs) == [number for tensor in done.outputs for number in tensor]
    assert (row.grade, bool(row.stored), row.tx_hash) == (3, True, done.tx_hash)
    second = cli("index", *where, "--until-head", "--json").document
    assert (second["events"], second["blocks"], second["block_number"]) == (0, 0, head)
    assert rows(database_url, "verifications") == 1


def test_for_people_it_says_where_it_stands(done: Inference, where: tuple[object, ...]) -> None:
    told = cli("index", *where, "--until-head")
    assert told.code == 0, told.err
    assert "is followed to block" in told.out
    assert "a second" in told.out


def test_it_follows_until_it_is_stopped_and_ends_in_order(
    done: Inference, deployed: Connection, bundle: Bundle, following: Callable[..., Command], database_url: str
) -> None:
    command = following()
    until(lambda: rows(database_url, "verifications") == 1)
    deployed.rpc.raw("anvil_mine", "0x3")
    until(lambda: command.is_running and standing(database_url) == deployed.rpc.block_number())
    command.signal(signal.SIGTERM)
    ended = command.done()
    assert ended.code == 0, ended.err
    assert ended.document["block_number"] == deployed.rpc.block_number()


def test_of_two_processes_one_follows_and_the_other_takes_over(
    done: Inference, following: Callable[..., Command], database_url: str
) -> None:
    engine = open_database(database_url)
    first = following()
    until(lambda: holder_of(engine, "index 31337") is not None)
    held = holder_of(engine, "index 31337")
    second = following()
    time.sleep(1.5)
    assert holder_of(engine, "index 31337") == held
    assert acquire(engine, "index 31337", "a third") is None
    first.signal(signal.SIGTERM)
    assert first.done().code == 0
    until(lambda: holder_of(engine, "index 31337") not in {None, held})
    assert second.is_running
    engine.dispose()


def test_a_quorum_that_the_nodes_given_cannot_make_is_named(where: tuple[object, ...]) -> None:
    refused = cli("index", *where, "--quorum", "2", "--until-head", "--json")
    assert refused.code == 1
    assert refused.document["error"]["name"] == "OptionInvalid"


def test_two_nodes_that_agree_are_enough_for_a_quorum_of_two(
    done: Inference, deployed: Connection, where: tuple[object, ...], database_url: str
) -> None:
    with proxied(deployed.url) as proxy:
        told = cli("index", *where, "--other-rpc", proxy.url, "--quorum", "2", "--until-head", "--json")
        assert told.code == 0, told.err
        assert proxy.requests, "the other one was asked"
    assert rows(database_url, "verifications") == 1


def test_without_contracts_in_the_book_there_is_nothing_to_follow(
    deployed: Connection, tmp_path: Path, database_url: str
) -> None:
    elsewhere = ("--rpc", deployed.url, "--deployments", tmp_path / "none", "--database", database_url)
    refused = cli("index", *elsewhere, "--until-head", "--json")
    assert refused.code == 1
    assert refused.document["error"]["name"] == "NotDeployed"
