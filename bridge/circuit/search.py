"""The choice of a circuit's settings: what is computed, then how it is laid out, and of the best few the cheapest.

First the numbers. Each choice of scales is run forward on the sample and compared with the float model; what is worse than the
error bound is out. The bound is `--max-error`, or else the error of the circuit that ezkl makes by itself. Then the layout:
for the numbers that promise most, how many binary digits they have decides which bases and legs can hold them, and the cost
model which of those, in how many columns and rows, is worth the most. Nothing of this makes a key or a proof; `tune` does, for the
candidates that this ranks first.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil, log2
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter

from bridge.circuit.cost import Cost, Shape
from bridge.circuit.fidelity import compare, finite
from bridge.circuit.model import Model
from bridge.circuit.settings import NUMBERS, WIDE, Candidate, Layout, Numbers, Objective
from bridge.core import store
from bridge.core.circuit import Visibility
from bridge.core.manifest import Fidelity
from bridge.core.progress import Progress, silent
from bridge.core.rows import Array, Row, to_ezkl
from bridge.core.storage import sha256_file
from bridge.engine import child
from bridge.engine.child import Answer, Call, run
from bridge.errors import (
    BudgetExceeded,
    CircuitRefused,
    CircuitTooLarge,
    EngineFailed,
    FidelityTooLow,
    UnsupportedOperator,
)

CALIBRATION_ROWS = 512
"""Rows that set the ranges inside the circuit."""
COMPARED_ROWS = 16
"""Rows that a candidate is compared on with onnxruntime."""
RELATIVE_ERROR = 0.001
"""Without --max-error, and where ezkl's default does not work at all, a circuit may differ by this share of the largest output."""
MARGIN = 2
"""How far beyond the sample lookups and digits reach at least; ezkl's own margin."""
LAID_OUT = 2
"""Choices of numbers that are laid out."""
LAYOUTS = 3
"""Layouts of each that are laid out for real."""

_OFF = 1.03
"""Estimates of what is the same differ so much from one another."""
_LONGEST_TABLE = 2**26
_ANSWERS = TypeAdapter(Answer)
_LEGS = (1, 2, 3, 4, 5, 6)
_LEAST_BASE = 4
"""Digits of fewer values would share a table with the ranges of booleans, which is another layout when the base is another."""
_COLUMNS = (1, 2, 4, 8, 16)
_FEWER_ROWS = 3
"""How often the rows are halved below what everything fits into, at most."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far numbers go."""

    bits: int
    """Binary digits of the largest number that is cut into digits."""
    lookups: tuple[int, int]
    """The least and the greatest input of a lookup, with the margin."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate, the error of its numbers, and what it is expected to cost."""

    candidate: Candidate
    fidelity: Fidelity
    cost: Cost


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


