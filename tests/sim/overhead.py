"""What an inference takes beside ezkl's own proving, from the call to the record that is mined, on a chain that mines at once.

    python -m tests.sim.overhead --rows 20

Between the two lie the start of ezkl's process, the witness, the check of the proof, the dry run, the signature, the journal,
the network and the block.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bridge import verbs
from bridge.chain.anvil import local_chain
from bridge.connection import connect
from tests.sim.figures import percentile
from tests.sim.linear import linear_bundle, linear_rows

WANTED_SECONDS = 0.5
_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
"""Anvil's first account, of no worth anywhere."""
_WARMING = 2
"""Inferences before the first that counts: imports, connections, caches."""


@dataclass(frozen=True, slots=True)
class Overhead:
    """Seconds, of all inferences."""

    rows: int
    whole_median: float
    proving_median: float
    """Of ezkl's prover alone."""
    beside_median: float
    beside_p99: float
    before_submit_median: float
    """What of it is before the proof is there."""
    submit_median: float
    """What of it is from the proof to the record."""

    @property
    def is_good(self) -> bool:
        """Whether it is as little as is wanted."""
        return self.beside_median < WANTED_SECONDS


def measure(folder: Path, rows: int) -> Overhead:
    """One inference after the other."""
    bundle = linear_bundle(folder)
    whole, proving, before, submit = [], [], [], []
    with local_chain() as chain:
        connection = connect(rpc=chain.url, deployments=folder / "deployments", account="env:ANVIL_KEY")
        verbs.deploy_core(connection)
        verbs.deploy_model(bundle, connection)
        for number, row in enumerate(linear_rows(bundle, folder, _WARMING + rows)):
            started = time.perf_counter()
            seconds = verbs.infer(bundle, row, connection).seconds
            if number >= _WARMING:
                whole.append(time.perf_counter() - started)
                proving.append(seconds["prove_alone"])
                before.append(seconds["prove"] - seconds["prove_alone"])
                submit.append(seconds["submit"])
    beside = [all_of_it - alone for all_of_it, alone in zip(whole, proving, strict=True)]
    median = statistics.median
    return Overhead(
        rows, median(whole), median(proving), median(beside), percentile(beside, 0.99), median(before), median(submit)
    )


def main() -> None:
    """Print it as JSON."""
    parser = argparse.ArgumentParser(description="What an inference takes beside ezkl's own proving.")
    parser.add_argument("--rows", type=int, default=20)
    chosen = parser.parse_args()
    os.environ["ANVIL_KEY"] = _KEY
    with tempfile.TemporaryDirectory() as name:
        found = measure(Path(name), chosen.rows)
    sys.stdout.write(json.dumps({**asdict(found), "good": found.is_good}, indent=2) + "\n")


if __name__ == "__main__":
    main()
