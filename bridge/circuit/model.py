"""An ONNX model as far as a circuit needs to know it. The file is hostile until onnx and onnxruntime have both read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx.checker import ValidationError
from onnx.external_data_helper import uses_external_data
from onnx.helper import tensor_dtype_to_np_dtype
from onnx.reference import ReferenceEvaluator

from bridge.core.rows import Array, Row
from bridge.core.storage import sha256_file
from bridge.core.tensor import TensorSpec
from bridge.errors import NotAnOnnxModel, UnsupportedOperator

_MAX_FILE_BYTES = 2 * 2**30
_KINDS = "fiub"

Run = Callable[[None, dict[str, Array]], Sequence[Any]]
"""Both runtimes answer all outputs for inputs by name."""
_NAMELESS_DIMENSION = "batch_size"
"""What ezkl calls a dimension that has neither a size nor a name."""


@dataclass(frozen=True, slots=True)
class Model:
    """A readable ONNX graph. Make one with `read_model`."""

    path: Path
    sha256: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    variables: tuple[tuple[str, int], ...]
    """Symbolic dimensions, each held at 1, but for the length of a batch."""
    first_axes: tuple[str | None, ...]
    """For each input the symbol of its first axis; None where that has a length, or where there is none."""
    operators: tuple[tuple[str, str], ...]
    """(node name, operator) of every node, in order."""
    rows: int = 1
    """How many rows the inputs and outputs hold, one after another along their first axis."""

    def reference(self) -> Reference:
        """The float model, to compare the circuit with. Raises `UnsupportedOperator`, `NotAnOnnxModel`.

        onnxruntime where it can load the graph; where it lacks a kernel for an element type (tree ensembles that multiply
        int8 matrices), ONNX's own reference implementation, which is slow and complete.
        """
        try:
            return Reference(self, f"onnxruntime {onnxruntime.__version__}", _onnxruntime(self.path))
        except Exception as error:  # onnxruntime has no public tree of errors
            reason = str(error).splitlines()[0]
        try:
            return Reference(self, f"onnx reference {onnx.__version__}", _onnx_reference(self.path))
        except Exception:  # neither has the reference implementation
            named = next((op for _, op in self.operators if f"{op}(" in reason or f"'{op}'" in reason), None)
            if named:
                raise UnsupportedOperator(path=self.path, operator=named, node="", reason=reason) from None
            raise NotAnOnnxModel(path=self.path, reason=reason) from None


@dataclass(frozen=True, slots=True)
class Reference:
    """A float runtime's answer for a row."""

    model: Model
    name: str
    """Which runtime, and its version."""
    run: Run

    def outputs(self, row: Row) -> tuple[Array, ...]:
        """One array for each output of the graph. Raises `NotAnOnnxModel` if the graph cannot run on the row."""
        feed = {spec.name: array for spec, array in zip(self.model.inputs, row, strict=True)}
        try:
            answers = self.run(None, feed)
        except Exception as error:  # see above
            reason = f"it does not run: {str(error).splitlines()[0]}"
            raise NotAnOnnxModel(path=self.model.path, reason=reason) from None
        return tuple(np.asarray(answer) for answer in answers)


def read_model(path: Path) -> Model:
    """Read and check an ONNX file. Raises `NotAnOnnxModel`."""
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise NotAnOnnxModel(path=path, reason="it is larger than 2 GiB")
        proto = onnx.load(str(path), load_external_data=False)
        if any(uses_external_data(tensor) for tensor in _tensors(proto.graph)):
            raise NotAnOnnxModel(path=path, reason="its weights are in another file, which its sha256 does not cover")
        onnx.checker.check_model(proto)
    except NotAnOnnxModel:
        raise
    except OSError as error:
        raise NotAnOnnxModel(path=path, reason=error.strerror or str(error)) from None
    except ValidationError as error:
        unknown = _unknown_operator(path, str(error), proto)
        raise unknown or NotAnOnnxModel(path=path, reason=str(error).splitlines()[0]) from None
    except Exception as error:  # protobuf's DecodeError has no stable home across its implementations
        raise NotAnOnnxModel(path=path, reason=str(error).splitlines()[0] or type(error).__name__) from None
    graph = proto.graph
    weights = {tensor.name for tensor in graph.initializer}
    taken = [value for value in graph.input if value.name not in weights]
    inputs = tuple(_spec(path, value) for value in taken)
    outputs = tuple(_spec(path, value) for value in graph.output)
    if not inputs or not outputs:
        raise NotAnOnnxModel(path=path, reason="its graph has no inputs or no outputs")
    symbols = [[_symbol(dim) for dim in value.type.tensor_type.shape.dim] for value in taken]
    return Model(
        path=path,
        sha256=sha256_file(path),
        inputs=inputs,
        outputs=outputs,
        variables=tuple((symbol, 1) for symbol in dict.fromkeys(chain.from_iterable(symbols)) if symbol is not None),
        first_axes=tuple(next(iter(axes), None) for axes in symbols),
        operators=tuple((node.name, node.op_type) for node in graph.node),
    )


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for below in (attribute.g, *attribute.graphs):
                yield from _tensors(below)


def _onnxruntime(path: Path) -> Run:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    known = {item.name for item in session.get_inputs()}

    def run(names: None, feed: dict[str, Array]) -> Sequence[Any]:
        """onnxruntime refuses inputs that it optimised away."""
        answers: Sequence[Any] = session.run(names, {name: array for name, array in feed.items() if name in known})
        return answers

    return run


def _onnx_reference(path: Path) -> Run:
    evaluator = ReferenceEvaluator(str(path))
    return lambda names, feed: list(evaluator.run(names, feed))


def _unknown_operator(path: Path, message: str, proto: onnx.ModelProto) -> UnsupportedOperator | None:
    """onnx's checker names an operator that no opset knows; so do we."""
    for node in proto.graph.node:
        if f"No Op registered for {node.op_type}" in message:
            return UnsupportedOperator(
                path=path, operator=node.op_type, node=node.name, reason="no ONNX operator set defines it"
            )
    return None


def _symbol(dim: onnx.TensorShapeProto.Dimension) -> str | None:
    return None if dim.HasField("dim_value") else dim.dim_param or _NAMELESS_DIMENSION


def _spec(path: Path, value: onnx.ValueInfoProto) -> TensorSpec:
    kind = value.type.tensor_type
    if not value.type.HasField("tensor_type"):
        raise NotAnOnnxModel(path=path, reason=f"{value.name!r} is not a tensor")
    try:
        dtype = np.dtype(tensor_dtype_to_np_dtype(kind.elem_type))
    except (KeyError, TypeError, ValueError):
        raise NotAnOnnxModel(path=path, reason=f"{value.name!r} has no element type") from None
    if dtype.kind not in _KINDS:
        raise NotAnOnnxModel(path=path, reason=f"{value.name!r} holds {dtype}, not numbers")
    shape = tuple(dim.dim_value if dim.HasField("dim_value") else 1 for dim in kind.shape.dim)
    return TensorSpec(value.name, shape, dtype.name)