def search(
    model: Model,
    rows: Sequence[Row],
    *,
    objective: Objective,
    bounds: Bounds,
    visibility: Visibility,
    progress: Progress = silent,
) -> Ranking:
    """Rank settings for a model on sample rows; for a model over many, each of them is a whole batch.

    Raises `UnsupportedOperator`, `CircuitRefused`, `CircuitTooLarge`, `FidelityTooLow`.
    """
    reference = model.reference()
    compared = rows[: -(-COMPARED_ROWS // model.rows)]
    expected = [finite(model, f"sample row {number}", reference.outputs(row)) for number, row in enumerate(compared)]
    with _Bench(model, rows, reference.name, expected, visibility, progress) as bench:
        default, default_seconds = bench.default()
        chosen = [default.candidate.numbers] if default else []
        tried = bench.compare(dict.fromkeys([*NUMBERS, *chosen]))
        if not tried:
            raise bench.failure()
        exact_enough = _exact_enough(tried, default, bounds.max_error)
        promising = sorted(
            exact_enough, key=lambda item: (_promise(item, objective, bounds), item.fidelity.max_abs_error)
        )
        found = [laid_out for item in promising[:LAID_OUT] for laid_out in bench.lay_out(item, objective, bounds)]
        if default is not None and (bounds.max_error is None or default.fidelity.max_abs_error <= bounds.max_error):
            found.append(default)
        if not found:
            raise bench.failure()
    small_enough = [item for item in found if item.candidate.logrows <= bounds.max_logrows]
    if not small_enough:
        least = min(item.candidate.logrows for item in found)
        raise CircuitTooLarge(path=model.path, smallest_logrows=least, allowed_logrows=bounds.max_logrows)
    _check_memory(small_enough, bounds)
    ranking = Ranking((), default, default_seconds, tuple(tried), objective)
    return replace(ranking, best=_ranked(small_enough, ranking, bounds))


def _exact_enough(tried: Sequence[Ranked], default: Ranked | None, max_error: float | None) -> list[Ranked]:
    """The numbers within the error bound. Raises `FidelityTooLow` where the bound was asked for and none keeps it."""
    if max_error is not None:
        bound = max_error
    elif default is not None:
        bound = default.fidelity.max_abs_error
    else:
        bound = RELATIVE_ERROR * max(item.fidelity.largest_output for item in tried)
    least = min(item.fidelity.max_abs_error for item in tried)
    if max_error is not None and least > max_error:
        raise FidelityTooLow(got=least, allowed=max_error)
    return [item for item in tried if item.fidelity.max_abs_error <= max(bound, least)]


def _promise(item: Ranked, objective: Objective, bounds: Bounds) -> float:
    """What the numbers would cost if digits took no table: that of a lookup cannot be made smaller by the layout."""
    return Cost.of(Shape.of(_in_best_rows(item.candidate.with_least_digits(), objective, bounds))).weight(objective)


def _in_best_rows(candidate: Candidate, objective: Objective, bounds: Bounds) -> Candidate:
    """Half the rows are more columns; where that is worth it depends on the objective."""
    most = max(candidate.least_logrows, min(candidate.roomy_logrows, bounds.max_logrows))
    least = max(candidate.least_logrows, most - _FEWER_ROWS)
    return min(
        (candidate.with_rows(logrows) for logrows in range(least, most + 1)),
        key=lambda each: Cost.of(Shape.of(each)).weight(objective),
    )


def _best_layouts(single: Sequence[Candidate], objective: Objective, bounds: Bounds) -> list[Layout]:
    """From layouts in one column, those in several columns too that promise most, and the one with the smallest verifier.

    Of layouts that cost the same only the one that holds the largest numbers: a number that is too large cannot be proved.
    """
    layouts: dict[Shape, Layout] = {}
    for candidate in (each.with_columns(columns) for each in single for columns in _COLUMNS):
        spread = _in_best_rows(candidate, objective, bounds)
        shape, layout = Shape.of(spread), spread.layout.filling(spread.logrows)
        if shape not in layouts or layout.reach > layouts[shape].reach:
            layouts[shape] = layout
    costs = {shape: Cost.of(shape) for shape in layouts}
    ordered = sorted(layouts, key=lambda shape: (not bounds.allows(costs[shape]), costs[shape].weight(objective)))
    smallest = min(layouts, key=lambda shape: costs[shape].runtime_bytes)
    return list(dict.fromkeys(layouts[shape] for shape in (*ordered[:LAYOUTS], smallest)))


def _check_memory(found: Sequence[Ranked], bounds: Bounds) -> None:
    """Before anything is made that would swap. Raises `BudgetExceeded`."""
    allowed, least = bounds.max_memory_bytes, min(item.cost.memory_bytes for item in found)
    if allowed is not None and least > allowed:
        raise BudgetExceeded(measure="bytes of memory", option="--max-memory", got=least, allowed=allowed)


def _ranked(found: Sequence[Ranked], ranking: Ranking, bounds: Bounds) -> tuple[Ranked, ...]:
    """The best first; outside the bounds come last."""

    def order(item: Ranked) -> tuple[bool, tuple[bool, float], float, str]:
        place = ranking.place(item.cost)
        return not bounds.allows(item.cost), place, item.fidelity.max_abs_error, item.candidate.document

    first: dict[Shape, Ranked] = {}
    for item in sorted(found, key=order):
        first.setdefault(Shape.of(item.candidate), item)  # another one that costs the same can be no better
    return tuple(first.values())


def _is_worse(cost: Cost, than: Cost) -> bool:
    return cost.seconds > than.seconds * _OFF or cost.gas > than.gas * _OFF


def _recalled(key: store.Key) -> Answer | None:
    kept = store.recall(key)
    return None if kept is None else _ANSWERS.validate_json(kept)


def _with_margin(low: int, high: int) -> tuple[int, int]:
    """The inputs of lookups that a table holds; zero is always one, since the cells that nothing uses hold it."""
    return min(0, low) * MARGIN, max(0, high) * MARGIN


def _holding(bits: int) -> Iterable[tuple[int, int]]:
    """Bases and legs that hold numbers of so many binary digits, and the margin beyond."""
    for legs in _LEGS:
        base = max(_LEAST_BASE, ceil(2 ** ((bits + log2(MARGIN)) / legs)))
        if base <= WIDE.decomp_base:
            yield base, legs


class _Bench:
    """Runs choices in the engine and remembers why those that failed did."""

    def __init__(
        self,
        model: Model,
        rows: Sequence[Row],
        reference: str,
        expected: Sequence[tuple[Array, ...]],
        visibility: Visibility,
        progress: Progress,
    ) -> None:
        self._model = model
        self._reference = reference
        self._expected = expected
        self._visibility = visibility
        self._progress = progress
        self._refusals: list[str] = []
        self._rows = rows[: -(-CALIBRATION_ROWS // model.rows)]
        self._folder = tempfile.TemporaryDirectory(prefix="proofbridge-")
        self._settings = f"{self._folder.name}/settings.json"
        self._files: list[str] = []
        self._digest = ""

    def __enter__(self) -> Self:
        texts = [to_ezkl([row]) for row in self._rows]
        self._digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()
        for number, text in enumerate(texts):
            path = Path(self._folder.name) / f"row{number}.json"
            path.write_text(text)
            self._files.append(str(path))
        return self

    def __exit__(self, *_error: object) -> None:
        self._folder.cleanup()

    def default(self) -> tuple[Ranked | None, float]:
        """What ezkl chooses by itself, and how many seconds it took. Raises `UnsupportedOperator`, `CircuitRefused` where it cannot read the graph at all."""
        data = Path(self._folder.name) / "calibration.json"
        data.write_text(to_ezkl(self._rows))
        arguments = {**self._arguments(), "output": self._settings}
        readable = Call("layout", "reading the model", arguments)
        calibrated = Call("calibrated", "letting ezkl choose", {**arguments, "data": str(data)}, optional=True)
        try:
            _, answer = self._run([readable, calibrated])
        except EngineFailed as error:
            raise name_refusal(self._model, f"{error.reason}\n{error.log}") from error
        if answer.refusal is not None:
            self._refusals.append(answer.refusal)
            return None, answer.seconds
        candidate = Candidate.of(answer.result)
        found = self._compare([(candidate.numbers, candidate.layout)])
        ranked = [replace(item, candidate=candidate, cost=Cost.of(Shape.of(candidate))) for item in found]
        return (ranked[0] if ranked else None), answer.seconds

    def compare(self, choices: Iterable[Numbers]) -> list[Ranked]:
        """Each choice of numbers, run forward; those that ezkl refuses are left out."""
        return self._compare([(numbers, WIDE) for numbers in choices])

    def reach(self, numbers: Numbers) -> Reach | None:
        """How far the numbers of a circuit go on all rows; None where one of them is too large for every layout."""
        arguments = {**self._arguments(numbers, WIDE), "rows": self._files, "scratch": self._folder.name}
        (answer,) = self._run([Call("reach", f"looking how far {numbers.label} reaches", arguments, optional=True)])
        if answer.refusal is not None:
            self._refusals.append(answer.refusal)
            return None
        return Reach(answer.result["bits"], _with_margin(*answer.result["lookups"]))

    def lay_out(self, item: Ranked, objective: Objective, bounds: Bounds) -> list[Ranked]:
        """Numbers in the layouts that promise most, and in the one with the smallest verifier."""
        numbers = item.candidate.numbers
        reached = self.reach(numbers)
        if reached is None:
            return []
        plain = [Layout(base, legs) for base, legs in _holding(reached.bits)]
        if self._model.rows > 1:  # one row makes vectors, and Freivalds has nothing to combine
            plain += [replace(layout, freivalds=True) for layout in plain]
        single = [each.with_lookups(*reached.lookups) for each in self._laid_out(numbers, plain)]
        if not single:
            return []
        best = _best_layouts(single, objective, bounds)
        real = self._laid_out(numbers, best)
        spread = [_in_best_rows(each.with_lookups(*reached.lookups), objective, bounds).filled() for each in real]
        return [replace(item, candidate=each, cost=Cost.of(Shape.of(each))) for each in spread]

    def failure(self) -> CircuitRefused | UnsupportedOperator:
        """Why no candidate worked."""
        return name_refusal(self._model, self._refusals[0] if self._refusals else "no candidate fits")

    def _laid_out(self, numbers: Numbers, layouts: Sequence[Layout]) -> list[Candidate]:
        """The settings of each layout, before anything is run."""
        calls = [
            Call(
                "layout",
                f"laying out {numbers.label}, {layout.label}",
                {**self._arguments(numbers, layout), "output": self._settings},
                optional=True,
            )
            for layout in layouts
        ]
        answers = self._run(calls)
        self._refusals += [answer.refusal for answer in answers if answer.refusal is not None]
        return [Candidate.of(answer.result) for answer in answers if answer.refusal is None]

    def _compare(self, choices: Sequence[tuple[Numbers, Layout]]) -> list[Ranked]:
        calls = [
            Call(
                "trial",
                f"trying {numbers.label}",
                {
                    **self._arguments(numbers, layout),
                    "rows": self._files[: len(self._expected)],
                    "scratch": self._folder.name,
                },
                optional=True,
            )
            for numbers, layout in choices
        ]
        answers = self._run(calls)
        return [found for answer in answers if (found := self._compared(answer)) is not None]

    def _compared(self, answer: Answer) -> Ranked | None:
        if answer.refusal is not None:
            self._refusals.append(answer.refusal)
            return None
        document = answer.result["settings"]
        low, high = _with_margin(*answer.result["lookups"])
        if high - low > _LONGEST_TABLE:
            self._refusals.append(f"a lookup of {low} to {high} is too large for any table")
            return None
        try:
            fidelity = compare(
                [output.name for output in self._model.outputs],
                answer.result["outputs"],
                document["model_output_scales"],
                self._expected,
                self._reference,
                rows=self._model.rows,
            )
        except ValueError as error:
            self._refusals.append(f"the circuit's outputs do not have the model's shapes: {error}")
            return None
        candidate = Candidate.of(document).with_lookups(low, high)
        candidate = candidate.with_rows(candidate.roomy_logrows)
        return Ranked(candidate, fidelity, Cost.of(Shape.of(candidate)))

    def _run(self, calls: Sequence[Call]) -> list[Answer]:
        """The answers, out of the store where they were given before: a search that is stopped goes on where it was."""
        keys = [self._key(call) for call in calls]
        known = {number: answer for number, key in enumerate(keys) if (answer := _recalled(key)) is not None}
        asked = [number for number in range(len(calls)) if number not in known]

        def answered(place: int, answer: Answer) -> None:
            known[asked[place]] = answer
            store.keep(keys[asked[place]], _ANSWERS.dump_json(answer))

        if asked:
            run(
                [calls[number] for number in asked],
                writes=Path(self._folder.name),
                progress=self._progress,
                answered=answered,
            )
        return [known[number] for number in range(len(calls))]

    def _key(self, call: Call) -> store.Key:
        """What decides the answer: not where the files lie, but what is in them."""
        return store.Key.of(
            "trials",
            {
                "call": call.name,
                "run_args": call.arguments["run_args"],
                "rows": [self._digest, len(call.arguments.get("rows", []))],
                "onnx_sha256": self._model.sha256,
                "ezkl": importlib.metadata.version("ezkl"),
                "engine": sha256_file(Path(child.__file__).with_name("ezkl.py")),
            },
        )

    def _arguments(self, numbers: Numbers | None = None, layout: Layout | None = None) -> dict[str, Any]:
        """The model and ezkl's run arguments; what is not said is ezkl's default."""
        run_args: dict[str, Any] = {
            "input_visibility": self._visibility.label,
            "output_visibility": "public",
            "param_visibility": "fixed",
            "variables": self._model.variables,
        }
        if numbers is not None:
            run_args["input_scale"] = numbers.input_scale
            run_args["param_scale"] = numbers.param_scale
            run_args["scale_rebase_multiplier"] = numbers.multiplier
        if layout is not None:
            run_args["decomp_base"] = layout.decomp_base
            run_args["decomp_legs"] = layout.decomp_legs
            run_args["num_inner_cols"] = layout.num_inner_cols
            run_args["disable_freivalds"] = not layout.freivalds
        return {"model": str(self._model.path), "run_args": run_args}


def name_refusal(model: Model, said: str) -> CircuitRefused | UnsupportedOperator:
    """ezkl's refusal, with the operator's name wherever its words or the graph give one."""
    first = said.strip().splitlines()[0].removeprefix("Failed to generate settings: ")
    for node, operator in model.operators:
        named = f'"{node}"' in said and node
        unimplemented = f"Unimplemented({operator})" in said
        unknown = (
            f"Unknown op: {operator}".lower() in said.lower() or f"Unknown op: onnx.{operator}".lower() in said.lower()
        )
        if named or unimplemented or unknown:
            return UnsupportedOperator(path=model.path, operator=operator, node=node, reason=first)
    # tract names a nameless node after its output, so the number of the node is what is left.
    return CircuitRefused(path=model.path, reason=first)
