"""How far a chain was followed, and so how sure each block is."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from bridge.core.finality import Finality
from bridge.database.index import chains
from bridge.errors import ChainNotFollowed
from bridge.query.answers.wire import Account, Id, answer


@answer
class Horizon:
    """The checkpoint that answers are as of."""

    chain_id: int
    ledger: Account
    """The contract whose records are followed."""
    first_block: int
    """Nothing of the contracts is older."""
    block_number: int
    """Everything up to it is in the answers."""
    block_hash: Id
    safe_number: int | None
    """The newest block that the chain calls safe."""
    final_number: int | None
    """The newest block that the chain calls final."""
    broken_at: int | None
    """The lowest final block that a reorganisation took all the same. While it is set nothing is called final or safe."""
    followed_at: float
    """When this was found to be the head, in seconds since 1970 (UTC)."""

    def finality(self, block_number: int) -> Finality:
        """How sure a block is."""
        for step in (Finality.FINAL, Finality.SAFE):
            if block_number <= self.newest(step):
                return step
        return Finality.MINED

    def newest(self, finality: Finality) -> int:
        """The newest block that is at least so sure; -1 where none is."""
        if finality is Finality.MINED:
            return self.block_number
        if self.broken_at is not None:
            return -1
        known = [self.final_number] if finality is Finality.FINAL else [self.safe_number, self.final_number]
        return max((number for number in known if number is not None), default=-1)


_QUERY = select(*(chains.c[name] for name in Horizon.__annotations__)).where(chains.c.chain_id == bindparam("chain_id"))


def horizon(connection: Connection, chain_id: int) -> Horizon:
    """The checkpoint of a chain. Raises `ChainNotFollowed`."""
    row = connection.execute(_QUERY, {"chain_id": chain_id}).one_or_none()
    if row is None:
        raise ChainNotFollowed(chain=f"chain {chain_id}", found=followed(connection))
    return Horizon(*row)


def followed(connection: Connection) -> tuple[int, ...]:
    """The ids of all chains that the database knows."""
    return tuple(connection.scalars(select(chains.c.chain_id).order_by(chains.c.chain_id)))
