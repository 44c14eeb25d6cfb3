"""What is claimed, checked again."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.audit.replay import Replay, replay
from bridge.audit.tamper import Attempt, tamper
from bridge.connection import Connection
from bridge.core.bundle import Bundle
from bridge.core.inference import VerifiedInference
from bridge.core.proof import Proof
from bridge.core.rows import Row
from bridge.deploy.artifact import carried


def fire_tampered(bundle: Bundle, proof: Proof, connection: Connection) -> Sequence[Attempt]:
    """Mutate a proof and its statement in every way the kit knows; the contracts must refuse each."""
    core = connection.core()
    return tamper(proof.followed_by(carried(bundle, core)), bundle.manifest.circuit, core)


def replay_result(bundle: Bundle, row: Row, record: VerifiedInference) -> Replay:
    """onnxruntime's answer beside the chain's."""
    return replay(bundle, row, record)
