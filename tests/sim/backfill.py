"""How fast an index catches up with a chain that is full of events, and what a kill costs it.

    python -m tests.sim.backfill --events 100000 --out docs/benchmarks/backfill
    python -m tests.sim.backfill --events 100000 --ponder FOLDER     # one in which `npm install ponder viem hono` ran

Real contracts on Anvil, real signatures, one InferenceVerified event each; `--together` of them are sent in one transaction, because
Anvil recovers the signer of every transaction that it shows, which would otherwise be what is measured. The index is the command
that users run, into an empty SQLite file. Ponder indexes the same event of the same chain, into the database that it brings along.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bridge import verbs
from bridge.chain.anvil import local_chain
from bridge.chain.wire import Call as RpcCall
from bridge.chain.wire import Wire
from bridge.connection import connect
from bridge.core.circuit import Visibility
from bridge.core.word import hex_bytes
from bridge.database.engine import open_database
from tests.sim import ponder
from tests.sim.following import different
from tests.sim.stage import Model, Stage, Statement, core_code
from tests.sim.theatre import theatre

_BLOCK_EVENTS = 200
_GAS_OF_ONE = 300_000
_EMPTY = 70
"""Blocks at the end, so that everything before them is final for whoever takes a depth for that."""
_KILL_AT = 0.4
"""Of the chain."""


@dataclass(frozen=True)
class Figures:
    """What a run came to."""

    events: int
    blocks: int
    together: int
    """Events in a transaction."""
    seconds: float
    """Of reading and writing, as the command says."""
    per_second: float
    wall_seconds: float
    """With the start of the process and the migrations."""
    cpu_seconds: float
    """Of the whole process, start and migrations included: what no load of the machine changes much."""
    database_mb: float
    killed_at_block: int
    kept_events: int
    """In the tables when it was killed."""
    read_again: int
    """Events that the next process read; together with those kept they are all of them, so what is lost is the range under way."""
    differences: tuple[str, ...]
    """Between the tables of both runs."""
    load: float
    """Of the machine when it began, on so many cores:"""
    cores: int
    ponder: ponder.Figures | None


def measure(folder: Path, events: int, together: int, with_ponder: Path | None) -> Figures:
    """A chain, and everything over it."""
    code = core_code()
    with local_chain(options=("--timestamp", "1700000000", "--gas-limit", "1000000000")) as chain:
        with theatre(chain.url, code) as played:
            model = _model(played.stage)
            played.play(*played.stage.register(model))
            _fill(chain.url, played.stage, model, events, together)
        Wire(chain.url).ask("evm_setAutomine", True)
        verbs.deploy_core(connect(rpc=chain.url, deployments=folder / "deployments"))
        load = os.getloadavg()[0]
        whole, cut = folder / "whole.db", folder / "cut.db"
        started, spent = time.monotonic(), _spent()
        told = json.loads(_finish(_start(chain.url, folder, whole)))
        wall, cpu = time.monotonic() - started, _spent() - spent
        sys.stderr.write(f"{told}, {wall:.1f} s, {cpu:.1f} s of a processor\n")
        killed_at, kept = _killed(chain.url, folder, cut, told["block_number"])
        again = json.loads(_finish(_start(chain.url, folder, cut)))
        beside = None if with_ponder is None else ponder.measure(with_ponder, chain.url, code, events)
    one, other = (open_database(f"sqlite:///{file}") for file in (whole, cut))
    with one.connect() as here, other.connect() as there:
        differences = tuple(different(here, there))
    return Figures(
        events=told["events"],
        blocks=told["blocks"],
        together=together,
        seconds=told["seconds"],
        per_second=told["events_per_second"],
        wall_seconds=wall,
        cpu_seconds=cpu,
        database_mb=whole.stat().st_size / 2**20,
        killed_at_block=killed_at,
        kept_events=kept,
        read_again=again["events"],
        differences=differences,
        load=load,
        cores=os.cpu_count() or 1,
        ponder=beside,
    )


def _model(stage: Stage) -> Model:
    """Three numbers in, two out."""
    while True:
        model = stage.new_model(rows=1, visibility=Visibility.PUBLIC, small=True)
        if (model.circuit.input_instances, model.circuit.output_instances) == (3, 2):
            return model


def _statement(stage: Stage, model: Model) -> Statement:
    """One that was never made before: what is recorded already makes no event."""
    count = model.circuit.input_instances + model.circuit.output_instances
    return Statement(model, tuple(stage.dice.randrange(2**60) for _ in range(count)))


def _fill(url: str, stage: Stage, model: Model, events: int, together: int) -> None:
    """Blocks of verifications."""
    wire = Wire(url)
    sender = wire.ask("eth_accounts")[0]
    nonce = int(wire.ask("eth_getTransactionCount", sender, "latest"), 16)
    made = 0
    while made < events:
        calls: list[RpcCall] = []
        while made < events and len(calls) * together < _BLOCK_EVENTS:
            several = [
                stage.verify(_statement(stage, model), "verifyAndStoreInference")
                for _ in range(min(together, events - made))
            ]
            call = several[0] if together == 1 else stage.through(*several)
            fields = {"from": sender, "to": call.to, "data": hex_bytes(call.data), "nonce": hex(nonce)}
            calls.append(("eth_sendTransaction", [{**fields, "gas": hex(_GAS_OF_ONE * together)}]))
            made, nonce = made + len(several), nonce + 1
        wire.ask_all(calls, together=_BLOCK_EVENTS)
        wire.ask("evm_mine")
        if made % 10_000 < _BLOCK_EVENTS:
            sys.stderr.write(f"{made} events made\n")
    for _ in range(_EMPTY):
        wire.ask("evm_mine")
    wire.close()


def _start(url: str, folder: Path, database: Path) -> subprocess.Popen[bytes]:
    """The command, as a user runs it."""
    where = ["--rpc", url, "--deployments", str(folder / "deployments"), "--database", f"sqlite:///{database}"]
    command = [sys.executable, "-m", "bridge.cli.app", "index", "--until-head", "--json", *where]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _finish(process: subprocess.Popen[bytes]) -> bytes:
    out, _ = process.communicate(timeout=1200)
    if process.returncode:
        raise RuntimeError(out.decode())
    return out


def _killed(url: str, folder: Path, database: Path, head: int) -> tuple[int, int]:
    """Kill it on the way: the checkpoint that it left, and the events up to there."""
    process = _start(url, folder, database)
    _until(lambda: _ask(database, "SELECT max(block_number) FROM chains") >= (head - _EMPTY) * _KILL_AT)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
    kept = sum(
        _ask(database, f"SELECT count(*) FROM {table}")  # noqa: S608 - names of our own
        for table in ("verifications", "routes", "models", "bindings")
    )
    return _ask(database, "SELECT block_number FROM chains"), kept


def _spent() -> float:
    """Processor time of the processes that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 600
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)


