"""What the search asks of ezkl: circuits run forward, numbers looked at, layouts drawn. No key and no proof is made here.

An answer is kept by what decides it, so a search that is stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter

from bridge.circuit.cost import Cost, Shape
from bridge.circuit.fidelity import compare
from bridge.circuit.model import Model
from bridge.circuit.ranking import Ranked
from bridge.circuit.settings import MARGIN, WIDE, Candidate, Layout, Numbers
from bridge.core import store
from bridge.core.circuit import Visibility
from bridge.core.progress import Progress
from bridge.core.rows import Array, Row, to_ezkl
from bridge.core.storage import sha256_file
from bridge.engine import child
from bridge.engine.child import Answer, Call, run
from bridge.errors import CircuitRefused, EngineFailed, UnsupportedOperator

CALIBRATION_ROWS = 512
"""Rows that set the ranges inside the circuit."""

_LONGEST_TABLE = 2**26
_ANSWERS = TypeAdapter(Answer)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far numbers go."""

    bits: int
    """Binary digits of the largest number that is cut into digits."""
    lookups: tuple[int, int]
    """The least and the greatest input of a lookup, with the margin."""


class Trials:
    """Runs choices in the engine, each once, and remembers why those that failed did. For a `with` block."""

    def __init__(
        self,
        model: Model,
        rows: Sequence[Row],
        reference: str,
        expected: Sequence[tuple[Array, ...]],
        visibility: Visibility,
        progress: Progress,
        margin: float = MARGIN,
    ) -> None:
        """`rows` set the ranges, and tables reach `margin` times as far; `expected` are the float model's outputs, which `reference`
        names, of the first few of them.
        """
        self._model = model
        self._reference = reference
        self._expected = expected
        self._visibility = visibility
        self._progress = progress
        self._margin = margin
        self._refusals: list[str] = []
        self._rows = rows[: -(-CALIBRATION_ROWS // model.rows)]
        self._folder = tempfile.TemporaryDirectory(prefix="proofbridge-")
        self._settings = f"{self._folder.name}/settings.json"
        self._files: list[str] = []
        self._digest = ""
        self._reached: int | None = None

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
        """What ezkl chooses by itself, with its own margin of 2, and how many seconds it took.

        Raises `UnsupportedOperator`, `CircuitRefused` where it cannot read the graph at all.
        """
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
        found = self.compare([candidate.numbers])  # the layout does not change what is computed
        ranked = [replace(item, candidate=candidate, cost=Cost.of(Shape.of(candidate))) for item in found]
        return (ranked[0] if ranked else None), answer.seconds

    def compare(
        self, choices: Iterable[Numbers], are_enough: Callable[[Sequence[Ranked]], bool] = lambda _: False
    ) -> list[Ranked]:
        """Each choice of numbers, run forward, until they are enough; those that ezkl refuses are left out."""
        calls = [
            Call(
                "trial",
                f"trying {numbers.label}",
                {
                    **self._arguments(numbers, WIDE),
                    "rows": self._files[: len(self._expected)],
                    "scratch": self._folder.name,
                },
                optional=True,
            )
            for numbers in choices
        ]
        found: list[Ranked] = []

        def is_enough(answer: Answer) -> bool:
            ranked = self._compared(answer)
            if ranked is not None:
                found.append(ranked)
            return are_enough(found)

        self._run(calls, is_enough)
        return found

    def reach(self, numbers: Numbers) -> Reach | None:
        """How far the numbers of a circuit go on all rows; None where one of them is too large for every layout."""
        arguments = {
            **self._arguments(numbers, WIDE),
            "rows": self._files,
            "scratch": self._folder.name,
            "guess": self._reached,
        }
        (answer,) = self._run([Call("reach", f"looking how far {numbers.label} reaches", arguments, optional=True)])
        if answer.refusal is not None:
            self._refusals.append(answer.refusal)
            return None
        self._reached = answer.result["bits"]  # other numbers of the same model go about as far
        return Reach(answer.result["bits"], self._with_margin(*answer.result["lookups"]))

    def failure(self) -> CircuitRefused | UnsupportedOperator:
        """Why no candidate worked."""
        return name_refusal(self._model, self._refusals[0] if self._refusals else "no candidate fits")

    def laid_out(self, numbers: Numbers, layouts: Sequence[Layout]) -> list[Candidate]:
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

    def _compared(self, answer: Answer) -> Ranked | None:
        if answer.refusal is not None:
            self._refusals.append(answer.refusal)
            return None
        document = answer.result["settings"]
        low, high = self._with_margin(*answer.result["lookups"])
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

    def _with_margin(self, low: int, high: int) -> tuple[int, int]:
        """The inputs of lookups that a table holds; zero is always one, since the cells that nothing uses hold it."""
        return floor(min(0, low) * self._margin), ceil(max(0, high) * self._margin)

    def _run(self, calls: Sequence[Call], is_enough: Callable[[Answer], bool] = lambda _: False) -> list[Answer]:
        """The answers in their order, up to one that is enough. Out of the store where they were given before: a search that is
        stopped goes on where it was.
        """
        keys = [self._key(call) for call in calls]
        known = {number: answer for number, key in enumerate(keys) if (answer := _recalled(key)) is not None}
        asked = [number for number in range(len(calls)) if number not in known]
        answers: list[Answer] = []

        def goes_on() -> bool:
            """After what is known from here on."""
            while len(answers) in known:
                answers.append(known[len(answers)])
                if is_enough(answers[-1]):
                    return False
            return True

        def answered(place: int, answer: Answer) -> bool:
            known[asked[place]] = answer
            store.keep(keys[asked[place]], _ANSWERS.dump_json(answer))
            return goes_on()

        if goes_on() and asked:
            run(
                [calls[number] for number in asked],
                writes=Path(self._folder.name),
                progress=self._progress,
                go_on=answered,
            )
        return answers

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


def _recalled(key: store.Key) -> Answer | None:
    kept = store.recall(key)
    return None if kept is None else _ANSWERS.validate_json(kept)
