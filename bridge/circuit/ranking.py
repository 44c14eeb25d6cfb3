"""Which candidate is worth more: what each is expected to cost, which bounds it keeps, and how a layout is spread over rows.

Pure: nothing here runs anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.circuit.cost import Cost, Shape
from bridge.circuit.settings import Candidate, Layout, Objective
from bridge.core.manifest import Fidelity

LAYOUTS = 3
"""Layouts of the same numbers that are worth laying out for real."""

_OFF = 1.03
"""Estimates of what is the same differ so much from one another."""
_COLUMNS = (1, 2, 4, 8, 16)
_FEWER_ROWS = 3
"""How often the rows are halved below what everything fits into, at most."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate, the error of its numbers, and what it is expected to cost."""

    candidate: Candidate
    fidelity: Fidelity
    cost: Cost


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a circuit must not exceed; None is no bound."""

    max_error: float | None = None
    """Largest absolute error against the float model."""
    max_gas: float | None = None
    max_prove_seconds: float | None = None
    max_memory_bytes: float | None = None
    max_runtime_bytes: float | None = None
    max_logrows: int = 26

    def allows(self, cost: Cost) -> bool:
        """Whether an estimate is within all of them but the error."""
        pairs = (
            (cost.gas, self.max_gas),
            (cost.seconds, self.max_prove_seconds),
            (cost.memory_bytes, self.max_memory_bytes),
            (cost.runtime_bytes, self.max_runtime_bytes),
        )
        return all(bound is None or got <= bound for got, bound in pairs)


@dataclass(frozen=True, slots=True)
class Ranking:
    """What the search found."""

    best: tuple[Ranked, ...]
    """Candidates within the bounds, the one that promises most first."""
    default: Ranked | None
    """The circuit that ezkl makes by itself; None where it makes none."""
    default_seconds: float
    """That ezkl took to calibrate it."""
    tried: tuple[Ranked, ...]
    """Every choice of numbers, each in one wide layout."""
    objective: Objective

    def place(self, cost: Cost) -> tuple[bool, float]:
        """Where a cost stands, the best first: what is worse than ezkl's default in something that the objective does not give up
        comes after all that is not.
        """
        default = self.default
        worse = default is not None and self.objective is Objective.BALANCED and _is_worse(cost, default.cost)
        return worse, cost.weight(self.objective)

    def of(self, found: Sequence[Ranked], bounds: Bounds) -> Ranking:
        """The same with these candidates as the best: in their order, and those outside the bounds last."""

        def order(item: Ranked) -> tuple[bool, tuple[bool, float], float, str]:
            place = self.place(item.cost)
            return not bounds.allows(item.cost), place, item.fidelity.max_abs_error, item.candidate.document

        first: dict[Shape, Ranked] = {}
        for item in sorted(found, key=order):
            first.setdefault(Shape.of(item.candidate), item)  # another one that costs the same can be no better
        return replace(self, best=tuple(first.values()))


def promise(item: Ranked, objective: Objective, bounds: Bounds) -> float:
    """What the numbers would cost if digits took no table: that of a lookup cannot be made smaller by the layout."""
    return Cost.of(Shape.of(in_best_rows(item.candidate.with_least_digits(), objective, bounds))).weight(objective)


def in_best_rows(candidate: Candidate, objective: Objective, bounds: Bounds) -> Candidate:
    """Half the rows are more columns; where that is worth it depends on the objective."""
    most = max(candidate.least_logrows, min(candidate.roomy_logrows, bounds.max_logrows))
    least = max(candidate.least_logrows, most - _FEWER_ROWS)
    return min(
        (candidate.with_rows(logrows) for logrows in range(least, most + 1)),
        key=lambda each: Cost.of(Shape.of(each)).weight(objective),
    )


def best_layouts(single: Sequence[Candidate], objective: Objective, bounds: Bounds) -> list[Layout]:
    """From layouts in one column, those in several columns too that promise most, and the one with the smallest verifier.

    Of layouts that cost the same only the one that holds the largest numbers: a number that is too large cannot be proved. Of
    those the one with most columns of its own, since columns that ezkl adds in whole blocks bring some words of proof along.
    """
    layouts: dict[Shape, Layout] = {}
    for candidate in (each.with_columns(columns) for each in single for columns in _COLUMNS):
        spread = in_best_rows(candidate, objective, bounds)
        shape, layout = Shape.of(spread), spread.layout.filling(spread.logrows)
        known = layouts.get(shape)
        if known is None or (layout.reach, layout.num_inner_cols) > (known.reach, known.num_inner_cols):
            layouts[shape] = layout
    costs = {shape: Cost.of(shape) for shape in layouts}
    ordered = sorted(layouts, key=lambda shape: (not bounds.allows(costs[shape]), costs[shape].weight(objective)))
    smallest = min(layouts, key=lambda shape: costs[shape].runtime_bytes)
    return list(dict.fromkeys(layouts[shape] for shape in (*ordered[:LAYOUTS], smallest)))


def _is_worse(cost: Cost, than: Cost) -> bool:
    return cost.seconds > than.seconds * _OFF or cost.gas > than.gas * _OFF
