"""Fidelity: exact figures, on rows that shaped the circuit and on rows that did not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from bridge import verbs
from bridge.circuit import fidelity as measuring
from bridge.circuit.build import Built, build
from bridge.circuit.fidelity import CALIBRATION, HELD_OUT, compare, finite, measure, split
from bridge.circuit.model import read_model
from bridge.circuit.order import Order
from bridge.core.bundle import MANIFEST, MODEL, Bundle, open_bundle
from bridge.core.field import to_instance, to_little_endian
from bridge.core.manifest import Fidelity, OutputFidelity
from bridge.core.rows import Array, Row, check_range, check_rows
from bridge.errors import CircuitRefused, FidelityTooLow, InputShapeMismatch, NoRowFits
from tests.circuit.test_build import BENCH, left
from tests.circuit.test_model import save
from tests.conftest import Example

SCALE = 7
"""Errors in these tests are whole numbers over 128, which a float holds exactly."""


def words(*numbers: int) -> list[str]:
    return [to_little_endian(to_instance(number)) for number in numbers]


def of(got: Sequence[Sequence[int]], wanted: Sequence[Array], scale: int = 0, rows: int = 1) -> OutputFidelity:
    """One output: the circuit's integers at a scale against the float model's arrays, run by run."""
    outputs = [[words(*run)] for run in got]
    return compare(["y"], outputs, [scale], [(array,) for array in wanted], "float", rows=rows).outputs[0]


def floats(*numbers: float) -> Array:
    return np.array([numbers], dtype=np.float32)


# --- figures ---------------------------------------------------------------------------------------------------------


def test_errors_are_those_of_the_numbers_and_not_of_the_words() -> None:
    outputs = [[words(4, -4)], [words(2, 0)]]
    expected = [(np.array([[1.0, -1.5]]),), (np.array([[0.5, 0.25]]),)]
    fidelity = compare(["y"], outputs, [2], expected, "onnxruntime", refused=3)
    assert (fidelity.reference, fidelity.rows, fidelity.refused) == ("onnxruntime", 2, 3)
    assert fidelity.outputs == (OutputFidelity("y", 4, 0.5, 0.1875, 0.5, 1.5, 1.0),)


def test_every_output_has_figures_of_its_own_and_the_whole_is_over_all_of_them() -> None:
    outputs = [[words(1, 2, 3), words(8)]]
    expected = [(np.array([[1.0, 2.0, 4.0]]), np.array([[1.0]]))]
    fidelity = compare(["a", "b"], outputs, [0, 2], expected, "float")
    assert fidelity.outputs == (
        OutputFidelity("a", 3, 1.0, 1 / 3, 1.0, 4.0, 1.0),
        OutputFidelity("b", 1, 1.0, 1.0, 1.0, 1.0, None),
    )
    assert (fidelity.max_abs_error, fidelity.mean_abs_error, fidelity.largest_output) == (1.0, 0.5, 4.0)


def test_outputs_of_another_shape_are_no_outputs() -> None:
    one = (np.array([[1.0, 1.0]]),)
    assert compare(["y"], [[words(4, 4)]], [2], [one], "float").rows == 1
    for outputs, scales, expected in (
        ([[words(4, 4, 4)]], [2], [one]),
        ([[words(4), words(4)]], [2, 2], [one]),
        ([[words(4, 4)]], [2, 2], [one]),
        ([[words(4, 4)]], [2], [one, one]),
        ([[words(4, 4)], [words(4, 4)]], [2], [one]),
    ):
        with pytest.raises(ValueError, match=r"zip|reshape"):
            compare(["y"], outputs, scales, expected, "float")
    with pytest.raises(ValueError, match="zip"):
        compare(["y", "z"], [[words(4, 4)]], [2], [one], "float")


@pytest.mark.parametrize(("count", "rank"), [(1, 1), (2, 2), (99, 99), (100, 99), (101, 100), (200, 198), (201, 199)])
def test_the_99th_percentile_is_an_error_that_was_seen(count: int, rank: int) -> None:
    """With errors of 1, 2, 3 … over 128 it is the one of this rank."""
    output = of([list(range(1, count + 1))], [np.zeros((1, count))], SCALE)
    assert output.p99_abs_error == rank / 128
    assert output.max_abs_error == count / 128
    assert output.mean_abs_error == (count + 1) / 256


def test_the_mean_is_not_lifted_above_the_largest_by_rounding() -> None:
    """0.1 three times, added up and divided by 3 as floats, is more than 0.1."""
    assert (0.1 + 0.1 + 0.1) / 3 > 0.1
    assert of([[0, 0, 0]], [np.array([[0.1, 0.1, 0.1]])]).mean_abs_error == 0.1
    part = OutputFidelity("a", 3, 0.1, 0.1, 0.1, 0.1, None)
    assert Fidelity("float", 1, 0, (part, part)).mean_abs_error == 0.1


@pytest.mark.parametrize(
    ("got", "wanted", "share"),
    [
        ([[1, 5, 2]], [floats(1, 4, 2)], 1.0),
        ([[1, 5, 6]], [floats(1, 4, 2)], 0.0),
        ([[9, 5, 1], [1, 5, 9], [1, 9, 5], [9, 5, 1]], [floats(3, 2, 1)] * 4, 0.5),
        ([[4, 4, 2]], [floats(4.2, 4.1, 2)], 1.0),  # of equals the first
        ([[4, 4, 2]], [floats(4.1, 4.2, 2)], 0.0),
        ([[1, 2]], [np.array([1.0, 2.0])], 1.0),  # scores without a leading axis
        ([[2, 1, 1, 2]], [np.array([[[2.0, 1.0], [2.0, 1.0]]])], 0.5),  # a label for each place of a sequence
        ([[7]], [np.array([[7.0]])], None),
        ([[7]], [np.array(7.0)], None),
        ([[1, 2, 3]], [np.array([[[1.0], [2.0], [3.0]]])], None),
        ([[3], [4]], [np.array([3]), np.array([5])], 0.5),
        ([[3, 1, 2]], [np.array([[3, 1, 1]])], 2 / 3),  # labels themselves, and not scores
        ([[1, 0]], [np.array([[True, True]])], 0.5),
    ],
)
def test_labels_agree_or_do_not(got: list[list[int]], wanted: list[Array], share: float | None) -> None:
    assert of(got, wanted).equal_labels == share


def test_a_label_that_is_off_by_a_fraction_is_another() -> None:
    """A contract that reads it compares numbers, and does not round."""
    assert of([[3 * 128]], [np.array([3])], SCALE).equal_labels == 1
    assert of([[3 * 128 + 1]], [np.array([3])], SCALE).equal_labels == 0


def test_rows_of_a_batch_are_rows_and_no_scores_of_each_other() -> None:
    assert of([[1, 2, 3]], [np.array([1.0, 2.0, 3.0])], rows=3).equal_labels is None
    assert of([[1, 2, 3]], [np.array([1.0, 2.0, 3.0])], rows=1).equal_labels == 1
    assert of([[1, 2, 4, 3]], [np.array([[1.0, 2.0], [1.0, 2.0]])], rows=2).equal_labels == 0.5
    assert compare(["y"], [[words(1, 2, 3)]], [0], [(np.ones(3),)], "float", rows=3).rows == 3


ERRORS = st.floats(-1e6, 1e6, allow_nan=False, width=32)
RUNS = st.lists(st.tuples(*[st.tuples(st.integers(-(2**20), 2**20), ERRORS)] * 3), min_size=1, max_size=12)


@given(RUNS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(runs: list[tuple[tuple[int, float], ...]], random: object) -> None:
    shuffled = list(runs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    def figures(rows: list[tuple[tuple[int, float], ...]]) -> OutputFidelity:
        return of(
            [[got for got, _ in row] for row in rows], [floats(*(want for _, want in row)) for row in rows], SCALE
        )

    assert figures(shuffled) == figures(runs)


@given(RUNS)
def test_figures_keep_their_order_and_know_the_best_and_the_worst(runs: list[tuple[tuple[int, float], ...]]) -> None:
    got, wanted = [[got for got, _ in row] for row in runs], [floats(*(want for _, want in row)) for row in runs]
    output = of(got, wanted, SCALE)
    assert output.max_abs_error >= output.p99_abs_error >= 0
    assert output.max_abs_error >= output.mean_abs_error >= 0
    assert output.equal_labels is not None
    assert 0 <= output.equal_labels <= 1
    assert (output.max_abs_error == 0) == (output.mean_abs_error == 0)
    exact = of(got, [np.array([row]) / 128 for row in got], SCALE)
    assert (exact.max_abs_error, exact.p99_abs_error, exact.mean_abs_error, exact.equal_labels) == (0, 0, 0, 1)
    assert compare(
        ["y"], [[words(*row)] for row in got], [SCALE], [(row,) for row in wanted], "float"
    ).mean_abs_error == (output.mean_abs_error)


@given(RUNS)
def test_a_batch_has_the_figures_of_its_rows(runs: list[tuple[tuple[int, float], ...]]) -> None:
    got, wanted = [[got for got, _ in row] for row in runs], [floats(*(want for _, want in row)) for row in runs]
    together = of([list(chain.from_iterable(got))], [np.concatenate(wanted)], SCALE, rows=len(runs))
    assert together == of(got, wanted, SCALE)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_float_output_that_no_field_element_stands_for_is_named(bad: float, example: Example) -> None:
    model = read_model(example.model)
    outputs = (floats(1, 2),)
    assert finite(model, "held-out row 3", outputs) is outputs
    with pytest.raises(CircuitRefused, match="for held-out row 3 is not finite"):
        finite(model, "held-out row 3", (floats(1, 2), floats(1, bad)))


# --- rows ------------------------------------------------------------------------------------------------------------


def numbered(count: int) -> tuple[Row, ...]:
    return tuple((floats(number, 0, 0),) for number in range(1, count + 1))


def first(rows: Sequence[Row]) -> list[int]:
    return [int(row[0][0, 0]) for row in rows]


def test_every_fifth_of_ten_rows_is_held_out() -> None:
    calibration, held_out = split(numbered(10))
    assert (first(calibration), first(held_out)) == ([1, 2, 3, 4, 6, 7, 8, 9], [5, 10])
    calibration, held_out = split(numbered(13))
    assert (first(calibration), first(held_out)) == ([1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13], [5, 10])


@pytest.mark.parametrize("count", [1, 5, 9])
def test_of_fewer_rows_none_is_held_out(count: int) -> None:
    calibration, held_out = split(numbered(count))
    assert (first(calibration), held_out) == (list(range(1, count + 1)), ())


def rows_of(bundle: Bundle, values: object) -> tuple[Row, ...]:
    return check_rows({"x": values}, [tensor.spec for tensor in bundle.manifest.circuit.row.inputs])


def measured(bundle: Bundle, values: object, refused: int = 0) -> Fidelity:
    """What a finished bundle gives for rows, with so many more refused."""
    model = read_model(bundle.file(MODEL))
    fidelity = measure(model, bundle.manifest.circuit, bundle.keys, rows_of(bundle, values), HELD_OUT)
    return replace(fidelity, refused=fidelity.refused + refused)


CORNER = (4.0, 4.0, -4.0)
"""Within the example's calibrated range, and more than its circuit holds."""


