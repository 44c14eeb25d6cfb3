"""What a look at the chain saw: once for all keys, in one request to each node."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.chain import question
from bridge.chain.answer import Block
from bridge.chain.fee import Fee, LegacyFee, legacy_offer, offer
from bridge.chain.nodes import Nodes
from bridge.chain.question import Question
from bridge.core.word import Address
from bridge.errors import BridgeError, RpcFailed, RpcUnreachable


@dataclass(frozen=True, slots=True)
class KeySight:
    """How a key stands on the chain."""

    mined: int
    """Its transactions that are mined: the first nonce that is not."""
    waiting: int
    """The first nonce that some node has no transaction for."""
    pending: int
    """The first nonce that no node has a transaction for."""
    balance: int


@dataclass(frozen=True, slots=True)
class Sight:
    """The chain as it was at one moment."""

    head: Block
    at: float
    """When it was looked, by a clock that does not jump."""
    final: int
    """The highest block that cannot go any more."""
    price: int | BridgeError
    """Wei that a node proposes: as a tip, or for all of one gas on a chain without EIP-1559."""
    keys: Mapping[Address, KeySight | BridgeError]
    """By address; of a key that no node tells of, why."""

    def market(self, cap_wei: int) -> Fee | LegacyFee:
        """What to offer for one gas now. Raises `FeeAboveCap`, and what stood in the way of knowing."""
        if isinstance(self.price, BridgeError):
            raise self.price
        if self.head.base_fee_wei is None:
            return legacy_offer(self.price, cap_wei)
        return offer(self.head.base_fee_wei, self.price, cap_wei)


def look(nodes: Nodes, addresses: Sequence[Address], head: Block, depth: int | None) -> Sight:
    """Look now, `head` being the newest block. Raises what stands in the way of knowing what is final."""
    at = time.monotonic()
    price = question.gas_price() if head.base_fee_wei is None else question.priority_fee()
    numbers: list[Question[int]] = [price]
    for address in addresses:
        numbers += [question.nonce(address, "latest"), question.nonce(address, "pending"), question.balance(address)]
    told = nodes.each_all(numbers)
    final = nodes.final_number(None) if depth is None else head.number - depth
    by_key = [_key(*told[place : place + 3]) for place in range(1, len(told), 3)]
    return Sight(head, at, final, _price(nodes, head, told[0]), dict(zip(addresses, by_key, strict=True)))


def _key(
    mined: list[int] | BridgeError, pending: list[int] | BridgeError, balance: list[int] | BridgeError
) -> KeySight | BridgeError:
    if isinstance(mined, BridgeError):
        return mined
    if isinstance(pending, BridgeError):
        return pending
    if isinstance(balance, BridgeError):
        return balance
    return KeySight(max(mined), min(pending), max(pending), balance[0])


def _price(nodes: Nodes, head: Block, told: list[int] | BridgeError) -> int | BridgeError:
    if not isinstance(told, BridgeError):
        return told[0]
    if head.base_fee_wei is None:
        return told
    try:
        return nodes.any(lambda rpc: rpc.priority_fee())  # which knows what to do where a node proposes none
    except (RpcUnreachable, RpcFailed) as error:
        return error
