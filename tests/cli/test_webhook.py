"""Webhooks from the command line: made, listed, read, ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import cli

MODEL = "0x" + "ab" * 32


@pytest.fixture
def books(tmp_path: Path) -> tuple[object, ...]:
    return "--database", f"sqlite:///{tmp_path / 'index.db'}", "--json"


def test_a_webhook_is_made_listed_and_ended(books: tuple[object, ...]) -> None:
    wish = ("--chain", "sepolia", "--model", MODEL, "--min-grade", "proven", "--finality", "final")
    made = cli("webhook", "new", "https://example.org/hook", *wish, *books).document
    assert made["secret"].startswith("whsec_")
    assert (made["chain_id"], made["model_id"], made["min_grade"], made["min_finality"]) == (
        11_155_111,
        MODEL,
        "Proven",
        "final",
    )
    (listed,) = cli("webhook", "list", *books).document["webhooks"]
    assert listed == {name: value for name, value in made.items() if name != "secret"}, "the secret is shown once"
    assert cli("webhook", "log", made["id"], *books).document == {"messages": []}
    assert cli("webhook", "remove", made["id"], *books).document["ended"] == "removed by the command line"
    assert cli("webhook", "list", *books).document == {"webhooks": []}
    assert len(cli("webhook", "list", "--ended", *books).document["webhooks"]) == 1


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("new", "http://example.org/hook"), "WebhookUrlRefused"),
        (("new", "https://example.org/hook", "--min-grade", "Certain"), "OptionInvalid"),
        (("new", "https://example.org/hook", "--finality", "soon"), "OptionInvalid"),
        (("new", "https://example.org/hook", "--model", "digits"), "OptionInvalid"),
        (("new", "https://example.org/hook", "--chain", "nowhere"), "ChainUnknown"),
        (("remove", "0" * 32), "WebhookUnknown"),
        (("log", "0" * 32), "WebhookUnknown"),
        (("resend", "0" * 32, "1"), "WebhookUnknown"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_is_named(arguments: tuple[str, ...], name: str, books: tuple[object, ...]) -> None:
    done = cli("webhook", *arguments, *books)
    assert (done.code, done.document["error"]["name"]) == (1, name)


def test_a_receiver_of_ones_own_is_asked_for(books: tuple[object, ...]) -> None:
    assert cli("webhook", "new", "http://127.0.0.1:9000/", *books).code == 1
    assert cli("webhook", "new", "http://127.0.0.1:9000/", "--private", *books).code == 0


def test_for_people_there_are_tables(tmp_path: Path) -> None:
    database = ("--database", f"sqlite:///{tmp_path / 'index.db'}")
    shown = cli("webhook", "new", "https://example.org/hook", *database).out
    assert "whsec_" in shown
    assert "https://example.org/hook" in cli("webhook", "list", *database).out
