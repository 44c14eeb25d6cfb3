"""proofbridge srs: the trusted setup files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.circuit import srs
from bridge.cli import options
from bridge.cli.screen import Screen

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
        screen.document({"files": [{"path": file.path, **_setup(file)} for file in files]})
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


@app.command("inspect", epilog="Example: proofbridge srs inspect kzg12.srs")
def inspect(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A raw KZG setup file.")], as_json: options.Json = False
) -> None:
    """Say which ceremony a setup file is of, and check it."""
    _show(Screen(as_json=as_json), srs.inspect(path))


def _show(screen: Screen, file: srs.SrsFile) -> None:
    if screen.as_json:
        screen.document({"path": file.path, **_setup(file)})
        return
    screen.facts(str(file.path), _setup(file))


def _setup(file: srs.SrsFile) -> dict[str, object]:
    return {
        "kind": file.setup.kind,
        "name": file.setup.name,
        "logrows": file.setup.logrows,
        "sha256": file.setup.sha256,
    }
