"""The choice of a circuit's settings: what is computed, then how it is laid out, and of the best few the cheapest.

First the numbers. Each choice of scales is run forward on the sample and compared with the float model; what is worse than the
error bound is out. The bound is `--max-error`, or else the error of the circuit that ezkl makes by itself. Then the layout:
for the numbers that promise most, how many binary digits they have decides which bases and legs can hold them, and the cost
model which of those, in how many columns and rows, is worth the most. Nothing of this makes a key or a proof; `tune` does, for the
candidates that this ranks first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import ceil, log2

from bridge.circuit.cost import Cost, Shape
from bridge.circuit.fidelity import finite
from bridge.circuit.model import Model
from bridge.circuit.ranking import Bounds, Ranked, Ranking, best_layouts, in_best_rows, promise
from bridge.circuit.settings import MARGIN, NUMBERS, WIDE, Layout, Objective
from bridge.circuit.trial import Trials
from bridge.core.circuit import Visibility
from bridge.core.progress import Progress, silent
from bridge.core.rows import Row
from bridge.errors import BudgetExceeded, CircuitTooLarge, FidelityTooLow

COMPARED_ROWS = 16
"""Rows that a candidate is compared on with onnxruntime."""
RELATIVE_ERROR = 0.001
"""Without --max-error, and where ezkl's default does not work at all, a circuit may differ by this share of the largest output."""
LAID_OUT = 2
"""Choices of numbers that are laid out."""
FAR = 4
"""Numbers whose error is so many times the bound end the search for coarser ones: each bit less doubles the error."""

_LEGS = (1, 2, 3, 4, 5, 6)
_LEAST_BASE = 4
"""Digits of fewer values would share a table with the ranges of booleans, which is another layout when the base is another."""


def search(
    model: Model,
    rows: Sequence[Row],
    *,
    objective: Objective,
    bounds: Bounds,
    visibility: Visibility,
    margin: float = MARGIN,
    progress: Progress = silent,
) -> Ranking:
    """Rank settings for a model on sample rows; for a model over many, each of them is a whole batch. Tables and digits
    reach `margin` times as far as the sample does.

    Raises `UnsupportedOperator`, `CircuitRefused`, `CircuitTooLarge`, `FidelityTooLow`.
    """
    reference = model.reference()
    compared = rows[: -(-COMPARED_ROWS // model.rows)]
    expected = [finite(model, f"sample row {number}", reference.outputs(row)) for number, row in enumerate(compared)]
    with Trials(model, rows, reference.name, expected, visibility, progress, margin) as trials:
        default, default_seconds = trials.default()
        bound = _error_bound(default, bounds.max_error)
        tried = trials.compare([default.candidate.numbers] if default else [])
        others = [numbers for numbers in NUMBERS if all(numbers != item.candidate.numbers for item in tried)]
        tried += trials.compare(others, lambda found: _are_enough(found, tried, bound))
        if not tried:
            raise trials.failure()
        exact_enough = _exact_enough(tried, bound(tried), bounds.max_error)
        promising = sorted(
            exact_enough, key=lambda item: (promise(item, objective, bounds), item.fidelity.max_abs_error)
        )
        ranking = Ranking((), default, default_seconds, tuple(tried), objective)
        found: list[Ranked] = []
        for item in promising[:LAID_OUT]:
            best = min((ranking.place(each.cost) for each in found if bounds.allows(each.cost)), default=None)
            if best is None or (False, promise(item, objective, bounds)) < best:
                found += _laid_out(model, trials, item, margin, objective, bounds)
        if default is not None and (bounds.max_error is None or default.fidelity.max_abs_error <= bounds.max_error):
            found.append(default)
        if not found:
            raise trials.failure()
    small_enough = [item for item in found if item.candidate.logrows <= bounds.max_logrows]
    if not small_enough:
        least = min(item.candidate.logrows for item in found)
        raise CircuitTooLarge(path=model.path, smallest_logrows=least, allowed_logrows=bounds.max_logrows)
    _check_memory(small_enough, bounds)
    return ranking.of(small_enough, bounds)


def _error_bound(default: Ranked | None, max_error: float | None) -> Callable[[Sequence[Ranked]], float]:
    """What the error must not exceed, when these numbers were tried."""
    if max_error is not None:
        return lambda _tried: max_error
    if default is not None:
        return lambda _tried: default.fidelity.max_abs_error
    return lambda tried: RELATIVE_ERROR * max(item.fidelity.largest_output for item in tried)


def _are_enough(found: Sequence[Ranked], before: Sequence[Ranked], bound: Callable[[Sequence[Ranked]], float]) -> bool:
    """Whether, from fine to coarse, all choices of a scale were tried and are far worse than the bound."""
    if not found or found[-1].candidate.numbers.multiplier != NUMBERS[-1].multiplier:
        return False
    tried, scale = (*before, *found), found[-1].candidate.numbers.input_scale
    errors = [item.fidelity.max_abs_error for item in tried if item.candidate.numbers.input_scale == scale]
    return min(errors) > FAR * bound(tried)


def _exact_enough(tried: Sequence[Ranked], bound: float, max_error: float | None) -> list[Ranked]:
    """The numbers within the error bound. Raises `FidelityTooLow` where the bound was asked for and none keeps it."""
    least = min(item.fidelity.max_abs_error for item in tried)
    if max_error is not None and least > max_error:
        raise FidelityTooLow(got=least, allowed=max_error)
    return [item for item in tried if item.fidelity.max_abs_error <= max(bound, least)]


def _laid_out(
    model: Model, trials: Trials, item: Ranked, margin: float, objective: Objective, bounds: Bounds
) -> list[Ranked]:
    """Numbers in the layouts that promise most, and in the one with the smallest verifier."""
    numbers = item.candidate.numbers
    reached = trials.reach(numbers)
    if reached is None:
        return []
    plain = [Layout(base, legs) for base, legs in _holding(reached.bits, margin)]
    if model.rows > 1:  # one row makes vectors, and Freivalds has nothing to combine
        plain += [replace(layout, freivalds=True) for layout in plain]
    single = [each.with_lookups(*reached.lookups) for each in trials.laid_out(numbers, plain)]
    if not single:
        return []
    real = trials.laid_out(numbers, best_layouts(single, objective, bounds))
    spread = [in_best_rows(each.with_lookups(*reached.lookups), objective, bounds).filled() for each in real]
    return [replace(item, candidate=each, cost=Cost.of(Shape.of(each))) for each in spread]


def _check_memory(found: Sequence[Ranked], bounds: Bounds) -> None:
    """Before anything is made that would swap. Raises `BudgetExceeded`."""
    allowed, least = bounds.max_memory_bytes, min(item.cost.memory_bytes for item in found)
    if allowed is not None and least > allowed:
        raise BudgetExceeded(measure="bytes of memory", option="--max-memory", got=least, allowed=allowed)


def _holding(bits: int, margin: float) -> Iterable[tuple[int, int]]:
    """Bases and legs that hold numbers of so many binary digits, and the margin beyond."""
    for legs in _LEGS:
        base = max(_LEAST_BASE, ceil(2 ** ((bits + log2(margin)) / legs)))
        if base <= WIDE.decomp_base:
            yield base, legs