def test_a_finished_bundle_measured_again_gives_what_is_on_record(bundle: Bundle, example: Example) -> None:
    again = measured(bundle, example.rows)
    assert again == bundle.manifest.fidelity
    assert [output.name for output in again.outputs] == ["y"]
    assert (again.rows, again.outputs[0].elements, again.outputs[0].equal_labels) == (4, 8, 1.0)
    assert measured(bundle, example.rows[:1]) != again


def test_a_row_outside_the_calibrated_range_is_counted_and_left_out(bundle: Bundle, example: Example) -> None:
    within = measured(bundle, example.rows)
    beyond = [[4.001, 0, 0], [0, 0, -1e9]]
    mixed = measured(bundle, [beyond[0], *example.rows, beyond[1]])
    assert mixed == replace(within, refused=2)
    edges = measured(bundle, [*example.rows, [4, -4, 4]])
    assert (edges.rows, edges.refused) == (5, 0)


def test_rows_of_which_none_fits_are_no_comparison(bundle: Bundle) -> None:
    with pytest.raises(NoRowFits, match=r"none of the 2 held-out rows: input 'x' holds 5 at element 0") as refused:
        measured(bundle, [[5, 0, 0], [0, 0, -6]])
    assert "--held-out" in refused.value.fix


def test_no_more_than_so_many_rows_are_compared(
    bundle: Bundle, example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "MEASURED_ROWS", 3)
    capped = measured(bundle, [[9, 9, 9], *example.rows])
    assert (capped.rows, capped.refused) == (2, 1)
    monkeypatch.setattr(measuring, "MEASURED_ROWS", 5)
    assert measured(bundle, [[9, 9, 9], *example.rows]).rows == 4


