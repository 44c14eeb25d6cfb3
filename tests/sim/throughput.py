"""How many requests a second a relayer brings onto a chain, and how long each takes from request to broadcast.

    python -m tests.sim.throughput --seconds 600 --keys 8 --rate 60

Anvil mines a block each second behind a strict node; proofs are recorded; everything else is what runs. Beside it stands what the
same Anvil takes from a client that does nothing but send.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import structlog
from sqlalchemy import select

from bridge import verbs
from bridge.chain.account import KeySigner
from bridge.chain.nodes import Nodes
from bridge.chain.rpc import Rpc
from bridge.circuit import srs
from bridge.circuit.order import Order
from bridge.core.bundle import Bundle
from bridge.core.word import hex_bytes
from bridge.database.engine import open_database
from bridge.database.schema import jobs, transitions
from bridge.relay.artifacts import Artifacts
from bridge.relay.job import State
from bridge.relay.lanes import Lanes
from bridge.relay.purse import Caps
from bridge.relay.relayer import Pace
from tests.conftest import write_linear_model
from tests.sim.operator import CAPS, SINK, Operator, fund, signer_of
from tests.sim.wire import Upstream
from tests.sim.world import CHAIN_ID, World


@dataclass(frozen=True)
class Figures:
    """What a run came to. Times in seconds."""

    seconds: float
    requests: int
    mined: int
    per_second: float
    alone_per_second: float
    """What the same Anvil takes from a client that only sends."""
    to_broadcast_median: float
    to_broadcast_p99: float
    gaps: int
    """Nonces of a key that are missing on the chain."""
    cores: float
    """Seconds of processor time in each second, of the relayer's process."""
    rss_start_mb: float
    rss_end_mb: float


def measure(folder: Path, bundle: Bundle, *, seconds: float, keys: int, rate: float) -> Figures:
    """Ask at this rate for so long, then let everything come to its end."""
    store = Artifacts(str(folder / "store"))
    digest = store.put_bundle(bundle, srs.find(bundle.manifest.setup).path)
    engine = open_database(f"sqlite:///{folder / 'relay.db'}")
    with _elsewhere() as (url, direct):
        signers = tuple(signer_of(f"key {number}") for number in range(keys))
        truth = Upstream(direct)
        fund(truth, signers)
        alone = _alone(direct, signers[0], seconds=min(seconds, 10.0))
        caps = Caps(max_fee_wei=CAPS.max_fee_wei, in_flight=64)
        nodes = Nodes((Rpc(url, CHAIN_ID),))
        operator = Operator(
            engine=engine,
            store=store,
            bundle=digest,
            nodes=nodes,
            signers=signers,
            truth=truth,
            depth=0,
            clock=time.time,
            caps=caps,
            proofs=32,
        )
        lanes = Lanes(
            operator.outbox,
            nodes,
            signers,
            operator.chain,
            caps,
            recorded=lambda submissions: [None] * len(submissions),
            look=0.5,
        )
        stop = threading.Event()
        relayer = operator.relayer(lanes, Pace(proofs=32, look=0.005))
        thread = threading.Thread(target=relayer.run, args=(stop,))
        thread.start()
        rss = _rss()
        started, spent = time.monotonic(), time.process_time()
        asked = _ask(operator, seconds, rate)
        mined = operator.journal.counts(CHAIN_ID).get(State.FINAL, 0)
        spent = (time.process_time() - spent) / (time.monotonic() - started)
        deadline = time.monotonic() + 60
        while operator.journal.counts(CHAIN_ID).get(State.FINAL, 0) < asked and time.monotonic() < deadline:
            time.sleep(0.2)
        stop.set()
        thread.join()
        waits = _waits(operator)
        final = operator.journal.counts(CHAIN_ID).get(State.FINAL, 0)
        gaps = sum(
            operator.outbox.next_nonce(signer.address)
            - int(truth.ask("eth_getTransactionCount", signer.address, "latest"), 16)
            for signer in signers
        )
        truth.close()
    engine.dispose()
    waits.sort()
    return Figures(
        seconds=seconds,
        requests=asked,
        mined=final,
        per_second=mined / seconds,
        alone_per_second=alone,
        to_broadcast_median=statistics.median(waits),
        to_broadcast_p99=waits[int(0.99 * (len(waits) - 1))],
        gaps=gaps,
        cores=spent,
        rss_start_mb=rss,
        rss_end_mb=_rss(),
    )


