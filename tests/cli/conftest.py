"""The real command in processes of its own, and one chain that the commands are let loose on."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge import verbs
from bridge.chain.anvil import local_chain
from bridge.connection import Connection, connect
from bridge.core.bundle import Bundle
from bridge.core.proof import Proof
from tests.conftest import Example

ANVIL_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out)


class Command:
    """A command that was started; several run side by side."""

    def __init__(self, *arguments: object, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bridge.cli.app", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
            cwd=cwd,
        )

    def signal(self, number: int) -> None:
        """As a terminal, or the kernel, does."""
        self._process.send_signal(number)

    @property
    def is_running(self) -> bool:
        """Whether it has not come to its end."""
        return self._process.poll() is None

    def done(self) -> Done:
        """Wait for it."""
        out, err = self._process.communicate(timeout=300)
        return Done(self._process.returncode, out, err)


def cli(*arguments: object, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Done:
    """Run a command to its end."""
    return Command(*arguments, env=env, cwd=cwd).done()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass(frozen=True)
class Stage:
    """Everything that a command could be handed, all of it in order."""

    connection: Connection
    bundle: Bundle
    other: Bundle
    example: Example
    proof: Path
    """A file with a proof that was not submitted."""

    @property
    def chain(self) -> tuple[str, ...]:
        """The options that name the chain and its book."""
        return ("--rpc", self.connection.rpc.place, "--deployments", str(self.connection.deployments))


@pytest.fixture(scope="session")
def stage(
    bundle: Bundle, other_bundle: Bundle, example: Example, proof: Proof, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """One chain for all commands that leave it as it is."""
    folder = tmp_path_factory.mktemp("stage")
    file = folder / "proof.json"
    file.write_text(proof.to_json())
    with local_chain() as chain:
        connection = connect(rpc=chain.url, deployments=folder / "deployments")
        verbs.deploy_core(connection)
        verbs.deploy_model(bundle, connection)
        yield Stage(connection, bundle, other_bundle, example, file)
