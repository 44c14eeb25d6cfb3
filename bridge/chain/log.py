"""Logs of one contract over any span of blocks, in ranges that a provider can take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.chain.answer import Log
from bridge.chain.rpc import Rpc
from bridge.core.word import Address
from bridge.errors import RpcFailed


def scan(
    rpc: Rpc, address: Address, topics: Sequence[str | None], first: int, last: int, *, span: int
) -> Iterator[Log]:
    """Logs in blocks first..last in order, at most `span` blocks a call; a range that a node refuses is halved.

    Raises `RpcFailed` where even a single block is refused.
    """
    start = first
    while start <= last:
        end = min(start + span - 1, last)
        try:
            yield from rpc.logs(address, topics, start, end)
        except RpcFailed:
            if end == start:
                raise
            span = max(1, (end - start + 1) // 2)
            continue
        start = end + 1