@contextmanager
def _elsewhere() -> Iterator[tuple[str, str]]:
    """A world in a process of its own, as a node is: its URL, and that of the plain Anvil behind it."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_host, args=(there,), daemon=True)
    process.start()
    try:
        if not here.poll(60):
            raise TimeoutError("the world did not begin")
        yield here.recv()
    finally:
        here.send("enough")
        process.join(timeout=30)


def _host(pipe: Connection) -> None:
    with World(1, block_seconds=1, options=("--gas-limit", "300000000")) as world:
        pipe.send((world.url, world.direct))
        pipe.recv()


def _alone(direct: str, signer: KeySigner, *, seconds: float) -> float:
    """Transactions a second that the plain Anvil takes from a client that signed them all before."""
    count, truth = 2_000, Upstream(direct)
    first = int(truth.ask("eth_getTransactionCount", signer.address, "latest"), 16)
    call = {"to": SINK, "data": b"\xab" * 2048, "value": 0, "gas": 200_000, "chainId": CHAIN_ID}
    raw = []
    for number in range(count):
        fee = {"maxFeePerGas": CAPS.max_fee_wei, "maxPriorityFeePerGas": 1}
        signed = signer.sign({**call, "nonce": first + number, **fee})
        raw.append(signed.raw)
    started, sent = time.monotonic(), 0
    while sent < count and time.monotonic() - started < seconds:
        truth.ask("eth_sendRawTransaction", hex_bytes(raw[sent]))
        sent += 1
    lasted = time.monotonic() - started
    while int(truth.ask("eth_getTransactionCount", signer.address, "latest"), 16) < first + sent:
        time.sleep(0.1)
    truth.close()
    return sent / lasted


def _ask(operator: Operator, seconds: float, rate: float) -> int:
    """Requests, evenly; how many there were."""
    started, asked = time.monotonic(), 0
    journal = operator.journal
    while (now := time.monotonic() - started) < seconds:
        if asked < now * rate:
            operator.request(f"{asked}")
            asked += 1
        else:
            time.sleep(0.002)
        if asked and not asked % 1000:
            sys.stderr.write(f"{now:.0f} s: {asked} asked for, {journal.counts(CHAIN_ID)}\n")
    return asked


def _waits(operator: Operator) -> list[float]:
    """From each request to its broadcast."""
    with operator.engine.connect() as connection:
        asked = {
            row.statement: row.created_at for row in connection.execute(select(jobs.c.statement, jobs.c.created_at))
        }
        sent: dict[str, float] = defaultdict(float)
        query = select(transitions.c.subject, transitions.c.at).where(transitions.c.state == State.SENT.value)
        for row in connection.execute(query):
            sent[row.subject] = row.at
    return [sent[statement] - at for statement, at in asked.items() if statement in sent]


def _rss() -> float:
    """Of this process, in MB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Print the figures as JSON."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    parser = argparse.ArgumentParser(description="How many requests a second a relayer brings onto a chain.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--keys", type=int, default=8)
    parser.add_argument("--rate", type=float, default=60.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = write_linear_model(folder / "linear.onnx")
        sample = folder / "sample.json"
        sample.write_text('{"x": [[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]]}')
        bundle = verbs.build_model(Order(model, sample, folder / "bundles")).bundle
        figures = measure(folder, bundle, seconds=chosen.seconds, keys=chosen.keys, rate=chosen.rate)
    sys.stdout.write(json.dumps(asdict(figures), indent=2) + "\n")


if __name__ == "__main__":
    main()
