"""How many requests a second a relayer brings onto a chain, and how long each takes from request to broadcast.

    python -m tests.sim.throughput --seconds 600 --keys 8 --rate 55 --out docs/benchmarks/throughput
    python -m tests.sim.throughput --seconds 3600 --rate 5 --out docs/benchmarks/memory

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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import structlog
from sqlalchemy import func, select

from bridge.chain.account import KeySigner
from bridge.chain.nodes import Nodes
from bridge.chain.rpc import Rpc
from bridge.circuit import srs
from bridge.core.bundle import Bundle
from bridge.core.word import hex_bytes
from bridge.database.engine import open_database
from bridge.database.schema import jobs, transitions
from bridge.relay.artifacts import Artifacts
from bridge.relay.job import State
from bridge.relay.lanes import Lanes
from bridge.relay.pace import Pace
from bridge.relay.purse import Caps
from tests.sim.figures import Alone, Figures, Sample, percentile, stretches, write
from tests.sim.linear import linear_bundle
from tests.sim.operator import CAPS, SINK, Operator, fund, signer_of
from tests.sim.wire import Upstream
from tests.sim.world import CHAIN_ID, World

_PROVERS = 4
"""Threads that recorded proofs come from: real ones come from other processes."""
_SAMPLE_SECONDS = 5.0
_SETTLE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Run:
    """How much is asked for."""

    seconds: float
    keys: int
    rate: float
    """Requests a second."""


def measure(folder: Path, bundle: Bundle, run: Run) -> Figures:
    """Ask at this rate for so long, then let everything come to its end."""
    store = Artifacts(str(folder / "store"))
    digest = store.put_bundle(bundle, srs.find(bundle.manifest.setup).path)
    engine = open_database(f"sqlite:///{folder / 'relay.db'}")
    with _elsewhere() as (url, direct), ThreadPoolExecutor(_PROVERS) as executor:
        signers = tuple(signer_of(f"key {number}") for number in range(run.keys))
        truth = Upstream(direct)
        fund(truth, signers)
        alone = _alone(direct, signers[0])
        operator = Operator(
            engine=engine,
            store=store,
            bundle=digest,
            nodes=Nodes((Rpc(url, CHAIN_ID),)),
            signers=signers,
            truth=truth,
            depth=0,
            clock=time.time,
            caps=Caps(max_fee_wei=CAPS.max_fee_wei, in_flight=64),
            executor=executor,
        )
        with _relaying(operator), _watched() as samples:
            started, spent = time.time(), time.process_time()
            asked = _ask(operator, run)
            final = operator.journal.counts(CHAIN_ID).get(State.FINAL, 0)
            spent = (time.process_time() - spent) / (time.time() - started)
            _settle(operator, asked)
        waits, finals = _history(operator, started)
        over = operator.journal.counts(CHAIN_ID).get(State.FINAL, 0)
        gaps = sum(_gap(operator, truth, signer) for signer in signers)
        truth.close()
    engine.dispose()
    took = [wait for _, wait in waits]
    return Figures(
        seconds=run.seconds,
        keys=run.keys,
        asked_per_second=run.rate,
        requests=asked,
        final=over,
        per_second=final / run.seconds,
        alone=alone,
        median=statistics.median(took),
        p99=percentile(took, 0.99),
        longest=max(took),
        gaps=gaps,
        cores=spent,
        rss_start_mb=samples[0].rss_mb,
        rss_end_mb=samples[-1].rss_mb,
        samples=tuple(samples),
        stretches=stretches(run.seconds, waits, finals),
    )


@contextmanager
def _relaying(operator: Operator) -> Iterator[None]:
    """A relayer in threads of this process."""
    lanes = Lanes(
        operator.outbox,
        operator.nodes,
        operator.signers,
        operator.chain,
        operator.caps,
        recorded=lambda submissions: [None] * len(submissions),
        look=0.5,
    )
    relayer, stop = operator.relayer(lanes, Pace(proofs=32, look=0.01)), threading.Event()
    thread = threading.Thread(target=relayer.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def _watched() -> Iterator[list[Sample]]:
    """This process, sampled every few seconds while the block lasts."""
    samples: list[Sample] = []
    over, started = threading.Event(), time.monotonic()

    def watch() -> None:
        before, spent = started, time.process_time()
        while True:
            ended = over.wait(_SAMPLE_SECONDS if samples else 0.0)
            now, used = time.monotonic(), time.process_time()
            cores = (used - spent) / max(now - before, 1e-9) if samples else 0.0
            samples.append(Sample(now - started, _rss(), cores))
            before, spent = now, used
            if ended:
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def _settle(operator: Operator, asked: int) -> None:
    deadline = time.monotonic() + _SETTLE_SECONDS
    while operator.journal.counts(CHAIN_ID).get(State.FINAL, 0) < asked and time.monotonic() < deadline:
        time.sleep(0.2)


def _gap(operator: Operator, truth: Upstream, signer: KeySigner) -> int:
    """Nonces that were given out and are not on the chain."""
    mined = int(truth.ask("eth_getTransactionCount", signer.address, "latest"), 16)
    return operator.outbox.next_nonce(signer.address) - mined


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


def _alone(direct: str, signer: KeySigner) -> Alone:
    """What the plain Anvil takes, and mines, from a client that signed everything before."""
    count, truth = 2_000, Upstream(direct)
    first = int(truth.ask("eth_getTransactionCount", signer.address, "latest"), 16)
    call = {"to": SINK, "data": b"\xab" * 2048, "value": 0, "gas": 200_000, "chainId": CHAIN_ID}
    fee = {"maxFeePerGas": CAPS.max_fee_wei, "maxPriorityFeePerGas": 1}
    raw = [hex_bytes(signer.sign({**call, "nonce": first + number, **fee}).raw) for number in range(count)]
    started = time.monotonic()
    for each in raw:
        truth.ask("eth_sendRawTransaction", each)
    taken = time.monotonic() - started
    while int(truth.ask("eth_getTransactionCount", signer.address, "latest"), 16) < first + count:
        time.sleep(0.02)
    mined = time.monotonic() - started
    truth.close()
    return Alone(count / taken, count / mined)


def _ask(operator: Operator, run: Run) -> int:
    """Requests, evenly; how many there were."""
    started, asked = time.monotonic(), 0
    journal = operator.journal
    while (now := time.monotonic() - started) < run.seconds:
        if asked >= now * run.rate:
            time.sleep(0.002)
            continue
        operator.request(f"{asked}")
        asked += 1
        if not asked % 1000:
            sys.stderr.write(f"{now:.0f} s: {asked} asked for, {journal.counts(CHAIN_ID)}\n")
    return asked


def _history(operator: Operator, started: float) -> tuple[list[tuple[float, float]], list[float]]:
    """When each was asked for and how long it took to its broadcast; when each was final. Seconds from the start."""
    asked, sent, final = jobs.c.created_at, transitions.alias(), transitions.alias()
    with operator.engine.connect() as connection:
        to_broadcast = select(asked, func.min(sent.c.at)).join(sent, sent.c.subject == jobs.c.statement)
        to_broadcast = to_broadcast.where(sent.c.state == State.SENT.value).group_by(jobs.c.id, asked)
        waits = [(at - started, there - at) for at, there in connection.execute(to_broadcast)]
        over = select(final.c.at).where(final.c.state == State.FINAL.value)
        return waits, [at - started for at in connection.execute(over).scalars()]


def _rss() -> float:
    """Of this process, in MB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Print the figures as JSON, and write them where they are wanted."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    parser = argparse.ArgumentParser(description="How many requests a second a relayer brings onto a chain.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--keys", type=int, default=8)
    parser.add_argument("--rate", type=float, default=60.0, help="Requests a second.")
    parser.add_argument("--out", type=Path, help="Folder for JSON, Markdown and a plot, named as the folder is.")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = measure(folder, linear_bundle(folder), Run(chosen.seconds, chosen.keys, chosen.rate))
    if chosen.out:
        write(figures, chosen.out)
    brief = {name: value for name, value in asdict(figures).items() if name not in {"samples", "stretches"}}
    sys.stdout.write(json.dumps({**brief, "good": figures.is_good}, indent=2) + "\n")


if __name__ == "__main__":
    main()
