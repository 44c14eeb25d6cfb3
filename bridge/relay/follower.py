"""What was offered is followed to its end: mined, final, gone with its block, used by somebody else, lost by a node, too cheap.

The chain is asked once for all of it, and what it says is written down at once. Nothing is signed or sent here: what has to be
is handed back.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.chain import question
from bridge.chain.answer import Receipt
from bridge.chain.fee import outbid
from bridge.chain.nodes import Nodes
from bridge.core.word import Address, Hex32
from bridge.errors import (
    BridgeError,
    BudgetSpent,
    ContractReverted,
    FeeAboveCap,
    InsufficientFunds,
    NodesDisagree,
    RpcFailed,
    RpcUnreachable,
)
from bridge.relay import draft
from bridge.relay.draft import Draft
from bridge.relay.keys import Key
from bridge.relay.outbox import Outbox
from bridge.relay.purse import Caps
from bridge.relay.sight import KeySight, Sight
from bridge.relay.submission import Slot, SlotState, Submission
from bridge.relay.tick import Tally

NOT_NOW = (RpcUnreachable, RpcFailed, NodesDisagree, FeeAboveCap, InsufficientFunds, BudgetSpent)
"""What a later turn may find otherwise."""

Recorded = Callable[[Sequence[Submission]], Sequence[int | BridgeError | None]]
"""In which block a contract has what each submission is to record; None where it has not."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What has to be done now."""

    again: list[Slot] = field(default_factory=list)
    """To be sent once more."""
    drafts: defaultdict[Address, list[Draft]] = field(default_factory=lambda: defaultdict(list))
    """To be signed, by key."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What a receipt is worth."""

    slot: Slot
    receipt: Receipt
    is_final: bool
    failure: ContractReverted | None
    """Why the transaction was mined and did nothing."""


