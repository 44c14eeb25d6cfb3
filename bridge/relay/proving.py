"""What is being proved: rows of one circuit together, first their witness, then the proof, each written down as it is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import structlog

from bridge.errors import JobParked
from bridge.relay import work
from bridge.relay.bundles import Bundles
from bridge.relay.job import FAULT_OF_THE_JOB, Job
from bridge.relay.journal import MOST_TRIES, Journal
from bridge.relay.pace import Pace
from bridge.relay.work import Proved, Task

_LOG = structlog.get_logger("relay")

_TOLD_SECONDS = 10.0
"""Between two words on a proof that takes long."""


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


class Proving:
    """Proofs that are being made, for one thread that looks at them."""

    def __init__(
        self,
        journal: Journal,
        bundles: Bundles,
        store_url: str,
        provers: Provers,
        pace: Pace,
        *,
        proved: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        """`proved` is told how long ezkl took, in seconds."""
        self._journal = journal
        self._bundles = bundles
        self._store_url = store_url
        self._provers = provers
        self._pace = pace
        self._proved = proved
        self._clock = clock
        self._runs: list[_Run] = []

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being proved."""
        return not self._runs

    def start(self, waiting: Sequence[Job]) -> bool:
        """Begin as many as there is room for, of jobs without a proof; whether any was begun."""
        room = max(0, self._pace.proofs - len(self._runs))
        groups = list(islice(self._groups(waiting), room))
        if not groups:
            return False
        with self._journal.together():  # written down before anything is begun
            begun = [tuple(self._journal.begin(job) for job in group) for group in groups]
        for jobs in begun:
            self._prove(jobs)
        return True

    def collect(self) -> bool:
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

    def give_up(self) -> None:
        """Nobody may prove for a relayer that is not there: its processes end, and with them what they run."""
        if not self._runs:
            return
        self._provers.executor.shutdown(wait=False, cancel_futures=True)
        self._runs.clear()

    def _groups(self, waiting: Sequence[Job]) -> Iterator[tuple[Job, ...]]:
        """What is to be proved next: rows of one circuit together, up to its size or until the oldest waited long enough."""
        busy = {job.id for run in self._runs for job in run.jobs}
        open_groups: dict[str, list[Job]] = {}
        for job in waiting:
            if job.id in busy:
                continue
            if job.tries >= MOST_TRIES:
                parked = JobParked(job_id=job.id, tries=job.tries, last=job.evidence or "")
                _LOG.error("parked", job=job.id, tries=job.tries)
                self._journal.failed(job, parked)
                continue
            bundle = self._bundles.of(job)
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

    def _prove(self, jobs: tuple[Job, ...]) -> None:
        first = jobs[0]
        rows = tuple(job.request.input for job in jobs)
        task = Task(self._store_url, first.request.bundle, rows, self._pace.timeout)
        is_proving = first.witness is not None and len(jobs) == 1
        future = (
            self._provers.executor.submit(self._provers.prove, task, first.witness or "")
            if is_proving
            else self._provers.executor.submit(self._provers.witness, task)
        )
        _LOG.info("proving", jobs=len(jobs), job=first.id, model=first.request.model_id, attempt=first.tries)
        bundle = self._bundles.of(first)
        expected = 0.0 if bundle is None else bundle.manifest.measurements.prove_seconds
        self._runs.append(_Run(jobs, task, future, is_proving, expected))

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
            if isinstance(error, FAULT_OF_THE_JOB) and len(run.jobs) == 1:
                self._journal.failed(job, error)
            else:
                self._journal.stumbled(job, said)
