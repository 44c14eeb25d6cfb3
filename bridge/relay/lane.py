"""One key's nonces on one chain: what was offered is followed to its end, and what waits is offered next.

A tick looks at the chain once and does what has to be done now. It may be ended anywhere and begun again: every transaction is
in the outbox before the network sees it, and the outbox is the only memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.chain.account import Signer
from bridge.chain.contract import core_abis
from bridge.chain.fee import Fee, LegacyFee, legacy_offer, offer, outbid
from bridge.chain.nodes import Nodes
from bridge.chain.preset import Preset
from bridge.chain.rpc import Receipt
from bridge.chain.signature import Signed
from bridge.core.word import Address, Hex32
from bridge.errors import (
    BridgeError,
    BudgetSpent,
    ContractReverted,
    FeeAboveCap,
    GasAboveCap,
    InsufficientFunds,
    NodesDisagree,
    NonceTaken,
    RpcFailed,
    RpcUnreachable,
)
from bridge.relay.outbox import Outbox
from bridge.relay.submission import Slot, SlotState, Submission

HOUR = 3600.0
_GAS_HEADROOM = (12, 10)
"""A verifier's precompile calls take a share of what is left, so an exact estimate can be too little."""
_FILLER_GAS = 21_000
"""Of a transfer of nothing to oneself."""
_NOT_NOW = (RpcUnreachable, RpcFailed, NodesDisagree, FeeAboveCap, InsufficientFunds, BudgetSpent)
"""What a later tick may find otherwise."""


@dataclass(frozen=True, slots=True)
class Caps:
    """What a key may do and spend."""

    max_fee_wei: int
    """For one gas."""
    transaction_wei: int | None = None
    """For one transaction."""
    hour_wei: int | None = None
    """For all that is paid within an hour and all that is under way."""
    in_flight: int = 16
    """Transactions that are offered and not mined."""
    outbid_after: float = 30.0
    """Seconds until an offer that nobody mines is raised."""
    fill_after: float = 30.0
    """Seconds until a gap in the nonces is filled."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What was done."""

    offered: int = 0
    again: int = 0
    """Sent once more: a node had lost it."""
    raised: int = 0
    filled: int = 0
    """Gaps in the nonces."""
    mined: int = 0
    final: int = 0
    gone: int = 0
    """Mined in a block that a reorganisation took."""
    lost: int = 0
    """Nonces that somebody else used."""
    held: BridgeError | None = None
    """Why something waits."""


