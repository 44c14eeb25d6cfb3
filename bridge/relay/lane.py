"""One key's nonces on one chain: what was offered is followed to its end, and what waits is offered next.

A tick looks at the chain once and does what has to be done now. It may be ended anywhere and begun again: every transaction is
in the outbox before the network sees it, and the outbox is the only memory.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bridge.chain.account import Signer
from bridge.chain.answer import Block, Receipt
from bridge.chain.contract import core_abis
from bridge.chain.fee import Fee, LegacyFee, legacy_offer, offer, outbid
from bridge.chain.nodes import Nodes
from bridge.chain.preset import Preset
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
_AT_ONCE = 8
"""Submissions that a lane takes in one tick: a long queue is not read to its end."""
_OTHERS_SECONDS = 2.0
"""For how long what is another lane's is left to it."""
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


@dataclass(frozen=True, slots=True)
class _Sight:
    """What a tick sees of the chain."""

    head: Block
    at: float
    """When it was looked, by a clock that does not jump."""
    mined: int
    """Transactions of the key that are mined: the first nonce that is not."""
    waiting: int
    """The first nonce that some node has no transaction for."""
    pending: int
    """The first nonce that no node has a transaction for."""
    balance: int
    tip: int | None
    """Priority fee in wei that the node proposes; None on a chain without EIP-1559."""
    final: int
    """The highest block that cannot go any more."""
    block_hash: Callable[[int], str | None]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A submission that is signed, and not written down yet."""

    submission: Submission
    signed: Signed
    gas: int


@dataclass(slots=True)
class _Purse:
    """What a key may promise in one tick."""

    address: Address
    balance: int
    hour: int | None
    under_way: int
    spent: int

    def take(self, wei: int) -> None:
        """Raises `InsufficientFunds`, `BudgetSpent`."""
        needed = self.under_way + wei
        if needed > self.balance:
            raise InsufficientFunds(address=self.address, needed_wei=needed, balance_wei=self.balance)
        if self.hour is not None and needed + self.spent > self.hour:
            raise BudgetSpent(span="an hour", allowed_wei=self.hour, needed_wei=needed + self.spent)
        self.under_way = needed


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
        share: tuple[int, int] = (0, 1),
        look: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`recorded` says in which block a contract has what the submission is to record. `share` is the lane's number and how many
        there are: what is another one's is left to it for a while. `look` is for how many seconds a chain without a new block is
        taken to be as it was.
        """
        self.address: Address = signer.address
        self._outbox = outbox
        self._nodes = nodes
        self._signer = signer
        self._preset = preset
        self._caps = caps
        self._recorded = recorded
        self._share = share
        self._look_seconds = look
        self._clock = clock
        self._sight: _Sight | None = None
        self._stirred = threading.Event()
        self._follows = False
        self._looked_at = 0.0
        self._gap_since: tuple[int, float] | None = None
        self._done: dict[str, int] = {}
        self._held: BridgeError | None = None

    def stir(self, statement: Hex32) -> None:
        """Say that something waits; a lane that it is not of goes on resting. From any thread."""
        number, lanes = self._share
        if int(statement, 16) % lanes == number:
            self._stirred.set()

    def rest(self, seconds: float) -> None:
        """Until something waits, or for so long."""
        self._stirred.wait(seconds)

    def tick(self) -> Tick:
        """Follow what is offered, repair what is broken, offer what waits. Raises `LeaseLost`, `DatabaseFailed`."""
        self._done, self._held = {}, None
        try:
            if self._is_quiet():
                return Tick()
            self._stirred.clear()  # what comes from here on is looked at by the next tick
            self._tick()
        except _NOT_NOW as error:
            self._held = error
        return Tick(**self._done, held=self._held)

    def _is_quiet(self) -> bool:
        """Whether nothing can have changed since the last tick, as far as one can know without the database."""
        if self._stirred.is_set() or time.monotonic() - self._looked_at >= self._look_seconds:
            return False
        return not self._follows or (self._sight is not None and self._sight.head.hash == self._head().hash)

    def _tick(self) -> None:
        self._looked_at = 0.0
        slots = self._outbox.slots(self.address)
        found = self._outbox.found() if self._share[0] == 0 else ()  # they are nobody's, and one lane is enough
        waiting = self._mine(slots)
        if slots or found or waiting:
            if (sight := self._look()) is not self._sight:
                self._sight = None  # what is not followed to its end is looked at again
                self._follow(slots, found, sight)
                self._sight = sight
                slots = self._outbox.slots(self.address)
                waiting = self._mine(slots)
            self._offer_waiting(waiting, slots, sight)
        self._follows = bool(slots or found or waiting)
        if self._held is None and not self._done.get("offered"):  # there may be more than was taken at once
            self._looked_at = time.monotonic()

    def _mine(self, slots: Sequence[Slot]) -> list[Submission]:
        """What waits for this lane: its own share, and what another one has left for too long."""
        room = self._caps.in_flight - sum(slot.state is SlotState.OPEN for slot in slots)
        if room <= 0:
            return []
        number, lanes = self._share
        left = self._clock() - _OTHERS_SECONDS
        waiting = self._outbox.waiting(self.address, limit=min(room, _AT_ONCE) * lanes)
        mine = [
            each
            for each in waiting
            if each.sender is not None or int(each.statement, 16) % lanes == number or each.created_at < left
        ]
        return mine[:room]

    def _look(self) -> _Sight:
        """The chain as it is now, or the last look where that is new enough."""
        head, now, last = self._head(), time.monotonic(), self._sight
        if last is not None and last.head.hash == head.hash and now - last.at < self._look_seconds:
            return last
        least, most = self._nodes.pending_nonces(self.address)
        depth = self._preset.finality_depth
        return _Sight(
            head=head,
            at=now,
            mined=self._nodes.nonce(self.address),
            waiting=least,
            pending=most,
            balance=self._nodes.any(lambda rpc: rpc.balance(self.address)),
            tip=None if head.base_fee_wei is None else self._nodes.any(lambda rpc: rpc.priority_fee()),
            final=self._nodes.final_number(None) if depth is None else head.number - depth,
            block_hash=lru_cache(maxsize=None)(self._nodes.block_hash),
        )

    def _head(self) -> Block:
        return self._nodes.head(self._look_seconds / 4)

    # --- what was offered ---------------------------------------------------------------------------------------------

    def _follow(self, slots: Sequence[Slot], found: Sequence[Submission], sight: _Sight) -> None:
        for submission in found:
            self._follow_found(submission, sight.final)
        settled: list[tuple[Slot, Receipt]] = []
        for slot in slots:
            try:
                # Nothing is known of a nonce that no block has used: one question less for each that waits.
                used = slot.nonce < sight.mined or _was_mined(slot)
                receipt = self._nodes.receipt([each.tx_hash for each in slot.offers]) if used else None
                if receipt is not None:
                    settled.append((slot, receipt))
                else:
                    self._follow_slot(slot, sight)
            except NonceTaken:
                continue  # another step was faster
            except _NOT_NOW as error:
                self._held = error
        self._settle_all(settled, sight)
        self._fill_gap(sight)

    def _follow_slot(self, slot: Slot, sight: _Sight) -> None:
        """What has no receipt."""
        used = slot.nonce < sight.mined
        if _was_mined(slot):
            self._outbox.reorganised(slot)
            self._count("gone")
            self._send_again(slot)
        elif used:
            self._used_from_outside(slot, sight.final)
        elif slot.nonce == sight.mined and self._clock() - slot.newest.signed_at > self._caps.outbid_after:
            self._raise(slot, sight)  # a node that lost it may have done so for its price
        elif slot.newest.sent_at is None or (
            slot.nonce >= sight.waiting and not self._nodes.knows(slot.newest.tx_hash)
        ):
            self._send_again(slot)

    def _settle_all(self, settled: Sequence[tuple[Slot, Receipt]], sight: _Sight) -> None:
        """A receipt, of success or of failure, is worth what its block is: it waits for that to be final."""
        verdicts = []
        for slot, receipt in settled:
            try:
                verdicts.append((slot, receipt, self._is_final(receipt, sight), self._failure(slot, receipt)))
            except _NOT_NOW as error:
                self._held = error
        if verdicts:
            with self._outbox.together():
                for slot, receipt, is_final, failure in verdicts:
                    self._settle(slot, receipt, failure, is_final=is_final)

    def _is_final(self, receipt: Receipt, sight: _Sight) -> bool:
        number = receipt.block_number
        return number <= sight.final and sight.block_hash(number) == receipt.block_hash

    def _failure(self, slot: Slot, receipt: Receipt) -> ContractReverted | None:
        """Why a transaction that was mined did nothing; None where what it was to record is there."""
        if receipt.succeeded or self._is_recorded(slot.statement):
            return None
        call = self._submission(slot.statement).function if slot.statement else "a transfer to oneself"
        return ContractReverted(call=call, error="TransactionFailed", tx_hash=receipt.tx_hash)

    def _settle(self, slot: Slot, receipt: Receipt, failure: ContractReverted | None, *, is_final: bool) -> None:
        moved = slot.state is SlotState.MINED and receipt.block_hash != slot.block_hash
        if moved:
            self._count("gone")
        if slot.state is not SlotState.MINED or moved:
            self._outbox.mined(slot, receipt)
            self._count("mined")
        if is_final:
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

    def _raise(self, slot: Slot, sight: _Sight) -> None:
        """The same call for more. Where a cap is reached the old offer stands."""
        old = slot.newest
        fee = outbid(old.fee, self._market(sight), self._caps.max_fee_wei)
        self._check_transaction(old.gas, fee)
        call = self._filler() if slot.statement is None else _call(self._submission(slot.statement))
        signed = self._sign(call, slot.nonce, old.gas, fee)
        self._outbox.outbid(slot, signed, old.gas, fee)
        self._send(slot.statement, signed)
        self._count("raised")

    def _fill_gap(self, sight: _Sight) -> None:
        """A nonce that nothing is offered for holds up all that are above it."""
        mined_nonce = sight.mined
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
        fee = self._market(sight)
        signed = self._sign(self._filler(), nonce, _FILLER_GAS, fee)
        self._outbox.sign(None, self.address, signed, _FILLER_GAS, fee)
        self._send(None, signed)
        self._gap_since = None
        self._count("filled")

    # --- what waits ---------------------------------------------------------------------------------------------------

    def _offer_waiting(self, waiting: Sequence[Submission], slots: Sequence[Slot], sight: _Sight) -> None:
        """Raises what stands in the way of all that wait."""
        if not waiting:
            return
        nonce = max(self._outbox.next_nonce(self.address), sight.pending)
        fee, purse = self._market(sight), self._purse(slots, sight)
        ready: list[_Ready] = []
        try:
            for submission in waiting:
                try:
                    offered = self._prepare(submission, nonce + len(ready), fee, purse)
                except (ContractReverted, GasAboveCap) as error:
                    self._outbox.failed(submission, error)
                    continue
                if offered is not None:
                    ready.append(offered)
        finally:
            self._send_all(self._keep(ready, fee))

    def _keep(self, ready: Sequence[_Ready], fee: Fee | LegacyFee) -> list[_Ready]:
        """Those that are in the outbox now."""
        kept: list[_Ready] = []
        if ready:
            with self._outbox.together():
                for each in ready:
                    try:
                        self._outbox.sign(each.submission.statement, self.address, each.signed, each.gas, fee)
                    except NonceTaken:
                        break  # another lane has the submission, or another process the key: the next tick sees which
                    kept.append(each)
        return kept

    def _send_all(self, kept: Sequence[_Ready]) -> None:
        """What is sent is in the outbox already; what is not, the next tick sends. Raises what the first refusal was."""
        sent: list[_Ready] = []
        try:
            for each in kept:
                self._count("offered")
                self._nodes.send(each.signed)
                sent.append(each)
        finally:
            if sent:
                with self._outbox.together():
                    for each in sent:
                        self._outbox.sent(each.submission.statement, each.signed.tx_hash)

    def _prepare(self, submission: Submission, nonce: int, fee: Fee | LegacyFee, purse: _Purse) -> _Ready | None:
        """Signed with this nonce; None where the ledger has the record already."""
        block = self._recorded(submission)
        if block is not None:
            self._outbox.recorded_elsewhere(submission, block)
            return None
        call = _call(submission)
        estimate = self._nodes.any(
            lambda rpc: rpc.estimate_gas({**call, "from": self.address}, label=submission.function, abis=core_abis())
        )
        self._preset.limits.check_gas(submission.function, estimate)
        numerator, denominator = _GAS_HEADROOM
        gas = min(estimate * numerator // denominator, self._preset.limits.transaction_gas)
        self._check_transaction(gas, fee)
        purse.take(gas * fee.max_fee_wei + submission.value)
        return _Ready(submission, self._sign(call, nonce, gas, fee), gas)

    def _check_transaction(self, gas: int, fee: Fee | LegacyFee) -> None:
        allowed, needed = self._caps.transaction_wei, gas * fee.max_fee_wei
        if allowed is not None and needed > allowed:
            raise BudgetSpent(span="one transaction", allowed_wei=allowed, needed_wei=needed)

    def _purse(self, slots: Sequence[Slot], sight: _Sight) -> _Purse:
        """What may be promised still, if everything under way were mined now."""
        under_way = sum(slot.most_wei for slot in slots if slot.state is SlotState.OPEN)
        hour = self._caps.hour_wei
        spent = 0 if hour is None else self._outbox.spent_since(self.address, self._clock() - HOUR)
        return _Purse(self.address, sight.balance, hour, under_way, spent)

    # --- both ---------------------------------------------------------------------------------------------------------

    def _market(self, sight: _Sight) -> Fee | LegacyFee:
        base = sight.head.base_fee_wei
        if base is None or sight.tip is None:
            return legacy_offer(self._nodes.any(lambda rpc: rpc.gas_price()), self._caps.max_fee_wei)
        return offer(base, sight.tip, self._caps.max_fee_wei)

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


def _was_mined(slot: Slot) -> bool:
    return slot.state is SlotState.MINED


def _call(submission: Submission) -> dict[str, Any]:
    return {"to": submission.destination, "data": submission.calldata, "value": submission.value}