class Follower:
    """Eyes on one chain. Use it from one thread."""

    def __init__(
        self, outbox: Outbox, nodes: Nodes, caps: Caps, recorded: Recorded, clock: Callable[[], float] = time.time
    ) -> None:
        """`recorded` is asked of failures, and of what somebody else recorded."""
        self._outbox = outbox
        self._nodes = nodes
        self._caps = caps
        self._recorded = recorded
        self._clock = clock

    def follow(
        self, keys: Sequence[Key], slots: Sequence[Slot], found: Sequence[Submission], sight: Sight, tally: Tally
    ) -> Followed:
        """Look at everything once. Raises what stands in the way of all of it."""
        followed, seen = Followed(), _seen(sight, tally)
        slots = [slot for slot in slots if slot.sender in seen]
        # Nothing is known of a nonce that no block has used: one question less for each that waits.
        used = [slot for slot in slots if slot.nonce < seen[slot.sender].mined or _was_mined(slot)]
        waiting = [slot for slot in slots if slot.nonce >= seen[slot.sender].mined and not _was_mined(slot)]
        followed.again.extend(self._follow_used(used, found, sight, tally))
        free = frozenset(key.address for key in keys if key.is_free)
        rest = self._raise(waiting, seen, free, sight, followed, tally)
        followed.again.extend(self._forgotten(rest, seen, tally))
        return followed

    def gaps(self, keys: Sequence[Key], slots: Sequence[Slot], sight: Sight, followed: Followed, tally: Tally) -> None:
        """A nonce that nothing is offered for holds up all that are above it: after a while it is filled."""
        for key in keys:
            seen = sight.keys[key.address]
            if isinstance(seen, BridgeError):
                continue
            ours = [slot.nonce for slot in slots if slot.sender == key.address and slot.state is SlotState.OPEN]
            if not ours or min(ours) <= seen.mined or seen.pending > seen.mined:
                key.gap_since = None
                continue
            nonce, since = key.gap_since or (seen.mined, self._clock())
            if nonce != seen.mined:
                nonce, since = seen.mined, self._clock()
            key.gap_since = nonce, since
            if self._clock() - since < self._caps.fill_after or not key.is_free:
                continue
            try:
                fee = sight.market(self._caps.max_fee_wei)
            except NOT_NOW as error:
                tally.hold(key.address, error)
                continue
            followed.drafts[key.address].append(draft.filler(key.address, nonce, fee))
            key.gap_since = None

    def submission(self, statement: Hex32) -> Submission:
        """What a slot is to record."""
        submission = self._outbox.submission(statement)
        if submission is None:
            raise KeyError(statement)  # the schema does not let a slot outlive its submission
        return submission

    # --- what the chain says ------------------------------------------------------------------------------------------

    def _follow_used(
        self, slots: Sequence[Slot], found: Sequence[Submission], sight: Sight, tally: Tally
    ) -> list[Slot]:
        """Write down what became of nonces that some block has used, and of `found`; those whose block is gone."""
        receipts = self._receipts(slots, tally)
        verdicts = self._verdicts([(slot, receipt) for slot, receipt in receipts if receipt is not None], sight, tally)
        bare = [slot for slot, receipt in receipts if receipt is None]
        gone = [slot for slot in bare if _was_mined(slot)]
        outside = self._outside([slot for slot in bare if not _was_mined(slot)], sight, tally)
        stands = self._stands(found, sight, tally)
        if verdicts or gone or outside or stands:
            with self._outbox.together():
                for verdict in verdicts:
                    self._settle(verdict, tally)
                for slot in gone:
                    self._outbox.reorganised(slot)
                    tally.count(slot.sender, "gone")
                for slot in outside:
                    self._outbox.lost(slot)
                    tally.count(slot.sender, "lost")
                for submission, is_there in stands:
                    self._outbox.settled_elsewhere(submission, stands=is_there)
        return gone

    def _receipts(self, slots: Sequence[Slot], tally: Tally) -> list[tuple[Slot, Receipt | None]]:
        """Of those that the nodes agree on."""
        told = self._nodes.receipts([[each.tx_hash for each in slot.offers] for slot in slots]) if slots else []
        receipts: list[tuple[Slot, Receipt | None]] = []
        for slot, receipt in zip(slots, told, strict=True):
            if isinstance(receipt, BridgeError):
                tally.hold(slot.sender, _not_now(receipt))
            else:
                receipts.append((slot, receipt))
        return receipts

    def _verdicts(self, settled: Sequence[tuple[Slot, Receipt]], sight: Sight, tally: Tally) -> list[_Verdict]:
        """A receipt, of success or of failure, is worth what its block is: it waits for that to be final."""
        numbers = sorted({receipt.block_number for _, receipt in settled if receipt.block_number <= sight.final})
        hashes = dict(zip(numbers, self._nodes.block_hashes(numbers) if numbers else [], strict=True))
        failures = self._failures([(slot, receipt) for slot, receipt in settled if not receipt.succeeded])
        verdicts = []
        for slot, receipt in settled:
            block_hash, failure = hashes.get(receipt.block_number), failures.get(receipt.tx_hash)
            if isinstance(block_hash, BridgeError):
                tally.hold(slot.sender, _not_now(block_hash))
            elif failure is not None and not isinstance(failure, ContractReverted):
                tally.hold(slot.sender, _not_now(failure))
            else:
                is_final = receipt.block_number <= sight.final and block_hash == receipt.block_hash
                verdicts.append(_Verdict(slot, receipt, is_final, failure))
        return verdicts

    def _failures(self, failed: Sequence[tuple[Slot, Receipt]]) -> Mapping[Hex32, BridgeError]:
        """By transaction, why it was mined and did nothing; none where what it was to record is there."""
        failures: dict[Hex32, BridgeError] = {}
        asked = [(receipt, self.submission(slot.statement)) for slot, receipt in failed if slot.statement]
        for (receipt, submission), block in zip(asked, self._recorded([each for _, each in asked]), strict=True):
            if isinstance(block, BridgeError):
                failures[receipt.tx_hash] = _not_now(block)
            elif block is None:
                failures[receipt.tx_hash] = _failure(submission.function, receipt)
        # Of a transfer to oneself the nonce is all that counts, and that is used.
        return failures

    def _outside(self, slots: Sequence[Slot], sight: Sight, tally: Tally) -> list[Slot]:
        """No receipt of ours, and yet the nonce is used: believed only where the block that used it is final."""
        senders = list(dict.fromkeys(slot.sender for slot in slots))
        place = max(sight.final, 0)
        told = self._nodes.any_all([question.nonce(sender, place) for sender in senders]) if senders else []
        used = dict(zip(senders, told, strict=True))
        lost = []
        for slot in slots:
            nonce = used[slot.sender]
            if isinstance(nonce, BridgeError):
                tally.hold(slot.sender, _not_now(nonce))
            elif nonce > slot.nonce:
                lost.append(slot)
        return lost

    def _stands(self, found: Sequence[Submission], sight: Sight, tally: Tally) -> list[tuple[Submission, bool]]:
        """What somebody else recorded stands once its block is final; or it went with a block, and is ours to make."""
        settled = []
        for submission, block in zip(found, self._recorded(found) if found else (), strict=True):
            if isinstance(block, BridgeError):
                tally.hold_all(_not_now(block))
            elif block is None or block <= sight.final:
                settled.append((submission, block is not None))
        return settled

    def _forgotten(self, slots: Sequence[Slot], seen: Mapping[Address, KeySight], tally: Tally) -> list[Slot]:
        """What no node is known to have taken, and what some node has lost."""
        never = [slot for slot in slots if slot.newest.sent_at is None]
        doubtful = [slot for slot in slots if slot.newest.sent_at and slot.nonce >= seen[slot.sender].waiting]
        known = self._nodes.know([slot.newest.tx_hash for slot in doubtful]) if doubtful else []
        lost = []
        for slot, is_known in zip(doubtful, known, strict=True):
            if isinstance(is_known, BridgeError):
                tally.hold(slot.sender, _not_now(is_known))
            elif not is_known:
                lost.append(slot)
        return sorted([*never, *lost], key=lambda slot: (slot.sender, slot.nonce))

    # --- what follows from it -----------------------------------------------------------------------------------------

    def _settle(self, verdict: _Verdict, tally: Tally) -> None:
        slot, receipt = verdict.slot, verdict.receipt
        moved = _was_mined(slot) and receipt.block_hash != slot.block_hash
        if moved:
            tally.count(slot.sender, "gone")
        if not _was_mined(slot) or moved:
            self._outbox.mined(slot, receipt)
            tally.count(slot.sender, "mined")
        if verdict.is_final:
            self._outbox.final(slot, verdict.failure)
            tally.count(slot.sender, "final")

    def _raise(
        self,
        slots: Sequence[Slot],
        seen: Mapping[Address, KeySight],
        free: frozenset[Address],
        sight: Sight,
        followed: Followed,
        tally: Tally,
    ) -> list[Slot]:
        """What is first in line and waits for too long is offered again for more; the rest, where the old offers stand."""
        rest = []
        for slot in slots:
            is_old = self._clock() - slot.newest.signed_at > self._caps.outbid_after
            if slot.nonce != seen[slot.sender].mined or not is_old or slot.sender not in free:
                rest.append(slot)
                continue
            try:
                market = sight.market(self._caps.max_fee_wei)
                fee = outbid(slot.newest.fee, market, self._caps.max_fee_wei)
                self._caps.check_transaction(slot.newest.gas, fee)
            except NOT_NOW as error:
                tally.hold(slot.sender, error)
                rest.append(slot)
                continue
            submission = None if slot.statement is None else self.submission(slot.statement)
            followed.drafts[slot.sender].append(draft.dearer(slot, submission, fee))
        return rest


def _seen(sight: Sight, tally: Tally) -> dict[Address, KeySight]:
    """Of the keys that nodes tell of."""
    seen: dict[Address, KeySight] = {}
    for address, told in sight.keys.items():
        if isinstance(told, BridgeError):
            tally.hold(address, _not_now(told))
        else:
            seen[address] = told
    return seen


def _was_mined(slot: Slot) -> bool:
    return slot.state is SlotState.MINED


def _failure(function: str, receipt: Receipt) -> ContractReverted:
    return ContractReverted(call=function, error="TransactionFailed", tx_hash=receipt.tx_hash)


def _not_now(error: BridgeError) -> BridgeError:
    """What a later turn may find otherwise. Raises any other."""
    if not isinstance(error, NOT_NOW):
        raise error
    return error
