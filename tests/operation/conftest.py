"""A relayer in a thread, on a journal of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge import operation
from bridge.chain.preset import GWEI
from bridge.connection import Connection
from bridge.operation import Plan
from bridge.relay.job import State
from bridge.relay.pace import Pace
from bridge.relay.purse import Caps

RECORDED = frozenset({State.MINED, State.FINAL})
PATIENCE = 120.0


@pytest.fixture
def plan(tmp_path: Path, funded_key: str) -> Plan:
    return Plan(
        caps=Caps(max_fee_wei=500 * GWEI),
        database=f"sqlite:///{tmp_path / 'relay.db'}",
        store=str(tmp_path / "store"),
        accounts=(funded_key,),
        pace=Pace(batch_age=0.2),
    )


@contextmanager
def relaying(connection: Connection, plan: Plan) -> Iterator[None]:
    """A relayer in a thread of its own, for the length of a block; what it ends with is raised."""
    stop, failures = threading.Event(), []

    def work() -> None:
        try:
            operation.relay(connection, plan, stop)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        if failures:
            raise failures[0]
