"""proofbridge account: encrypted keystores."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bridge.chain import account as accounts
from bridge.cli import options
from bridge.cli.screen import Screen
from bridge.errors import AccountRefused

app = typer.Typer(help="Keys in encrypted V3 keystores. A key is never printed.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="What to call it.")]


@app.command("new", epilog="Example: proofbridge account new alice")
def new(name: Name, password_file: options.PasswordFile = None, as_json: options.Json = False) -> None:
    """Make a new key."""
    _show(Screen(as_json=as_json), accounts.create(name, _new_password(name, password_file)))


@app.command("import", epilog="Example: proofbridge account import alice --from-env PRIVATE_KEY")
def import_key(
    name: Name,
    from_env: Annotated[
        str | None, typer.Option("--from-env", help="Variable that holds the private key; else it is asked for.")
    ] = None,
    password_file: options.PasswordFile = None,
    as_json: options.Json = False,
) -> None:
    """Bring a private key, from a variable or a prompt, never from an argument."""
    if from_env is not None:
        key = os.environ.get(from_env, "")
    elif sys.stdin.isatty():
        key = getpass.getpass("Private key: ")
    else:
        raise AccountRefused(name=name, reason="give the key with --from-env where there is no terminal")
    _show(Screen(as_json=as_json), accounts.import_key(name, key, _new_password(name, password_file)))


@app.command("list", epilog="Example: proofbridge account list")
def list_accounts(as_json: options.Json = False) -> None:
    """The keystores of this user."""
    screen = Screen(as_json=as_json)
    found = accounts.keystores()
    if as_json:
        screen.document({"accounts": found})
        return
    screen.table("Accounts", {"name": "left", "address": "left"}, [[item.name, item.address] for item in found])


def _new_password(name: str, file: Path | None) -> str:
    first = options.password(name, file)()
    typed = file is None and "PROOFBRIDGE_PASSWORD" not in os.environ
    if typed and getpass.getpass("The same again: ") != first:
        raise AccountRefused(name=name, reason="the two passwords differ")
    return first


def _show(screen: Screen, keystore: accounts.Keystore) -> None:
    if screen.as_json:
        screen.document(keystore)
        return
    screen.facts(keystore.name, {"address": keystore.address, "keystore": keystore.path})
