"""What stands on a chain, and what a book says of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.errors.root import BridgeError


class DeployError(BridgeError):
    """Deploying, and what deployments/<chainId>.json says."""


@dataclass(eq=False)
class NotDeployed(DeployError):
    """Something that must be on the chain is not."""

    thing: str
    chain_id: int
    command: str

    @property
    def what(self) -> str:
        return f"{self.thing} is not deployed on chain {self.chain_id}"

    @property
    def fix(self) -> str:
        return f"Run: {self.command}"


@dataclass(eq=False)
class FactoryMissing(DeployError):
    """The deterministic deployment factory has no code on this chain."""

    address: str
    chain_id: int

    @property
    def what(self) -> str:
        return f"chain {self.chain_id} has no CREATE2 factory at {self.address}"

    @property
    def fix(self) -> str:
        return "Ask the chain's operators for the standard deterministic deployment proxy"


@dataclass(eq=False)
class CreationFailed(DeployError):
    """The factory ran and left no code."""

    unit: str
    address: str

    @property
    def what(self) -> str:
        return f"deploying {self.unit} left no code at {self.address}"

    @property
    def fix(self) -> str:
        return "Its constructor refused; check that the chain runs the EVM version it was compiled for"


@dataclass(eq=False)
class DeploymentBookCorrupt(DeployError):
    """deployments/<chainId>.json cannot be parsed."""

    path: Path
    reason: str

    @property
    def what(self) -> str:
        return f"{self.path} cannot be read: {self.reason}"

    @property
    def fix(self) -> str:
        return "Restore it from version control, or move it away and deploy again (deploying twice does nothing)"


@dataclass(eq=False)
class DeploymentDiffers(DeployError):
    """What stands on the chain is not what the book says."""

    chain_id: int
    checks: int
    differences: tuple[tuple[str, str], ...]
    """Contract and what was checked, beside what was expected and found."""

    @property
    def what(self) -> str:
        where, how = self.differences[0]
        return (
            f"{len(self.differences)} of {self.checks} checks of the deployment on chain {self.chain_id} fail, "
            f"first {where}: {how}"
        )

    @property
    def fix(self) -> str:
        return (
            "Trust neither the book nor the contracts before each difference is explained; try another node with --rpc"
        )


@dataclass(eq=False)
class SourceDiffers(DeployError):
    """The source that was kept beside the book is not that of the contract."""

    contract: str
    address: str
    reason: str

    @property
    def what(self) -> str:
        return f"the kept source of {self.contract} does not give the contract at {self.address}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Restore the book and its sources from version control, and use the proofbridge that deployed them"
