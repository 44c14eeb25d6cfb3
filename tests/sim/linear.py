"""A small model that becomes a real circuit, for measurements that are not of the model."""

from __future__ import annotations

import json
import random
from pathlib import Path

from bridge import verbs
from bridge.circuit.order import Order
from bridge.core.bundle import Bundle
from bridge.core.rows import Row
from tests.conftest import write_linear_model


def linear_bundle(folder: Path, *, features: int = 3, outputs: int = 2) -> Bundle:
    """Built in a folder."""
    model = write_linear_model(folder / "linear.onnx", features=features, outputs=outputs)
    sample = folder / "sample.json"
    sample.write_text(json.dumps({"x": _numbers(features, 2)}))
    return verbs.build_model(Order(model, sample, folder / "bundles")).bundle


def linear_rows(bundle: Bundle, folder: Path, count: int) -> tuple[Row, ...]:
    """As many different rows that fit it."""
    features = bundle.manifest.circuit.row.inputs[0].spec.shape[-1]
    file = folder / "rows.json"
    file.write_text(json.dumps({"x": _numbers(int(features or 1), count)}))
    return verbs.read_input(bundle, file)


def _numbers(features: int, count: int) -> list[list[float]]:
    dice = random.Random(features)
    return [[round(dice.uniform(-1, 1), 3) for _ in range(features)] for _ in range(count)]
