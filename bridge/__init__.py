"""proofbridge: an on-chain verification bridge for AI inference.

    from pathlib import Path
    import bridge

    built = bridge.build_model(bridge.Order(Path("model.onnx"), Path("rows.json"), Path("bundles")))
    connection = bridge.connect("anvil")
    bridge.deploy_core(connection)
    bridge.deploy_model(built.bundle, connection)
    row = bridge.read_input(built.bundle, Path("rows.json"))[0]
    print(bridge.infer(built.bundle, row, connection).outputs)

The verbs are those of the command line. They raise members of `bridge.errors.BridgeError` and print nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge.circuit.build import Built
    from bridge.circuit.order import Order
    from bridge.connection import Connection, connect
    from bridge.core.bundle import Bundle, open_bundle
    from bridge.core.finality import Finality
    from bridge.core.grade import Grade
    from bridge.core.inference import VerifiedInference
    from bridge.core.proof import Proof, read_proof
    from bridge.errors import BridgeError
    from bridge.query.results import Filter
    from bridge.verbs import (
        Inference,
        build_model,
        deploy_core,
        deploy_model,
        find_model,
        fire_tampered,
        infer,
        infer_batch,
        open_input,
        outputs_of,
        prove,
        publish_sources,
        read_input,
        replay_result,
        results,
        sources,
        submit,
        verify_deployment,
    )

__all__ = [
    "BridgeError",
    "Built",
    "Bundle",
    "Connection",
    "Filter",
    "Finality",
    "Grade",
    "Inference",
    "Order",
    "Proof",
    "VerifiedInference",
    "build_model",
    "connect",
    "deploy_core",
    "deploy_model",
    "find_model",
    "fire_tampered",
    "infer",
    "infer_batch",
    "open_bundle",
    "open_input",
    "outputs_of",
    "prove",
    "publish_sources",
    "read_input",
    "read_proof",
    "replay_result",
    "results",
    "sources",
    "submit",
    "verify_deployment",
]

_ELSEWHERE = {
    "BridgeError": "bridge.errors",
    "Built": "bridge.circuit.build",
    "Bundle": "bridge.core.bundle",
    "Connection": "bridge.connection",
    "Filter": "bridge.query.results",
    "Finality": "bridge.core.finality",
    "Grade": "bridge.core.grade",
    "Order": "bridge.circuit.order",
    "Proof": "bridge.core.proof",
    "VerifiedInference": "bridge.core.inference",
    "connect": "bridge.connection",
    "open_bundle": "bridge.core.bundle",
    "read_proof": "bridge.core.proof",
}


if not TYPE_CHECKING:  # it would make every `from bridge import room` an Any to whoever checks types

    def __getattr__(name: str) -> Any:
        """Load a verb when it is first used: a child process that needs one room must not load all of them."""
        if name not in __all__:
            raise AttributeError(f"module 'bridge' has no attribute {name!r}")
        return getattr(import_module(_ELSEWHERE.get(name, "bridge.verbs")), name)


def __dir__() -> list[str]:
    return __all__
