"""What a run of the relayer came to, for a table and a plot: rates, waits and memory over time."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bridge.core.storage import write_atomic
from bridge.toolchain.plot import new_figure, save

WANTED_PER_SECOND, WANTED_P99 = 50.0, 0.5
"""What is to be reached, or what Anvil itself can mine."""
_POINTS = 120
"""That a run of any length is drawn with."""


@dataclass(frozen=True, slots=True)
class Alone:
    """What the same Anvil does for a client that only sends. Transactions a second."""

    takes: float
    mines: float


@dataclass(frozen=True, slots=True)
class Sample:
    """The relayer's process at one moment."""

    at: float
    """Seconds from the start."""
    rss_mb: float
    cores: float
    """Seconds of processor time in each second since the last sample."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a run."""

    at: float
    """Seconds from the start, at its end."""
    final_per_second: float
    median: float
    p99: float
    """Seconds from request to broadcast, of what was asked for in it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A whole run. Times in seconds."""

    seconds: float
    keys: int
    asked_per_second: float
    requests: int
    final: int
    per_second: float
    """Final while requests came in."""
    alone: Alone
    median: float
    p99: float
    """From request to broadcast, over the whole run."""
    longest: float
    gaps: int
    """Nonces of all keys that are missing on the chain."""
    cores: float
    rss_start_mb: float
    rss_end_mb: float
    samples: tuple[Sample, ...]
    stretches: tuple[Stretch, ...]

    @property
    def is_good(self) -> bool:
        """Whether what is wanted was reached, for a run that asks for so much."""
        wanted = min(WANTED_PER_SECOND, self.alone.mines)
        return self.per_second >= wanted and self.p99 < WANTED_P99 and not self.gaps and self.final == self.requests


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def stretches(seconds: float, waits: Sequence[tuple[float, float]], finals: Sequence[float]) -> tuple[Stretch, ...]:
    """Parts of equal length: `waits` are when each was asked for and how long it took, `finals` when each was final."""
    length = max(5.0, seconds / _POINTS)
    parts = []
    for number in range(int(seconds / length)):
        first, last = number * length, (number + 1) * length
        took = [wait for at, wait in waits if first <= at < last]
        rate = sum(first <= at < last for at in finals) / length
        parts.append(Stretch(last, rate, statistics.median(took) if took else 0.0, percentile(took, 0.99)))
    return tuple(parts)


def write(figures: Figures, folder: Path) -> None:
    """JSON, Markdown and a plot, named as the folder is."""
    name = folder.name
    write_atomic(folder / f"{name}.json", json.dumps(asdict(figures), indent=2) + "\n")
    write_atomic(folder / f"{name}.md", markdown(figures, name))
    _plot(figures, folder / f"{name}.svg")


def markdown(figures: Figures, name: str) -> str:
    """The page."""
    lines = [
        f"# The relayer for {figures.seconds:g} seconds at {figures.asked_per_second:g} requests a second",
        "",
        f"Written by `python -m tests.sim.throughput --seconds {figures.seconds:g} --keys {figures.keys}",
        f"--rate {figures.asked_per_second:g} --out docs/benchmarks/{name}`. Anvil mines a block each second behind a strict node, in a",
        "process of its own; proofs are recorded; journal, outbox, loop, signatures and nonces are what runs. Requests come in",
        "evenly, through the same journal.",
        "",
        "| | relayer | Anvil alone | wanted |",
        "| --- | ---: | ---: | ---: |",
        f"| transactions a second, mined and final | {figures.per_second:.1f} | {figures.alone.mines:.0f} | {WANTED_PER_SECOND:.0f}, or Anvil's |",
        f"| taken from a client that only sends, a second | | {figures.alone.takes:.0f} | |",
        f"| request to broadcast, median | {figures.median * 1000:.0f} ms | | |",
        f"| request to broadcast, 99th percentile | {figures.p99 * 1000:.0f} ms | | below {WANTED_P99 * 1000:.0f} ms |",
        f"| request to broadcast, longest | {figures.longest * 1000:.0f} ms | | |",
        f"| requests asked for, and final | {figures.requests}, {figures.final} | | the same |",
        f"| nonces missing on the chain | {figures.gaps} | | 0 |",
        f"| cores used by the relayer's process | {figures.cores:.2f} | | |",
        f"| resident memory, start and end | {figures.rss_start_mb:.0f}, {figures.rss_end_mb:.0f} MB | | |",
        "",
        f"![rates, waits and memory over time]({name}.svg)",
        "",
    ]
    return "\n".join(lines)


def _plot(figures: Figures, path: Path) -> None:
    figure = new_figure(9, 8)
    rate, wait, memory = figure.subplots(3, 1, sharex=True)
    at = [part.at for part in figures.stretches]
    rate.plot(at, [part.final_per_second for part in figures.stretches], label="mined and final")
    rate.axhline(figures.asked_per_second, linestyle=":", color="grey", label="asked for")
    rate.set_ylabel("transactions a second")
    wait.plot(at, [part.median * 1000 for part in figures.stretches], label="median")
    wait.plot(at, [part.p99 * 1000 for part in figures.stretches], label="99th percentile")
    wait.axhline(WANTED_P99 * 1000, linestyle=":", color="grey", label="wanted")
    wait.set_ylabel("request to broadcast, ms")
    memory.plot(
        [sample.at for sample in figures.samples], [sample.rss_mb for sample in figures.samples], label="resident"
    )
    memory.set_ylabel("MB")
    memory.set_xlabel("seconds")
    for axes in (rate, wait, memory):
        axes.set_ylim(bottom=0)
        axes.legend(loc="lower right")
    save(figure, path)
