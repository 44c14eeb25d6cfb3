"""The relayer and its journal."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors.root import BridgeError


class RelayError(BridgeError):
    """What stops a relayer, or one of its jobs."""


@dataclass(eq=False)
class IdempotencyConflict(RelayError):
    """One key, two payloads."""

    key: str
    job_id: str

    @property
    def what(self) -> str:
        return f"the idempotency key {self.key!r} belongs to job {self.job_id}, which asks for something else"

    @property
    def fix(self) -> str:
        return "Use another key for another request, or ask again for exactly what that one asked for"


@dataclass(eq=False)
class JobUnknown(RelayError):
    """No job has this id."""

    job_id: str

    @property
    def what(self) -> str:
        return f"there is no job {self.job_id}"

    @property
    def fix(self) -> str:
        return "List them with: proofbridge relay status"


@dataclass(eq=False)
class JobParked(RelayError):
    """A job whose proving was begun and never ended, again and again."""

    job_id: str
    tries: int
    last: str
    """What the last try ended with, where that is known."""

    @property
    def what(self) -> str:
        said = f"; the last try: {self.last}" if self.last else ""
        return f"job {self.job_id} was tried {self.tries} times and never came to an end{said}"

    @property
    def fix(self) -> str:
        return "Look at what it does to the machine (memory, time), then ask for it again under another key"


@dataclass(eq=False)
class RequestDeclined(RelayError):
    """A request at the desk that this relayer does not take."""

    request_id: str
    reason: str

    @property
    def what(self) -> str:
        return f"the request {self.request_id} is not taken: {self.reason}"

    @property
    def fix(self) -> str:
        return "Change the terms (see: proofbridge relay run --help), or leave it to another relayer"


@dataclass(eq=False)
class RequestUnprofitable(RelayError):
    """A request at the desk that pays too little as gas is now; later it may be enough."""

    request_id: str
    reason: str

    @property
    def what(self) -> str:
        return f"the request {self.request_id} waits: {self.reason}"

    @property
    def fix(self) -> str:
        return "Wait for cheaper gas, or change the terms (see: proofbridge relay run --help)"


@dataclass(eq=False)
class RequestLost(RelayError):
    """A request at the desk that somebody else claimed, or whose time is over."""

    request_id: str
    state: str
    claimer: str

    @property
    def what(self) -> str:
        return f"the request {self.request_id} is {self.state}, by {self.claimer}, before this relayer could claim it"

    @property
    def fix(self) -> str:
        return "Nothing has to be done: it is not paid for any more"


@dataclass(eq=False)
class RequestUnknown(RelayError):
    """The desk has no such request."""

    request_id: str

    @property
    def what(self) -> str:
        return f"the desk has no request {self.request_id}"

    @property
    def fix(self) -> str:
        return "Check the id and the chain; a reorganisation can take a request away"


@dataclass(eq=False)
class LeaseLost(RelayError):
    """Another relayer acts for the chain now."""

    name: str
    holder: str
    by: str

    @property
    def what(self) -> str:
        return f"{self.holder} no longer holds the lease {self.name}; {self.by} does"

    @property
    def fix(self) -> str:
        return "Nothing has to be done: this relayer stopped and waits for its turn"


@dataclass(eq=False)
class NonceTaken(RelayError):
    """Somebody else was faster, in this process or another."""

    sender: str
    nonce: int

    @property
    def what(self) -> str:
        return f"nonce {self.nonce} of {self.sender} was given out already"

    @property
    def fix(self) -> str:
        return "Nothing has to be done: the next try takes another one"


@dataclass(eq=False)
class BudgetSpent(RelayError):
    """An operator's cap on what a key may pay."""

    span: str
    allowed_wei: int
    needed_wei: int

    @property
    def what(self) -> str:
        return f"{self.span} may cost {self.allowed_wei} wei at most, and {self.needed_wei} would be needed"

    @property
    def fix(self) -> str:
        return "Wait, or raise the cap (--max-transaction-ether, --max-hour-ether)"


@dataclass(eq=False)
class ArtifactMissing(RelayError):
    """The store does not hold what a job needs, or holds something else under its name."""

    digest: str
    place: str

    @property
    def what(self) -> str:
        return f"the store {self.place} holds no file with sha256 {self.digest}"

    @property
    def fix(self) -> str:
        return "Check --store: every relayer and worker needs the one that the job was made with"


@dataclass(eq=False)
class SchedulerUnreachable(RelayError):
    """No Dask scheduler answers."""

    address: str
    reason: str

    @property
    def what(self) -> str:
        return f"no Dask scheduler answers at {self.address}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Start one with: dask scheduler, and give its address, tcp://HOST:8786"
