from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from tests.sim.figures import Alone, Figures, Sample, percentile, stretches, write

GOOD = Figures(
    seconds=10.0,
    keys=8,
    asked_per_second=55.0,
    requests=550,
    final=550,
    per_second=52.0,
    alone=Alone(takes=4000.0, mines=2000.0),
    median=0.1,
    p99=0.4,
    longest=0.5,
    gaps=0,
    cores=0.5,
    rss_start_mb=160.0,
    rss_end_mb=170.0,
    samples=(Sample(0.0, 160.0, 0.0), Sample(5.0, 170.0, 0.5)),
    stretches=stretches(10.0, [(1.0, 0.1), (6.0, 0.3)], [2.0, 7.0, 8.0]),
)


def test_a_run_is_good_that_is_fast_enough_quick_enough_and_whole() -> None:
    assert GOOD.is_good
    assert replace(GOOD, per_second=30.0, alone=Alone(40.0, 30.0)).is_good, "no more than Anvil mines is asked for"


def test_a_run_that_misses_one_thing_is_not() -> None:
    assert not replace(GOOD, per_second=49.0).is_good
    assert not replace(GOOD, p99=0.5).is_good
    assert not replace(GOOD, gaps=1).is_good
    assert not replace(GOOD, final=549).is_good


def test_a_percentile_is_the_value_that_so_many_do_not_exceed() -> None:
    assert percentile([float(number) for number in range(100)], 0.99) == 99.0
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([], 0.99) == 0.0


def test_stretches_hold_what_happened_in_them() -> None:
    first, second = GOOD.stretches
    assert (first.at, first.final_per_second, first.p99) == (5.0, 0.2, 0.1)
    assert (second.at, second.final_per_second, second.p99) == (10.0, 0.4, 0.3)


def test_a_run_is_written_for_programs_and_for_people(tmp_path: Path) -> None:
    write(GOOD, tmp_path / "throughput")
    assert json.loads((tmp_path / "throughput" / "throughput.json").read_text())["per_second"] == 52.0
    assert "| 52.0 | 2000 |" in (tmp_path / "throughput" / "throughput.md").read_text()
    assert (tmp_path / "throughput" / "throughput.svg").read_text().startswith("<?xml")
