"""The answers of a replica that is some blocks behind: an older head, no receipt yet, and no logs rather than an error."""

from __future__ import annotations

from typing import Any

from tests.sim.wire import Json, RefusedError, Upstream

_TAGGED = {
    "eth_getBalance": 1,
    "eth_getCode": 1,
    "eth_getTransactionCount": 1,
    "eth_call": 1,
    "eth_estimateGas": 1,
    "eth_getStorageAt": 2,
    "eth_feeHistory": 1,
    "eth_getBlockByNumber": 0,
    "eth_getBlockReceipts": 0,
    "eth_getBlockTransactionCountByNumber": 0,
}
"""Where the block stands among a method's parameters."""

_BEHIND_LATEST = {"safe": 32, "finalized": 64}
"""As Anvil has them."""

METHODS = frozenset(
    {
        *_TAGGED,
        "eth_blockNumber",
        "eth_getBlockByHash",
        "eth_getTransactionByHash",
        "eth_getTransactionReceipt",
        "eth_getLogs",
    }
)
"""What a replica can be behind in."""


def stale_answer(upstream: Upstream, method: str, params: list[Any], blocks: int) -> Any:
    """The result of a method as it was `blocks` ago. Raises `RefusedError`."""
    head = max(0, int(upstream.ask("eth_blockNumber"), 16) - blocks)
    if method == "eth_blockNumber":
        return hex(head)
    if method == "eth_getLogs":
        return _logs(upstream, params, head)
    if method in _TAGGED:
        return _tagged(upstream, method, params, head)
    found: Json | None = upstream.ask(method, *params)
    number = None if found is None else found.get("number", found.get("blockNumber"))
    return None if number is None or int(number, 16) > head else found


def _tagged(upstream: Upstream, method: str, params: list[Any], head: int) -> Any:
    place = _TAGGED[method]
    asked = params[place] if len(params) > place else "latest"
    if isinstance(asked, dict):  # EIP-1898, by the block's hash
        return upstream.ask(method, *params)
    if method.startswith("eth_getBlock") and _is_number(asked) and int(asked, 16) > head:
        return None
    moved = asked if _is_number(asked) and int(asked, 16) <= head else hex(_number(asked, head))
    return upstream.ask(method, *params[:place], moved, *params[place + 1 :])


def _logs(upstream: Upstream, params: list[Any], head: int) -> Any:
    query: Json = params[0]
    if "blockHash" in query:
        block: Json | None = upstream.ask("eth_getBlockByHash", query["blockHash"], False)
        if block is None or int(block["number"], 16) > head:
            raise RefusedError(-32000, "unknown block")
        return upstream.ask("eth_getLogs", query)
    first, last = (_number(query.get(end, "latest"), head, beyond=True) for end in ("fromBlock", "toBlock"))
    if first > head:
        return []
    return upstream.ask("eth_getLogs", {**query, "fromBlock": hex(first), "toBlock": hex(min(last, head))})


def _number(asked: Any, head: int, *, beyond: bool = False) -> int:
    if asked == "earliest":
        return 0
    if _is_number(asked):
        return int(asked, 16) if beyond else min(int(asked, 16), head)
    return max(0, head - _BEHIND_LATEST.get(str(asked), 0))


def _is_number(asked: Any) -> bool:
    return isinstance(asked, str) and asked.startswith("0x")
