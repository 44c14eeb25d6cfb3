"""A proof becomes a record on a chain."""

from __future__ import annotations

from bridge.chain.contract import CoreContracts
from bridge.circuit import srs
from bridge.connection import Connection
from bridge.core.bundle import Bundle
from bridge.core.progress import Progress, silent
from bridge.core.proof import Proof
from bridge.deploy.artifact import carried
from bridge.deploy.model import adapter_of, bound_verifier
from bridge.errors import NotDeployed, ProofInvalid, ProofOfAnotherModel
from bridge.prover import prove as prover
from bridge.relay import submit as relay
from bridge.relay.submit import BatchStatement, Recordable, Statement, Submission


def submit(
    bundle: Bundle,
    proof: Proof,
    connection: Connection,
    *,
    confirmations: int = 1,
    check: bool = True,
    progress: Progress = silent,
) -> Submission:
    """Record a proof in the ledger, or find the record. `check=False` is for a proof that this process just checked."""
    said = statement_of(bundle, proof, connection.core())
    if check:
        prover.check(bundle.keys, proof, srs.for_proving(bundle.manifest, progress), progress=progress)
    return record(bundle, said, connection, confirmations, progress)


def statement_of(bundle: Bundle, proof: Proof, core: CoreContracts) -> Statement | BatchStatement:
    """What a proof says on a chain, of one row or of a batch. Raises `ProofOfAnotherModel`, `ProofInvalid`."""
    if proof.model_id != bundle.model_id:
        raise ProofOfAnotherModel(expected=bundle.model_id, got=proof.model_id)
    circuit = bundle.manifest.circuit
    say = relay.statement if circuit.rows == 1 else relay.batch_statement
    try:
        return say(proof.followed_by(carried(bundle, core)), circuit, core)
    except ValueError as error:
        raise ProofInvalid(model_id=bundle.model_id, reason=str(error)) from None


def record(
    bundle: Bundle, said: Recordable, connection: Connection, confirmations: int, progress: Progress
) -> Submission:
    """Hand it to the ledger of a chain on which the model is bound. Raises `NotDeployed`."""
    core = connection.core()
    if bound_verifier(adapter_of(bundle, core), bundle.model_id) is None:
        raise NotDeployed(
            thing=f"model {bundle.model_id}",
            chain_id=connection.rpc.chain_id,
            command=f"proofbridge deploy model {bundle.path}",
        )
    return relay.submit(said, connection.wallet(), core, confirmations=confirmations, progress=progress)
