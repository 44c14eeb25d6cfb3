"""How far a circuit's numbers are from the float model's, output by output, and which rows that is measured on.

The circuit is chosen on calibration rows. What it is worth is told by held-out rows, which no choice was made on.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bridge.circuit.model import Model
from bridge.core import field
from bridge.core.bundle import Keys
from bridge.core.circuit import Circuit
from bridge.core.manifest import Fidelity, OutputFidelity
from bridge.core.progress import Progress, silent
from bridge.core.rows import Array, Row, check_range, in_batches, stack, to_ezkl
from bridge.engine.child import Call, run
from bridge.errors import CircuitRefused, InputOutOfRange, NoRowFits

CALIBRATION = "calibration"
HELD_OUT = "held-out"
MEASURED_ROWS = 256
"""The finished circuit is compared on the first so many rows of a set: a forward pass of 2^16 rows takes 50 ms."""

_SPLIT_FROM = 10
"""Fewer sample rows than this are all needed to set the ranges."""
_HELD_OUT_EVERY = 5


def split(sample: Sequence[Row]) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Calibration rows and held-out rows of one sample: of ten rows and more every fifth is held out, of fewer none.

    Every fifth and not the last fifth: a file sorted by its labels or its sizes would lose one end of both to the other.
    """
    if len(sample) < _SPLIT_FROM:
        return tuple(sample), ()
    held_out = tuple(sample[_HELD_OUT_EVERY - 1 :: _HELD_OUT_EVERY])
    return tuple(row for number, row in enumerate(sample, start=1) if number % _HELD_OUT_EVERY), held_out


def measure(
    model: Model, circuit: Circuit, keys: Keys, rows: Sequence[Row], which: str, progress: Progress = silent
) -> Fidelity:
    """The compiled circuit against the float model on the first `MEASURED_ROWS` of some rows; `which` names them in messages.

    `model` takes one row at a time, whatever the batch of the circuit. A row that proving refuses is counted and left out.
    Raises `NoRowFits` if none is left, `CircuitRefused` if a float output is not finite, `EngineError`.
    """
    reference = model.reference()
    fitting, refusals = [], []
    for number, row in enumerate(rows[:MEASURED_ROWS]):
        try:
            check_range(row, circuit.row.inputs)
            fitting.append((number, row))
        except InputOutOfRange as error:
            refusals.append(error.what)
    outputs, expected = [], []
    answers = _rehearse(circuit, keys, [row for _, row in fitting], which, progress)
    for (number, row), (words, refusal) in zip(fitting, answers, strict=True):
        if refusal is not None:
            refusals.append(refusal)
            continue
        outputs.append(words)
        expected.append(finite(model, f"{which} row {number}", reference.outputs(row)))
    if not outputs:
        raise NoRowFits(which=which, rows=len(refusals), reason=refusals[0])
    names, scales = [output.name for output in circuit.outputs], [output.scale for output in circuit.outputs]
    return compare(names, outputs, scales, expected, reference.name, refused=len(refusals))


def compare(
    names: Sequence[str],
    outputs: Sequence[Sequence[Sequence[str]]],
    scales: Sequence[int],
    expected: Sequence[tuple[Array, ...]],
    reference: str,
    *,
    rows: int = 1,
    refused: int = 0,
) -> Fidelity:
    """The circuit's outputs (little-endian hex, by run and tensor) against float outputs; each run is over `rows` rows.

    Raises ValueError on other shapes.
    """
    got = [[_numbers(words, scale) for words, scale in zip(tensors, scales, strict=True)] for tensors in outputs]
    columns = zip(names, zip(*got, strict=True), zip(*expected, strict=True), strict=True)
    return Fidelity(
        reference=reference,
        rows=len(outputs) * rows,
        refused=refused,
        outputs=tuple(_output(name, of_circuit, of_model, rows) for name, of_circuit, of_model in columns),
    )


