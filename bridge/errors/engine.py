"""The child process that runs ezkl."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors.root import BridgeError


class EngineError(BridgeError):
    """The child process that runs ezkl."""


@dataclass(eq=False)
class EngineFailed(EngineError):
    """ezkl answered with an error."""

    step: str
    reason: str
    log: str = ""

    @property
    def what(self) -> str:
        return f"ezkl failed in {self.step}: {self.reason}"

    @property
    def fix(self) -> str:
        return "See the reason above; run proofbridge doctor to check the versions"


@dataclass(eq=False)
class EngineDied(EngineError):
    """The child ended without an answer (killed, out of memory, aborted)."""

    step: str
    exit_code: int
    peak_memory_bytes: int

    @property
    def what(self) -> str:
        return (
            f"the ezkl process ended with exit code {self.exit_code} in {self.step}, "
            f"at {self.peak_memory_bytes / 2**20:.0f} MiB of memory"
        )

    @property
    def fix(self) -> str:
        return "Give it more memory or a smaller circuit; a kill by signal 9 usually means that memory ran out"


@dataclass(eq=False)
class EngineTimeout(EngineError):
    """The child did not finish in time and was killed."""

    step: str
    seconds: float

    @property
    def what(self) -> str:
        return f"ezkl did not finish {self.step} in {self.seconds:.0f} s and was stopped"

    @property
    def fix(self) -> str:
        return "Raise --timeout, or build a smaller circuit (--objective latency)"
