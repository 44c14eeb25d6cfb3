"""Sending: gates first, signature second, a record of it third, the network last.

A transaction is handed to `on_signed` before it is broadcast, so whoever keeps it can find it again whatever happens after.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.chain.account import Signer
from bridge.chain.answer import Receipt
from bridge.chain.fee import Fee, LegacyFee, legacy_offer, offer
from bridge.chain.preset import Preset
from bridge.chain.rpc import Rpc
from bridge.chain.signature import Signed
from bridge.core.word import Address, Hex32
from bridge.errors import ContractReverted, InsufficientFunds, RpcFailed, RpcUnreachable, TransactionPending
from bridge.solidity.abi import Abi

DEFAULT_WAIT_SECONDS = 180.0

_GAS_HEADROOM = (12, 10)
"""A verifier's precompile calls take a share of what is left, so an exact estimate can be too little."""
_LOOKS_SECONDS = (0.0, 0.1, 0.4)
"""Between looks for a transaction that was refused."""
_POLL_SECONDS = (0.02, 1.0)


def _nothing(_signed: Signed) -> None:
    """Nobody keeps it."""


@dataclass(frozen=True, slots=True)
class Wallet:
    """One account on one chain."""

    rpc: Rpc
    signer: Signer
    preset: Preset
    max_fee_wei: int

    @property
    def address(self) -> Address:
        """Who pays."""
        return self.signer.address

    def send(
        self,
        to: Address,
        data: bytes,
        *,
        label: str,
        abis: Sequence[Abi] = (),
        value: int = 0,
        on_signed: Callable[[Signed], None] = _nothing,
    ) -> Hex32:
        """Broadcast one call, with `value` wei, and return its hash.

        Raises before anything is signed: `ContractReverted` (from the estimate), `GasAboveCap`, `FeeAboveCap`,
        `InsufficientFunds`; after that `TransactionPending` where the node did not confirm that it took the transaction.
        """
        call: dict[str, Any] = {"from": self.address, "to": to, "data": data, "value": value}
        estimate = self.rpc.estimate_gas(call, label=label, abis=abis)
        self.preset.limits.check_gas(label, estimate)
        numerator, denominator = _GAS_HEADROOM
        gas = min(estimate * numerator // denominator, self.preset.limits.transaction_gas)
        fee = self._fee()
        self._check_funds(gas * fee.max_fee_wei + value)
        transaction: dict[str, Any] = {
            **call,
            "nonce": self.rpc.nonce(self.address),
            "gas": gas,
            "chainId": self.rpc.chain_id,
            **fee.fields,
        }
        signed = self.signer.sign({name: value for name, value in transaction.items() if name != "from"})
        if signed is None:
            return self.rpc.send_unlocked(transaction)
        on_signed(signed)
        return broadcast(self.rpc, signed)

    def execute(self, to: Address, data: bytes, *, label: str, abis: Sequence[Abi] = (), value: int = 0) -> Receipt:
        """`send` and wait for one confirmation. Raises what both raise."""
        tx_hash = self.send(to, data, label=label, abis=abis, value=value)
        return wait(self.rpc, tx_hash, label=label)

    def _fee(self) -> Fee | LegacyFee:
        head = self.rpc.block()
        if head is None or head.base_fee_wei is None:
            return legacy_offer(self.rpc.gas_price(), self.max_fee_wei)
        return offer(head.base_fee_wei, self.rpc.priority_fee(), self.max_fee_wei)

    def _check_funds(self, needed_wei: int) -> None:
        balance = self.rpc.balance(self.address)
        if balance < needed_wei:
            raise InsufficientFunds(address=self.address, needed_wei=needed_wei, balance_wei=balance)


def broadcast(rpc: Rpc, signed: Signed) -> Hex32:
    """Send a signed transaction; sending one that the node has already changes nothing.

    Raises `TransactionPending` where the node fell silent, `RpcFailed` where it refused.
    """
    try:
        _offer(rpc, signed)
    except RpcUnreachable as error:
        raise TransactionPending(tx_hash=signed.tx_hash, reason=error.reason) from error
    return signed.tx_hash


def _offer(rpc: Rpc, signed: Signed) -> None:
    try:
        rpc.send_raw(signed.raw)
    except RpcFailed:
        if not _knows(rpc, signed.tx_hash):
            raise


def _knows(rpc: Rpc, tx_hash: Hex32) -> bool:
    """Whether a node that refuses a transaction has it. One that it mines just now may be in neither pool nor block for a moment."""
    for pause in _LOOKS_SECONDS:
        time.sleep(pause)
        if rpc.knows_transaction(tx_hash):
            return True
    return False


def wait(
    rpc: Rpc, tx_hash: Hex32, *, label: str, confirmations: int = 1, timeout: float = DEFAULT_WAIT_SECONDS
) -> Receipt:
    """Wait until `confirmations` blocks hold the transaction, the first being its own; `timeout` is in seconds.

    Raises `TransactionPending` (the hash is in it), `ContractReverted` where it was mined and failed.
    """
    deadline = time.monotonic() + timeout
    pause, longest = _POLL_SECONDS
    while True:
        try:
            receipt = rpc.receipt(tx_hash)
            deep = receipt is not None and rpc.block_number() - receipt.block_number + 1 >= confirmations
        except RpcUnreachable as error:
            raise TransactionPending(tx_hash=tx_hash, reason=f"the node fell silent ({error.reason})") from error
        except RpcFailed as error:
            raise TransactionPending(tx_hash=tx_hash, reason=f"{error.method} failed: {error.reason}") from error
        if receipt is not None and not receipt.succeeded:
            raise ContractReverted(call=label, error="TransactionFailed", tx_hash=tx_hash)
        if receipt is not None and deep:
            return receipt
        if time.monotonic() > deadline:
            raise TransactionPending(tx_hash=tx_hash, reason=f"no receipt after {timeout:.0f} s")
        time.sleep(pause)
        pause = min(2 * pause, longest)
