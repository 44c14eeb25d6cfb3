"""All keys of a relayer on one chain, each with nonces of its own: one loop follows what was offered, and offers what waits.

A turn looks at the chain once, for all keys together, and does what has to be done now. It may be ended anywhere and begun again:
every transaction is in the outbox before the network sees it, and the outbox is the only memory. What a key signs it signs in a
thread of its own, and only that key waits for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.chain import question
from bridge.chain.account import Signer
from bridge.chain.answer import Block
from bridge.chain.contract import core_abis
from bridge.chain.nodes import Nodes
from bridge.chain.preset import Preset
from bridge.chain.signature import Signed
from bridge.core.word import Address, Hex32
from bridge.errors import BridgeError, BudgetSpent, ContractReverted, GasAboveCap, InsufficientFunds, NonceTaken
from bridge.relay import draft
from bridge.relay.draft import Draft
from bridge.relay.follower import NOT_NOW, Followed, Follower, Recorded
from bridge.relay.keys import Key
from bridge.relay.outbox import Outbox
from bridge.relay.purse import HOUR, Caps, Purse, under_way
from bridge.relay.sight import KeySight, Sight, look
from bridge.relay.submission import Slot, Submission
from bridge.relay.tick import Tally, Tick

_GAS_HEADROOM = (12, 10)
"""A verifier's precompile calls take a share of what is left, so an exact estimate can be too little."""
_AT_ONCE = 8
"""Submissions that a key is given in one turn: a long queue is not read to its end."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A transaction that is in the outbox, and goes to the network."""

    sender: Address
    statement: Hex32 | None
    signed: Signed
    is_again: bool = False


