"""The trainer of the three example models in `bridge/examples`, from data sets that scikit-learn carries.

Every example becomes a folder with `model.onnx`, `calibration.json`, `heldout.json` and `about.json`. A second run
writes the same bytes; on another kind of processor the digits network may end in slightly different weights.

A circuit computes in fixed point (usually 13 bits after the point), and pays more for an input, an output or a
comparison than for a multiplication. So the models have few of these, no sigmoid or softmax at the end, inputs
of a size that suits fixed point, and tree thresholds that no measurement comes near.

Usage: python scripts/train_examples.py [FOLDER]
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from math import exp, floor, log
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import checker, numpy_helper, parser
from sklearn import datasets, ensemble, linear_model, metrics, neural_network
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

Array = NDArray[Any]

SEED = 7992
SPLIT: dict[str, Any] = {"test_size": 0.25, "random_state": SEED}
CALIBRATION_ROWS = 64
HELD_OUT_ROWS = 5
EXAMPLES = Path(__file__).resolve().parent.parent / "bridge" / "examples"


@dataclass(frozen=True, slots=True)
class Split:
    """A data set in two parts, rows of shape (n, features) with labels (n,); a model sees only the training part."""

    train: Array
    test: Array
    train_labels: Array
    test_labels: Array


@dataclass(frozen=True, slots=True)
class Example:
    """One trained model with its data and the words that explain it."""

    title: str
    task: str
    data: str
    features: list[str]
    outputs: list[str]
    decision: str
    split: Split
    model: onnx.ModelProto
    measure: Callable[[Array, Array], dict[str, float]]
    """Test-set metrics from model outputs of shape (rows, outputs) and labels of shape (rows,)."""


def breast_cancer() -> Example:
    """A logistic regression; graph (1, 9) -> Gemm -> (1, 1).

    Its features are the "worst" columns of the data but the worst area, which goes up to 4 254: its weight would be
    too small for fixed point, and the radius says the same. The standardisation is folded into the weights.
    """
    data = datasets.load_breast_cancer()
    features = [str(name) for name in data.feature_names if name.startswith("worst ") and name != "worst area"]
    rows = data.data[:, np.isin(data.feature_names, features)]
    malignant = (data.target == list(data.target_names).index("malignant")).astype(int)
    split = Split(*train_test_split(rows, malignant, stratify=malignant, **SPLIT))
    scaler = StandardScaler().fit(split.train)
    classifier = linear_model.LogisticRegression(C=3.0, max_iter=5000)
    classifier.fit(scaler.transform(split.train), split.train_labels)
    weights = classifier.coef_ / scaler.scale_
    bias = classifier.intercept_ - weights @ scaler.mean_
    return Example(
        title="Breast cancer: malignant or benign",
        task="binary classification, logistic regression",
        data="Breast Cancer Wisconsin (Diagnostic), the 'worst' columns without the area; sklearn load_breast_cancer",
        features=features,
        outputs=["malignant_logit"],
        decision="Above 0 means malignant (label 1), else benign (label 0). "
        "The probability of malignant is 1 / (1 + exp(-malignant_logit)). Inputs are raw, not standardised.",
        split=split,
        model=onnx_model(
            "breast_cancer (float[1, 9] measurements) => (float[1, 1] malignant_logit)",
            ["malignant_logit = Gemm (measurements, weights, bias)"],
            {"weights": weights.T, "bias": bias[np.newaxis]},
        ),
        measure=lambda logits, labels: {
            "accuracy": metrics.accuracy_score(labels, logits[:, 0] > 0),
            "sensitivity": metrics.recall_score(labels, logits[:, 0] > 0),
            "specificity": metrics.recall_score(labels, logits[:, 0] > 0, pos_label=0),
        },
    )


MEASUREMENT_STEPS = {
    "age": 1.0,
    "sex": 1.0,
    "body mass index": 0.1,
    "blood pressure": 0.01,
    "total cholesterol": 1.0,
    "ldl cholesterol": 0.1,
    "hdl cholesterol": 0.5,
    "total / hdl cholesterol": 0.01,
    "log triglycerides": 0.0,
    "glucose": 1.0,
}
"""The columns of the diabetes data in order, each with its step of recording; 0: the logarithm of a whole number."""


def diabetes() -> Example:
    """Eight boosted regression trees of depth 2; graph (1, 10) -> see `tree_graph` -> (1, 1)."""
    data = datasets.load_diabetes(scaled=False)
    split = Split(*train_test_split(data.data, data.target, **SPLIT))
    forest = ensemble.GradientBoostingRegressor(
        n_estimators=8, max_depth=2, learning_rate=0.4, min_samples_leaf=20, random_state=SEED
    ).fit(split.train, split.train_labels)
    nodes, weights = tree_graph(forest)
    return Example(
        title="Diabetes: progression of the disease after one year",
        task="regression, 8 boosted trees of depth 2",
        data="Diabetes data of Efron et al., sklearn load_diabetes(scaled=False)",
        features=list(MEASUREMENT_STEPS),
        outputs=["progression"],
        decision="Disease progression after one year, 25 to 346 in the data. Inputs are raw measurements.",
        split=split,
        model=onnx_model("diabetes (float[1, 10] measurements) => (float[1, 1] progression)", nodes, weights),
        measure=lambda progression, labels: {
            "r2": metrics.r2_score(labels, progression),
            "mean_absolute_error": metrics.mean_absolute_error(labels, progression),
        },
    )


def tree_graph(forest: ensemble.GradientBoostingRegressor) -> tuple[list[str], dict[str, Array]]:
    """The nodes and weights that add up the trees of a forest, all trees side by side.

    A tree is folded from its leaves to its root: value = left + (feature > threshold) * (right - left).
    Level d holds trees * 2**d splits; the level below lists all their left children first, then all the right ones,
    so every tensor of level d has shape (1, trees * 2**d), and halves of the level below are its `left` and `right`.
    """
    trees, depth = [stage[0].tree_ for stage in forest.estimators_], forest.max_depth
    weights: dict[str, Array] = {}
    level = [(tree, 0) for tree in trees]
    for d in range(depth):
        splits = [split_at(tree, node) for tree, node in level]
        weights[f"feature_{d}"] = np.array([split[0] for split in splits])
        weights[f"threshold_{d}"] = np.array([[split[1] for split in splits]])
        level = [(tree, split[2][side]) for side in (0, 1) for (tree, _), split in zip(level, splits, strict=True)]
    start = forest.init_.constant_.item() / len(trees)  # every tree carries its part of the mean label
    leaves = np.array([[start + forest.learning_rate * tree.value[node].item() for tree, node in level]])
    weights["left"], right_leaves = np.split(leaves, 2, axis=1)
    weights["step"] = right_leaves - weights["left"]
    nodes: list[str] = []
    left, step = "left", "step"
    for d in reversed(range(depth)):
        nodes += [
            f"measured_{d} = Gather <axis = 1> (measurements, feature_{d})",
            f"above_{d} = Greater (measured_{d}, threshold_{d})",
            f"go_right_{d} = Cast <to = {onnx.TensorProto.FLOAT}> (above_{d})",
            f"taken_step_{d} = Mul (go_right_{d}, {step})",
            f"value_{d} = Add ({left}, taken_step_{d})",
        ]
        if d > 0:
            left, right, step = f"left_{d - 1}", f"right_{d - 1}", f"step_{d - 1}"
            nodes += [f"{left}, {right} = Split <axis = 1> (value_{d})", f"{step} = Sub ({right}, {left})"]
    weights["tree_axis"] = np.array([1])
    return [*nodes, "progression = ReduceSum (value_0, tree_axis)"], weights


def split_at(tree: Any, node: int) -> tuple[int, float, tuple[int, int]]:
    """Feature index, threshold and (left, right) children of a node; a leaf is its own child on both sides."""
    left, right = tree.children_left[node], tree.children_right[node]
    if left == right:
        return 0, 0.0, (node, node)
    feature = int(tree.feature[node])
    return feature, half_step(feature, tree.threshold[node]), (left, right)


def half_step(feature: int, threshold: float) -> float:
    """The threshold moved half a measuring step above the last value that goes left.

    No measurement can then sit on it, where rounding to fixed point would decide the branch.
    """
    step = list(MEASUREMENT_STEPS.values())[feature]
    return (floor(threshold / step + 1e-6) + 0.5) * step if step else log(floor(exp(threshold)) + 0.5)


def digits() -> Example:
    """A perceptron with one hidden layer; graph (1, 64) -> Gemm -> Relu (1, 8) -> Gemm -> (1, 10).

    Pixels come as they are, 0 to 16, but the network is trained on pixels / 16. That factor is shared by both layers, 4
    in each, so that no weight is too small for fixed point: relu(4 * x) is 4 * relu(x).
    """
    data = datasets.load_digits()
    split = Split(*train_test_split(data.data, data.target, stratify=data.target, **SPLIT))
    network = neural_network.MLPClassifier((8,), solver="lbfgs", alpha=1.0, max_iter=2000, random_state=SEED)
    network.fit(split.train / 16, split.train_labels)
    return Example(
        title="Digits: a handwritten digit of 8 by 8 pixels",
        task="classification into 10 classes, one hidden layer of 8",
        data="Optical Recognition of Handwritten Digits, sklearn load_digits",
        features=list(data.feature_names),
        outputs=[f"logit_{digit}" for digit in range(10)],
        decision="The position of the largest of the ten logits is the digit. Pixels are whole numbers from 0 to 16.",
        split=split,
        model=onnx_model(
            "digits (float[1, 64] pixels) => (float[1, 10] logits)",
            [
                "hidden = Gemm (pixels, hidden_weights, hidden_bias)",
                "hidden_active = Relu (hidden)",
                "logits = Gemm (hidden_active, logit_weights, logit_bias)",
            ],
            {
                "hidden_weights": network.coefs_[0] / 4,
                "hidden_bias": network.intercepts_[0][np.newaxis] * 4,
                "logit_weights": network.coefs_[1] / 4,
                "logit_bias": network.intercepts_[1][np.newaxis],
            },
        ),
        measure=lambda logits, labels: {"accuracy": metrics.accuracy_score(labels, logits.argmax(axis=1))},
    )


def onnx_model(signature: str, nodes: list[str], weights: dict[str, Array]) -> onnx.ModelProto:
    """Build and check a model of batch size 1 from a signature and nodes in the text syntax of ONNX."""
    header = '<ir_version: 8, opset_import: ["": 13], producer_name: "proofbridge">'
    model = parser.parse_model("\n".join([header, signature, "{", *nodes, "}"]))
    for name, values in weights.items():
        single = values.astype(np.float32) if values.dtype == np.float64 else values
        model.graph.initializer.append(numpy_helper.from_array(single, name))
    checker.check_model(model, full_check=True)
    return model


def run(model: onnx.ModelProto, rows: Array) -> Array:
    """Float outputs (rows, outputs) of the model for rows (rows, features), one row at a time."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0].name
    return np.vstack([session.run(None, {source: row[np.newaxis].astype(np.float32)})[0] for row in rows])


