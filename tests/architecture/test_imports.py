"""The house has floors: imports go down, never up and never to the neighbour. Each foreign library has one door."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "bridge"

FLOORS = (
    {"errors"},
    {"core"},
    {"toolchain", "database", "codegen"},
    {"engine", "solidity"},
    {"circuit", "prover", "chain"},
    {"deploy", "relay", "query", "client"},
    {"audit", "webhooks"},
    {"connection"},
    {"verbs"},
    {"operation", "indexing", "telling", "demo", "bench"},
    {"api"},
    {"__init__"},
    {"cli"},
)
"""From the ground up."""

FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

DOORS = {
    "ezkl": "bridge/engine/ezkl.py",
    "web3": "bridge/chain/rpc.py",
    "solcx": "bridge/solidity/solc.py",
    "matplotlib": "bridge/toolchain/plot.py",
    "cryptography": "bridge/chain/kms.py",
    "boto3": "bridge/chain/aws.py",
    "botocore": "bridge/chain/aws.py",
    "google": "bridge/chain/gcp.py",
}
"""The only file that may import each of these."""

SCREEN = frozenset({"rich", "typer", "click"})
EVENT_PIPE = "bridge/engine/ezkl.py"
"""The only file outside the command line that may call print: into a pipe to its parent."""


@dataclass(frozen=True)
class Source:
    """A Python file of the package; `path` is relative to the checkout."""

    path: str
    text: str

    @property
    def room(self) -> str:
        return self.path.split("/")[1].removesuffix(".py")

    def imported(self) -> Iterator[str]:
        """The dotted name of every import, those inside functions and TYPE_CHECKING blocks included."""
        package = self.path.removesuffix(".py").split("/")[:-1]
        for node in ast.walk(ast.parse(self.text)):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = package[: len(package) - node.level + 1] if node.level else []
                module = ".".join([*above, *([node.module] if node.module else [])])
                yield from (f"{module}.{alias.name}" for alias in node.names)


def complaints(sources: list[Source]) -> list[str]:
    """Every breach of the house rules, as a sentence."""
    return [said for source in sources for said in (*_floors(source), *_doors(source), *_voices(source))]


def _floors(source: Source) -> Iterator[str]:
    for name in source.imported():
        top, _, rest = name.partition(".")
        if top != "bridge":
            continue
        room = rest.split(".")[0]
        room = room if room in FLOOR_OF else "__init__"
        if room == source.room:
            continue
        if source.room not in FLOOR_OF:
            yield f"{source.path} is in a room without a floor"
        elif FLOOR_OF[room] > FLOOR_OF[source.room]:
            yield f"{source.path} imports {name}: upwards"
        elif FLOOR_OF[room] == FLOOR_OF[source.room]:
            yield f"{source.path} imports {name}: sideways"


def _doors(source: Source) -> Iterator[str]:
    for name in source.imported():
        library = name.split(".")[0]
        if library in DOORS and source.path != DOORS[library]:
            yield f"{source.path} imports {name}, which is for {DOORS[library]} alone"
        if library in SCREEN and source.room != "cli":
            yield f"{source.path} imports {name}, which is for the command line alone"


def _voices(source: Source) -> Iterator[str]:
    if source.room == "cli":
        return
    for node in ast.walk(ast.parse(source.text)):
        if isinstance(node, ast.Name) and node.id == "print" and source.path != EVENT_PIPE:
            yield f"{source.path} prints (line {node.lineno})"
        if isinstance(node, ast.Name) and node.id in {"SystemExit", "exit", "quit"}:
            yield f"{source.path} ends the process (line {node.lineno})"
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {
            "sys.exit",
            "sys.stdout.write",
            "sys.stderr.write",
        }:
            yield f"{source.path} uses {ast.unparse(node)} (line {node.lineno})"


def package() -> list[Source]:
    return [
        Source(path.relative_to(PACKAGE.parent).as_posix(), path.read_text())
        for path in sorted(PACKAGE.rglob("*.py"))
        if "_contracts" not in path.parts
    ]


def test_the_package_keeps_the_house_rules() -> None:
    assert complaints(package()) == []


def test_every_room_of_the_package_has_a_floor() -> None:
    rooms = {source.room for source in package()}
    assert rooms == set(FLOOR_OF)


@pytest.mark.parametrize("library", sorted(DOORS))
def test_the_door_of_a_library_is_in_use(library: str) -> None:
    door = next(source for source in package() if source.path == DOORS[library])
    assert library in {name.split(".")[0] for name in door.imported()}


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("bridge/core/a.py", "from bridge.circuit.build import build", "upwards"),
        ("bridge/core/a.py", "import bridge.verbs", "upwards"),
        ("bridge/core/a.py", "from bridge import verbs", "upwards"),
        ("bridge/core/a.py", "from ..circuit import build", "upwards"),
        ("bridge/core/a.py", "def late():\n    from bridge.chain import rpc", "upwards"),
        ("bridge/verbs/a.py", "from bridge.cli.app import main", "upwards"),
        ("bridge/errors/chain.py", "from bridge.core.word import Hex32", "upwards"),
        ("bridge/verbs/a.py", "from bridge import prove", "upwards"),
        ("bridge/circuit/a.py", "from bridge.chain.rpc import Rpc", "sideways"),
        ("bridge/prover/a.py", "from bridge.circuit import srs", "sideways"),
        ("bridge/relay/a.py", "from bridge.deploy import book", "sideways"),
        ("bridge/engine/a.py", "from bridge.solidity import solc", "sideways"),
        ("bridge/circuit/a.py", "import ezkl", "alone"),
        ("bridge/deploy/a.py", "from web3.types import TxParams", "alone"),
        ("bridge/solidity/verifier.py", "import solcx.install", "alone"),
        ("bridge/verbs/a.py", "from rich.table import Table", "command line alone"),
        ("bridge/core/a.py", "print('hello')", "prints"),
        ("bridge/core/a.py", "list(map(print, [1]))", "prints"),
        ("bridge/core/a.py", "import sys\nsys.exit(1)", "sys.exit"),
        ("bridge/core/a.py", "raise SystemExit", "ends the process"),
        ("bridge/attic/a.py", "from bridge.core import word", "without a floor"),
    ],
)
def test_a_breach_is_found(path: str, text: str, said: str) -> None:
    (complaint,) = complaints([Source(path, text)])
    assert said in complaint
    assert path in complaint


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("bridge/circuit/a.py", "from bridge.circuit.model import read_model"),
        ("bridge/circuit/a.py", "from .model import read_model"),
        ("bridge/circuit/a.py", "import bridge.circuit.srs"),
        ("bridge/circuit/a.py", "from bridge.engine.child import run"),
        ("bridge/cli/a.py", "from rich import print\nimport sys\nprint(1)\nsys.exit(2)"),
        ("bridge/engine/ezkl.py", "import ezkl\nprint(1)"),
        ("bridge/core/a.py", "import json"),
    ],
)
def test_what_the_rules_allow_is_left_alone(path: str, text: str) -> None:
    assert complaints([Source(path, text)]) == []
