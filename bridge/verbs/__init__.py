"""The verbs: what the command line does, callable and typed. This is where the rooms are joined."""

from __future__ import annotations

from bridge.verbs.audit import fire_tampered, replay_result
from bridge.verbs.deployment import Publication, deploy_core, deploy_model, publish_sources, sources, verify_deployment
from bridge.verbs.desk import ask, chain_time, paid_request, refund
from bridge.verbs.inference import BatchInference, Inference, RowInference, infer, infer_batch
from bridge.verbs.model import build_model, show_model, write_readers
from bridge.verbs.opening import Opening, open_input
from bridge.verbs.proof import outputs_of, prove, read_input
from bridge.verbs.record import statement_of, submit
from bridge.verbs.result import find_model, results

__all__ = [
    "BatchInference",
    "Inference",
    "Opening",
    "Publication",
    "RowInference",
    "ask",
    "build_model",
    "chain_time",
    "deploy_core",
    "deploy_model",
    "find_model",
    "fire_tampered",
    "infer",
    "infer_batch",
    "open_input",
    "outputs_of",
    "paid_request",
    "prove",
    "publish_sources",
    "read_input",
    "refund",
    "replay_result",
    "results",
    "show_model",
    "sources",
    "statement_of",
    "submit",
    "verify_deployment",
    "write_readers",
]
