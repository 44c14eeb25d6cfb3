"""The choice of settings: what each objective makes small, which bounds it keeps, and that it is the same every time."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from bridge.circuit import trial as trials
from bridge.circuit.cost import Cost, Shape
from bridge.circuit.model import Model, read_model
from bridge.circuit.ranking import Bounds, Ranking
from bridge.circuit.search import FAR, search
from bridge.circuit.settings import (
    MARGIN,
    MIN_LOGROWS,
    NUMBERS,
    SCALES,
    WIDE,
    Candidate,
    Layout,
    Numbers,
    Objective,
    canonical,
    capacity,
    logrows_of,
)
from bridge.circuit.trial import Trials
from bridge.core import store
from bridge.core.bundle import SETTINGS, Bundle
from bridge.core.circuit import Visibility
from bridge.core.rows import Row, read_rows
from bridge.errors import BudgetExceeded, CircuitTooLarge, FidelityTooLow
from bridge.toolchain import assets
from tests.circuit.test_model import save
from tests.conftest import Example

NAMES = ("linear", "breast_cancer", "diabetes")

Problem = tuple[Model, tuple[Row, ...]]


@pytest.fixture(scope="session")
def problems(example: Example) -> dict[str, Problem]:
    """The example, and two of the models that come with the package, each with a few rows."""
    files = {"linear": (example.model, example.sample)}
    for name in NAMES[1:]:
        folder = assets.examples() / name
        files[name] = (folder / "model.onnx", folder / "calibration.json")
    models = {name: (read_model(model), sample) for name, (model, sample) in files.items()}
    return {name: (model, read_rows(sample, model.inputs)[:8]) for name, (model, sample) in models.items()}


def found(problem: Problem, objective: Objective = Objective.BALANCED, **bounds: Any) -> Ranking:
    return search(*problem, objective=objective, bounds=Bounds(**bounds), visibility=Visibility.PUBLIC)


@pytest.fixture(scope="session")
def rankings(problems: dict[str, Problem]) -> dict[tuple[str, Objective], Ranking]:
    """What the search finds for each model and objective."""
    return {(name, objective): found(problems[name], objective) for name, objective in product(NAMES, Objective)}


@pytest.mark.parametrize("name", NAMES)
def test_the_best_is_no_worse_than_ezkls_default_in_anything(
    rankings: dict[tuple[str, Objective], Ranking], name: str
) -> None:
    ranking = rankings[name, Objective.BALANCED]
    assert ranking.default is not None
    best, default = ranking.best[0], ranking.default
    assert best.fidelity.max_abs_error <= default.fidelity.max_abs_error
    assert best.cost.gas < default.cost.gas
    assert best.cost.seconds * 10 < default.cost.seconds


@pytest.mark.parametrize("name", NAMES)
def test_an_objective_makes_small_what_it_is_named_after(
    rankings: dict[tuple[str, Objective], Ranking], name: str
) -> None:
    gas, latency, balanced = (
        rankings[name, objective].best[0].cost for objective in (Objective.GAS, Objective.LATENCY, Objective.BALANCED)
    )
    assert gas.gas <= balanced.gas <= latency.gas
    assert latency.seconds <= balanced.seconds <= gas.seconds


def test_latency_takes_columns_where_they_make_fewer_rows(rankings: dict[tuple[str, Objective], Ranking]) -> None:
    """So the objectives are not one and the same."""
    latency, gas = (rankings["diabetes", objective].best[0] for objective in (Objective.LATENCY, Objective.GAS))
    assert Shape.of(latency.candidate).lanes > Shape.of(gas.candidate).lanes
    assert latency.candidate.logrows < gas.candidate.logrows


@pytest.mark.parametrize("name", NAMES)
def test_the_order_is_that_of_the_objective(rankings: dict[tuple[str, Objective], Ranking], name: str) -> None:
    for objective in (Objective.GAS, Objective.LATENCY):
        weights = [item.cost.weight(objective) for item in rankings[name, objective].best]
        assert weights == sorted(weights)
        assert len(weights) >= 3


def test_the_same_question_has_the_same_answer(problems: dict[str, Problem], tmp_path: Path) -> None:
    answers = []
    for turn in ("first", "second"):
        with store.apart(tmp_path / turn):  # nothing is remembered from the one to the other
            answers.append(found(problems["linear"]))
    first, second = ([item.candidate.document for item in answer.best] for answer in answers)
    assert first == second


def test_an_error_bound_is_kept_and_a_loose_one_costs_no_more(problems: dict[str, Problem]) -> None:
    loose, tight = (found(problems["linear"], max_error=bound) for bound in (1.0, 0.0002))
    assert loose.best[0].cost.seconds <= tight.best[0].cost.seconds
    assert all(item.fidelity.max_abs_error <= 0.0002 for item in tight.best)
    assert any(item.fidelity.max_abs_error > 0.0002 for item in tight.tried), "there is something to refuse"
    with pytest.raises(FidelityTooLow) as refused:
        found(problems["linear"], max_error=1e-9)
    assert refused.value.got > 1e-9


def test_coarser_numbers_are_tried_as_long_as_they_may_be_exact_enough(problems: dict[str, Problem]) -> None:
    """Each bit less doubles the error, so that one scale that is far off speaks for all coarser ones."""
    loose, tight = (found(problems["linear"], max_error=bound) for bound in (1.0, 0.0002))
    assert {item.candidate.numbers for item in loose.tried} >= set(NUMBERS)
    coarsest = min(item.candidate.numbers.input_scale for item in tight.tried)
    assert coarsest > SCALES[-1]
    last = [item for item in tight.tried if item.candidate.numbers.input_scale == coarsest]
    assert all(item.fidelity.max_abs_error > FAR * 0.0002 for item in last)
    skipped = [item for item in loose.tried if item.candidate.numbers.input_scale < coarsest]
    assert skipped
    assert all(item.fidelity.max_abs_error > 0.0002 for item in skipped)


def test_a_default_that_is_far_from_exact_does_not_end_the_search(
    problems: dict[str, Problem], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried first, and is no step from fine to coarse."""
    coarse, really = Numbers(8, 8, NUMBERS[-1].multiplier), Trials.default

    def defaulting(self: Trials) -> tuple[Any, float]:
        default, seconds = really(self)
        assert default is not None
        (other,) = self.compare([coarse])
        return replace(default, candidate=other.candidate, fidelity=other.fidelity), seconds

    monkeypatch.setattr(Trials, "default", defaulting)
    ranking = found(problems["linear"], max_error=0.0002)
    assert ranking.tried[0].candidate.numbers == coarse
    assert ranking.tried[0].fidelity.max_abs_error > FAR * 0.0002
    assert ranking.best[0].fidelity.max_abs_error <= 0.0002


