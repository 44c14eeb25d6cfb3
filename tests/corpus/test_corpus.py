"""Models that other people made: each is built, proved and checked, or refused by name.

The large ones take minutes and run where PROOFBRIDGE_WHOLE_CORPUS is set; `scripts/corpus.py` prints all of them as a table.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge import verbs
from bridge.circuit import srs
from bridge.circuit.build import build
from bridge.circuit.order import Order
from bridge.circuit.tune import Bench
from bridge.prover import prove as prover
from tests.conftest import SHARED

CORPUS = SHARED / "corpus"

SMALL = (
    "1l_mlp",
    "1l_sigmoid",
    "1l_softmax",
    "boolean",
    "decision_tree",
    "linear_regression",
    "rnn",
    "sklearn_mlp",
    "trig",
)
LARGE = (
    "2l_relu_sigmoid_small",
    "4l_relu_conv_fc",
    "gather_nd",
    "idolmodel",
    "lstm",
    "random_forest",
    "xgboost",
)
CHOSEN = (*SMALL, *LARGE) if os.environ.get("PROOFBRIDGE_WHOLE_CORPUS") else SMALL
BENCH = Bench(prover.prove, lambda _verifier, _proof: None)


@pytest.mark.parametrize("name", CHOSEN)
def test_a_strangers_model_is_built_and_proved(name: str, tmp_path: Path) -> None:
    folder = CORPUS / name
    if not folder.is_dir():
        pytest.skip(f"the corpus is not at {CORPUS}")
    bundle = build(Order(folder / "network.onnx", folder / "input.json", tmp_path), BENCH).bundle
    assert bundle.manifest.name == name
    row = verbs.read_input(bundle, folder / "input.json")[0]
    proof = verbs.prove(bundle, row)
    prover.check(bundle.keys, proof, srs.find(bundle.manifest.setup).path)
    fidelity = bundle.manifest.fidelity
    assert fidelity.max_abs_error <= max(0.01 * fidelity.largest_output, 1e-9)
    words = proof.words[bundle.manifest.circuit.input_instances :]
    assert len(words) == bundle.manifest.circuit.output_instances


def test_the_list_is_the_whole_corpus() -> None:
    if not CORPUS.is_dir():
        pytest.skip(f"the corpus is not at {CORPUS}")
    assert sorted((*SMALL, *LARGE)) == sorted(path.name for path in CORPUS.iterdir())