def finite(model: Model, row: str, outputs: tuple[Array, ...]) -> tuple[Array, ...]:
    """The float outputs of a row, which `row` names. Raises `CircuitRefused`."""
    if not all(np.isfinite(array).all() for array in outputs):
        reason = f"its float output for {row} is not finite, and no field element stands for that"
        raise CircuitRefused(path=model.path, reason=reason)
    return outputs


def _rehearse(
    circuit: Circuit, keys: Keys, rows: Sequence[Row], which: str, progress: Progress
) -> list[tuple[list[list[str]], str | None]]:
    """For each row the circuit's output words by tensor, and why proving would refuse it."""
    if not rows:
        return []
    stage = f"comparing the circuit with the float model ({which} rows)"
    size = circuit.rows
    ran = _run(keys, in_batches(rows, size), stage, progress)
    told = [_share(ran[number // size], number % size, size) for number in range(len(rows))]
    # One row that does not fit takes its whole batch along; among copies of itself each tells for itself.
    again = [number for number, (_, refusal) in enumerate(told) if refusal is not None] if size > 1 else []
    alone = _run(keys, [(rows[number],) * size for number in again], stage, progress)
    for number, answer in zip(again, alone, strict=True):
        told[number] = _share(answer, 0, size)
    return told


def _run(keys: Keys, batches: Sequence[Sequence[Row]], stage: str, progress: Progress) -> list[dict[str, Any]]:
    if not batches:
        return []
    with tempfile.TemporaryDirectory(prefix="proofbridge-") as folder:
        paths = [Path(folder) / f"run{number}.json" for number in range(len(batches))]
        for path, batch in zip(paths, batches, strict=True):
            path.write_text(to_ezkl([stack(batch)]))
        arguments: dict[str, Any] = {
            "circuit": str(keys.circuit),
            "settings": str(keys.settings),
            "data": [str(path) for path in paths],
            "output": f"{folder}/witness.json",
        }
        (answer,) = run([Call("rehearse", stage, arguments)], writes=Path(folder), progress=progress)
    answers: list[dict[str, Any]] = answer.result
    return answers


def _share(ran: dict[str, Any], place: int, rows: int) -> tuple[list[list[str]], str | None]:
    """One row's part in the answer for a run over so many."""
    outputs = [words[place * len(words) // rows : (place + 1) * len(words) // rows] for words in ran["outputs"]]
    return outputs, ran["refusal"]


def _numbers(words: Sequence[str], scale: int) -> Array:
    return np.array([field.to_number(field.from_little_endian(word), scale) for word in words], dtype=np.float64)


def _output(name: str, of_circuit: Sequence[Array], of_model: Sequence[Array], rows: int) -> OutputFidelity:
    errors: list[float] = []
    agreed: list[bool] = []
    largest = 0.0
    for flat, wanted in zip(of_circuit, of_model, strict=True):
        got = flat.reshape(wanted.shape)
        errors += np.abs(got - wanted.astype(np.float64)).reshape(-1).tolist()
        largest = max(largest, float(np.abs(wanted.astype(np.float64)).max(initial=0.0)))
        agreed += _agreed(got, wanted, rows)
    ordered = sorted(errors)
    return OutputFidelity(
        name=name,
        elements=len(ordered),
        max_abs_error=ordered[-1],
        mean_abs_error=statistics.mean(ordered),  # exact, so that neither the order nor rounding shows
        p99_abs_error=ordered[-(-99 * len(ordered) // 100) - 1],
        largest_output=largest,
        equal_labels=sum(agreed) / len(agreed) if agreed else None,
    )


def _agreed(got: Array, wanted: Array, rows: int) -> list[bool]:
    """For each label whether it is the same; see `OutputFidelity.equal_labels`."""
    if wanted.dtype.kind in "iub":
        same = got == wanted.astype(np.float64)
    else:
        by_row = (rows, -1, *wanted.shape[1:])  # of a vector over a batch, one number is a row
        got, wanted = got.reshape(by_row), wanted.reshape(by_row)
        if wanted.shape[-1] == 1:
            return []
        same = got.argmax(axis=-1) == wanted.argmax(axis=-1)
    agreed: list[bool] = np.asarray(same).reshape(-1).tolist()
    return agreed
