"""What stops the index of a chain."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors.root import BridgeError


class FollowError(BridgeError):
    """What stops the index of a chain."""


@dataclass(eq=False)
class IndexOfAnother(FollowError):
    """The database follows other contracts on this chain."""

    chain_id: int
    expected: str
    got: str

    @property
    def what(self) -> str:
        return f"the index of chain {self.chain_id} follows the ledger {self.expected}, and not {self.got}"

    @property
    def fix(self) -> str:
        return "Give it a database of its own with --database"


@dataclass(eq=False)
class IndexMoved(FollowError):
    """Somebody else wrote to the index in the meantime."""

    chain_id: int
    expected: int
    got: int

    @property
    def what(self) -> str:
        return f"the index of chain {self.chain_id} stands at block {self.got}, expected {self.expected}: somebody else moved it"

    @property
    def fix(self) -> str:
        return "Nothing has to be done: what was read is dropped, and reading goes on from there"


@dataclass(eq=False)
class PageContradicts(FollowError):
    """What was read does not fit what is in the tables: something that happens once would have happened twice."""

    chain_id: int
    first: int
    reason: str

    @property
    def what(self) -> str:
        return f"what a node shows of chain {self.chain_id} from block {self.first} on does not fit the index: {self.reason}"

    @property
    def fix(self) -> str:
        return "Nothing of it was written down; if that goes on, use another node, or index into a new database"


@dataclass(eq=False)
class EventMalformed(FollowError):
    """An event that our contracts cannot have emitted."""

    block: int
    log_index: int
    reason: str

    @property
    def what(self) -> str:
        return f"event {self.log_index} of block {self.block} is none of the contracts that are followed: {self.reason}"

    @property
    def fix(self) -> str:
        return "The node lies, or the deployment book names other contracts: try another --rpc, and check --deployments"
