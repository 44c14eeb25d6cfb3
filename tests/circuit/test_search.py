"""The choice of settings: what each objective makes small, and when a layout need not be tried."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest

from bridge.circuit import search as searching
from bridge.circuit.model import Model, read_model
from bridge.circuit.search import Choice, compare, search
from bridge.circuit.settings import LAYOUTS, SCALES, Candidate, Objective, canonical, optimistic_cost, relative_cost
from bridge.core.circuit import Visibility
from bridge.core.field import to_instance, to_little_endian
from bridge.core.progress import silent
from bridge.core.rows import Row, read_rows
from bridge.toolchain import assets
from tests.conftest import Example

NAMES = ("linear", "breast_cancer", "diabetes")


@pytest.fixture(scope="session")
def problems(example: Example) -> dict[str, tuple[Model, tuple[Row, ...]]]:
    """The example, and two of the models that come with the package, each with a few rows."""
    files = {"linear": (example.model, example.sample)}
    for name in NAMES[1:]:
        folder = assets.examples() / name
        files[name] = (folder / "model.onnx", folder / "calibration.json")
    models = {name: (read_model(model), sample) for name, (model, sample) in files.items()}
    return {name: (model, read_rows(sample, model.inputs)[:8]) for name, (model, sample) in models.items()}


@pytest.fixture(scope="session")
def measured(problems: dict[str, tuple[Model, tuple[Row, ...]]]) -> dict[str, list[Candidate]]:
    """Every layout of every model at one scale, measured for real."""
    found = {}
    for name, (model, rows) in problems.items():
        reference = model.reference()
        expected = [reference.outputs(row) for row in rows[:1]]
        trials = searching._Trials(model, rows, reference.name, expected, Visibility.PUBLIC, 18, silent)
        found[name] = [candidate for candidate, _ in trials.run([(layout, SCALES[0]) for layout in LAYOUTS])]
    return found


@pytest.fixture(scope="session")
def choices(problems: dict[str, tuple[Model, tuple[Row, ...]]]) -> dict[tuple[str, Objective], Choice]:
    """What the search chooses for each model and objective."""
    return {
        (name, objective): search(
            *problems[name], objective=objective, max_error=None, visibility=Visibility.PUBLIC, max_logrows=18
        )
        for name, objective in product(NAMES, Objective)
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("objective", Objective)
def test_an_optimistic_cost_is_never_above_the_measured_one(
    measured: dict[str, list[Candidate]], name: str, objective: Objective
) -> None:
    """Else the search would leave out a layout that is better than the best it knows."""
    candidates = measured[name]
    assert len(candidates) >= 8
    for known, other in product(candidates, repeat=2):
        assert optimistic_cost(objective, other.layout, known) <= relative_cost(objective, other)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("objective", Objective)
def test_the_search_finds_what_trying_everything_finds(
    measured: dict[str, list[Candidate]], choices: dict[tuple[str, Objective], Choice], name: str, objective: Objective
) -> None:
    choice = choices[name, objective]
    assert choice.candidate.scale == SCALES[0]
    best = min(relative_cost(objective, candidate) for candidate in measured[name])
    assert relative_cost(objective, choice.candidate) == best
    assert len(choice.tried) < len(LAYOUTS) + len(SCALES)


@pytest.mark.parametrize("name", NAMES)
def test_gas_picks_one_column(choices: dict[tuple[str, Objective], Choice], name: str) -> None:
    assert choices[name, Objective.GAS].candidate.layout.num_inner_cols == 1


def test_latency_takes_columns_where_they_make_fewer_rows(choices: dict[tuple[str, Objective], Choice]) -> None:
    """So the objectives are not one and the same."""
    latency, gas = (choices["diabetes", objective].candidate for objective in (Objective.LATENCY, Objective.GAS))
    assert latency.layout.num_inner_cols > 1
    assert latency.logrows < gas.logrows


@pytest.mark.parametrize("name", NAMES)
def test_latency_never_costs_more_rows_than_balanced(choices: dict[tuple[str, Objective], Choice], name: str) -> None:
    latency, balanced = (choices[name, objective].candidate for objective in (Objective.LATENCY, Objective.BALANCED))
    assert latency.logrows <= balanced.logrows


@pytest.mark.parametrize("name", NAMES)
def test_the_choice_keeps_the_default_error_bound(choices: dict[tuple[str, Objective], Choice], name: str) -> None:
    for objective in Objective:
        fidelity = choices[name, objective].fidelity
        assert fidelity.max_abs_error <= searching.RELATIVE_ERROR * fidelity.largest_output
        assert fidelity.mean_abs_error <= fidelity.max_abs_error


def test_a_loose_bound_may_choose_a_coarser_scale_and_a_tight_one_may_not(
    problems: dict[str, tuple[Model, tuple[Row, ...]]],
) -> None:
    def chosen(max_error: float) -> Choice:
        return search(
            *problems["linear"],
            objective=Objective.BALANCED,
            max_error=max_error,
            visibility=Visibility.PUBLIC,
            max_logrows=18,
        )

    loose, tight = chosen(1.0), chosen(0.0002)
    assert loose.candidate.logrows <= tight.candidate.logrows
    assert tight.fidelity.max_abs_error <= 0.0002
    assert tight.candidate.scale == SCALES[0]


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


def words(*numbers: int) -> list[str]:
    return [to_little_endian(to_instance(number)) for number in numbers]


def test_errors_are_those_of_the_numbers_and_not_of_the_words() -> None:
    outputs = [[words(4, -4)], [words(2, 0)]]
    expected = [(np.array([[1.0, -1.5]]),), (np.array([[0.5, 0.25]]),)]
    fidelity = compare(outputs, [2], expected, "onnxruntime")
    assert fidelity.reference == "onnxruntime"
    assert (fidelity.rows, fidelity.max_abs_error, fidelity.largest_output) == (2, 0.5, 1.5)
    assert fidelity.mean_abs_error == pytest.approx(0.1875)


def test_outputs_of_another_shape_are_no_outputs() -> None:
    with pytest.raises(ValueError, match="zip"):
        compare([[words(4, 4, 4)]], [2], [(np.array([[1.0, 1.0]]),)], "onnxruntime")
    with pytest.raises(ValueError, match="zip"):
        compare([[words(4), words(4)]], [2, 2], [(np.array([1.0]),)], "onnxruntime")