class Lanes:
    """The keys. Use them from one thread, but for `stir`."""

    def __init__(
        self,
        outbox: Outbox,
        nodes: Nodes,
        signers: Sequence[Signer],
        preset: Preset,
        caps: Caps,
        *,
        recorded: Recorded,
        look: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`recorded` says in which block a contract has what a submission is to record. `look` is for how many seconds a chain
        without a new block is taken to be as it was.
        """
        self._stirred = threading.Event()
        self._keys = {each.address: Key(each, nodes.chain_id, self.stir) for each in signers}
        self._outbox = outbox
        self._nodes = nodes
        self._preset = preset
        self._caps = caps
        self._recorded = recorded
        self._look_seconds = look
        self._clock = clock
        self._follower = Follower(outbox, nodes, caps, recorded, clock)
        self._sight: Sight | None = None
        self._purses: dict[Address, Purse] = {}
        self._follows = False
        self._looked_at = 0.0

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Who pays."""
        return tuple(self._keys)

    def stir(self) -> None:
        """Say that something waits. From any thread."""
        self._stirred.set()

    def rest(self, seconds: float) -> None:
        """Until something waits, or for so long."""
        self._stirred.wait(seconds)

    def tick(self) -> dict[Address, Tick]:
        """Follow what is offered, repair what is broken, offer what waits. Raises `LeaseLost`, `DatabaseFailed`."""
        tally = Tally(self.addresses)
        try:
            if not self._is_quiet():
                self._stirred.clear()  # what comes from here on is looked at by the next turn
                self._tick(tally)
        except NOT_NOW as error:
            tally.hold_all(error)
        return tally.ticks()

    def _is_quiet(self) -> bool:
        """Whether nothing can have changed since the last turn, as far as one can know without the database."""
        if self._stirred.is_set() or time.monotonic() - self._looked_at >= self._look_seconds:
            return False
        if any(key.has_news for key in self._keys.values()):
            return False
        return not self._follows or (self._sight is not None and self._sight.head.hash == self._head().hash)

    def _tick(self, tally: Tally) -> None:
        self._looked_at = 0.0
        followed = Followed()
        if not self._is_seen():
            self._sight = None  # what is not followed to its end is looked at again
            slots, found = self._outbox.slots(*self.addresses), self._outbox.found()
            self._follows = bool(slots or found or self._outbox.waiting(self.addresses, limit=1))
            if not self._follows:
                self._looked_at = time.monotonic()
                return
            sight = look(self._nodes, self.addresses, self._head(), self._preset.finality_depth)
            followed = self._follow(slots, found, sight, tally)
            self._sight = sight
        self._draft(followed, tally)
        self._send(self._keep(self._signed(followed, tally), tally), followed.again, tally)
        if not tally.is_held and not tally.offered:  # there may be more than was taken at once
            self._looked_at = time.monotonic()

    def _is_seen(self) -> bool:
        """Whether the last look is as good as a new one."""
        seen = self._sight
        if seen is None or time.monotonic() - seen.at >= self._look_seconds:
            return False
        return seen.head.hash == self._head().hash

    def _head(self) -> Block:
        return self._nodes.head(self._look_seconds / 4)

    def _follow(self, slots: Sequence[Slot], found: Sequence[Submission], sight: Sight, tally: Tally) -> Followed:
        """What was offered; and what each key may offer now."""
        keys = tuple(self._keys.values())
        followed = self._follower.follow(keys, slots, found, sight, tally)
        slots = self._outbox.slots(*self.addresses)
        self._follower.gaps(keys, slots, sight, followed, tally)
        self._purses = {
            key.address: self._purse(key, [slot for slot in slots if slot.sender == key.address], seen)
            for key in keys
            if isinstance(seen := sight.keys[key.address], KeySight)
        }
        return followed

    def _purse(self, key: Key, slots: Sequence[Slot], seen: KeySight) -> Purse:
        count, wei = under_way(slots)
        hour = self._caps.hour_wei
        return Purse(
            address=key.address,
            balance=seen.balance,
            hour=hour,
            under_way=wei + sum(each.most_wei for each in key.in_hand),
            spent=0 if hour is None else self._outbox.spent_since(key.address, self._clock() - HOUR),
            room=self._caps.in_flight - count - len(key.in_hand),
            nonce=max(self._outbox.next_nonce(key.address), seen.pending),
        )

    # --- what waits ---------------------------------------------------------------------------------------------------

    def _draft(self, followed: Followed, tally: Tally) -> None:
        """Transactions for what waits, beside those that are to be signed already."""
        given = self._given()
        if not given or self._sight is None:
            return
        try:
            fee = self._sight.market(self._caps.max_fee_wei)
        except NOT_NOW as error:
            for address in {address for address, _ in given}:
                tally.hold(address, error)
            return
        for address, submission, gas in self._dry_run(given, tally):
            purse, drafts = self._purses[address], followed.drafts[address]
            offers = sum(each.submission is not None for each in drafts)
            try:
                self._caps.check_transaction(gas, fee)
                purse.take(gas * fee.max_fee_wei + submission.value)
            except (InsufficientFunds, BudgetSpent) as error:
                self._keys[address].is_passed_over = True
                tally.hold(address, error)
                continue
            drafts.append(draft.new(submission, purse.nonce + offers, gas, fee))

    def _given(self) -> list[tuple[Address, Submission]]:
        """What waits, each for one key: for the one that has to send it, or for the one with the most room."""
        rooms = self._rooms()
        reserved = frozenset[Hex32]().union(*(key.reserved for key in self._keys.values()))
        given: dict[Hex32, tuple[Address, Submission]] = {}
        while rooms := {address: room for address, room in rooms.items() if room > 0}:
            limit = sum(rooms.values()) + len(reserved) + len(given)
            waiting = self._outbox.waiting(tuple(rooms), limit=limit)
            left = [each for each in waiting if each.statement not in reserved and each.statement not in given]
            turned_away = False
            for submission in left:
                address = submission.sender or max(rooms, key=lambda each: rooms[each])
                if rooms[address] > 0:
                    rooms[address] -= 1
                    given[submission.statement] = address, submission
                else:
                    turned_away = True
            if not turned_away:  # else what its key has no room for may hide what others have room for
                break
        return list(given.values())

    def _rooms(self) -> dict[Address, int]:
        """What each key can take now. One that could not the last time lets the others go first, once."""
        free = [key for key in self._keys.values() if key.is_free and key.address in self._purses]
        first = [key for key in free if not key.is_passed_over] or free
        for key in free:
            key.is_passed_over = False
        return {key.address: min(self._purses[key.address].room, _AT_ONCE) for key in first}

    def _dry_run(
        self, given: Sequence[tuple[Address, Submission]], tally: Tally
    ) -> list[tuple[Address, Submission, int]]:
        """Those that have to be sent and would come through, with the gas for it. What never will ends here."""
        blocks = self._recorded([submission for _, submission in given])
        open_still: list[tuple[Address, Submission]] = []
        failures: list[tuple[Submission, BridgeError]] = []
        elsewhere: list[tuple[Submission, int]] = []
        for (address, submission), block in zip(given, blocks, strict=True):
            if isinstance(block, BridgeError):
                self._fail(address, submission, block, failures, tally)
            elif block is not None:
                elsewhere.append((submission, block))
            else:
                open_still.append((address, submission))
        estimates = self._nodes.any_all([_estimate(*each) for each in open_still]) if open_still else []
        fit: list[tuple[Address, Submission, int]] = []
        for (address, submission), estimate in zip(open_still, estimates, strict=True):
            try:
                fit.append((address, submission, self._gas(submission, estimate)))
            except BridgeError as error:
                self._fail(address, submission, error, failures, tally)
        if failures or elsewhere:
            with self._outbox.together():
                for submission, failure in failures:
                    self._outbox.failed(submission, failure)
                for submission, block in elsewhere:
                    self._outbox.recorded_elsewhere(submission, block)
        return fit

    def _fail(
        self,
        address: Address,
        submission: Submission,
        error: BridgeError,
        failures: list[tuple[Submission, BridgeError]],
        tally: Tally,
    ) -> None:
        """For good, or for now. Raises what is neither."""
        if isinstance(error, ContractReverted | GasAboveCap):
            failures.append((submission, error))
        elif isinstance(error, NOT_NOW):
            self._keys[address].is_passed_over = True  # of another sender a node may think otherwise
            tally.hold(address, error)
        else:
            raise error

    def _gas(self, submission: Submission, estimate: int | BridgeError) -> int:
        if isinstance(estimate, BridgeError):
            raise estimate
        self._preset.limits.check_gas(submission.function, estimate)
        numerator, denominator = _GAS_HEADROOM
        return min(estimate * numerator // denominator, self._preset.limits.transaction_gas)

    # --- out ----------------------------------------------------------------------------------------------------------

    def _signed(self, followed: Followed, tally: Tally) -> list[tuple[Address, list[tuple[Draft, Signed]]]]:
        """What is signed by now, also of earlier turns, by key."""
        for address, drafts in followed.drafts.items():
            if drafts:
                self._keys[address].give(drafts)
        for key in self._keys.values():
            key.wait()
        signed = []
        for key in self._keys.values():
            made, failure = key.take()
            if failure is not None:
                tally.hold(key.address, failure)
                self._sight = None  # what was promised for it is promised no more
            if made:
                signed.append((key.address, made))
        return signed

    def _keep(self, signed: Sequence[tuple[Address, list[tuple[Draft, Signed]]]], tally: Tally) -> list[_Sent]:
        """What is in the outbox now, in one write."""
        kept: list[_Sent] = []
        if signed:
            with self._outbox.together():
                for address, made in signed:
                    try:
                        for each, transaction in made:
                            self._write(address, each, transaction)
                            kept.append(_Sent(address, each.statement, transaction))
                            tally.count(address, each.what)
                    except NonceTaken:
                        self._sight = None  # somebody was faster, or the chain went on: the next look sees which
        return kept

    def _write(self, address: Address, each: Draft, signed: Signed) -> None:
        """Raises `NonceTaken`."""
        if each.slot is not None:
            self._outbox.outbid(each.slot, signed, each.gas, each.fee)
            return
        if each.submission is not None:
            purse = self._purses.get(address)
            if purse is None or purse.nonce != each.nonce:  # a signer took so long that the nonce is another one by now
                raise NonceTaken(sender=address, nonce=each.nonce)
            self._outbox.sign(each.statement, address, signed, each.gas, each.fee)
            purse.nonce += 1
            return
        self._outbox.sign(None, address, signed, each.gas, each.fee)

    def _send(self, kept: Sequence[_Sent], again: Sequence[Slot], tally: Tally) -> None:
        """What is sent is in the outbox already; what no node takes, a later turn sends."""
        going = [*kept, *(_again(slot) for slot in again)]
        if not going:
            return
        answers = self._nodes.send([each.signed for each in going])
        taken = []
        for each, answer in zip(going, answers, strict=True):
            if isinstance(answer, BridgeError):
                tally.hold(each.sender, answer)
                continue
            taken.append(each)
            if each.is_again:
                tally.count(each.sender, "again")
        if taken:
            with self._outbox.together():
                for each in taken:
                    self._outbox.sent(each.statement, each.signed.tx_hash)


def _estimate(address: Address, submission: Submission) -> question.Question[int]:
    call = {
        "from": address,
        "to": submission.destination,
        "data": submission.calldata,
        "value": submission.value,
    }
    return question.gas(call, label=submission.function, abis=core_abis())


def _again(slot: Slot) -> _Sent:
    offered = slot.newest
    return _Sent(slot.sender, slot.statement, Signed(offered.tx_hash, slot.nonce, offered.raw), is_again=True)
