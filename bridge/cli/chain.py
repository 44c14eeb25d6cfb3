"""proofbridge chains, up, down: where to work, and a chain to work on."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from bridge import verbs
from bridge.chain.anvil import start_detached
from bridge.chain.preset import PRESETS
from bridge.chain.rpc import Rpc
from bridge.cli import options
from bridge.cli.screen import Screen
from bridge.connection import DEPLOYMENTS, connect
from bridge.core.storage import home, write_atomic
from bridge.errors import BridgeError

_PORT = 8545
_STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Running:
    """The development stack that `up` left running."""

    pid: int
    url: str


_ADAPTER = TypeAdapter(Running)


def chains(as_json: options.Json = False) -> None:
    """The chain presets and their limits. Example: proofbridge chains."""
    screen = Screen(as_json=as_json)
    if as_json:
        screen.document({"chains": PRESETS})
        return
    columns = {
        "preset": "left",
        "chain id": "right",
        "EVM": "left",
        "code limit": "right",
        "tx gas limit": "right",
        "node": "left",
    }
    rows = [
        [
            item.name,
            str(item.chain_id or "by option"),
            item.evm,
            f"{item.limits.runtime_bytes:,}",
            f"{item.limits.transaction_gas:,}",
            item.rpc_url or item.note,
        ]
        for item in PRESETS
    ]
    screen.table("Chains", columns, rows)


def up(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the local chain.")] = _PORT,
    deployments: options.Deployments = DEPLOYMENTS,
    as_json: options.Json = False,
) -> None:
    """Start a local chain with the contracts on it; `down` stops it. Example: proofbridge up."""
    screen = Screen(as_json=as_json)
    running = _running()
    with screen.working() as progress:
        if running is None:
            anvil = start_detached(_folder() / "anvil.log", port=port, progress=progress)
            running = Running(anvil.pid, anvil.url)
            write_atomic(_state(), _ADAPTER.dump_json(running))
        connection = connect(rpc=running.url, deployments=deployments)
        done = verbs.deploy_core(connection, progress=progress)
    addresses = {name: item.address for name, item in done.book.contracts.items()}
    if as_json:
        screen.document(
            {"url": running.url, "pid": running.pid, "chain_id": done.book.chain_id, "contracts": addresses}
        )
        return
    screen.facts(f"Local chain at {running.url} (process {running.pid})", addresses)
    screen.text("Stop it with: proofbridge down")


def down(as_json: options.Json = False) -> None:
    """Stop what `up` started. Example: proofbridge down."""
    screen = Screen(as_json=as_json)
    running = _running()
    if running is not None:
        _stop(running.pid)
    _state().unlink(missing_ok=True)
    if as_json:
        screen.document({"stopped": running is not None})
        return
    screen.text(f"Stopped {running.url}" if running else "Nothing was running.")


def _folder() -> Path:
    folder = home("run")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _state() -> Path:
    return _folder() / "up.json"


def _running() -> Running | None:
    """What `up` started, if it still answers; a pid alone may belong to another process by now."""
    try:
        running = _ADAPTER.validate_json(_state().read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    try:
        client = Rpc(running.url).raw("web3_clientVersion")
        os.kill(running.pid, 0)
    except (BridgeError, ProcessLookupError, PermissionError):
        return None
    return running if str(client).startswith("anvil") else None


def _stop(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
