"""Many seeds, for the relayer and for the index, and the tables of what they met and what became of it.

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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from bridge.circuit import srs
from bridge.database.engine import open_database
from bridge.relay.artifacts import Artifacts
from tests.sim import following
from tests.sim.chaos import DEPTH, JOBS, STEPS, Chaos, Outcome, world_of
from tests.sim.following import Following
from tests.sim.linear import linear_bundle
from tests.sim.stage import Code, core_code

T = TypeVar("T", Outcome, following.Outcome)


@dataclass(frozen=True)
class Ran(Generic[T]):
    """What many seeds came to."""

    good: Sequence[T]
    failed: Sequence[int]
    seconds: float

    @property
    def seeds(self) -> int:
        """How many there were."""
        return len(self.good) + len(self.failed)

    def faults(self) -> list[str]:
        """Rows of a table."""
        told: Counter[str] = Counter()
        for outcome in self.good:
            told.update(outcome.faults)
        return [f"| {kind} | {count} |" for kind, count in sorted(told.items())]


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


def follow(seed: int, code: Code) -> following.Outcome | str:
    """One seed for the index; where it fails by an error, its words."""
    engine = open_database("sqlite://")
    try:
        with following.world_of(seed) as world:
            chaos = Following(world, engine, code)
            try:
                return chaos.run()
            finally:
                chaos.close()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        engine.dispose()


def of_relayer(ran: Ran[Outcome]) -> list[str]:
    """The half of the page about the relayer."""
    jobs = sum(outcome.states.total() for outcome in ran.good)
    parked = sum(outcome.parked for outcome in ran.good)
    return [
        "# Reliability of the relayer",
        "",
        "Written by `python -m tests.sim.reliability`: the real journal, outbox, lanes and loop against real Anvil behind three",
        "strict nodes that fail, lag and lie, with reorganisations, evictions, outside use of the keys, deaths of the relayer at",
        f"commits and sends, a clock that jumps, a disk that is full and a database that is not there. Proofs are recorded. Each seed throws {STEPS} times, asks for up to {JOBS}",
        f"inferences with two keys, and takes a block {DEPTH} deep for final. The calls go to an address without code, so that",
        "no contract keeps them from being mined twice. `make sim SEED=n` runs one again.",
        "",
        f"{ran.seeds} seeds, {jobs} inferences, {ran.seconds / 60:.0f} minutes. {parked} of the inferences were parked, because the",
        "relayer died three times while it proved them; nothing of those was sent.",
        "",
        "| outcome | seeds |",
        "| --- | ---: |",
        f"| every job over, every call on the chain once, no nonce in doubt | {len(ran.good)} |",
        f"| anything else | {len(ran.failed)} |",
        "",
        "| what went wrong on the way | times |",
        "| --- | ---: |",
        *ran.faults(),
        "",
    ]


def of_index(ran: Ran[following.Outcome]) -> list[str]:
    """The half about the index."""
    rows = sum(outcome.rows for outcome in ran.good)
    return [
        "# Reliability of the index",
        "",
        "Written by the same command: the real follower and tables against the real contracts on Anvil, behind three nodes of which two",
        "have to agree, with everything above and lies about bloom filters, receipts, calldata and parents besides. Each seed throws",
        f"{following.STEPS} times; a reorganisation takes up to {following.DEPTH} blocks, in any shape. At the end every table is compared,",
        "row by row, with that of a replay from scratch over the plain Anvil, and what subscribers were told, played through, with",
        "what is there.",
        "",
        f"{ran.seeds} seeds, {rows} rows at the end, {ran.seconds / 60:.0f} minutes.",
        "",
        "| outcome | seeds |",
        "| --- | ---: |",
        f"| equal to a replay from scratch | {len(ran.good)} |",
        f"| anything else | {len(ran.failed)} |",
        "",
        "| what went wrong on the way | times |",
        "| --- | ---: |",
        *ran.faults(),
        "",
    ]


def many(seeds: Sequence[int], processes: int, run: Callable[..., T | str], *arguments: object) -> Ran[T]:
    """Each seed, several at a time."""
    started = time.monotonic()
    good, failed = list[T](), list[int]()
    with multiprocessing.get_context("forkserver").Pool(processes, _be_silent) as pool:
        waiting = [(seed, pool.apply_async(run, (seed, *arguments))) for seed in seeds]
        for seed, result in waiting:
            outcome = result.get()
            if not isinstance(outcome, str) and outcome.is_good:
                good.append(outcome)
            else:
                failed.append(seed)
                _say(f"SEED={seed}: {outcome}")
            if not (len(good) + len(failed)) % 50:
                _say(f"{len(good)} good, {len(failed)} bad, {time.monotonic() - started:.0f} s")
    return Ran(good, failed, time.monotonic() - started)


def relayer(seeds: Sequence[int], processes: int) -> Ran[Outcome]:
    """Every seed for the relayer."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = linear_bundle(Path(folder))
        store = f"{folder}/store"
        digest = Artifacts(store).put_bundle(bundle, srs.find(bundle.manifest.setup).path)
        return many(seeds, processes, live, store, digest)


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description="Many seeds of trouble for the relayer and the index.")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--index-seeds", type=int, help="for the index, if not as many")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", choices=("relayer", "index"))
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    lines, failed = list[str](), list[int]()
    if chosen.only != "index":
        of_relay = relayer(seeds, chosen.processes)
        lines += of_relayer(of_relay)
        failed += of_relay.failed
    if chosen.only != "relayer":
        those = range(chosen.first, chosen.first + (chosen.index_seeds or chosen.seeds))
        followed = many(those, chosen.processes, follow, core_code())
        lines += of_index(followed)
        failed += followed.failed
    page = "\n".join(lines)
    if chosen.out:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(page)
    else:
        sys.stdout.write(page)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
