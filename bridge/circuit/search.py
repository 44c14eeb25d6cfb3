"""The search over settings, run: which candidate, and how far its numbers are from onnxruntime's."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bridge.circuit.model import Model
from bridge.circuit.settings import (
    FIRST_LAYOUT,
    LAYOUTS,
    SCALES,
    WIDE_LAYOUT,
    Candidate,
    Layout,
    Objective,
    canonical,
    optimistic_cost,
    relative_cost,
)
from bridge.core import field
from bridge.core.circuit import Visibility
from bridge.core.manifest import Fidelity
from bridge.core.progress import Progress, silent
from bridge.core.rows import Array, Row, to_ezkl
from bridge.engine.child import Answer, Call, run
from bridge.errors import CircuitRefused, CircuitTooLarge, EngineFailed, FidelityTooLow, UnsupportedOperator

CALIBRATION_ROWS = 512
"""Rows that set the ranges inside the circuit."""
COMPARED_ROWS = 16
"""Rows that a candidate is compared on with onnxruntime."""
RELATIVE_ERROR = 0.001
"""Without --max-error the circuit may differ by this share of the largest output."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidate that won, what it was measured to be, and all that were tried."""

    candidate: Candidate
    fidelity: Fidelity
    tried: tuple[tuple[Candidate, Fidelity], ...]