def test_what_is_known_of_some_choices_does_not_change_which_are_tried(
    problems: dict[str, Problem], tmp_path: Path
) -> None:
    with store.apart(tmp_path):
        first = found(problems["linear"], max_error=0.0002)
        found(problems["linear"], max_error=1.0)
        again = found(problems["linear"], max_error=0.0002)
    assert [item.candidate for item in first.tried] == [item.candidate for item in again.tried]


def test_a_bound_puts_what_keeps_it_first(problems: dict[str, Problem]) -> None:
    unbounded = found(problems["diabetes"], Objective.LATENCY)
    fastest = unbounded.best[0].cost
    bounded = found(problems["diabetes"], Objective.LATENCY, max_gas=fastest.gas - 1)
    assert bounded.best[0].cost.gas < fastest.gas
    assert bounded.best[0].cost.seconds > fastest.seconds


def test_a_circuit_that_does_not_fit_into_memory_is_refused_before_anything_is_made(
    problems: dict[str, Problem],
) -> None:
    least = min(item.cost.memory_bytes for item in found(problems["linear"]).best)
    assert found(problems["linear"], max_memory_bytes=least).best
    with pytest.raises(BudgetExceeded) as refused:
        found(problems["linear"], max_memory_bytes=least - 1)
    assert refused.value.option == "--max-memory"


def test_fewer_rows_than_the_best_has_are_made_up_for_by_columns(problems: dict[str, Problem]) -> None:
    best = found(problems["diabetes"]).best[0]
    fewer = found(problems["diabetes"], max_logrows=best.candidate.logrows - 1).best[0]
    assert fewer.candidate.logrows < best.candidate.logrows
    assert Shape.of(fewer.candidate).lanes > Shape.of(best.candidate).lanes
    with pytest.raises(CircuitTooLarge) as refused:
        found(problems["diabetes"], max_logrows=MIN_LOGROWS - 1)
    assert refused.value.smallest_logrows >= MIN_LOGROWS


@pytest.mark.parametrize("name", NAMES)
def test_digits_reach_beyond_what_the_sample_needs(
    problems: dict[str, Problem], rankings: dict[tuple[str, Objective], Ranking], name: str
) -> None:
    """Twice as far, and as far as the rows allow; the sample multiplied by the margin is still computed."""
    model, rows = problems[name]
    best = rankings[name, Objective.BALANCED].best[0].candidate
    assert best.layout.decomp_base <= capacity(best.logrows)
    larger = [tuple(array * array.dtype.type(MARGIN) for array in row) for row in rows[:1]]
    with Trials(model, larger, "", [()], Visibility.PUBLIC, lambda _stage: None) as bench:
        reached = bench.reach(best.numbers)
    assert reached is not None
    assert 2**reached.bits <= best.layout.reach * 2


