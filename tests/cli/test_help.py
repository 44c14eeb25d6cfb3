from __future__ import annotations

from collections.abc import Iterator

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from bridge.cli.app import app
from tests.cli.conftest import cli

PROMISED = (
    "account import",
    "account list",
    "account new",
    "apikey list",
    "apikey new",
    "apikey revoke",
    "bench batches",
    "bench circuits",
    "cache prune",
    "cache show",
    "chains",
    "demo",
    "deploy core",
    "deploy model",
    "deploy publish",
    "deploy source",
    "deploy verify",
    "doctor",
    "down",
    "infer",
    "model build",
    "model codegen",
    "model show",
    "prove",
    "results",
    "serve",
    "srs fetch",
    "srs inspect",
    "srs list",
    "submit",
    "up",
)


def commands(group: object, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    assert isinstance(group, TyperGroup)
    for name, command in group.commands.items():
        path = (*before, name)
        if isinstance(command, TyperGroup):
            yield from commands(command, path)
        else:
            yield path


EVERY = sorted(commands(get_command(app)))


def test_the_promised_commands_are_there() -> None:
    assert set(PROMISED) <= {" ".join(path) for path in EVERY}


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_the_help_of_every_command_says_what_it_does_with_an_example(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*path, "--help"])
    assert shown.exit_code == 0
    words = " ".join(shown.output.replace("│", " ").split())
    assert f"Example: proofbridge {' '.join(path)}" in words
    assert "--json" in words


def test_the_help_of_the_program_itself_lists_its_commands() -> None:
    done = cli("--help")
    assert done.code == 0
    assert done.err == ""
    for name in {path.split()[0] for path in PROMISED}:
        assert f" {name} " in done.out


def test_a_command_without_its_arguments_is_wrong_usage_and_a_group_alone_shows_its_help() -> None:
    alone = CliRunner().invoke(app, ["model"])
    assert alone.exit_code == 2
    assert "build" in alone.output
    assert CliRunner().invoke(app, ["prove"]).exit_code == 2
