"""An operator's screen and a subscriber: a server that follows its chain tells both of what is verified there."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge import verbs
from bridge.connection import Connection
from bridge.core.bundle import Bundle
from tests.cli.conftest import cli
from tests.conftest import Example
from tests.webhooks.receiver import receiver


@contextmanager
def running(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A command whose output is read as it comes: a pipe that nobody flushes into would say nothing."""
    command = [sys.executable, "-m", "bridge.cli.app", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


def document(process: subprocess.Popen[str]) -> Any:
    """The first whole document of its output."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line.rstrip() == "}":
            return json.loads(text)
    raise AssertionError(process.communicate()[1])


def line(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


@pytest.fixture
def where(staged: Connection) -> tuple[object, ...]:
    return "--rpc", staged.rpc.place, "--deployments", staged.deployments


def test_what_is_verified_is_on_the_screen_in_the_stream_and_at_the_subscriber(
    staged: Connection, where: tuple[object, ...], bundle: Bundle, example: Example, tmp_path: Path
) -> None:
    database = ("--database", f"sqlite:///{tmp_path / 'index.db'}")
    store = ("--store", tmp_path / "store", "--model", bundle.path)
    with receiver() as known:
        hook = cli("webhook", "new", known.url, "--private", "--chain", "anvil", *database, "--json")
        assert hook.code == 0, hook.err
        with running("serve", *where, *database, *store, "--port", 0, "--private-webhooks", "--json") as server:
            url = document(server)["url"]
            row = verbs.read_input(bundle, example.sample)[0]
            done = verbs.infer(bundle, row, staged)
            with running("watch", "--server", url, "--after", 0, "--count", 1, "--json") as screen:
                told = line(screen)
            (message,) = known.wait(1, 30)
        with running("watch", *database, "--after", 0, "--count", 1, "--json") as screen:
            own = line(screen)
        shown = cli("watch", *database, "--after", 0, "--count", 1).out
    assert (told["kind"], told["inference_id"]) == ("verified", done.inference_id)
    assert told["inference"]["outputs"][0]["numbers"] == list(done.outputs[0])
    assert own == told
    assert message["type"] == "inference.verified"
    assert message["inference"]["outputs"] == told["inference"]["outputs"]
    assert message["inference"]["call"]["to"] == str(staged.core().ledger.address)
    assert bundle.manifest.name in shown


def test_a_server_whose_chain_cannot_be_followed_ends_and_says_why(where: tuple[object, ...], tmp_path: Path) -> None:
    done = cli(
        "serve",
        *where[:2],
        "--deployments",
        tmp_path,
        "--database",
        f"sqlite:///{tmp_path / 'a.db'}",
        "--port",
        0,
        "--json",
    )
    assert done.code == 1
    assert "NotDeployed" in done.out + done.err


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("--chain-id", "5"), "ChainNotFollowed"),
        ((), "ChainNotFollowed"),
        (("digits",), "OptionInvalid"),
    ],
)
def test_what_cannot_be_watched_is_named(arguments: tuple[str, ...], name: str, tmp_path: Path) -> None:
    done = cli("watch", *arguments, "--database", f"sqlite:///{tmp_path / 'index.db'}", "--json")
    assert (done.code, done.document["error"]["name"]) == (1, name)
