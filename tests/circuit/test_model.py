"""An ONNX file is read, or refused by name: not ONNX, an operator that has no circuit, a sample that does not fit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bridge.circuit.model import read_model
from bridge.circuit.ranking import Bounds
from bridge.circuit.search import search
from bridge.circuit.settings import Objective
from bridge.circuit.trial import name_refusal
from bridge.core.circuit import Visibility
from bridge.core.rows import read_rows
from bridge.core.tensor import TensorSpec
from bridge.errors import (
    CircuitRefused,
    InputNotFinite,
    InputShapeMismatch,
    InputTypeMismatch,
    NotAnOnnxModel,
    UnsupportedOperator,
)
from tests.conftest import Example

FLOAT = TensorProto.FLOAT


def save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    *,
    shape: Sequence[int | str | None] = (1, 3),
    output: Sequence[int | str | None] | None = None,
    kind: int = FLOAT,
    output_kind: int | None = None,
    weights: dict[str, Any] | None = None,
) -> Path:
    """A model of one input x and one output y."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("x", kind, list(shape))],
        [
            helper.make_tensor_value_info(
                "y", kind if output_kind is None else output_kind, list(shape if output is None else output)
            )
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (weights or {}).items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), str(path))
    return path


def choose(model: Path, rows: object) -> Any:
    """The search over the model's settings with these rows as its sample."""
    sample = model.with_suffix(".json")
    sample.write_text(json.dumps({"x": rows}))
    read = read_model(model)
    ranking = search(
        read,
        read_rows(sample, read.inputs),
        objective=Objective.BALANCED,
        bounds=Bounds(max_logrows=12),
        visibility=Visibility.PUBLIC,
    )
    return ranking.best[0]


def test_a_model_is_read_with_its_tensors_and_operators(example: Example) -> None:
    model = read_model(example.model)
    assert model.inputs == (TensorSpec("x", (1, 3), "float32"),)
    assert model.outputs == (TensorSpec("y", (1, 2), "float32"),)
    assert model.operators == (("affine", "Gemm"), ("negate", "Neg"))
    assert model.variables == ()
    assert len(model.sha256) == 64


