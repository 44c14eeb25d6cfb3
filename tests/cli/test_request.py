"""Requests at the desk from the command line: asked for, fulfilled by a relayer, refunded."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from bridge.connection import Connection
from bridge.core.bundle import Bundle
from tests.cli.conftest import ANVIL_KEY, Command, cli
from tests.conftest import Example


@pytest.fixture
def where(staged: Connection) -> tuple[object, ...]:
    return "--rpc", staged.rpc.place, "--deployments", staged.deployments


def test_a_request_is_fulfilled_by_a_relayer_that_serves_the_model(
    where: tuple[object, ...], bundle: Bundle, example: Example, tmp_path: Path
) -> None:
    books = ("--database", f"sqlite:///{tmp_path / 'relay.db'}", "--store", tmp_path / "store")
    relayer = Command(
        *("relay", "run", *where, *books, "--account", "env:RELAY_KEY", "--serve", bundle.path, "--json"),
        env={"RELAY_KEY": ANVIL_KEY},
    )
    try:
        done = cli(
            *("request", bundle.path, "--input", example.sample, "--row", 1, "--fee", 0.5, "--bond", 0.1),
            *(*where, "--wait", 120, "--json"),
        )
        assert done.code == 0, done.err
        told = done.document
        assert (told["state"], told["fee_wei"], told["model_id"]) == ("fulfilled", 5 * 10**17, bundle.model_id)
        again = cli("refund", told["request_id"], *where, "--json")
        assert again.code == 1
        assert "NothingHeld" in again.err + again.out
    finally:
        relayer.signal(signal.SIGTERM)
        stopped = relayer.done()
    assert stopped.code == 0, stopped.err
    records = cli("results", bundle.model_id, *where, "--json")
    assert len(records.document["records"] if isinstance(records.document, dict) else records.document) == 1


def test_a_fee_comes_back_once_its_time_is_over(
    staged: Connection, where: tuple[object, ...], bundle: Bundle, example: Example
) -> None:
    asked = cli("request", bundle.path, "--input", example.sample, "--fee", 0.5, *where, "--within", "1h", "--json")
    assert asked.code == 0, asked.err
    assert asked.document["state"] == "open"
    early = cli("refund", asked.document["request_id"], *where, "--json")
    assert early.code == 1
    assert "TooEarly" in early.err + early.out
    staged.rpc.raw("evm_setNextBlockTimestamp", asked.document["end"] + 1)
    staged.rpc.raw("evm_mine")
    back = cli("refund", asked.document["request_id"], *where, "--json")
    assert back.code == 0, back.err
    assert back.document["state"] == "refunded"


@pytest.mark.parametrize(
    ("option", "value"), [("--within", "soon"), ("--callback", "0x12"), ("--row", "99"), ("--claim-for", "1")]
)
def test_bad_options_are_named_before_anything_is_paid(
    where: tuple[object, ...], bundle: Bundle, example: Example, option: str, value: str
) -> None:
    done = cli("request", bundle.path, "--input", example.sample, "--fee", 0.5, *where, option, value, "--json")
    assert done.code == 1
    assert option in done.err + done.out


def test_an_id_that_is_none_is_refused(where: tuple[object, ...]) -> None:
    done = cli("refund", "0x12", *where, "--json")
    assert done.code == 1
    assert "REQUEST" in done.err + done.out
