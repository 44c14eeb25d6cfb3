"""How far the cost model of circuits is off: every candidate of a search made for real, its estimate beside what was measured.

The folder holds one folder for each model, with `network.onnx` and `input.json`. Times are of this machine, and the
constants in `bridge/circuit/cost.py` of two cores of an AMD EPYC.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bridge import BridgeError
from bridge.circuit.model import read_model
from bridge.circuit.order import Order
from bridge.circuit.ranking import Bounds, Ranked
from bridge.circuit.search import search
from bridge.circuit.settings import Objective
from bridge.circuit.tune import Bench, Made, Task, make
from bridge.core.circuit import Visibility
from bridge.core.rows import read_rows
from bridge.deploy.gas import measure_verify_gas
from bridge.prover.prove import prove
from bridge.solidity.verifier import FEW_RUNS

COLUMNS = "| model | settings | seconds | estimate | gas | estimate | proof bytes | estimate | code bytes | estimate | MB | estimate |"


def candidates(folder: Path, objective: Objective, max_logrows: int) -> Iterator[tuple[Ranked, Made]]:
    """What a search finds for a model, each made."""
    model = read_model(folder / "network.onnx")
    sample = read_rows(folder / "input.json", model.inputs)
    order = Order(model.path, folder / "input.json", folder, name=folder.name)
    bounds = Bounds(max_logrows=max_logrows)
    ranking = search(model, sample, objective=objective, bounds=bounds, visibility=Visibility.PUBLIC)
    for ranked in ranking.best:
        with TemporaryDirectory() as place:
            try:
                yield (
                    ranked,
                    make(
                        Task(order, model, model, sample),
                        ranked,
                        Bench(prove, measure_verify_gas),
                        Path(place),
                        runs=FEW_RUNS,
                    ),
                )
            except BridgeError as error:
                print(f"| {folder.name} | {ranked.candidate.label} | {error.what} |{' |' * 9}", flush=True)


def main() -> None:
    """A line for each candidate, and at the end how far the estimates are off."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="names of models; without it, all")
    parser.add_argument("--objective", type=Objective, choices=list(Objective), default=Objective.BALANCED)
    parser.add_argument("--max-logrows", type=int, default=14)
    chosen = parser.parse_args()
    print(COLUMNS, "---".join("|" * COLUMNS.count("|")), sep="\n", flush=True)
    ratios: dict[str, list[float]] = {}
    for path in sorted(chosen.corpus.glob("*/network.onnx")):
        if chosen.only and path.parent.name not in chosen.only:
            continue
        for ranked, made in candidates(path.parent, chosen.objective, chosen.max_logrows):
            cost, measured = ranked.cost, made.measurements
            pairs = {
                "seconds": (measured.prove_seconds, cost.seconds),
                "gas": (measured.verify_gas or 0, cost.gas),
                "proof bytes": (measured.proof_bytes, cost.proof_bytes),
                "code bytes": (measured.verifier_runtime_bytes, cost.runtime_bytes),
                "memory": (measured.peak_memory_bytes / 1e6, cost.memory_bytes / 1e6),
            }
            for name, (got, estimate) in pairs.items():
                ratios.setdefault(name, []).append(estimate / got)
            cells = [f"{got:,.2f} | {estimate:,.2f}" for got, estimate in pairs.values()]
            print(f"| {path.parent.name} | {ranked.candidate.label} | {' | '.join(cells)} |", flush=True)
    for name, each in ratios.items():
        print(
            f"{name}: estimate / measured {min(each):.2f} to {max(each):.2f}, {statistics.median(each):.2f} in the median"
        )


if __name__ == "__main__":
    main()
