"""Conditions on decoded numbers: `output.score>=0.8`, `input.x[3]<1`, `output[2]=0`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, prod
from typing import Any, Literal

from bridge.core.circuit import Circuit
from bridge.core.tensor import CircuitTensor
from bridge.database.index import MOST_NUMBERS
from bridge.errors import ConditionMalformed, PlaceNotKept, TensorUnknown

Side = Literal["input", "output"]

LONGEST = 200
"""Letters of a condition."""
GRAMMAR = (
    r"(?P<side>input|output)(\.(?P<name>[^\s\[\]<>=!]{1,100}))?(?P<index>(\[[0-9]{1,6}(,[0-9]{1,6}){0,7}\])?)"
    r"(?P<sign>>=|<=|!=|=|>|<)(?P<number>-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,3})?)"
)

_GRAMMAR = re.compile(GRAMMAR, re.ASCII)
SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """As it was asked; what its name means is the model's."""

    side: Side
    name: str | None
    """Of a tensor; None: the place is among all numbers of the side."""
    index: tuple[int, ...]
    sign: str
    number: float


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on one number of a side, by its place among all of them."""

    side: Side
    place: int
    sign: str
    number: float

    def holds(self, numbers: Sequence[float] | None) -> bool:
        """Whether the numbers of a side pass; those that nobody knows do not."""
        return numbers is not None and self.place < len(numbers) and SIGNS[self.sign](numbers[self.place], self.number)


def parse_condition(text: str) -> Condition:
    """Raises `ConditionMalformed`."""
    if len(text) > LONGEST:
        raise ConditionMalformed(text=text, reason=f"it is longer than {LONGEST} letters")
    found = _GRAMMAR.fullmatch(text)
    if found is None:
        raise ConditionMalformed(text=text, reason="it is not SIDE.NAME[INDEX] SIGN NUMBER without spaces")
    number = float(found["number"])
    if not isfinite(number):
        raise ConditionMalformed(text=text, reason=f"{found['number']} is beyond a double")
    index = tuple(int(part) for part in found["index"][1:-1].split(",") if part)
    side: Side = "input" if found["side"] == "input" else "output"
    return Condition(side, found["name"], index, found["sign"], number)


def resolve(condition: Condition, circuit: Circuit | None) -> Test:
    """The place of a condition in the rows of a model. Raises `TensorUnknown`, `PlaceNotKept`."""
    tensors = () if circuit is None else circuit.row.inputs if condition.side == "input" else circuit.row.outputs
    place = _place(condition, tensors)
    if place >= min(MOST_NUMBERS, sum(tensor.elements for tensor in tensors)):
        raise PlaceNotKept(place=place, kept=MOST_NUMBERS)
    return Test(condition.side, place, condition.sign, condition.number)


def _place(condition: Condition, tensors: Sequence[CircuitTensor]) -> int:
    if condition.name is None and tensors:
        whole = sum(tensor.elements for tensor in tensors)
        return _within(condition.index, (whole,))
    start = 0
    for tensor in tensors:
        if tensor.name == condition.name:
            return start + _within(condition.index, tensor.shape)
        start += tensor.elements
    known = tuple(f"{condition.side}.{tensor.name}" for tensor in tensors)
    raise TensorUnknown(name=f"{condition.side}.{condition.name or ''}".rstrip("."), known=known)


def _within(index: tuple[int, ...], shape: tuple[int, ...]) -> int:
    """A place in a tensor by nothing, by one flat index, or by one for each axis. Raises `PlaceNotKept`."""
    flat = len(index) <= 1
    sizes = (prod(shape),) if flat else shape
    steps = index or (0,)
    if len(steps) != len(sizes) or any(at >= size for at, size in zip(steps, sizes, strict=True)):
        raise PlaceNotKept(place=steps[0], kept=MOST_NUMBERS)
    return sum(at * prod(sizes[axis + 1 :]) for axis, at in enumerate(steps))