def calibration_rows(values: Array) -> list[int]:
    """Indices of training rows that attain the minimum and maximum of every column of `values`.

    `values` is (rows, features + outputs); a circuit may be unable to prove a value outside the calibrated range.
    The first rows of the (shuffled) training set fill the list up to CALIBRATION_ROWS.
    """
    chosen: list[int] = []
    for column in values.T:
        for extreme in (column.min(), column.max()):
            if not any(column[i] == extreme for i in chosen):
                chosen.append(int(np.argmax(column == extreme)))
    others = [i for i in range(len(values)) if i not in chosen]
    return chosen + others[: max(0, CALIBRATION_ROWS - len(chosen))]


def write(example: Example, folder: Path) -> dict[str, float]:
    """Write the four files of an example and return the test-set metrics of its float model."""
    split, source = example.split, example.model.graph.input[0].name
    test_outputs = run(example.model, split.test)
    known, unseen = np.hstack([split.train, run(example.model, split.train)]), np.hstack([split.test, test_outputs])
    calibration = calibration_rows(known)
    inside = np.all((unseen >= known.min(axis=0)) & (unseen <= known.max(axis=0)), axis=1)
    held_out = np.flatnonzero(inside)[:HELD_OUT_ROWS]
    measured = example.measure(test_outputs, split.test_labels)
    scores = {name: round(float(score), 4) for name, score in measured.items()}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(example.model.SerializeToString(deterministic=True))
    (folder / "calibration.json").write_text(json_rows(source, split.train[calibration]))
    (folder / "heldout.json").write_text(json_rows(source, split.test[held_out]))
    about = {key: getattr(example, key) for key in ("title", "task", "data", "features", "outputs")}
    about |= {"labels": split.test_labels[held_out].tolist(), "metrics": scores, "decision": example.decision}
    (folder / "about.json").write_text(json.dumps(about, indent=2) + "\n")
    return scores


def json_rows(source: str, rows: Array) -> str:
    """Rows (n, features) of the input named `source` as JSON text, one row a line."""
    return json.dumps({source: rows.tolist()}).replace("], [", "],\n[") + "\n"


def main(output: Path) -> None:
    """Train all three examples and write them into folders of `output`."""
    with threadpool_limits(1):  # sums in one order, whatever the number of cores
        for build in (breast_cancer, diabetes, digits):
            print(build.__name__, write(build(), output / build.__name__))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLES)
