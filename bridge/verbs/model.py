"""A model becomes a bundle, and a bundle source code that reads it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bridge.circuit import build as circuit_build
from bridge.circuit.build import Built
from bridge.circuit.order import Order
from bridge.circuit.tune import Bench
from bridge.codegen import languages, solidity
from bridge.codegen.languages import Language
from bridge.codegen.schema import schema_of
from bridge.core.bundle import Bundle, Keys, open_bundle
from bridge.core.progress import Progress, silent
from bridge.core.proof import Proof
from bridge.core.rows import Row
from bridge.core.word import Hex32
from bridge.deploy.gas import measure_verify_gas
from bridge.errors import ToolMissing
from bridge.prover import prove as prover
from bridge.solidity.verifier import Verifier


def build_model(order: Order, progress: Progress = silent) -> Built:
    """Turn an ONNX model into a bundle, measured with a real proof and, where Anvil is at hand, a real transaction."""

    def prove_row(keys: Keys, model_id: Hex32, row: Row, setup: Path) -> Proof:
        return prover.prove(keys, model_id, row, setup, progress=progress)

    def verify_gas(verifier: Verifier, proof: Proof) -> int | None:
        try:
            return measure_verify_gas(verifier, proof, progress)
        except ToolMissing:
            return None  # a bundle can be built without a chain; the manifest says that the gas is unknown

    return circuit_build.build(order, Bench(prove_row, verify_gas), progress)


def show_model(directory: Path) -> Bundle:
    """Open a bundle and check every byte of it."""
    return open_bundle(directory)


def write_readers(
    bundle: Bundle, out: Path, chosen: Iterable[Language] = Language, *, import_from: str = solidity.IMPORT_FROM
) -> dict[Language, Path]:
    """Write source code that reads the model's outputs, a file for each language; twice writes the same.

    `import_from` is where Solidity finds `contracts/src`. Raises `DiskFull`, `NotWritable`.
    """
    return languages.write(schema_of(bundle.manifest), out, chosen, import_from)
