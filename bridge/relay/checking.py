"""From proofs to calls: what a proof says on the chain, and what records it. From here on the calls are all that counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import structlog

from bridge.chain.contract import Contract
from bridge.core.batch import BatchRow
from bridge.core.bundle import Bundle
from bridge.core.proof import Proof
from bridge.core.word import Hex32
from bridge.errors import BridgeError, ChainError, ProofInvalid, RequestDeclined, RequestUnprofitable
from bridge.relay import work
from bridge.relay.artifacts import Artifacts
from bridge.relay.bundles import Bundles
from bridge.relay.desk import Desk
from bridge.relay.job import FAULT_OF_THE_JOB, Job
from bridge.relay.journal import Journal
from bridge.relay.submission import Call
from bridge.relay.submit import BatchStatement, Statement

_LOG = structlog.get_logger("relay")

Say = Callable[[Bundle, Proof], Statement | BatchStatement]
"""What a proof says on the chain. Raises `ProofInvalid` where it is of another circuit."""


class Checking:
    """Jobs that have a proof, and no call yet."""

    def __init__(
        self,
        journal: Journal,
        bundles: Bundles,
        store: Artifacts,
        ledger: Contract,
        say: Say,
        desk: Desk | None,
        pause: float,
    ) -> None:
        """`pause` is how long one that could not be told waits, in seconds: a node did not answer, or the desk does not pay enough."""
        self._journal = journal
        self._bundles = bundles
        self._store = store
        self._ledger = ledger
        self._say = say
        self._desk = desk
        self._pause = pause
        self._held: dict[str, float] = {}

    def hand_over(self, jobs: Sequence[Job]) -> bool:
        """Write down their calls, which the lanes send; whether any was handed over, or ended."""
        told = [(job, result) for job in jobs if (result := self._said(job)) is not None]
        if not told:
            return False
        with self._journal.together():
            for job, result in told:
                if isinstance(result, BridgeError):
                    self._journal.failed(job, result)
                else:
                    inference_id, calls = result
                    self._journal.checked(job, inference_id, *calls)
        return True

    def _said(self, job: Job) -> tuple[Hex32, tuple[Call, ...]] | BridgeError | None:
        """What a proof says and the calls that record it, or why it ends here; None where it has to be tried again."""
        bundle = self._bundles.of(job)
        if bundle is None or job.proof is None or time.monotonic() < self._held.get(job.id, 0.0):
            return None
        self._held.pop(job.id, None)
        try:
            said = self._say(bundle, work.proof_in(self._store, job.proof))
            row = None if isinstance(said, Statement) else _row_of(said, job)
            calls = self._calls(job, bundle, said, row)
        except (ChainError, RequestUnprofitable) as error:
            _LOG.warning("held", job=job.id, error=type(error).__name__, said=str(error))
            self._held[job.id] = time.monotonic() + self._pause
            return None
        except FAULT_OF_THE_JOB as error:
            return error
        return (said.inference_id if isinstance(said, Statement) else _row_of(said, job).inference_id), calls

    def _calls(
        self, job: Job, bundle: Bundle, said: Statement | BatchStatement, row: BatchRow | None
    ) -> tuple[Call, ...]:
        """What records a proof, and where somebody pays for it at the desk, what earns the fee."""
        request_id = job.request.request_id
        if request_id is not None:
            if self._desk is None:
                raise RequestDeclined(request_id=request_id, reason="this relayer does not deal with the desk")
            return self._desk.calls(request_id, bundle, said, row)
        calldata = self._ledger.abi.call(said.function, *said.arguments)
        return (Call(said.key, self._ledger.address, said.function, calldata),)


def _row_of(said: BatchStatement, job: Job) -> BatchRow:
    if job.position is None or job.position >= len(said.batch.rows):
        raise ProofInvalid(model_id=job.request.model_id, reason=f"it has no row {job.position}")
    return said.batch.rows[job.position]
