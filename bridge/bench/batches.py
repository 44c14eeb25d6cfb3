"""What an inference costs on a chain when one proof covers many: each batch built, deployed, proved and recorded."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge import verbs
from bridge.chain.anvil import local_chain
from bridge.circuit.order import Order
from bridge.circuit.settings import Objective
from bridge.connection import connect
from bridge.core.progress import Progress, silent

SIZES = (1, 8, 32, 128, 256)


@dataclass(frozen=True, slots=True)
class BatchCost:
    """One size of a batch. The sample is repeated until it fills it."""

    model: str
    rows: int
    logrows: int
    prove_seconds: float
    verify_gas: int | None
    """Of a transaction that calls the verifier alone."""
    record_gas: int
    """Of the transaction that verified and recorded them all: verification, binding, record, event."""

    @property
    def gas_each(self) -> float:
        """All-in gas of one inference."""
        return self.record_gas / self.rows


def bench_batches(
    model: Path,
    sample: Path,
    *,
    sizes: Sequence[int] = SIZES,
    objective: Objective = Objective.BALANCED,
    progress: Progress = silent,
) -> Iterator[BatchCost]:
    """Each size as soon as it is measured. Raises any `BridgeError`."""
    with local_chain(progress=progress) as chain, tempfile.TemporaryDirectory(prefix="proofbridge-bench-") as folder:
        connection = connect(rpc=chain.url, deployments=Path(folder) / "deployments")
        verbs.deploy_core(connection, progress=progress)
        for size in sizes:
            order = Order(model, sample, Path(folder) / "bundles", objective=objective, batch=size)
            bundle = verbs.build_model(order, progress).bundle
            verbs.deploy_model(bundle, connection, progress=progress)
            given = verbs.read_input(bundle, sample)
            rows = [given[number % len(given)] for number in range(size)]
            if size == 1:
                one = verbs.infer(bundle, rows[0], connection, progress=progress)
                gas, seconds = one.gas_used, one.seconds
            else:
                many = verbs.infer_batch(bundle, rows, connection, progress=progress)
                gas, seconds = many.gas_used, many.seconds
            settings, measured = bundle.manifest.settings, bundle.manifest.measurements
            yield BatchCost(order.title, size, settings.logrows, seconds["prove_alone"], measured.verify_gas, gas)