def search(
    model: Model,
    rows: Sequence[Row],
    *,
    objective: Objective,
    max_error: float | None,
    visibility: Visibility,
    max_logrows: int,
    progress: Progress = silent,
) -> Choice:
    """Choose settings for a model on sample rows; for a model over many, each of them is a whole batch.

    First the scale: the cheapest one within the error bound, and of equals the most exact. Then the layout at that scale.
    Raises `UnsupportedOperator`, `CircuitRefused`, `CircuitTooLarge`, `FidelityTooLow`.
    """
    reference = model.reference()
    compared = rows[: -(-COMPARED_ROWS // model.rows)]
    expected = [_finite(model, number, reference.outputs(row)) for number, row in enumerate(compared)]
    trials = _Trials(model, rows, reference.name, expected, visibility, max_logrows, progress)
    trials.check_readable()

    found = trials.at_scales(SCALES[:1] + SCALES[-1:])
    if len({candidate.logrows for candidate, _ in found}) > 1 or len(found) == 1:
        found += trials.at_scales(SCALES[1:-1])  # a coarser scale makes a smaller circuit, so each is worth a look
    if not found:
        raise trials.failure()
    bound = max_error if max_error is not None else _default_bound(found)
    scale = _cheapest(found, objective, bound)[0].scale

    tried = {candidate.layout for candidate, _ in found if candidate.scale == scale}
    for layout in (layout for layout in LAYOUTS if layout not in tried):
        best = _cheapest([pair for pair in found if pair[0].scale == scale], objective, bound)[0]
        if optimistic_cost(objective, layout, best) < relative_cost(objective, best):
            found += trials.run([(layout, scale)])
    if model.rows > 1:  # one row makes vectors, and Freivalds has nothing to combine
        best = _cheapest([pair for pair in found if pair[0].scale == scale], objective, bound)[0]
        found += trials.run([(replace(best.layout, freivalds=True), scale)])
    candidate, fidelity = _cheapest([pair for pair in found if pair[0].scale == scale], objective, bound)
    if max_error is not None and fidelity.max_abs_error > max_error:
        raise FidelityTooLow(got=fidelity.max_abs_error, allowed=max_error)
    if candidate.logrows > max_logrows:
        raise CircuitTooLarge(path=model.path, smallest_logrows=candidate.logrows, allowed_logrows=max_logrows)
    return Choice(candidate, fidelity, tuple(found))


def compare(
    outputs: Sequence[Sequence[Sequence[str]]],
    scales: Sequence[int],
    expected: Sequence[tuple[Array, ...]],
    reference: str,
) -> Fidelity:
    """The circuit's outputs (little-endian hex, by row and tensor) against float outputs. Raises ValueError on other shapes."""
    errors: list[float] = []
    largest = 0.0
    for row, floats in zip(outputs, expected, strict=True):
        for words, scale, array in zip(row, scales, floats, strict=True):
            wanted = array.astype(np.float64).reshape(-1)
            got = [field.to_number(field.from_little_endian(word), scale) for word in words]
            errors += [abs(a - b) for a, b in zip(got, wanted.tolist(), strict=True)]
            largest = max(largest, float(np.abs(wanted).max(initial=0.0)))
    return Fidelity(
        reference, len(outputs), max(errors, default=0.0), float(np.mean(errors)) if errors else 0.0, largest
    )


def _finite(model: Model, number: int, outputs: tuple[Array, ...]) -> tuple[Array, ...]:
    if not all(np.isfinite(array).all() for array in outputs):
        reason = f"its float output for sample row {number} is not finite, and no field element stands for that"
        raise CircuitRefused(path=model.path, reason=reason)
    return outputs


def _cheapest(
    found: Sequence[tuple[Candidate, Fidelity]], objective: Objective, bound: float
) -> tuple[Candidate, Fidelity]:
    """The cheapest candidate within the error bound, of equals the most exact; without any within it, the most exact."""
    within = [pair for pair in found if pair[1].max_abs_error <= bound]
    if not within:
        return min(found, key=lambda pair: pair[1].max_abs_error)
    return min(within, key=lambda pair: (relative_cost(objective, pair[0]), pair[1].max_abs_error))


def _default_bound(found: Sequence[tuple[Candidate, Fidelity]]) -> float:
    return RELATIVE_ERROR * max(fidelity.largest_output for _, fidelity in found)


class _Trials:
    """Runs candidates in the engine and remembers why those that failed did."""

    def __init__(
        self,
        model: Model,
        rows: Sequence[Row],
        reference: str,
        expected: Sequence[tuple[Array, ...]],
        visibility: Visibility,
        max_logrows: int,
        progress: Progress,
    ) -> None:
        self._model = model
        self._rows = rows
        self._reference = reference
        self._expected = expected
        self._visibility = visibility
        self._max_logrows = max_logrows
        self._progress = progress
        self._refusals: list[str] = []

    def check_readable(self) -> None:
        """Whether ezkl can read the graph at all. Raises `UnsupportedOperator`, `CircuitRefused`."""
        with tempfile.TemporaryDirectory(prefix="proofbridge-") as folder:
            arguments = {
                "model": str(self._model.path),
                "output": f"{folder}/settings.json",
                "variables": self._model.variables,
            }
            try:
                run([Call("check_model", "reading the model", arguments)], progress=self._progress)
            except EngineFailed as error:
                raise name_refusal(self._model, f"{error.reason}\n{error.log}") from error

    def at_scales(self, scales: Sequence[int]) -> list[tuple[Candidate, Fidelity]]:
        """Each scale in the first layout, or in the widest one where its numbers are too large for the first."""
        found = self.run([(FIRST_LAYOUT, scale) for scale in scales])
        missing = [scale for scale in scales if scale not in {candidate.scale for candidate, _ in found}]
        return found + self.run([(WIDE_LAYOUT, scale) for scale in missing])

    def run(self, choices: Sequence[tuple[Layout, int]]) -> list[tuple[Candidate, Fidelity]]:
        """Calibrate and compare each choice; those that ezkl refuses are left out."""
        if not choices:
            return []
        with tempfile.TemporaryDirectory(prefix="proofbridge-") as folder:
            data = Path(folder) / "calibration.json"
            data.write_text(to_ezkl(self._rows[: -(-CALIBRATION_ROWS // self._model.rows)]))
            rows = []
            for number, row in enumerate(self._rows[: len(self._expected)]):
                path = Path(folder) / f"row{number}.json"
                path.write_text(to_ezkl([row]))
                rows.append(str(path))
            calls = [self._call(layout, scale, str(data), rows, folder) for layout, scale in choices]
            answers = run(calls, writes=Path(folder), progress=self._progress)
        found = []
        for (layout, scale), answer in zip(choices, answers, strict=True):
            candidate = self._candidate(layout, scale, answer)
            if candidate is not None:
                found.append(candidate)
        return found

    def failure(self) -> CircuitRefused | UnsupportedOperator:
        """Why no candidate worked."""
        return name_refusal(self._model, self._refusals[0] if self._refusals else "no candidate fits")

    def _call(self, layout: Layout, scale: int, data: str, rows: list[str], folder: str) -> Call:
        arguments: dict[str, Any] = {
            "model": str(self._model.path),
            "data": data,
            "rows": rows,
            "scratch": folder,
            "decomp_base": layout.decomp_base,
            "decomp_legs": layout.decomp_legs,
            "num_inner_cols": layout.num_inner_cols,
            "freivalds": layout.freivalds,
            "scale": scale,
            "input_visibility": self._visibility.label,
            "variables": self._model.variables,
            "max_logrows": self._max_logrows,
        }
        return Call("trial", f"trying {layout.label}, scale {scale}", arguments, optional=True)

    def _candidate(self, layout: Layout, scale: int, answer: Answer) -> tuple[Candidate, Fidelity] | None:
        if answer.refusal is not None:
            self._refusals.append(answer.refusal)
            return None
        document = answer.result["settings"]
        try:
            fidelity = compare(
                answer.result["outputs"], document["model_output_scales"], self._expected, self._reference
            )
        except ValueError as error:
            self._refusals.append(f"the circuit's outputs do not have the model's shapes: {error}")
            return None
        fidelity = replace(fidelity, rows=fidelity.rows * self._model.rows)
        return Candidate(layout, scale, canonical(document), document["run_args"]["logrows"]), fidelity


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


def settings_document(candidate: Candidate) -> dict[str, Any]:
    """ezkl's settings of a candidate."""
    document: dict[str, Any] = json.loads(candidate.document)
    return document
