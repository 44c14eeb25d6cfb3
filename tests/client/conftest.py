"""The whole way, real: a chain with the contracts and some inferences on it, an index of it, and a server that answers from that."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge import indexing, verbs
from bridge.chain.anvil import local_chain
from bridge.chain.contract import core_abis
from bridge.client import Anchor, Client
from bridge.connection import Connection, connect
from bridge.core.bundle import Bundle
from bridge.core.proof import Proof
from bridge.core.word import Hex32
from bridge.relay.submit import statement
from bridge.toolchain import npm
from tests.conftest import Example

PACKAGE = Path(__file__).parents[2] / "clients" / "typescript"


def follow(connection: Connection, database: str) -> None:
    """Bring an index to the head of a chain."""
    indexing.follow(connection, indexing.Plan(database, until_head=True), threading.Event())


@contextlib.contextmanager
def serving(database: str, store: Path, *bundles: Bundle) -> Iterator[str]:
    """The command, answering until the block ends; its URL."""
    models = [option for bundle in bundles for option in ("--model", str(bundle.path))]
    command = [
        "serve",
        "--no-follow",
        "--no-webhooks",
        "--port",
        "0",
        "--database",
        database,
        "--store",
        str(store),
        *models,
        "--json",
    ]
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "bridge.cli.app", *command], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            text = ""
            while not text.endswith("}\n"):
                line = process.stdout.readline()
                assert line, "the server ended"
                text += line
            yield json.loads(text)["url"]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


@dataclass(frozen=True)
class Served:
    """A server, and what it should say."""

    url: str
    database: str
    connection: Connection
    bundle: Bundle
    batch_bundle: Bundle
    recorded: Hex32
    """In the ledger under its own id."""
    verified: Hex32
    """Verified, and kept nowhere."""
    rows: tuple[Hex32, ...]
    """Of a batch that the ledger holds."""

    @property
    def client(self) -> Client:
        return Client(self.url)

    def new_key(self, name: str) -> str:
        """An API key of one's own."""
        options = ("new", name, "--database", self.database, "--json")
        command = [sys.executable, "-m", "bridge.cli.app", "apikey", *options]
        made = subprocess.run(command, capture_output=True, text=True, check=True)
        key: str = json.loads(made.stdout)["key"]
        return key

    @property
    def anchor(self) -> Anchor:
        return Anchor.open(
            self.connection.rpc.place, self.connection.rpc.chain_id, self.connection.core().ledger.address
        )


@pytest.fixture(scope="session")
def served(
    bundle: Bundle,
    batch_bundle: Bundle,
    example: Example,
    proof: Proof,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    """Three ways for a result to be verified, in an index, behind the real server."""
    folder = tmp_path_factory.mktemp("served")
    database = f"sqlite:///{folder / 'index.db'}"
    with local_chain() as chain:
        connection = connect(rpc=chain.url, deployments=folder / "deployments")
        verbs.deploy_core(connection)
        verbs.deploy_model(bundle, connection)
        verbs.deploy_model(batch_bundle, connection)
        recorded = verbs.submit(bundle, proof, connection).key
        core = connection.core()
        other = statement(
            verbs.prove(bundle, verbs.read_input(bundle, example.sample)[1]), bundle.manifest.circuit, core
        )
        data = core.ledger.abi.call("verifyInference", *other.arguments)
        connection.wallet().execute(core.ledger.address, data, label="verifyInference", abis=core_abis())
        batch = verbs.infer_batch(batch_bundle, verbs.read_input(batch_bundle, example.sample), connection)
        follow(connection, database)
        with serving(database, folder / "store", bundle, batch_bundle) as url:
            rows = tuple(row.inference_id for row in batch.rows)
            yield Served(url, database, connection, bundle, batch_bundle, recorded, other.key, rows)


@pytest.fixture(scope="session")
def walked(served: Served) -> Any:
    """What the TypeScript client found on its walk."""
    assert (PACKAGE / "node_modules" / "viem").is_dir(), "run: make clients"
    node = npm.node()
    compiler = PACKAGE / "node_modules" / "typescript" / "bin" / "tsc"
    subprocess.run([node, compiler, "-p", PACKAGE / "tsconfig.json"], check=True, timeout=120)
    told = {
        "SERVER": served.url,
        "RPC": served.connection.rpc.place,
        "CHAIN_ID": str(served.connection.rpc.chain_id),
        "LEDGER": served.anchor.ledger.address,
        "API_KEY": served.new_key("the walk"),
    }
    command = [str(node), str(PACKAGE / "dist" / "test" / "walk.js")]
    done = subprocess.run(command, env={**os.environ, **told}, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
