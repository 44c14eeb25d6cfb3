"""The loop: requests are proved, proofs become calls, calls go to the lanes. One thread decides; provers and keys work.

Nothing is known here that is not in the journal: a relayer that is killed anywhere goes on where its journal stands.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import structlog

from bridge.chain.contract import Contract
from bridge.core.batch import BatchRow
from bridge.core.bundle import Bundle
from bridge.core.proof import Proof
from bridge.core.word import Address, Hex32
from bridge.database.lease import SECONDS, Lease
from bridge.errors import (
    ArtifactMissing,
    BridgeError,
    BundleError,
    ChainError,
    CircuitError,
    DatabaseFailed,
    EngineError,
    InputError,
    JobParked,
    LeaseLost,
    ProofError,
    ProofInvalid,
    RequestDeclined,
    RequestLost,
    RequestUnknown,
    RequestUnprofitable,
)
from bridge.relay import work
from bridge.relay.artifacts import Artifacts
from bridge.relay.desk import Desk
from bridge.relay.job import Job, State
from bridge.relay.journal import MOST_TRIES, Journal
from bridge.relay.lanes import Lanes
from bridge.relay.submission import Call
from bridge.relay.submit import BatchStatement, Statement
from bridge.relay.tick import Tick
from bridge.relay.work import Proved, Task

_LOG = structlog.get_logger("relay")

_FIGURE_SECONDS = 5.0
_TOLD_SECONDS = 10.0
"""Between two words on a proof that takes long."""
_LEAST_LOOKED_AT = 128
"""Jobs that are looked at in each round, or as many as the largest batches could take: a long queue is not read to its end."""
_FAULT_OF_THE_JOB = (
    InputError,
    CircuitError,
    ProofError,
    ArtifactMissing,
    RequestDeclined,
    RequestLost,
    RequestUnknown,
)
"""What another try would end with again."""

Say = Callable[[Bundle, Proof], Statement | BatchStatement]
"""What a proof says on the chain. Raises `ProofInvalid` where it is of another circuit."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a relayer divides its time."""

    proofs: int = 1
    """At once."""
    batch_age: float = 2.0
    """Seconds that a row waits for others of its batch at most."""
    look: float = 0.05
    """Seconds between two looks at what provers have done."""
    tick: float = 0.05
    """Seconds between two looks at the chain."""
    timeout: float = 3600.0
    """Seconds that each half of a proof may take."""
    desk: float = 1.0
    """Seconds between two looks at the desk."""
    drain: float = 60.0
    """Seconds that proofs are waited for once the relayer is to stop; after that they are begun again by the next one."""


@dataclass(frozen=True, slots=True)
class Provers:
    """Where proofs are made, and by what: recorded ones stand in for ezkl where it is the chain that is tested."""

    executor: Executor
    witness: work.Witness = work.witness
    prove: work.Prove = work.prove


@dataclass(slots=True)
class _Run:
    """Jobs that are proved together."""

    jobs: tuple[Job, ...]
    task: Task
    future: Future[Any]
    is_proving: bool
    """False while the witness is computed."""
    expected: float
    """Seconds that a proof of this circuit took when it was built."""
    since: float = field(default_factory=time.monotonic)
    told: float = field(default_factory=time.monotonic)
    """When something was last said of it."""


@dataclass(slots=True)
class _Watch:
    """What ends everything: set by whoever finds out first."""

    over: threading.Event = field(default_factory=threading.Event)
    reason: BaseException | None = None

    def end(self, reason: BaseException) -> None:
        self.reason = self.reason or reason
        self.over.set()


