"""A service that publishes verified source."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors.root import BridgeError


class ExplorerError(BridgeError):
    """A service that publishes verified source. No message of this family ever holds an API key."""


@dataclass(eq=False)
class ExplorerKeyMissing(ExplorerError):
    """The service takes no source without an API key."""

    service: str
    variable: str

    @property
    def what(self) -> str:
        return f"{self.service} needs an API key, and the environment variable {self.variable} holds none"

    @property
    def fix(self) -> str:
        return f"Set {self.variable}; a key is never taken from the command line"


@dataclass(eq=False)
class ExplorerUnreachable(ExplorerError):
    """The service does not answer."""

    service: str
    url: str
    reason: str

    @property
    def what(self) -> str:
        return f"{self.service} at {self.url} does not answer: {self.reason}"

    @property
    def fix(self) -> str:
        return "Check the network and --url, then run the same command again: what is verified already is found"


@dataclass(eq=False)
class ExplorerMalformed(ExplorerError):
    """The service answered with something that is not its API."""

    service: str
    url: str
    reason: str

    @property
    def what(self) -> str:
        return f"{self.service} at {self.url} answered with what is not its API: {self.reason}"

    @property
    def fix(self) -> str:
        return "Check --url; if it is right, the service has changed or is broken"


@dataclass(eq=False)
class ExplorerRefused(ExplorerError):
    """The service does not accept the source, for a reason that it gives."""

    service: str
    contract: str
    address: str
    reason: str

    @property
    def what(self) -> str:
        return f"{self.service} refused the source of {self.contract} at {self.address}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Check with proofbridge deploy verify that the book is that of this chain, and that the service knows it"


@dataclass(eq=False)
class ExplorerTimeout(ExplorerError):
    """The service took the source and did not say in time what became of it."""

    service: str
    contract: str
    seconds: float
    reason: str

    @property
    def what(self) -> str:
        return f"{self.service} did not finish {self.contract} within {self.seconds:g} s; last it said: {self.reason}"

    @property
    def fix(self) -> str:
        return "Run the same command again, with a larger --timeout: what is verified by then is found"