def _ask(database: Path, query: str) -> int:
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            return int(connection.execute(query).fetchone()[0] or 0)
    except sqlite3.OperationalError:
        return 0  # not there yet


def markdown(told: Figures) -> str:
    """The page."""
    rows = [
        ("proofbridge index", told.events, told.seconds, told.per_second, "SQLite, 12 tables, checked against receipts")
    ]
    if told.ponder is not None:
        beside = told.ponder
        rows.append((f"Ponder {beside.version}", beside.events, beside.seconds, beside.per_second, beside.stored))
    lost = "nothing" if not told.differences else "; ".join(told.differences)
    return "\n".join(
        [
            "# Catching up with a chain",
            "",
            "Written by `python -m tests.sim.backfill`; what is measured stands at its head.",
            "",
            f"{told.events} events in {told.blocks} blocks, {told.together} events in a transaction; {told.cores} cores, with a load of {told.load:.1f} when it",
            f"began, Anvil on the same machine. Our process used {told.cpu_seconds:.1f} s of processor time, its start included.",
            "",
            "| | events | seconds | events a second | into |",
            "| --- | ---: | ---: | ---: | --- |",
            *(
                f"| {name} | {events} | {seconds:.1f} | {rate:.0f} | {into} |"
                for name, events, seconds, rate, into in rows
            ),
            "",
            f"Killed with SIGKILL at block {told.killed_at_block}, it had {told.kept_events} events in its tables; the next process read the other {told.read_again} and",
            f"nothing twice. Different from the run that nobody killed: {lost}.",
            "",
        ]
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description="How fast an index catches up.")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--together", type=int, default=10)
    parser.add_argument("--ponder", type=Path)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        told = measure(Path(name), chosen.events, chosen.together, chosen.ponder)
    document = json.dumps(asdict(told), indent=2) + "\n"
    if chosen.out is not None:
        chosen.out.mkdir(parents=True, exist_ok=True)
        (chosen.out / "backfill.json").write_text(document)
        (chosen.out / "backfill.md").write_text(markdown(told))
    sys.stdout.write(document)
    sys.exit(bool(told.differences))


if __name__ == "__main__":
    main()
