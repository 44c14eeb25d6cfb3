"""Copies of the contracts to work in, and the tools that run there; the checkout is only read.

The copy holds OpenZeppelin inside, as slither and `forge coverage` lose their way where a remapping leaves the project.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

CHECKOUT = Path(__file__).resolve().parents[2]
CONTRACTS = CHECKOUT / "contracts"
NODE_MODULES = CHECKOUT / "node_modules"
TOOLS = Path(sys.executable).parent
WARM_SOLC = Path(__file__).with_name("warm_solc.js")

# What they say holds for optimised code only; everything else is tested without the optimiser too.
OPTIMISED = ("Code", "Gas")
NOT_OPTIMISED = ("--no-match-path", f"test/{{{','.join(OPTIMISED)}}}.t.sol")

_COPIED = ("src", "test", "halmos", "foundry.toml")
_PATIENCE = 30.0


class AuditError(Exception):
    """A tool did not do its work; the text says which, and how it ended."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended. No code: it was stopped, because it took too long."""

    code: int | None
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything that the program said."""
        return self.out + self.err


@dataclass(frozen=True, slots=True)
class Workspace:
    """A copy of the contracts, and the environment of the programs that run in it."""

    root: Path
    environment: Mapping[str, str]

    def run(self, program: str, *arguments: str, limit: float | None = None) -> Ended:
        """Run a program in the copy; when the time is over, it is stopped with all of its children."""
        with subprocess.Popen(
            [program, *arguments],
            cwd=self.root,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                out, err = process.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.communicate()
                return Ended(None, "", "")
        return Ended(process.returncode, out, err)

    def must(self, program: str, *arguments: str) -> Ended:
        """Run a program that has to succeed."""
        ended = self.run(program, *arguments)
        if ended.code != 0:
            raise AuditError(
                f"{Path(program).name} {' '.join(arguments)} ended with {ended.code}:\n{ended.text[-4000:]}"
            )
        return ended

    def with_environment(self, **changes: str) -> Workspace:
        """The same copy with other variables."""
        return Workspace(self.root, MappingProxyType({**self.environment, **changes}))


def own_sources(root: Path = CONTRACTS) -> list[Path]:
    """Every contract of ours, examples and interfaces too, relative to `root`."""
    return sorted(path.relative_to(root) for path in (root / "src").rglob("*.sol"))


def make(folder: Path) -> Workspace:
    """Copy what forge reads into a new folder."""
    root = folder / "contracts"
    root.mkdir(parents=True)
    for name in _COPIED:
        origin = CONTRACTS / name
        if origin.is_dir():
            shutil.copytree(origin, root / name)
        elif origin.exists():
            shutil.copy(origin, root / name)
    shutil.copytree(NODE_MODULES / "@openzeppelin", root / "node_modules" / "@openzeppelin")
    shutil.copytree(CHECKOUT / "tests" / "vectors", folder / "tests" / "vectors")
    shutil.copy(CONTRACTS / "solc", root / "solc")
    config = root / "foundry.toml"
    config.write_text(config.read_text().replace("../node_modules", "node_modules"))

    forge = next(NODE_MODULES.glob("@foundry-rs/forge-*/bin/forge"), None)
    if forge is None:
        raise AuditError(f"no native forge in {NODE_MODULES}")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FOUNDRY_", "AUDIT_"))}
    return Workspace(
        root,
        MappingProxyType(
            {
                **kept,
                "PATH": os.pathsep.join((str(TOOLS), str(forge.parent), os.environ["PATH"])),
                "PROOFBRIDGE_NODE_MODULES": str(NODE_MODULES),
                "NO_COLOR": "1",
            }
        ),
    )


@contextmanager
def warm(workspace: Workspace, *, lean: bool) -> Iterator[Workspace]:
    """The same copy behind a compiler that stays warm and does not optimise."""
    socket = workspace.root.parent / "solc.sock"
    shutil.copy(WARM_SOLC, workspace.root / "solc")
    (workspace.root / "solc").chmod(0o755)
    with subprocess.Popen(["node", WARM_SOLC, "serve", socket], env=dict(workspace.environment)) as server:
        try:
            give_up = time.monotonic() + _PATIENCE
            while not socket.exists():
                if server.poll() is not None or time.monotonic() > give_up:
                    raise AuditError("the compiler did not start")
                time.sleep(0.05)
            yield workspace.with_environment(
                AUDIT_SOLC_SOCKET=str(socket),
                AUDIT_SOLC_LEAN="1" if lean else "",
                FOUNDRY_OPTIMIZER="false",
                FOUNDRY_DENY="never",
            )
        finally:
            server.kill()
            socket.unlink(missing_ok=True)
