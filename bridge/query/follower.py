"""Follows one chain into its index: from the checkpoint to the head, stretch by stretch, and back where the chain went another way.

The tables are a function of the chain as it is now: nothing of how they came about is in them. A node that fails, lags or
contradicts itself costs time: what does not fit together is not written, and another node or a later try settles it.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from bridge.chain.block import Header
from bridge.chain.recorded import batch_submitters, record_blocks
from bridge.chain.span import Span
from bridge.chain.stretch import Stretch, headers, stretch
from bridge.chain.wire import Refusal, Wire
from bridge.chain.witnesses import Witnesses
from bridge.database import index as tables
from bridge.errors import (
    EventMalformed,
    NodeContradiction,
    NodesDisagree,
    PageContradicts,
    RangeRefused,
    RpcFailed,
    RpcUnreachable,
)
from bridge.query.index import Checkpoint, Index, Tail
from bridge.query.known import Known
from bridge.query.rows import Page, Reader, Verification, checksummed

FIRST_SPAN = 64
_NEAR = 64
"""Blocks below the head that are read by hash, where the chain says nothing of what is final."""
_AT_EASE = 2_000
"""Events in a stretch after which the next one is larger."""
_TOO_MANY = 8_000
"""Events in a stretch after which the next one is smaller: it is one transaction, and what a kill costs."""
_FIRST_LOOK = 16
"""Kept blocks that are compared first where the chain went another way; each look after it is at four times as many."""
_SETTLED_BY_OTHERS = (RpcUnreachable, RpcFailed, NodeContradiction, NodesDisagree, EventMalformed, PageContradicts)
"""What another node may do better."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step came to."""

    number: int
    """Everything up to this block is in the tables."""
    head: int
    blocks: int
    events: int
    reorganised: int
    """Blocks that were taken back."""
    broken_at: int | None

    @property
    def is_at_head(self) -> bool:
        """Whether there is nothing more to read."""
        return self.number >= self.head


