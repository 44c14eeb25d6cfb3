"""A deployed contract: reads by name, calldata by name, reverts by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge.chain.question import Question, call
from bridge.chain.rpc import Rpc
from bridge.core.word import Address
from bridge.errors import NotDeployed, RpcFailed
from bridge.solidity.abi import Abi, contract_abi
from bridge.solidity.contracts import CORE


def core_abis() -> tuple[Abi, ...]:
    """All our ABIs: an error may come from any contract behind the one that was called."""
    return tuple(contract_abi(name) for name in CORE)


@dataclass(frozen=True, slots=True)
class Contract:
    """One of our contracts at an address."""

    rpc: Rpc
    name: str
    address: Address

    @property
    def abi(self) -> Abi:
        """Its ABI."""
        return contract_abi(self.name)

    def read(self, function: str, *arguments: Any, sender: Address | None = None) -> tuple[Any, ...]:
        """Call a view. Raises `ContractReverted`, `NotDeployed`, `RpcFailed` where the answer is not the ABI's."""
        return self.rpc.ask(self.question(function, *arguments, sender=sender))

    def question(self, function: str, *arguments: Any, sender: Address | None = None) -> Question[tuple[Any, ...]]:
        """A view, to be called together with others; its answer raises what `read` raises."""
        label = f"{self.name}.{function}"

        def read(answer: bytes) -> tuple[Any, ...]:
            if not answer:  # a call to an address without code succeeds and answers nothing
                thing = f"{self.name} at {self.address}"
                raise NotDeployed(thing=thing, chain_id=self.rpc.chain_id, command="proofbridge deploy core")
            try:
                return self.abi.answer(function, answer)
            except ValueError as error:
                raise RpcFailed(method=label, reason=str(error)) from None

        fields = {"to": self.address, "data": self.abi.call(function, *arguments)}
        fields |= {} if sender is None else {"from": sender}
        return call(fields, label=label, abis=core_abis(), read=read)


@dataclass(frozen=True, slots=True)
class CoreContracts:
    """The contracts that stand once on every chain, in the order of `CORE`."""

    first_block: int
    """No event of theirs is older."""
    registry: Contract
    ezkl: Contract
    """Adapter to the verifiers that are generated one for each model."""
    reusable: Contract
    """Adapter to the verifier that is generated once for many."""
    signed: Contract
    ledger: Contract
    """It is the gateway, too."""
    index: Contract
    desk: Contract
    opening: Contract

    @property
    def rpc(self) -> Rpc:
        """The node they are read through."""
        return self.ledger.rpc

    @property
    def adapters(self) -> tuple[Contract, ...]:
        """Every verifier that the ledger routes proofs to, in the order of its constructor."""
        return (self.ezkl, self.reusable, self.signed)