def test_a_dimension_without_a_size_is_one_row(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    named = read_model(save(tmp_path / "named.onnx", nodes, shape=("rows", 3)))
    assert (named.inputs[0].shape, named.variables) == ((1, 3), (("rows", 1),))
    nameless = read_model(save(tmp_path / "nameless.onnx", nodes, shape=(None, 3)))
    assert (nameless.inputs[0].shape, nameless.variables) == ((1, 3), (("batch_size", 1),))


@pytest.mark.parametrize("dimension", ["rows", None, 1])
def test_a_model_whatever_its_first_dimension_becomes_a_circuit(tmp_path: Path, dimension: str | int | None) -> None:
    model = save(tmp_path / "m.onnx", [helper.make_node("Relu", ["x"], ["y"])], shape=(dimension, 3))
    choice = choose(model, [[1.0, -2.0, 3.0]])
    assert choice.fidelity.max_abs_error == 0


def test_a_truncated_model_is_no_model(example: Example, tmp_path: Path) -> None:
    whole = example.model.read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(whole)
    read_model(path)
    for length in (0, 1, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(NotAnOnnxModel) as refused:
            read_model(path)
        assert str(path) in refused.value.what
        assert "\n" not in refused.value.what


@pytest.mark.parametrize("content", [b"hello", b"\x00" * 64, b'{"x": 1}', b"\x80\x02}q\x00."])
def test_another_file_is_no_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(content)
    with pytest.raises(NotAnOnnxModel):
        read_model(path)


def test_a_folder_a_missing_file_and_a_huge_one_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(NotAnOnnxModel, match="No such file"):
        read_model(tmp_path / "missing.onnx")
    with pytest.raises(NotAnOnnxModel, match="directory"):
        read_model(tmp_path)
    with (tmp_path / "huge.onnx").open("wb") as stream:
        stream.truncate(2**31 + 1)
    with pytest.raises(NotAnOnnxModel, match="2 GiB"):
        read_model(tmp_path / "huge.onnx")


def test_weights_that_the_hash_does_not_cover_are_refused(tmp_path: Path) -> None:
    inside = save(tmp_path / "m.onnx", [helper.make_node("Mul", ["x", "w"], ["y"])], weights={"w": [[2.0] * 3]})
    assert read_model(inside)
    beside = tmp_path / "beside.onnx"
    onnx.save(onnx.load(str(inside)), str(beside), save_as_external_data=True, location="weights", size_threshold=0)
    with pytest.raises(NotAnOnnxModel, match="weights are in another file"):
        read_model(beside)


def test_a_graph_that_takes_text_is_no_model_of_numbers(tmp_path: Path) -> None:
    path = save(tmp_path / "t.onnx", [helper.make_node("Identity", ["x"], ["y"])], kind=TensorProto.STRING)
    with pytest.raises(NotAnOnnxModel, match="'x' holds"):
        read_model(path)


def test_a_graph_without_outputs_is_no_model(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", [helper.make_node("Relu", ["x"], ["y"])])
    proto = onnx.load(str(path))
    del proto.graph.output[:]
    onnx.save(proto, str(path))
    with pytest.raises(NotAnOnnxModel):
        read_model(path)


def test_a_graph_that_onnxruntime_cannot_run_is_named(tmp_path: Path) -> None:
    """The shapes do not fit, which onnx's checker does not look at."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    path = save(tmp_path / "m.onnx", nodes, weights={"w": np.ones((5, 2), np.float32)}, output=(1, 2))
    with pytest.raises(NotAnOnnxModel):
        choose(path, [[1.0, 2.0, 3.0]])


UNSUPPORTED: dict[str, dict[str, Any]] = {
    "IsNaN": {"output_kind": TensorProto.BOOL},
    "Mish": {},
    "Det": {"shape": (2, 2), "output": ()},
    "Gelu": {},
    "NonZero": {"output_kind": TensorProto.INT64, "output": (2, None)},
}


@pytest.mark.parametrize("named", [True, False], ids=["named nodes", "nameless nodes"])
@pytest.mark.parametrize("operator", UNSUPPORTED)
def test_an_operator_without_a_circuit_is_named(tmp_path: Path, operator: str, named: bool) -> None:
    nodes = [
        helper.make_node("Add", ["x", "x"], ["s"], name="double" if named else ""),
        helper.make_node(operator, ["s"], ["y"], name="culprit" if named else ""),
    ]
    shape = UNSUPPORTED[operator].get("shape", (1, 3))
    path = save(tmp_path / "m.onnx", nodes, **UNSUPPORTED[operator])
    with pytest.raises(UnsupportedOperator) as refused:
        choose(path, np.ones(shape).tolist())
    assert refused.value.operator == operator
    assert refused.value.node == ("culprit" if named else "")
    assert refused.value.reason
    assert operator in refused.value.fix


@pytest.mark.parametrize("operator", ["Relu", "Sigmoid", "Neg"])
def test_an_operator_with_a_circuit_is_not_refused(tmp_path: Path, operator: str) -> None:
    path = save(tmp_path / "m.onnx", [helper.make_node(operator, ["x"], ["y"])])
    assert choose(path, [[0.5, -0.25, 1.0]]).fidelity.max_abs_error < 0.01


def test_topk_becomes_a_circuit(tmp_path: Path) -> None:
    nodes = [helper.make_node("TopK", ["x", "k"], ["y", "indices"])]
    path = save(tmp_path / "m.onnx", nodes, weights={"k": np.array([2])}, output=(1, 2))
    assert choose(path, [[0.5, -0.25, 1.0]]).fidelity.max_abs_error < 0.001


def test_an_operator_that_no_opset_knows_is_named(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", [helper.make_node("Frobnicate", ["x"], ["y"], name="n")])
    with pytest.raises(UnsupportedOperator, match="no ONNX operator set defines it") as refused:
        read_model(path)
    assert (refused.value.operator, refused.value.node) == ("Frobnicate", "n")


def test_a_refusal_without_an_operator_in_it_stays_general(example: Example) -> None:
    model = read_model(example.model)
    refusal = name_refusal(model, "Failed to generate settings: [graph] something else\nmore")
    assert isinstance(refusal, CircuitRefused)
    assert refusal.reason == "[graph] something else"
    named = name_refusal(model, 'Translating node #1 "negate" went wrong')
    assert isinstance(named, UnsupportedOperator)
    assert (named.operator, named.node) == ("Neg", "negate")


@pytest.mark.parametrize("weight", [float("nan"), float("inf")])
def test_a_model_whose_outputs_are_not_finite_is_refused_before_it_is_built(tmp_path: Path, weight: float) -> None:
    weights = {"w": np.array([weight, 1, 1], np.float32)}
    path = save(tmp_path / "m.onnx", [helper.make_node("Add", ["x", "w"], ["y"])], weights=weights)
    with pytest.raises(CircuitRefused, match="sample row 0 is not finite"):
        choose(path, [[1.0, 2.0, 3.0]])


def test_a_sample_row_that_has_no_float_answer_is_named(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", [helper.make_node("Log", ["x"], ["y"])])
    with pytest.raises(CircuitRefused, match="sample row 1 is not finite"):
        choose(path, [[1.0, 2.0, 3.0], [1.0, -2.0, 3.0]])


def test_numbers_too_large_for_the_field_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", [helper.make_node("Relu", ["x"], ["y"])])
    with pytest.raises(CircuitRefused, match="calibrat"):
        choose(path, [[1e30, 2.0, 3.0]])


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([[1.0, 2.0]], InputShapeMismatch),
        ([[1.0, 2.0, 3.0, 4.0]], InputShapeMismatch),
        ([["a", "b", "c"]], InputTypeMismatch),
        ([[True, False, True]], InputTypeMismatch),
        ([[1.0, float("nan"), 3.0]], InputNotFinite),
        ([[1.0, 1e39, 3.0]], InputNotFinite),
    ],
)
def test_a_sample_that_does_not_fit_the_model_is_named(tmp_path: Path, rows: object, error: type[Exception]) -> None:
    path = save(tmp_path / "m.onnx", [helper.make_node("Relu", ["x"], ["y"])])
    with pytest.raises(error):
        choose(path, rows)