class Follower:
    """Follows a chain; not for several threads."""

    def __init__(
        self,
        index: Index,
        reader: Reader,
        witnesses: Witnesses,
        *,
        depth: int | None = None,
        span: Span | None = None,
        ahead: bool = False,
    ) -> None:
        """`depth`: blocks after which one is final; None: the chain says so itself. `ahead`: read on while what was read is written."""
        self._index = index
        self._reader = reader
        self._witnesses = witnesses
        self._depth = depth
        self._span = span or Span(FIRST_SPAN)
        self._known: tuple[int, Known] | None = None
        self._turn = 0
        self._pool = ThreadPoolExecutor(1, "read ahead") if ahead else None
        self._ahead: tuple[int, int, Future[Stretch]] | None = None

    def close(self) -> None:
        """Let go of what is read ahead."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def step(self) -> Step:
        """One stretch further, or a look at the head.

        Raises members of `ChainError` and `FollowError`, `DatabaseFailed`, `LeaseLost`; then nothing was written.
        """
        head = self._witnesses.head()
        failure: Exception = RpcUnreachable(url="(no node)", reason="none was given")
        wires = self._witnesses.wires
        for place in range(len(wires)):
            wire = wires[(self._turn + place) % len(wires)]
            try:
                return self._through(wire, head)
            except _SETTLED_BY_OTHERS as error:
                self._known = self._ahead = None
                self._witnesses.tell(wire, error)
                failure = error
            except BaseException:
                self._known = self._ahead = None
                raise
        self._turn += 1
        self._span = self._span.halved()
        raise failure

    def _through(self, wire: Wire, head: int) -> Step:
        """A step by what one node shows."""
        before = self._index.checkpoint() or self._begun(wire)
        tail = self._tail(head)
        if head <= before.number:
            if not self._went(before, head):
                after = self._index.seen(before, tail)
                return Step(after.number, min(head, after.number), 0, 0, 0, after.broken_at)
            ancestor = self._ancestor(wire, before, head)
            if ancestor >= head:
                raise NodeContradiction(url=wire.place, block=head, reason="it shows the block that others do not have")
            return self._write(wire, before, ancestor, self._read(wire, ancestor + 1, head, tail), head, tail)
        read = self._read(wire, before.number + 1, head, tail)
        if read.headers[0].parent_hash == before.hash:
            return self._write(wire, before, before.number, read, head, tail)
        ancestor = self._ancestor(wire, before, before.number)
        return self._write(wire, before, ancestor, self._read(wire, ancestor + 1, head, tail), head, tail)

    def _begun(self, wire: Wire) -> Checkpoint:
        return self._index.begin(self._header(wire, self._index.anchor))

    def _tail(self, head: int) -> Tail:
        safe = self._witnesses.tagged("safe")
        if self._depth is not None:
            return Tail(safe, max(0, head - self._depth))
        final = self._witnesses.tagged("finalized")
        return Tail(safe, None if final is None else min(final, head))

    def _went(self, before: Checkpoint, head: int) -> bool:
        """Whether the chain, at a head that is not above the checkpoint, is another one than the tables hold."""
        kept = [(before.number, before.hash)] if head == before.number else self._index.kept(head, 1)
        told = [self._witnesses.hash_of(number) for number, _ in kept]
        return any(now is not None and now != then for now, (_, then) in zip(told, kept, strict=True))

    def _ancestor(self, wire: Wire, before: Checkpoint, top: int) -> int:
        """The highest block that the tables and the chain have in common, or the one before all that is followed."""
        look, below = _FIRST_LOOK, top
        while kept := self._index.kept(below, look):
            shown = headers(wire, [number for number, _ in kept])
            for (number, known), header in zip(kept, shown, strict=True):
                if header is not None and header.hash == known:
                    return number
            below, look = kept[-1][0] - 1, 4 * look
        return min(before.number, self._index.anchor)

    def _read(self, wire: Wire, first: int, head: int, tail: Tail) -> Stretch:
        """The next stretch, as long as the node takes it."""
        while True:
            last = min(first + self._span.blocks - 1, head)
            near = head - _NEAR if tail.final is None else min(tail.final, head)
            if first <= near < last:
                last = near  # what is final is read by range, and what is not by hash
            try:
                return self._fetched(wire, first, last, by_hash=last > near)
            except RangeRefused as error:
                if first == last:
                    raise RpcFailed(method="eth_getLogs", reason=error.reason) from None
                self._span = self._span.refused(Refusal("eth_getLogs", error.code, error.reason), first, last)

    def _fetched(self, wire: Wire, first: int, last: int, *, by_hash: bool) -> Stretch:
        """From what was read ahead, where that fits."""
        waiting, self._ahead = self._ahead, None
        if waiting is not None and waiting[0] == first and waiting[1] <= last and not by_hash:
            return waiting[2].result()
        return stretch(wire, self._reader.events.watch, first, last, by_hash=by_hash)

    def _write(self, wire: Wire, before: Checkpoint, ancestor: int, read: Stretch, head: int, tail: Tail) -> Step:
        """Check what was read against the tables and the other nodes, and write it down."""
        self._check(wire, before, ancestor, read)
        self._adapt(read)
        self._read_on(wire, read.last.number, head, tail)
        if self._known is None or self._known[0] != ancestor:
            self._known = ancestor, self._index.known(ancestor)
        page = self._reader.page(read.happenings, self._known[1])
        state = read.last if tail.final is None or read.last.number > tail.final else self._header(wire, head)
        self._settle(wire, page, state, ancestor)
        after = self._index.write(before, ancestor, read.headers, page, tail)
        self._known = after.number, self._known[1]
        gone = before.number - ancestor
        return Step(after.number, head, len(read.headers), len(read.happenings), gone, after.broken_at)

    def _check(self, wire: Wire, before: Checkpoint, ancestor: int, read: Stretch) -> None:
        """Raises `NodeContradiction`, and where several nodes have to agree also `NodesDisagree`."""
        known = before.hash if ancestor == before.number else self._index.hash_of(ancestor)
        if ancestor > self._index.anchor and known is not None and read.headers[0].parent_hash != known:
            reason = "its parent is neither what it was nor what the same node shows"
            raise NodeContradiction(url=wire.place, block=read.headers[0].number, reason=reason)
        if ancestor < before.number:
            self._check_fork(wire, ancestor)
        self._witnesses.confirm(wire, self._reader.events.watch, read)

    def _check_fork(self, wire: Wire, ancestor: int) -> None:
        """That the block which is kept above an ancestor is gone: one lie about hashes must take nothing back. Raises as `_check`."""
        above = self._index.kept_above(ancestor)
        if above is not None and self._witnesses.hash_of(above[0]) == above[1]:
            reason = "it had another hash for a block that is still there"
            raise NodeContradiction(url=wire.place, block=above[0], reason=reason)

    def _adapt(self, read: Stretch) -> None:
        """More blocks where there was little in them, fewer where there was much."""
        if len(read.happenings) > _TOO_MANY:
            self._span = replace(self._span, blocks=max(1, len(read.headers) // 2))
        elif len(read.happenings) < _AT_EASE and len(read.headers) >= self._span.blocks:
            self._span = self._span.grown()

    def _read_on(self, wire: Wire, number: int, head: int, tail: Tail) -> None:
        """Begin with the next stretch, if all of it is final."""
        last = number + self._span.blocks
        if self._pool is not None and tail.final is not None and last <= min(tail.final, head):
            watch = self._reader.events.watch
            future = self._pool.submit(stretch, wire, watch, number + 1, last, by_hash=False)
            self._ahead = number + 1, last, future

    def _settle(self, wire: Wire, page: Page, state: Header, ancestor: int) -> None:
        """Put in what only the state tells: who submitted a batch, and whether the ledger wrote a record."""
        ledger, found = self._reader.events.ledger, page.verifications
        roots = sorted({each.root for each in found if each.caller is None and each.root is not None})
        if roots:
            told = dict(zip(roots, batch_submitters(wire, ledger, roots, state.hash), strict=True))
            callers = [told[each.root] if each.caller is None and each.root is not None else None for each in found]
            page.verifications = [
                each if caller is None else replace(each, caller=checksummed(caller))
                for each, caller in zip(found, callers, strict=True)
            ]
        doubtful = [at for at, stored in enumerate(page.stored) if stored is None]
        if not doubtful:
            return
        ids = [found[at].inference_id for at in doubtful]
        numbers = dict(zip(doubtful, record_blocks(wire, ledger, ids, state.hash), strict=True))
        written = self._index.recorded(ids, ancestor)
        batches = {number for _, _, number, *_ in page.rows.get(tables.batches, ())}
        for at, each in enumerate(found):
            if at in numbers:
                page.stored[at] = self._is_stored(wire, each, numbers[at], written, batches)
            if page.stored[at]:
                written.add(each.inference_id)

    def _is_stored(self, wire: Wire, each: Verification, at: int, written: set[str], batches: set[int]) -> bool:
        """Whether the ledger wrote its record in the block of a verification, by the block that its record names, 0 for none.

        A row of a batch that got a record of its own names the block of the batch; only then the state before and after is asked for.
        """
        number = each.header.number
        if at == 0 or at > number or each.inference_id in written:
            return False
        if at == number and number not in batches:
            return True
        ledger, ids = self._reader.events.ledger, [each.inference_id]
        (now,), (before,) = (record_blocks(wire, ledger, ids, at) for at in (each.header.hash, each.header.parent_hash))
        return now > 0 and before == 0

    def _header(self, wire: Wire, number: int) -> Header:
        (header,) = headers(wire, [number])
        if header is None:
            raise RpcFailed(method="eth_getBlockByNumber", reason=f"it has no block {number}")
        return header
