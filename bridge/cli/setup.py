"""proofbridge srs: the trusted setup files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from bridge.circuit import srs
from bridge.circuit.origin import of_code, origin_of
from bridge.cli import options
from bridge.cli.screen import Screen
from bridge.core.manifest import Setup
from bridge.core.word import Address, parse_address
from bridge.errors import OptionInvalid

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")

app = typer.Typer(
    help="Trusted setup files (structured reference strings). Whoever made one alone can forge proofs; a public ceremony's "
    "cannot, as long as one of its contributors was honest.",
    no_args_is_help=True,
)


@app.command("list", epilog="Example: proofbridge srs list")
def list_files(as_json: options.Json = False) -> None:
    """The setup files in PROOFBRIDGE_SRS_PATH and the cache, with the ceremony inside each."""
    screen = Screen(as_json=as_json)
    files = srs.known_files()
    if as_json:
        screen.document({"files": [{"path": file.path, **_setup(file.setup)} for file in files]})
        return
    columns = {"logrows": "right", "setup": "left", "kind": "left", "path": "left"}
    rows = [[str(file.setup.logrows), file.setup.name, file.setup.kind, str(file.path)] for file in files]
    screen.table("Trusted setups", columns, rows)


@app.command("fetch", epilog="Example: proofbridge srs fetch 12")
def fetch(
    logrows: Annotated[int, typer.Argument(min=1, max=26, help="The circuit's size as a power of two of rows.")],
    as_json: options.Json = False,
) -> None:
    """Download the public ceremony's file for one size, checked by its sha256."""
    screen = Screen(as_json=as_json)
    with screen.working() as progress:
        file = srs.fetch(logrows, progress=progress)
    _show(screen, file)


@app.command("inspect", epilog="Example: proofbridge srs inspect kzg12.srs, or a verifier's address with --rpc URL")
@options.reads_chain
def inspect(
    thing: Annotated[
        str,
        typer.Argument(
            metavar="FILE|DIR|ADDRESS",
            help="A setup file, a bundle, its vk.key, a generated verifier's source or code, or the address of one.",
        ),
    ],
    target: options.Target,
    as_json: options.Json = False,
) -> None:
    """Say which ceremony is inside a setup file, a key or a verifier, told by its bytes."""
    screen = Screen(as_json=as_json)
    address = _address(thing)
    with screen.working() as progress:
        if address is None:
            found, where = origin_of(Path(thing), progress), {"path": thing}
        else:
            found, where = of_code("contract", target().rpc.code(address), address), {"address": address}
    setup = _setup(found.setup) if found.setup else {"kind": found.kind, "name": found.name}
    if as_json:
        screen.document({**where, "thing": found.thing, **setup})
        return
    screen.facts(thing, {"thing": found.thing, **setup})
    if found.kind == "unknown" and found.thing == "verifying key":
        screen.text("None of the setups here makes this key (see: proofbridge srs list).")
    elif found.kind != "ceremony":
        screen.text("It is of no public ceremony: whoever made its setup can forge proofs.")


def _address(text: str) -> Address | None:
    """A path unless it can only be an address. Raises `OptionInvalid` for an address with a slip in it."""
    if not _ADDRESS.fullmatch(text) or Path(text).exists():
        return None
    try:
        return parse_address(text)
    except ValueError as error:
        raise OptionInvalid(option="ADDRESS", got=text, expected=str(error).partition(", got")[0]) from None


def _setup(setup: Setup) -> dict[str, object]:
    return {"kind": setup.kind, "name": setup.name, "logrows": setup.logrows, "sha256": setup.sha256}


def _show(screen: Screen, file: srs.SrsFile) -> None:
    if screen.as_json:
        screen.document({"path": file.path, **_setup(file.setup)})
        return
    screen.facts(str(file.path), _setup(file.setup))
