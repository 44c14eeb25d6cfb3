"""proofbridge serve and apikey, as processes of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import Engine

from tests.cli.conftest import cli
from tests.query.story import Story

ROOT = Path(__file__).parents[2]


@contextmanager
def served(url: str, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The command, and the document that it prints once it takes connections."""
    command = [sys.executable, "-m", "bridge.cli.app", "serve", "--database", url, "--port", "0", "--json"]
    command += ["--no-follow"] * ("--rpc" not in options) + list(options)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line == "}\n":
                break
        try:
            yield process, json.loads("".join(lines))
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_answers_answers_there_and_stops_when_it_is_told_to(
    engine: Engine, workers: int, number: signal.Signals
) -> None:
    Story(engine).chain(7)
    with served(engine.url.render_as_string(hide_password=False), "--workers", str(workers)) as (process, told):
        assert told["chain_id"] == 31337
        assert requests.get(f"{told['url']}/v1/status", timeout=30).json()["block_number"] == 7
        for _ in range(20):
            assert requests.get(f"{told['url']}/livez", timeout=30).status_code == 200
        figures = requests.get(f"{told['url']}/metrics", timeout=30).text
        counted = [line for line in figures.splitlines() if line.startswith("proofbridge_http_requests_total")]
        assert any('route="/livez"' in line and line.endswith(" 20.0") for line in counted), figures
        process.send_signal(number)
        started = time.monotonic()
        _, said = process.communicate(timeout=30)
        assert process.returncode == 0, said
        assert time.monotonic() - started < 10


@pytest.mark.parametrize("follow", ["--follow", "--no-follow"])
def test_a_chain_that_the_database_does_not_hold_needs_a_node(tmp_path: Path, follow: str) -> None:
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    done = cli("serve", follow, "--database", url, "--rpc", "http://127.0.0.1:1", "--json")
    assert done.code == 1
    assert done.document["error"]["name"] == "RpcUnreachable"


def test_an_address_that_is_taken_is_named(engine: Engine) -> None:
    Story(engine).chain(7)
    url = engine.url.render_as_string(hide_password=False)
    with served(url) as (_, told):
        port = told["url"].rpartition(":")[2]
        done = cli("serve", "--no-follow", "--database", url, "--port", port, "--json")
        assert (done.code, done.document["error"]["name"]) == (1, "OptionInvalid")
        assert cli("serve", "--no-follow", "--database", url, "--port", "0", "--rate", "often").code == 1


def test_a_key_is_shown_once_listed_without_its_secret_and_revoked(tmp_path: Path) -> None:
    database = ("--database", f"sqlite:///{tmp_path / 'keys.db'}", "--json")
    made = cli("apikey", "new", "the risk desk", *database).document
    assert made["key"].startswith(f"pb_{made['id']}_")
    listed = cli("apikey", "list", *database)
    assert made["key"].rpartition("_")[2] not in listed.out
    assert [(key["id"], key["revoked_at"]) for key in listed.document["keys"]] == [(made["id"], None)]
    assert cli("apikey", "revoke", made["id"], *database).document["revoked_at"] is not None
    unknown = cli("apikey", "revoke", "nobody", *database)
    assert (unknown.code, unknown.document["error"]["name"]) == (1, "ApiKeyUnknown")


def test_the_description_is_printed_without_a_database() -> None:
    done = cli("serve", "--openapi")
    assert done.document["openapi"].startswith("3.1")
