"""What goes into a model and what comes out: names, shapes, element types, scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from bridge.core import field


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output of an ONNX graph, for one row (symbolic dimensions are 1)."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """numpy's name of the element type."""

    @property
    def elements(self) -> int:
        """Numbers in one row of this tensor."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class CircuitTensor:
    """A tensor as the circuit holds it: every element is an integer at `scale`."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: int
    """value = signed instance / 2**scale"""
    low: float | None = None
    """Smallest value that the circuit was calibrated for (inputs only)."""
    high: float | None = None

    @property
    def elements(self) -> int:
        """Numbers in one row of this tensor."""
        return prod(self.shape)

    @property
    def spec(self) -> TensorSpec:
        """The tensor as the ONNX graph knows it."""
        return TensorSpec(self.name, self.shape, self.dtype)

    def row_of(self, rows: int) -> CircuitTensor:
        """One row's share of a tensor that holds so many: the batch is its first axis."""
        if rows == 1:
            return self
        first, *rest = self.shape or (1,)
        return replace(self, shape=(first // rows, *rest))


def decode(instances: Sequence[int], tensors: Sequence[CircuitTensor]) -> tuple[tuple[float, ...], ...]:
    """Instances to numbers, tensor by tensor. Raises ValueError if the counts differ."""
    if len(instances) != sum(tensor.elements for tensor in tensors):
        raise ValueError(f"{len(instances)} instances for {[tensor.elements for tensor in tensors]} elements")
    decoded, start = [], 0
    for tensor in tensors:
        words = instances[start : start + tensor.elements]
        decoded.append(tuple(field.to_number(word, tensor.scale) for word in words))
        start += tensor.elements
    return tuple(decoded)