def test_a_batch_is_measured_row_by_row_without_what_fills_it(batch_bundle: Bundle, example: Example) -> None:
    assert batch_bundle.manifest.circuit.rows == 4
    values = [*example.rows, [3.5, -3.5, 3.5], [-1, 0, 1]]
    fidelity = measured(batch_bundle, values)
    assert (fidelity.rows, fidelity.refused, fidelity.outputs[0].elements) == (6, 0, 12)
    model, rows = read_model(batch_bundle.file(MODEL)), rows_of(batch_bundle, values)
    largest = max(float(np.abs(model.reference().outputs(row)[0]).max()) for row in rows)
    assert fidelity.largest_output == largest
    assert 0 < fidelity.mean_abs_error <= fidelity.max_abs_error < 0.001


def test_the_corners_of_the_calibrated_range_are_computed_and_proved(bundle: Bundle, example: Example) -> None:
    """No row of the sample comes near: digits reach as far as the rows of the circuit have room for."""
    (row,) = rows_of(bundle, [CORNER])
    check_range(row, bundle.manifest.circuit.inputs)
    assert measured(bundle, [*example.rows, CORNER]).refused == 0
    assert verbs.prove(bundle, row).instances


@pytest.fixture(scope="module")
def squared(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """sigmoid(x * x): x*x leaves the range of the sigmoid's table before x leaves the range of the check."""
    folder = tmp_path_factory.mktemp("squared")
    nodes = [helper.make_node("Mul", ["x", "x"], ["s"]), helper.make_node("Sigmoid", ["s"], ["y"])]
    model = save(folder / "m.onnx", nodes)
    sample = folder / "sample.json"
    sample.write_text('{"x": [0.5, -1.0, 1.0]}')
    return build(Order(model, sample, folder / "out"), BENCH).bundle


def test_a_row_that_leaves_a_table_of_the_circuit_is_counted_and_left_out(squared: Bundle) -> None:
    """It would be refused before it is proved, and what its forward pass gives is never seen on a chain."""
    fidelity = measured(squared, [[0.5, -1.0, 1.0], [2.0, -2.0, 2.0]])
    assert fidelity == replace(squared.manifest.fidelity, refused=1)
    with pytest.raises(NoRowFits, match="a lookup of"):
        measured(squared, [[2.0, -2.0, 2.0]])


def test_a_row_that_does_not_fit_does_not_take_its_batch_along(squared: Bundle, tmp_path: Path) -> None:
    order = Order(squared.file(MODEL), tmp_path / "sample.json", tmp_path / "out", batch=4)
    rows = [[0.5, -1.0, 1.0], [0.25, 1.0, 0.5], [0.0, 0.0, 0.1], [1.0, 1.0, 1.0]]
    order.sample.write_text(json.dumps({"x": rows}))
    batch = build(order, BENCH).bundle
    within = measured(batch, rows)
    assert within.rows == 4
    among = [*rows[:2], [2.0, -2.0, 2.0], [9, 9, 9], *rows[2:]]
    assert measured(batch, among) == replace(within, refused=2)


# --- builds ----------------------------------------------------------------------------------------------------------

BuildIn = Callable[..., Built]


@pytest.fixture
def build_in(order: Order, tmp_path: Path) -> BuildIn:
    """Build the example into a folder of this test; `held_out` and `sample` are values."""

    def run(**changes: object) -> Built:
        for name in ("held_out", "sample"):
            if name in changes:
                path = tmp_path / f"{name}.json"
                path.write_text(json.dumps({"x": changes[name]}))
                changes[name] = path
        return build(replace(order, **{"out": tmp_path / "out", **changes}), BENCH)

    return run


FAR = ((3.9, -3.9, 3.9), (-3.9, -3.9, -3.9))
"""Within twice the sample's reach, and so within the calibrated range, but with larger errors than the sample's."""


def test_held_out_rows_are_on_record_and_read_back_equal(build_in: BuildIn) -> None:
    bundle = build_in(held_out=[*FAR, [0, -50, 0], [50, 0, 0]]).bundle
    held_out, calibration = bundle.manifest.held_out, bundle.manifest.fidelity
    assert held_out is not None
    assert (calibration.rows, calibration.refused, held_out.rows, held_out.refused) == (4, 0, 2, 2)
    assert held_out.max_abs_error > calibration.max_abs_error
    assert held_out == measured(bundle, FAR, refused=2)
    assert open_bundle(bundle.path) == bundle


def test_a_small_sample_holds_nothing_out_and_says_so(bundle: Bundle) -> None:
    assert bundle.manifest.held_out is None
    assert json.loads((bundle.path / MANIFEST).read_text())["held_out"] is None


def test_a_large_sample_holds_out_every_fifth_row_and_is_not_calibrated_on_it(build_in: BuildIn) -> None:
    sample = [[0.5, -1.0, 2.0]] * 4 + [[100, 0, 0]] + [[1.5, 0.25, -0.75]] * 5
    manifest = build_in(sample=sample).bundle.manifest
    assert manifest.held_out is not None
    assert (manifest.fidelity.rows, manifest.held_out.rows, manifest.held_out.refused) == (8, 1, 1)
    assert (manifest.circuit.inputs[0].low, manifest.circuit.inputs[0].high) == (-3.0, 4.0)


def test_a_large_sample_is_calibrated_on_whole_where_other_rows_are_held_out(build_in: BuildIn) -> None:
    sample = [[0.5, -1.0, 2.0]] * 4 + [[100, 0, 0]] + [[1.5, 0.25, -0.75]] * 5
    manifest = build_in(sample=sample, held_out=[[1, 2, 3]]).bundle.manifest
    assert manifest.held_out is not None
    assert (manifest.fidelity.rows, manifest.held_out.rows) == (10, 1)
    assert manifest.circuit.inputs[0].high == 200.0


def test_the_error_bound_holds_for_held_out_rows_too(build_in: BuildIn, tmp_path: Path, bundle: Bundle) -> None:
    calibration, held_out = bundle.manifest.fidelity.max_abs_error, measured(bundle, FAR).max_abs_error
    assert calibration < held_out
    between = (calibration + held_out) / 2
    with pytest.raises(FidelityTooLow, match=f"on the held-out rows, more than --max-error {between:g}") as refused:
        build_in(held_out=FAR, max_error=between)
    assert refused.value.got == held_out
    assert left(tmp_path) == []
    assert build_in(held_out=FAR, max_error=held_out).is_new


def test_the_error_bound_holds_for_calibration_rows_that_the_search_does_not_look_at(
    build_in: BuildIn, tmp_path: Path, bundle: Bundle
) -> None:
    """It compares candidates on the first sixteen."""
    sample = [[0.5, -1.0, 2.0]] * 20 + [list(row) for row in FAR]
    near = measured(bundle, [[0.5, -1.0, 2.0]]).max_abs_error
    between = (near + measured(bundle, FAR).max_abs_error) / 2
    with pytest.raises(FidelityTooLow, match="on the calibration rows") as refused:
        build_in(sample=sample, held_out=[[0.5, -1.0, 2.0]], max_error=between)
    assert refused.value.rows == CALIBRATION
    assert left(tmp_path) == []


def test_a_bundle_that_was_built_before_is_no_way_around_the_bound(build_in: BuildIn) -> None:
    kept = build_in()
    assert not build_in(max_error=1.0, held_out=FAR).is_new
    with pytest.raises(FidelityTooLow, match="held-out"):
        build_in(max_error=kept.bundle.manifest.fidelity.max_abs_error, held_out=FAR)
    assert open_bundle(kept.bundle.path) == kept.bundle


def test_held_out_rows_that_cannot_be_compared_leave_nothing(build_in: BuildIn, tmp_path: Path) -> None:
    with pytest.raises(NoRowFits):
        build_in(held_out=[[50, 0, 0]])
    with pytest.raises(InputShapeMismatch):
        build_in(held_out=[[1, 2], [3, 4]])
    assert left(tmp_path) == []
    assert build_in(held_out=[[1, 2, 3]]).is_new


def test_a_batch_measures_its_held_out_rows(build_in: BuildIn) -> None:
    manifest = build_in(batch=2, held_out=[*FAR, [1, 2, 3]]).bundle.manifest
    assert manifest.held_out is not None
    assert (manifest.fidelity.rows, manifest.held_out.rows, manifest.circuit.rows) == (4, 3, 2)
