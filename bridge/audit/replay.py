"""The registered ONNX, run again on the disclosed input, against what the chain holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.circuit.model import read_model
from bridge.core.bundle import MODEL, Bundle
from bridge.core.inference import VerifiedInference
from bridge.core.rows import Row


@dataclass(frozen=True, slots=True)
class Replay:
    """onnxruntime's numbers beside the chain's."""

    expected: tuple[tuple[float, ...], ...]
    """onnxruntime's outputs, one tuple for each output tensor."""
    largest_error: float


def replay(bundle: Bundle, row: Row, record: VerifiedInference) -> Replay:
    """Run the float model of a bundle on the input of a record. Raises members of `InputError`."""
    arrays = read_model(bundle.file(MODEL)).reference().outputs(row)
    expected = tuple(tuple(array.astype(np.float64).reshape(-1).tolist()) for array in arrays)
    errors = [
        abs(a - b)
        for wanted, got in zip(expected, record.outputs, strict=True)
        for a, b in zip(wanted, got, strict=True)
    ]
    return Replay(expected, max(errors, default=0.0))
