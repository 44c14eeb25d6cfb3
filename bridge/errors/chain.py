"""A chain and its nodes."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors.root import BridgeError


class ChainError(BridgeError):
    """The chain and the nodes that speak for it."""


@dataclass(eq=False)
class ChainUnknown(ChainError):
    """No preset of that name."""

    name: str
    known: tuple[str, ...]

    @property
    def what(self) -> str:
        return f"there is no chain preset {self.name!r} (known: {', '.join(self.known)})"

    @property
    def fix(self) -> str:
        return "Choose one of those, or give --rpc URL"


@dataclass(eq=False)
class RpcUnreachable(ChainError):
    """The node does not answer."""

    url: str
    reason: str

    @property
    def what(self) -> str:
        return f"the RPC node {self.url} does not answer: {self.reason}"

    @property
    def fix(self) -> str:
        return "Check the URL and the network; for a local chain run: proofbridge up"


@dataclass(eq=False)
class RpcFailed(ChainError):
    """The node answered with an error of its own."""

    method: str
    reason: str

    @property
    def what(self) -> str:
        return f"the RPC call {self.method} failed: {self.reason}"

    @property
    def fix(self) -> str:
        return "Try another node with --rpc"


@dataclass(eq=False)
class WrongChain(ChainError):
    """The node is on another chain than was asked for."""

    url: str
    expected: int
    got: int

    @property
    def what(self) -> str:
        return f"the RPC node {self.url} is on chain {self.got}, expected chain {self.expected}"

    @property
    def fix(self) -> str:
        return "Give the right --rpc, or the right --chain or --chain-id"


@dataclass(eq=False)
class InsufficientFunds(ChainError):
    """The account cannot pay."""

    address: str
    needed_wei: int
    balance_wei: int

    @property
    def what(self) -> str:
        return f"the account {self.address} holds {self.balance_wei} wei, but the transaction may cost {self.needed_wei} wei"

    @property
    def fix(self) -> str:
        return "Send it some native coin, or choose another --account"


@dataclass(eq=False)
class FeeAboveCap(ChainError):
    """The market asks more than the cap allows."""

    base_fee_wei: int
    cap_wei: int

    @property
    def what(self) -> str:
        return f"the chain's base fee is {self.base_fee_wei / 1e9:g} gwei, over the cap of {self.cap_wei / 1e9:g} gwei"

    @property
    def fix(self) -> str:
        return "Wait, or raise --max-fee-gwei"


@dataclass(eq=False)
class ContractReverted(ChainError):
    """A contract refused, by a name from its ABI where it gave one."""

    call: str
    error: str
    arguments: tuple[tuple[str, str], ...] = ()
    tx_hash: str | None = None

    @property
    def what(self) -> str:
        listed = ", ".join(f"{name}={value}" for name, value in self.arguments)
        mined = f" in transaction {self.tx_hash}" if self.tx_hash else ""
        return f"the contract refused {self.call}{mined}: {self.error}({listed})"

    @property
    def fix(self) -> str:
        return "Nothing was recorded; the error's name and its NatSpec say the likely cause"


@dataclass(eq=False)
class TransactionPending(ChainError):
    """Sent, but its receipt was not seen. The hash is kept."""

    tx_hash: str
    reason: str

    @property
    def what(self) -> str:
        return f"transaction {self.tx_hash} was sent but its receipt has not been seen: {self.reason}"

    @property
    def fix(self) -> str:
        return "Run the same command again: it finds this transaction and does not send a second one"


@dataclass(eq=False)
class NodesDisagree(ChainError):
    """Several nodes say different things of what can have happened only once."""

    chain_id: int
    what_of: str
    answers: tuple[str, ...]

    @property
    def what(self) -> str:
        return f"the nodes of chain {self.chain_id} disagree on {self.what_of}: {' | '.join(self.answers)[:300]}"

    @property
    def fix(self) -> str:
        return "One of them lags behind a reorganisation, or lies: leave it out of --rpc if that goes on"


@dataclass(eq=False)
class NodeContradiction(ChainError):
    """What a node says in one answer does not fit what it says in another."""

    url: str
    block: int
    reason: str

    @property
    def what(self) -> str:
        return f"the node {self.url} contradicts itself at block {self.block}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Nothing of it was written down, and it is tried again; leave the node out if that goes on"


@dataclass(eq=False)
class RangeRefused(ChainError):
    """A node does not answer for so many blocks at once."""

    first: int
    last: int
    code: int
    reason: str

    @property
    def what(self) -> str:
        return f"the node refused the events of blocks {self.first} to {self.last}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Fewer blocks are asked for; if even one is refused, use another node"


@dataclass(eq=False)
class AnvilFailed(ChainError):
    """The local chain did not start."""

    reason: str

    @property
    def what(self) -> str:
        return f"Anvil did not start: {self.reason}"

    @property
    def fix(self) -> str:
        return "Run: proofbridge doctor"
