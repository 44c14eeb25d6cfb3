"""Many seeds, and the table of what they met and what became of it.

python -m tests.sim.reliability --seeds 1000 --processes 2 --out docs/reliability.md
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import structlog

from bridge.circuit import srs
from bridge.database.engine import open_database
from bridge.relay.artifacts import Artifacts
from tests.sim.chaos import DEPTH, JOBS, STEPS, Chaos, Outcome, world_of
from tests.sim.linear import linear_bundle


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _be_silent() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def live(seed: int, store: str, bundle: str) -> Outcome | str:
    """One seed; where it fails by an error, its words."""
    engine = open_database("sqlite://")
    try:
        with world_of(seed) as world:
            chaos = Chaos(world, engine, Path(store), bundle)
            try:
                return chaos.run()
            finally:
                chaos.close()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        engine.dispose()


def markdown(outcomes: Sequence[Outcome], failed: Sequence[int], seconds: float) -> str:
    """The page."""
    faults: Counter[str] = Counter()
    for outcome in outcomes:
        faults.update(outcome.faults)
    jobs = sum(outcome.states.total() for outcome in outcomes)
    parked = sum(outcome.parked for outcome in outcomes)
    lines = [
        "# Reliability of the relayer",
        "",
        "Written by `python -m tests.sim.reliability`: the real journal, outbox, lanes and loop against real Anvil behind three",
        "strict nodes that fail, lag and lie, with reorganisations, evictions, outside use of the keys, deaths of the relayer at",
        f"commits and sends, a clock that jumps, a disk that is full and a database that is not there. Proofs are recorded. Each seed throws {STEPS} times, asks for up to {JOBS}",
        f"inferences with two keys, and takes a block {DEPTH} deep for final. The calls go to an address without code, so that",
        "no contract keeps them from being mined twice. `make sim SEED=n` runs one again.",
        "",
        f"{len(outcomes) + len(failed)} seeds, {jobs} inferences, {seconds / 60:.0f} minutes. {parked} of the inferences were parked, because the",
        "relayer died three times while it proved them; nothing of those was sent.",
        "",
        "| outcome | seeds |",
        "| --- | ---: |",
        f"| every job over, every call on the chain once, no nonce in doubt | {len(outcomes)} |",
        f"| anything else | {len(failed)} |",
        "",
        "| what went wrong on the way | times |",
        "| --- | ---: |",
        *(f"| {kind} | {count} |" for kind, count in sorted(faults.items())),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description="Many seeds of trouble for the relayer.")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        bundle = linear_bundle(Path(folder))
        store = f"{folder}/store"
        digest = Artifacts(store).put_bundle(bundle, srs.find(bundle.manifest.setup).path)
        seeds = range(chosen.first, chosen.first + chosen.seeds)
        good, failed = [], []
        with multiprocessing.get_context("forkserver").Pool(chosen.processes, _be_silent) as pool:
            waiting = [(seed, pool.apply_async(live, (seed, store, digest))) for seed in seeds]
            for seed, result in waiting:
                outcome = result.get()
                if isinstance(outcome, Outcome) and outcome.is_good:
                    good.append(outcome)
                else:
                    failed.append(seed)
                    _say(f"SEED={seed}: {outcome}")
                if not (len(good) + len(failed)) % 50:
                    _say(f"{len(good)} good, {len(failed)} bad, {time.monotonic() - started:.0f} s")
    page = markdown(good, failed, time.monotonic() - started)
    if chosen.out:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(page)
    else:
        sys.stdout.write(page)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
