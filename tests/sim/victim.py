"""A relayer in a process of its own that is killed at one of the borders between what is written and what is done."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from bridge.chain.nodes import Nodes
from bridge.chain.rpc import Rpc
from bridge.database.engine import open_database
from bridge.database.lease import acquire
from bridge.relay.artifacts import Artifacts
from tests.sim.operator import Crossings, Operator, signer_of
from tests.sim.wire import Upstream
from tests.sim.world import CHAIN_ID

LEASE_SECONDS = 0.2


@dataclass(frozen=True)
class Setup:
    """What both the victim and whoever comes after it work with."""

    database: str
    store: str
    bundle: str
    url: str
    direct: str
    seed: str


def operator_of(setup: Setup, holder: str) -> Operator:
    """With the lease, for which it waits."""
    engine = open_database(setup.database)
    while (lease := acquire(engine, "sim", holder, seconds=LEASE_SECONDS)) is None:
        time.sleep(0.01)
    return Operator(
        engine=engine,
        store=Artifacts(setup.store),
        bundle=setup.bundle,
        nodes=Nodes((Rpc(setup.url, CHAIN_ID),)),
        signers=(signer_of(setup.seed),),
        truth=Upstream(setup.direct),
        depth=0,
        clock=time.time,
        lease=lease,
    )


def work(operator: Operator, *, patience: float = 30.0) -> None:
    """Until every job is over."""
    relayer, lanes = operator.relayer(), operator.lanes()
    deadline = time.monotonic() + patience
    while not all(job.state.is_over for job in operator.journal.newest(CHAIN_ID)):
        relayer.step()
        lanes.tick()
        if time.monotonic() > deadline:
            raise TimeoutError(f"{operator.journal.counts(CHAIN_ID)}")


def live(setup: Setup, die_at: int, trace: Path) -> None:
    """Work until border number `die_at`, and die there as by `kill -9`; what it died at is in the trace."""
    crossed = 0

    def cross(border: str) -> None:
        nonlocal crossed
        crossed += 1
        if crossed == die_at:
            trace.write_text(border)
            os.kill(os.getpid(), signal.SIGKILL)

    operator = operator_of(setup, f"victim {die_at}")
    with Crossings(cross).watched(operator.engine):
        work(operator)
