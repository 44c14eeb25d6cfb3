"""Models over many rows: those with a batch axis, those with a fixed one, and those that cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bridge import verbs
from bridge.circuit.batch import batched
from bridge.circuit.model import Model, read_model
from bridge.circuit.order import Order
from bridge.core.circuit import Visibility
from bridge.core.rows import Row, in_batches, stack
from bridge.errors import BatchRefused, OptionInvalid

ROWS: tuple[Row, ...] = tuple(
    (np.array([[a, b, c]], dtype=np.float32),)
    for a, b, c in ((1, 2, 3), (-1, 0.5, 2), (0, 0, 1), (4, -4, 4), (9, 8, 7))
)


def model_of(
    path: Path, nodes: Sequence[onnx.NodeProto], *, axis: int | str | None = 1, weights: Sequence[onnx.TensorProto] = ()
) -> Model:
    """x of (axis, 3) to y of (axis, …)."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [axis, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [axis, 3])],
        list(weights),
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return read_model(path)


def outputs(model: Model, rows: Sequence[Row]) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    return model.reference().outputs(stack(rows))[0]


@pytest.mark.parametrize("axis", [1, "batch", None])
def test_a_batch_gives_row_by_row_what_the_model_gives_alone(axis: int | str | None, tmp_path: Path) -> None:
    model = model_of(tmp_path / "m.onnx", [helper.make_node("Exp", ["x"], ["y"])], axis=axis)
    many = batched(model, 5, ROWS, tmp_path)
    assert many.rows == 5
    assert [spec.shape for spec in (*many.inputs, *many.outputs)] == [(5, 3), (5, 3)]
    alone = [model.reference().outputs(row)[0] for row in ROWS]
    np.testing.assert_allclose(outputs(many, ROWS), np.concatenate(alone))


def test_a_model_with_a_batch_axis_keeps_its_file_and_a_fixed_one_does_not(tmp_path: Path) -> None:
    nodes = [helper.make_node("Neg", ["x"], ["y"])]
    symbolic = model_of(tmp_path / "symbolic.onnx", nodes, axis="n")
    fixed = model_of(tmp_path / "fixed.onnx", nodes)
    before = fixed.path.read_bytes()
    assert batched(symbolic, 3, ROWS, tmp_path).path == symbolic.path
    assert batched(symbolic, 3, ROWS, tmp_path).variables == (("n", 3),)
    assert batched(fixed, 3, ROWS, tmp_path).path != fixed.path
    assert fixed.path.read_bytes() == before


def test_a_batch_of_one_is_the_model(tmp_path: Path) -> None:
    model = model_of(tmp_path / "m.onnx", [helper.make_node("Neg", ["x"], ["y"])])
    assert batched(model, 1, ROWS, tmp_path) is model


def test_a_shape_that_a_node_reshapes_to_grows_with_the_batch(tmp_path: Path) -> None:
    shape = numpy_helper.from_array(np.array([1, 3], dtype=np.int64), "shape")
    nodes = [helper.make_node("Exp", ["x"], ["h"]), helper.make_node("Reshape", ["h", "shape"], ["y"])]
    model = model_of(tmp_path / "m.onnx", nodes, weights=[shape])
    assert batched(model, 4, ROWS, tmp_path).rows == 4
    constant = helper.make_node("Constant", [], ["shape"], value=shape)
    model = model_of(tmp_path / "constant.onnx", [constant, *nodes])
    assert batched(model, 4, ROWS, tmp_path).rows == 4


@pytest.mark.parametrize("axes", [("n", 1), (1, "n"), (None, "n"), (None, 1), ("n", "m")])
def test_inputs_whose_first_axes_are_given_in_several_ways_grow_together(
    axes: tuple[int | str | None, int | str | None], tmp_path: Path
) -> None:
    graph = helper.make_graph(
        [helper.make_node("Sub", ["a", "b"], ["y"])],
        "graph",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [axis, 3])
            for name, axis in zip("ab", axes, strict=True)
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [axes[0], 3])],
    )
    path = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    rows = [(a, b) for (a,), (b,) in zip(ROWS, reversed(ROWS), strict=True)]
    many = batched(read_model(path), 5, rows, tmp_path)
    assert [spec.shape for spec in many.inputs] == [(5, 3), (5, 3)]
    np.testing.assert_array_equal(outputs(many, rows), np.concatenate([a - b for a, b in rows]))


def test_rows_that_meet_each_other_are_refused(tmp_path: Path) -> None:
    total = helper.make_node("ReduceSum", ["x", "axes"], ["s"], keepdims=1)
    axes = numpy_helper.from_array(np.array([0], dtype=np.int64), "axes")
    nodes = [total, helper.make_node("Add", ["x", "s"], ["y"])]
    for axis in (1, "n"):
        model = model_of(tmp_path / "m.onnx", nodes, axis=axis, weights=[axes])
        with pytest.raises(BatchRefused, match="y of row 1 is another in a batch than alone"):
            batched(model, 3, ROWS, tmp_path)


def test_a_graph_that_does_not_run_over_many_is_refused(tmp_path: Path) -> None:
    square = numpy_helper.from_array(np.ones((1, 1), dtype=np.float32), "w")
    nodes = [helper.make_node("MatMul", ["w", "x"], ["y"])]
    model = model_of(tmp_path / "m.onnx", nodes, weights=[square])
    with pytest.raises(BatchRefused, match="does not run over 2 rows at once: "):
        batched(model, 2, ROWS, tmp_path)


def test_a_first_axis_that_is_no_batch_is_refused(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Neg", ["x"], ["y"])],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3])],
    )
    path = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    row: Row = (np.array([1, 2, 3], dtype=np.float32),)
    with pytest.raises(BatchRefused, match=r"the first axis of x is not 1: \(3,\)"):
        batched(read_model(path), 2, [row], tmp_path)


def test_the_last_batch_is_filled_with_its_last_row() -> None:
    batches = in_batches(ROWS, 2)
    assert [len(batch) for batch in batches] == [2, 2, 2]
    assert batches[-1] == (ROWS[4], ROWS[4])
    assert in_batches(ROWS, 5) == [ROWS]


@pytest.mark.parametrize("visibility", [Visibility.HASHED, Visibility.PRIVATE])
def test_rows_that_are_not_shown_make_no_batch(visibility: Visibility, order: Order) -> None:
    with pytest.raises(OptionInvalid, match=f"1 for an input that is {visibility.label}"):
        verbs.build_model(replace(order, batch=2, visibility=visibility))
