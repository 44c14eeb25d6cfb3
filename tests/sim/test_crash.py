"""kill -9 at every border between what the journal has and what the world saw: nothing lost, nothing sent twice, no gap."""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter
from pathlib import Path

from bridge.circuit import srs
from bridge.core.bundle import Bundle
from bridge.relay.artifacts import Artifacts
from bridge.relay.job import State
from tests.sim.operator import fund, nonces
from tests.sim.victim import Setup, live, operator_of, work
from tests.sim.world import World

JOBS = 3
ENOUGH = 40
"""Borders that there are at least."""


def test_whatever_border_it_is_killed_at_nothing_is_lost_and_nothing_is_sent_twice(
    database_url: str, bundle: Bundle, tmp_path: Path
) -> None:
    store = str(tmp_path / "store")
    digest = Artifacts(store).put_bundle(bundle, srs.find(bundle.manifest.setup).path)
    died: Counter[str] = Counter()
    children = multiprocessing.get_context("forkserver")
    children.set_forkserver_preload(["tests.sim.victim"])
    with World(7, automine=True) as world:
        setup = Setup(database_url, store, digest, world.url, world.direct, "crash")
        for border in range(1, 200):
            before = operator_of(setup, "parent")
            fund(before.truth, before.signers)
            jobs = [before.request(f"{border}/{number}") for number in range(JOBS)]
            before.close()

            trace = tmp_path / "trace"
            victim = children.Process(target=live, args=(setup, border, trace))
            victim.start()
            victim.join(60)

            after = operator_of(setup, "next")
            work(after)
            assert [after.journal.job(job.id).state for job in jobs] == [State.FINAL] * JOBS, f"border {border}"
            (sender,) = after.signers
            assert nonces(after) == {sender.address.lower(): JOBS * border}, f"border {border}"
            assert {count for _, count in after.mined().values()} == {1}
            assert after.nodes.nonce(sender.address, "pending") == JOBS * border
            after.close()
            if victim.exitcode == 0:
                break
            assert victim.exitcode == -signal.SIGKILL
            died[trace.read_text()] += 1
        else:
            raise AssertionError("it never came to its end")
    assert died.total() >= ENOUGH, died
    assert set(died) == {"before a commit", "after a commit", "before a send", "after a send"}
