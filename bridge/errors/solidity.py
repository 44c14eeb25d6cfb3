"""Contracts before they are on a chain, and the machine that they are for."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors.root import BridgeError


class SolidityError(BridgeError):
    """Compiling, and the limits that chains put on code."""


@dataclass(eq=False)
class SolcMissing(SolidityError):
    """No Solidity compiler of the pinned version could be had."""

    version: str
    tried: tuple[str, ...]

    @property
    def what(self) -> str:
        return f"no solc {self.version} was found (tried: {'; '.join(self.tried)})"

    @property
    def fix(self) -> str:
        return "Install Node.js 20 or newer with npm and run: proofbridge doctor"


@dataclass(eq=False)
class CompileFailed(SolidityError):
    """solc refused a source."""

    unit: str
    reason: str

    @property
    def what(self) -> str:
        return f"solc could not compile {self.unit}: {self.reason}"

    @property
    def fix(self) -> str:
        return "If the contract is generated, rebuild the model; if it is yours, mend the source"


@dataclass(eq=False)
class CodeTooLarge(SolidityError):
    """Over the runtime code limit (EIP-170)."""

    unit: str
    size: int
    limit: int

    @property
    def what(self) -> str:
        return f"{self.unit} has {self.size} bytes of runtime code, over the chain's limit of {self.limit} (EIP-170)"

    @property
    def fix(self) -> str:
        return "Rebuild with --objective gas (fewer columns make a smaller verifier)"


@dataclass(eq=False)
class InitcodeTooLarge(SolidityError):
    """Over the creation code limit (EIP-3860)."""

    unit: str
    size: int
    limit: int

    @property
    def what(self) -> str:
        return f"{self.unit} has {self.size} bytes of creation code, over the chain's limit of {self.limit} (EIP-3860)"

    @property
    def fix(self) -> str:
        return "Rebuild with --objective gas (fewer columns make a smaller verifier)"


@dataclass(eq=False)
class GasAboveCap(SolidityError):
    """Over the gas that one transaction may use (EIP-7825)."""

    unit: str
    gas: int
    limit: int

    @property
    def what(self) -> str:
        return (
            f"{self.unit} needs {self.gas} gas, over the chain's limit of {self.limit} for one transaction (EIP-7825)"
        )

    @property
    def fix(self) -> str:
        return "Use fewer public inputs and outputs, a smaller circuit, or a chain with a higher limit"


@dataclass(eq=False)
class EvmTooOld(SolidityError):
    """The chain may not know an opcode that the code uses."""

    unit: str
    built_for: str
    chain_knows: str

    @property
    def what(self) -> str:
        return f"{self.unit} was built for the EVM version {self.built_for}, but the chain is only known to run {self.chain_knows}"

    @property
    def fix(self) -> str:
        return f"Rebuild with --evm-version {self.chain_knows}"


@dataclass(eq=False)
class ChainTooOld(SolidityError):
    """The chain does not know an opcode that the core contracts use."""

    chain_id: int
    evm: str

    @property
    def what(self) -> str:
        return (
            f"Chain {self.chain_id} does not run the EVM version {self.evm}, which the core contracts are compiled for"
        )

    @property
    def fix(self) -> str:
        return "Use a chain that has had the Cancun upgrade (Ethereum had it in March 2024)"