class Relayer:
    """The jobs of one chain. Call `run` from one thread."""

    def __init__(
        self,
        chain_id: int,
        journal: Journal,
        store: Artifacts,
        lanes: Lanes | None,
        provers: Provers,
        ledger: Contract,
        say: Say,
        *,
        desk: Desk | None = None,
        lease: Lease | None = None,
        pace: Pace | None = None,
        ticked: Callable[[Address, Tick], None] = lambda _address, _tick: None,
        proved: Callable[[float], None] = lambda _seconds: None,
        looked: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Without `lanes` nothing is sent. `ticked` is told what was done with a key, `proved` how long ezkl took; `looked` is
        called every few seconds, for the figures.
        """
        self._chain_id = chain_id
        self._journal = journal
        self._store = store
        self._bundles: dict[str, Bundle] = {}
        self._lanes = lanes
        self._provers = provers
        self._ledger = ledger
        self._say = say
        self._desk = desk
        self._lease = lease
        self._pace = pace or Pace()
        self._ticked = ticked
        self._proved = proved
        self._looked = looked
        self._clock = clock
        self._runs: list[_Run] = []
        self._held: dict[str, float] = {}
        self._most = _LEAST_LOOKED_AT

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`; then let what is being proved come to its end, for a while.

        Raises `LeaseLost` and `DatabaseFailed`, with every proof that was being made given up.
        """
        watch = _Watch()
        threads = [threading.Thread(target=self._figure, args=(watch,), daemon=True)]
        if self._lanes is not None:
            threads.append(threading.Thread(target=self._drive, args=(self._lanes, watch), daemon=True))
        if self._desk is not None:
            threads.append(threading.Thread(target=self._look_at, args=(self._desk, watch), daemon=True))
        if self._lease is not None:
            threads.append(threading.Thread(target=self._hold, args=(self._lease, watch), daemon=True))
        for thread in threads:
            thread.start()
        try:
            while not stop.is_set() and not watch.over.is_set():
                if not self.step():
                    watch.over.wait(self._pace.look)
            self._drain(watch)
        except (LeaseLost, DatabaseFailed) as error:
            watch.end(error)
        finally:
            watch.over.set()
            for thread in threads:
                thread.join()
            self._give_up()
        if watch.reason is not None:
            raise watch.reason

    def step(self, *, starting: bool = True) -> bool:
        """Look once; whether anything was done."""
        done = self._collect()
        waiting = self._journal.waiting(self._chain_id, limit=self._most)
        done = self._hand_over([job for job in waiting if job.state is State.PROVED]) or done
        if starting:
            room = max(0, self._pace.proofs - len(self._runs))
            groups = list(islice(self._groups(waiting), room))
            self._start(groups)
            done = done or bool(groups)
        return done

    # --- proving ------------------------------------------------------------------------------------------------------

    def _groups(self, waiting: Sequence[Job]) -> Iterator[tuple[Job, ...]]:
        """What is to be proved next: rows of one circuit together, up to its size or until the oldest waited long enough."""
        busy = {job.id for run in self._runs for job in run.jobs}
        open_groups: dict[str, list[Job]] = {}
        for job in waiting:
            if job.state is State.PROVED or job.id in busy:
                continue
            if job.tries >= MOST_TRIES:
                parked = JobParked(job_id=job.id, tries=job.tries, last=job.evidence or "")
                _LOG.error("parked", job=job.id, tries=job.tries)
                self._journal.failed(job, parked)
                continue
            bundle = self._bundle(job)
            if bundle is None:
                continue
            size = bundle.manifest.circuit.rows
            if size == 1 or job.tries:  # one that failed among others is tried alone
                yield (job,)
                continue
            group = open_groups.setdefault(job.request.bundle, [])
            group.append(job)
            if len(group) == size:
                yield tuple(open_groups.pop(job.request.bundle))
        for group in open_groups.values():
            if self._clock() - min(job.created_at for job in group) >= self._pace.batch_age:
                yield tuple(group)

    def _start(self, groups: Sequence[tuple[Job, ...]]) -> None:
        """Write down that they are begun, and then begin."""
        if groups:
            with self._journal.together():
                begun = [tuple(self._journal.begin(job) for job in group) for group in groups]
            for jobs in begun:
                self._prove(jobs)

    def _prove(self, jobs: tuple[Job, ...]) -> None:
        first = jobs[0]
        rows = tuple(job.request.input for job in jobs)
        task = Task(self._store.url, first.request.bundle, rows, self._pace.timeout)
        is_proving = first.witness is not None and len(jobs) == 1
        future = (
            self._provers.executor.submit(self._provers.prove, task, first.witness or "")
            if is_proving
            else self._provers.executor.submit(self._provers.witness, task)
        )
        _LOG.info("proving", jobs=len(jobs), job=first.id, model=first.request.model_id, attempt=first.tries)
        bundle = self._bundle(first)
        expected = 0.0 if bundle is None else bundle.manifest.measurements.prove_seconds
        self._runs.append(_Run(jobs, task, future, is_proving, expected))

    def _collect(self) -> bool:
        """Write down what provers have done; whether that was anything."""
        self._tell()
        finished = [run for run in self._runs if run.future.done()]
        if not finished:
            return False
        with self._journal.together():
            witnesses = [(run, witness) for run in finished if (witness := self._keep(run)) is not None]
        for run, witness in witnesses:
            run.future = self._provers.executor.submit(self._provers.prove, run.task, witness)
            run.is_proving = True
        return True

    def _tell(self) -> None:
        """Say of long proofs that they go on."""
        now = time.monotonic()
        for run in self._runs:
            if now - run.told >= _TOLD_SECONDS:
                run.told = now
                stage = "proving still" if run.is_proving else "computing the witness still"
                _LOG.info(stage, job=run.jobs[0].id, seconds=round(now - run.since), expected=round(run.expected, 1))

    def _keep(self, run: _Run) -> str | None:
        """The name of the witness, where that is what was made."""
        try:
            answer = run.future.result()
        except BaseException as error:  # whatever a prover on another machine ended with
            self._runs.remove(run)
            self._stumbled(run, error)
            return None
        if not isinstance(answer, Proved):
            for job in run.jobs:
                self._journal.witnessed(job, answer)
            return str(answer)
        self._runs.remove(run)
        for position, job in enumerate(run.jobs):
            self._journal.proved(job, answer.proof, answer.seconds, position)
        self._proved(answer.seconds)
        _LOG.info("proved", jobs=len(run.jobs), job=run.jobs[0].id, seconds=round(answer.seconds, 3))
        return None

    def _stumbled(self, run: _Run, error: BaseException) -> None:
        """The job's own fault ends it; anything else is tried again, and counted."""
        said = str(error) or type(error).__name__
        _LOG.warning("not proved", jobs=len(run.jobs), job=run.jobs[0].id, error=type(error).__name__, said=said)
        for job in run.jobs:
            if isinstance(error, _FAULT_OF_THE_JOB) and len(run.jobs) == 1:
                self._journal.failed(job, error)
            else:
                self._journal.stumbled(job, said)

    def _hand_over(self, jobs: Sequence[Job]) -> bool:
        """From here on the calls are all that counts. Whether any was handed over, or ended."""
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
        if self._lanes is not None:
            self._lanes.stir()
        return True

    def _said(self, job: Job) -> tuple[Hex32, tuple[Call, ...]] | BridgeError | None:
        """What a proof says and the calls that record it, or why it ends here; None where it has to be tried again."""
        bundle = self._bundle(job)
        if bundle is None or job.proof is None or time.monotonic() < self._held.get(job.id, 0.0):
            return None
        self._held.pop(job.id, None)
        try:
            said = self._say(bundle, work.proof_in(self._store, job.proof))
            row = None if isinstance(said, Statement) else _row_of(said, job)
            calls = self._calls(job, bundle, said, row)
        except (ChainError, RequestUnprofitable) as error:
            _LOG.warning("held", job=job.id, error=type(error).__name__, said=str(error))
            self._held[job.id] = time.monotonic() + self._pace.desk
            return None
        except _FAULT_OF_THE_JOB as error:
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

    def _bundle(self, job: Job) -> Bundle | None:
        """The bundle of a job, out of the store; a job without one ends here."""
        digest = job.request.bundle
        if digest not in self._bundles:
            try:
                self._bundles[digest], _ = self._store.get_bundle(digest)
            except (ArtifactMissing, BundleError) as error:
                self._journal.failed(job, error)
                return None
            rows = self._bundles[digest].manifest.circuit.rows
            self._most = max(self._most, (self._pace.proofs + 1) * rows)
        return self._bundles[digest]

    # --- what runs beside ---------------------------------------------------------------------------------------------

    def _drive(self, lanes: Lanes, watch: _Watch) -> None:
        """The keys, until the end."""
        while not watch.over.is_set():
            try:
                ticks = lanes.tick()
            except BaseException as error:
                watch.end(error)
                return
            for address, tick in ticks.items():
                self._ticked(address, tick)
                if tick.held is not None:
                    _LOG.warning("held", sender=address, error=type(tick.held).__name__, said=str(tick.held))
            if all(tick.held is not None for tick in ticks.values()):
                watch.over.wait(self._pace.tick)
            else:
                lanes.rest(self._pace.tick)

    def _look_at(self, desk: Desk, watch: _Watch) -> None:
        """The desk, until the end; a node that does not answer is asked again."""
        while not watch.over.is_set():
            try:
                desk.look()
            except (ChainError, EngineError) as error:
                _LOG.warning("held", desk=True, error=type(error).__name__, said=str(error))
            except BaseException as error:
                watch.end(error)
            watch.over.wait(self._pace.desk)

    def _hold(self, lease: Lease, watch: _Watch) -> None:
        """The lease, until the end."""
        while not watch.over.wait(SECONDS / 3):
            try:
                lease.renew()
            except BaseException as error:
                watch.end(error)

    def _figure(self, watch: _Watch) -> None:
        """The figures, until the end."""
        while not watch.over.is_set():
            try:
                self._looked()
            except BaseException as error:
                watch.end(error)
            watch.over.wait(_FIGURE_SECONDS)

    def _drain(self, watch: _Watch) -> None:
        """Let what is being proved come to its end, and be written down."""
        deadline = time.monotonic() + self._pace.drain
        while self._runs and time.monotonic() < deadline and not watch.over.is_set():
            if not self.step(starting=False):
                watch.over.wait(self._pace.look)
        if not watch.over.is_set():
            self.step(starting=False)

    def _give_up(self) -> None:
        """Nobody may prove for a relayer that is not there: its processes end, and with them what they run."""
        if not self._runs:
            return
        self._provers.executor.shutdown(wait=False, cancel_futures=True)
        self._runs.clear()


def _row_of(said: BatchStatement, job: Job) -> BatchRow:
    if job.position is None or job.position >= len(said.batch.rows):
        raise ProofInvalid(model_id=job.request.model_id, reason=f"it has no row {job.position}")
    return said.batch.rows[job.position]
