"""A model over many rows: the same graph with its first axis as long as the batch.

A symbolic first axis is given its length. Where the file fixes it at 1, the length is written over it: in inputs and outputs, and
in the constant shapes that nodes reshape to. Whether that is still the same model is not argued but tried: a batch of sample rows has
to give, row by row, what the model gives for each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from bridge.circuit.model import Model
from bridge.core.rows import Array, Row, in_batches, stack
from bridge.core.storage import sha256_file
from bridge.core.tensor import TensorSpec
from bridge.errors import BatchRefused, NotAnOnnxModel, UnsupportedOperator

_TOLERANCE = 1e-4
"""Relative: float32 sums in another order differ by less, another result by more."""


def batched(model: Model, size: int, sample: Sequence[Row], folder: Path) -> Model:
    """The model over `size` rows, its file in `folder` where it had to be written anew. Raises `BatchRefused`."""
    if size == 1:
        return model
    for spec in model.inputs:
        if spec.shape[:1] != (1,):
            raise BatchRefused(
                path=model.path, size=size, reason=f"the first axis of {spec.name} is not 1: {spec.shape}"
            )
    path = _rewritten(model, size, folder) if None in model.first_axes else model.path
    over_many = replace(
        model,
        path=path,
        sha256=sha256_file(path),
        rows=size,
        variables=tuple((symbol, size if symbol in model.first_axes else length) for symbol, length in model.variables),
        inputs=_specs(model.inputs, size),
        outputs=_specs(model.outputs, size),
    )
    _compare(model, over_many, size, sample)
    return over_many


def _rewritten(model: Model, size: int, folder: Path) -> Path:
    """A copy of the file with `size` where the first axis was 1."""
    proto = onnx.load(str(model.path), load_external_data=False)
    graph = proto.graph
    names = {spec.name for spec in model.inputs}
    for value in [*(value for value in graph.input if value.name in names), *graph.output]:
        dims = value.type.tensor_type.shape.dim
        if dims and dims[0].dim_value == 1:
            dims[0].dim_value = size
    del graph.value_info[:]  # what was inferred of the old shapes
    for tensor in _reshaped_to(graph):
        target = numpy_helper.to_array(tensor).copy()
        if target.size and target[0] == 1:
            target[0] = size
            tensor.CopyFrom(numpy_helper.from_array(target, tensor.name))
    path = folder / f"batch-{size}.onnx"
    onnx.save(proto, str(path))
    return path


def _reshaped_to(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """The constants that say what nodes reshape to."""
    shapes = {node.input[1] for node in graph.node if node.op_type == "Reshape" and len(node.input) > 1}
    yield from (tensor for tensor in graph.initializer if tensor.name in shapes)
    for node in graph.node:
        if node.op_type == "Constant" and node.output[0] in shapes:
            yield from (attribute.t for attribute in node.attribute if attribute.name == "value")


def _specs(specs: Sequence[TensorSpec], size: int) -> tuple[TensorSpec, ...]:
    return tuple(replace(spec, shape=(size, *spec.shape[1:])) for spec in specs)


def _compare(model: Model, over_many: Model, size: int, sample: Sequence[Row]) -> None:
    rows = in_batches(sample[:size], size)[0]
    one, many = model.reference(), over_many.reference()
    try:
        together = many.outputs(stack(rows))
    except (NotAnOnnxModel, UnsupportedOperator) as error:
        raise BatchRefused(path=model.path, size=size, reason=error.what) from None
    for number, row in enumerate(rows):
        for spec, alone, among in zip(model.outputs, one.outputs(row), together, strict=True):
            if among.size != alone.size * size:
                shapes = f"{among.shape} for {size} rows, {alone.shape} for one"
                raise BatchRefused(path=model.path, size=size, reason=f"{spec.name} has the shape {shapes}")
            if not _close(alone, among.reshape(size, -1)[number]):
                reason = f"{spec.name} of row {number + 1} is another in a batch than alone"
                raise BatchRefused(path=model.path, size=size, reason=reason)


def _close(alone: Array, among: Array) -> bool:
    wanted, got = alone.astype(np.float64).reshape(-1), among.astype(np.float64)
    scale = float(np.abs(wanted).max(initial=1.0))
    return bool(np.allclose(got, wanted, rtol=0, atol=_TOLERANCE * scale, equal_nan=True))