def test_a_smaller_margin_is_cheaper_and_still_holds_the_sample(tmp_path: Path) -> None:
    """Of a sigmoid the table is what makes the rows."""
    model = read_model(save(tmp_path / "m.onnx", [helper.make_node("Sigmoid", ["x"], ["y"])]))
    sample = tmp_path / "sample.json"
    sample.write_text('{"x": [1.0, -1.0, 0.25]}')
    rows = read_rows(sample, model.inputs)
    wide, tight = (
        search(model, rows, objective=Objective.BALANCED, bounds=Bounds(), visibility=Visibility.PUBLIC, margin=margin)
        for margin in (4.0, 1.0)
    )
    cheap, dear = tight.best[0], wide.best[0]
    assert cheap.cost.weight(Objective.BALANCED) < dear.cost.weight(Objective.BALANCED)
    with Trials(model, rows, "", [()], Visibility.PUBLIC, lambda _stage: None, 1.0) as bench:
        reached = bench.reach(cheap.candidate.numbers)
    assert reached is not None
    assert 2 ** (reached.bits - 1) <= cheap.candidate.layout.reach
    low, high = cheap.candidate.lookup_range
    assert low <= reached.lookups[0]
    assert reached.lookups[1] <= high


def test_a_search_that_is_stopped_goes_on_where_it_was(
    problems: dict[str, Problem], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    really = trials.run

    def counting(calls: Any, **options: Any) -> Any:
        told = options.pop("go_on")

        def stopping(number: int, answer: Any) -> bool:
            goes_on: bool = told(number, answer)
            asked.append(calls[number].name)
            if len(asked) == 5:
                raise KeyboardInterrupt
            return goes_on

        return really(calls, go_on=stopping, **options)

    monkeypatch.setattr(trials, "run", counting)
    with store.apart(tmp_path):
        with pytest.raises(KeyboardInterrupt):
            found(problems["linear"])
        stopped = len(asked)
        first = found(problems["linear"])
        once = len(asked)
        second = found(problems["linear"])
    assert stopped == 5
    assert once > stopped
    assert len(asked) == once, "the second search asks the engine nothing"
    assert [item.candidate for item in first.best] == [item.candidate for item in second.best]


def test_the_cost_model_tells_about_what_is_measured(bundle: Bundle) -> None:
    candidate = Candidate.of(json.loads(bundle.file(SETTINGS).read_bytes()))
    cost, measured = Cost.of(Shape.of(candidate)), bundle.manifest.measurements
    assert measured.verify_gas is not None
    assert cost.proof_bytes == pytest.approx(measured.proof_bytes, rel=0.1)
    assert cost.gas == pytest.approx(measured.verify_gas, rel=0.1)


@given(st.integers(min_value=1, max_value=2**30))
def test_a_column_of_so_many_rows_holds_the_cells_and_one_of_half_as_many_does_not(cells: int) -> None:
    logrows = logrows_of(cells)
    assert capacity(logrows) >= cells
    assert capacity(logrows - 1) < cells


@given(st.integers(2, 200), st.integers(1, 8), st.integers(6, 20))
def test_a_filled_table_of_digits_fits_and_holds_no_less(base: int, legs: int, logrows: int) -> None:
    layout = Layout(base, legs)
    filled = layout.filling(logrows)
    assert filled.decomp_legs == legs
    assert filled.reach >= layout.reach
    assert filled.decomp_base <= max(base, capacity(logrows))
    assert filled.reach <= max(layout.reach, WIDE.reach)


@given(st.integers(-(2**20), 0), st.integers(1, 2**20), st.integers(6, 14))
def test_a_filled_table_of_lookups_takes_no_further_column(low: int, high: int, logrows: int) -> None:
    document = {
        "run_args": {"logrows": logrows, "lookup_range": [low, high]},
        "required_lookups": [{"Tanh": {}}],
        "required_range_checks": [],
    }
    candidate = Candidate(NUMBERS[0], WIDE, canonical(document))
    before, after = candidate.lookup_range, candidate.filled().lookup_range
    assert after[0] <= before[0]
    assert after[1] >= before[1]
    rows = capacity(logrows)
    assert -(-(after[1] - after[0] + 1) // rows) == -(-(before[1] - before[0] + 1) // rows)


def test_canonical_settings_know_no_time_and_no_order() -> None:
    one = {
        "timestamp": 1,
        "required_lookups": ["b", "a"],
        "required_range_checks": [[1, 2], [0, 1]],
        "x": {"b": 1, "a": 2},
    }
    other = {
        "x": {"a": 2, "b": 1},
        "required_range_checks": [[0, 1], [1, 2]],
        "required_lookups": ["a", "b"],
        "timestamp": 2,
    }
    assert canonical(one) == canonical(other)
    assert json.loads(canonical(one))["timestamp"] == 0
    assert canonical({**one, "x": 3}) != canonical(one)