class Lane:
    """A key. Use it from one thread."""

    def __init__(
        self,
        outbox: Outbox,
        nodes: Nodes,
        signer: Signer,
        preset: Preset,
        caps: Caps,
        *,
        recorded: Callable[[Submission], int | None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`recorded` says in which block a contract has what the submission is to record."""
        self.address: Address = signer.address
        self._outbox = outbox
        self._nodes = nodes
        self._signer = signer
        self._preset = preset
        self._caps = caps
        self._recorded = recorded
        self._clock = clock
        self._gap_since: tuple[int, float] | None = None
        self._done: dict[str, int] = {}
        self._held: BridgeError | None = None

    def tick(self) -> Tick:
        """Follow what is offered, repair what is broken, offer what waits. Raises `LeaseLost`, `DatabaseFailed`."""
        self._done, self._held = {}, None
        try:
            self._follow()
            self._offer_waiting()
        except _NOT_NOW as error:
            self._held = error
        return Tick(**self._done, held=self._held)

    # --- what was offered ---------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        slots, found = self._outbox.slots(self.address), self._outbox.found()
        if not slots and not found:
            return
        final = self._nodes.final_number(self._preset.finality_depth)
        for submission in found:
            self._follow_found(submission, final)
        if not slots:
            return
        mined_nonce = self._nodes.nonce(self.address)
        for slot in slots:
            try:
                self._follow_slot(slot, mined_nonce, final, is_first=slot.nonce == mined_nonce)
            except NonceTaken:
                continue  # another step was faster
            except _NOT_NOW as error:
                self._held = error
        self._fill_gap(mined_nonce)

    def _follow_slot(self, slot: Slot, mined_nonce: int, final: int, *, is_first: bool) -> None:
        receipt = self._nodes.receipt([offer.tx_hash for offer in slot.offers])
        if receipt is not None:
            self._settle(slot, receipt, final)
        elif slot.state is SlotState.MINED:
            self._outbox.reorganised(slot)
            self._count("gone")
            self._send_again(slot)
        elif slot.nonce < mined_nonce:
            self._used_from_outside(slot, final)
        elif is_first and self._clock() - slot.newest.signed_at > self._caps.outbid_after:
            self._raise(slot)  # a node that lost it may have done so for its price
        elif slot.newest.sent_at is None or not self._nodes.knows(slot.newest.tx_hash):
            self._send_again(slot)

    def _settle(self, slot: Slot, receipt: Receipt, final: int) -> None:
        """A receipt, of success or of failure, is worth what its block is: it waits for that to be final."""
        moved = slot.state is SlotState.MINED and receipt.block_hash != slot.block_hash
        if moved:
            self._count("gone")
        if slot.state is not SlotState.MINED or moved:
            self._outbox.mined(slot, receipt)
            self._count("mined")
        if receipt.block_number <= final and self._nodes.block_hash(receipt.block_number) == receipt.block_hash:
            failure = None
            if not receipt.succeeded and not self._is_recorded(slot.statement):
                call = self._submission(slot.statement).function if slot.statement else "a transfer to oneself"
                failure = ContractReverted(call=call, error="TransactionFailed", tx_hash=receipt.tx_hash)
            self._outbox.final(slot, failure)
            self._count("final")

    def _follow_found(self, submission: Submission, final: int) -> None:
        """What somebody else recorded stands once its block is final; or it went with a block, and is ours to make."""
        block = self._recorded(submission)
        if block is None or block <= final:
            self._outbox.settled_elsewhere(submission, stands=block is not None)

    def _is_recorded(self, statement: Hex32 | None) -> bool:
        return statement is None or self._recorded(self._submission(statement)) is not None

    def _used_from_outside(self, slot: Slot, final: int) -> None:
        """No receipt of ours, and yet the nonce is used: believed only where the block that used it is final."""
        used = self._nodes.any(lambda rpc: rpc.nonce(self.address, max(final, 0)))
        if used > slot.nonce:
            self._outbox.lost(slot)
            self._count("lost")

    def _send_again(self, slot: Slot) -> None:
        offered = slot.newest
        self._send(slot.statement, Signed(offered.tx_hash, slot.nonce, offered.raw))
        self._count("again")

    def _raise(self, slot: Slot) -> None:
        """The same call for more. Where a cap is reached the old offer stands."""
        old = slot.newest
        fee = outbid(old.fee, self._market(), self._caps.max_fee_wei)
        self._check_transaction(old.gas, fee)
        call = self._filler() if slot.statement is None else _call(self._submission(slot.statement))
        signed = self._sign(call, slot.nonce, old.gas, fee)
        self._outbox.outbid(slot, signed, old.gas, fee)
        self._send(slot.statement, signed)
        self._count("raised")

    def _fill_gap(self, mined_nonce: int) -> None:
        """A nonce that nothing is offered for holds up all that are above it."""
        open_nonces = [slot.nonce for slot in self._outbox.slots(self.address) if slot.state is SlotState.OPEN]
        if (
            not open_nonces
            or min(open_nonces) <= mined_nonce
            or self._nodes.nonce(self.address, "pending") > mined_nonce
        ):
            self._gap_since = None
            return
        nonce, since = self._gap_since or (mined_nonce, self._clock())
        if nonce != mined_nonce:
            nonce, since = mined_nonce, self._clock()
        self._gap_since = nonce, since
        if self._clock() - since < self._caps.fill_after:
            return
        fee = self._market()
        signed = self._sign(self._filler(), nonce, _FILLER_GAS, fee)
        self._outbox.sign(None, self.address, signed, _FILLER_GAS, fee)
        self._send(None, signed)
        self._gap_since = None
        self._count("filled")

    # --- what waits ---------------------------------------------------------------------------------------------------

    def _offer_waiting(self) -> None:
        """Raises what stands in the way of all that wait."""
        slots = self._outbox.slots(self.address)
        room = self._caps.in_flight - sum(slot.state is SlotState.OPEN for slot in slots)
        waiting = self._outbox.waiting(limit=room) if room > 0 else ()
        if not waiting:
            return
        nonce = max(self._outbox.next_nonce(self.address), self._nodes.nonce(self.address, "pending"))
        fee = self._market()
        for submission in waiting:
            try:
                nonce += self._offer(submission, nonce, fee)
            except (ContractReverted, GasAboveCap) as error:
                self._outbox.failed(submission, error)
            except NonceTaken:
                return  # another lane has the submission, or another process the key: the next tick sees which

    def _offer(self, submission: Submission, nonce: int, fee: Fee | LegacyFee) -> int:
        """Sign, keep, send; 1 where that took the nonce, 0 where the ledger has the record already."""
        block = self._recorded(submission)
        if block is not None:
            self._outbox.recorded_elsewhere(submission, block)
            return 0
        call = _call(submission)
        estimate = self._nodes.any(
            lambda rpc: rpc.estimate_gas({**call, "from": self.address}, label=submission.function, abis=core_abis())
        )
        self._preset.limits.check_gas(submission.function, estimate)
        numerator, denominator = _GAS_HEADROOM
        gas = min(estimate * numerator // denominator, self._preset.limits.transaction_gas)
        self._check_transaction(gas, fee)
        self._check_hour(gas, fee)
        signed = self._sign(call, nonce, gas, fee)
        self._outbox.sign(submission.statement, self.address, signed, gas, fee)
        self._count("offered")
        self._send(submission.statement, signed)
        return 1

    def _check_transaction(self, gas: int, fee: Fee | LegacyFee) -> None:
        allowed, needed = self._caps.transaction_wei, gas * fee.max_fee_wei
        if allowed is not None and needed > allowed:
            raise BudgetSpent(span="one transaction", allowed_wei=allowed, needed_wei=needed)

    def _check_hour(self, gas: int, fee: Fee | LegacyFee) -> None:
        """All that could be paid if everything under way were mined now."""
        slots = [slot for slot in self._outbox.slots(self.address) if slot.state is SlotState.OPEN]
        under_way = sum(slot.most_wei for slot in slots)
        needed = under_way + gas * fee.max_fee_wei
        balance = self._nodes.any(lambda rpc: rpc.balance(self.address))
        if balance < needed:
            raise InsufficientFunds(address=self.address, needed_wei=needed, balance_wei=balance)
        if self._caps.hour_wei is None:
            return
        needed += self._outbox.spent_since(self.address, self._clock() - HOUR)
        if needed > self._caps.hour_wei:
            raise BudgetSpent(span="an hour", allowed_wei=self._caps.hour_wei, needed_wei=needed)

    # --- both ---------------------------------------------------------------------------------------------------------

    def _market(self) -> Fee | LegacyFee:
        head = self._nodes.head()
        if head.base_fee_wei is None:
            return legacy_offer(self._nodes.any(lambda rpc: rpc.gas_price()), self._caps.max_fee_wei)
        tip = self._nodes.any(lambda rpc: rpc.priority_fee())
        return offer(head.base_fee_wei, tip, self._caps.max_fee_wei)

    def _submission(self, statement: Hex32) -> Submission:
        submission = self._outbox.submission(statement)
        if submission is None:
            raise KeyError(statement)  # the schema does not let a slot outlive its submission
        return submission

    def _filler(self) -> dict[str, Any]:
        return {"to": self.address, "data": b"", "value": 0}

    def _sign(self, call: dict[str, Any], nonce: int, gas: int, fee: Fee | LegacyFee) -> Signed:
        transaction = {**call, "nonce": nonce, "gas": gas, "chainId": self._nodes.chain_id, **fee.fields}
        signed = self._signer.sign(transaction)
        if signed is None:
            raise TypeError("an account that only the node can sign for has no lane")
        return signed

    def _send(self, statement: Hex32 | None, signed: Signed) -> None:
        """What is sent is in the outbox already."""
        self._nodes.send(signed)
        self._outbox.sent(statement, signed.tx_hash)

    def _count(self, what: str) -> None:
        self._done[what] = self._done.get(what, 0) + 1


def _call(submission: Submission) -> dict[str, Any]:
    return {"to": submission.destination, "data": submission.calldata, "value": 0}
