"""The pool of waiting transactions that a strict node keeps by its own rules; Anvil's pool behind it is only a copy.

A transaction that geth would let wait and Anvil would not take (its fee is below the base fee, or rose above it later) is held
here and offered again with every new block. Replicas of one network share one pool. Anvil itself may mine at any time: what
became of a transaction is read from the sender's nonce, before each decision.
"""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.sim.rules import REFUSED, Rules
from tests.sim.signed import SignedTx, read_signed
from tests.sim.tally import Tally
from tests.sim.wire import Json, RefusedError, Upstream

_BELOW_BASE_FEE = "max fee per gas less than block base fee"
_HAS_IT = "already imported"


@dataclass(slots=True)
class _Sender:
    """What waits of one sender."""

    nonce: int = 0
    """The first that is not mined."""
    waiting: dict[int, SignedTx] = field(default_factory=dict)
    executable: int = 0
    """The first nonce that is not there: what is below it can be mined, what is above is queued."""
    cost: int = 0
    """Of all that waits."""

    def put(self, tx: SignedTx) -> None:
        self.take(tx.nonce)
        self.waiting[tx.nonce] = tx
        self.cost += tx.cost
        self._advance()

    def take(self, nonce: int) -> SignedTx | None:
        tx = self.waiting.pop(nonce, None)
        if tx is not None:
            self.cost -= tx.cost
            self.executable = min(self.executable, nonce)
        return tx

    def move_to(self, nonce: int) -> None:
        """The chain stands at another nonce."""
        if nonce != self.nonce:
            for done in [waiting for waiting in self.waiting if waiting < nonce]:
                self.take(done)
            self.executable = nonce if nonce < self.nonce else max(nonce, self.executable)
            self.nonce = nonce
            self._advance()

    @property
    def queued(self) -> int:
        return len(self.waiting) - (self.executable - self.nonce)

    def _advance(self) -> None:
        while self.executable in self.waiting:
            self.executable += 1


class Mempool:
    """One network's waiting transactions; safe for threads, and one thing at a time."""

    def __init__(
        self, upstream: Upstream, rules: Rules | None = None, *, tally: Tally | None = None, seed: int = 0
    ) -> None:
        self.upstream = upstream
        self.rules = rules or Rules()
        self.tally = tally or Tally()
        self._random = random.Random(f"mempool {seed}")
        self._lock = threading.RLock()
        self._senders: defaultdict[str, _Sender] = defaultdict(_Sender)
        self._by_hash: dict[str, tuple[str, SignedTx]] = {}
        self._held: set[str] = set()
        self._head: str | None = None
        self._block_gas = 0
        self._signers: dict[str, str] = {}

    def submit(self, raw: str) -> str:
        """Take a signed transaction and give its hash. Raises `RefusedError` in geth's words."""
        try:
            tx = read_signed(raw)
            sender = self.sender(tx)
        except ValueError as error:
            raise RefusedError(REFUSED, str(error)) from None
        with self._lock:
            balance, nonce = self._look(sender)
            if tx.hash in self._by_hash:
                raise RefusedError(REFUSED, "already known")
            self.rules.check_alone(tx, self._block_gas)
            self._check_in_state(tx, self._senders[sender], balance, nonce)
            self._make_room(tx)
            old = self._senders[sender].waiting.get(tx.nonce)
            self._put(sender, tx)
            self._forget_the_far_future(sender)
            problem = self._offer(sender, tx) if tx.hash in self._by_hash else None
            if problem is not None:
                if old is not None:
                    self._put(sender, old)
                raise RefusedError(REFUSED, problem)
        return tx.hash

    def sender(self, tx: SignedTx) -> str:
        """Who signed, in small letters. Raises ValueError where nobody did."""
        known = self._signers.get(tx.hash)
        if known is None:
            known = self._signers[tx.hash] = tx.sender(self.upstream)
        return known

    def waiting(self, sender: str | None = None) -> list[str]:
        """Hashes of what waits, by sender and nonce."""
        with self._lock:
            self._look()
            names = sorted(self._senders) if sender is None else [sender.lower()]
            return [tx.hash for name in names for _, tx in sorted(self._senders[name].waiting.items())]

    def held(self) -> set[str]:
        """Hashes of what waits here and not in Anvil."""
        with self._lock:
            self._look()
            return set(self._held)

    def pending_nonce(self, sender: str) -> int:
        """The next nonce of a sender after what waits without a gap."""
        with self._lock:
            _, nonce = self._look(sender.lower())
            return max(nonce, self._senders[sender.lower()].executable)

    def transaction(self, tx_hash: str) -> Json | None:
        """A waiting transaction as eth_getTransactionByHash gives it."""
        with self._lock:
            found = self._by_hash.get(tx_hash.lower())
        return None if found is None else _document(*found)

    def evict(self, *hashes: str) -> list[str]:
        """Forget transactions, as a pool under pressure does; which of them were there."""
        with self._lock:
            self._look()
            gone = [tx_hash for tx_hash in hashes if tx_hash in self._by_hash]
            for tx_hash in gone:
                self._drop(*self._by_hash[tx_hash])
            self.tally.add("evicted", len(gone))
            return gone

    def evict_some(self, count: int) -> list[str]:
        """Forget some, by the seed."""
        with self._lock:
            waiting = self.waiting()
            return self.evict(*self._random.sample(waiting, min(count, len(waiting))))

    def mine(self, blocks: int = 1) -> None:
        """New blocks with what can be mined."""
        for _ in range(blocks):
            with self._lock:
                self._look()
                self.upstream.ask("evm_mine")
        with self._lock:
            self._look()

    def clear(self) -> None:
        """Forget everything without a trace."""
        with self._lock:
            self._senders.clear()
            self._by_hash.clear()
            self._held.clear()
            self._head = None

    def in_blocks(self, first: int, last: int) -> list[str]:
        """The signed transactions of blocks, in their order."""
        blocks = self.upstream.ask_all(
            [("eth_getBlockByNumber", hex(number), False) for number in range(first, last + 1)]
        )
        hashes = [tx_hash for block in blocks for tx_hash in block["transactions"]]
        return self.upstream.ask_all([("eth_getRawTransactionByHash", tx_hash) for tx_hash in hashes])

    def reorganise(self, depth: int, placed: Sequence[tuple[str, int]]) -> list[str]:
        """anvil_reorg with signed transactions put into the new blocks, and what geth does after it: dropped ones wait again.

        Gives the signed transactions that were dropped and are in no new block.
        """
        with self._lock:
            self._look()
            head = int(self.upstream.ask("eth_blockNumber"), 16)
            before = self.in_blocks(max(0, head - depth + 1), head)
            # Without it, blocks with the same transactions are the same blocks: Anvil keeps even their times.
            self.upstream.ask("anvil_setCoinbase", "0x" + self._random.randbytes(20).hex())
            self.upstream.ask("anvil_reorg", depth, [list(pair) for pair in placed])
            again = set(self.in_blocks(max(0, head - depth + 1), head))
            dropped = [raw for raw in before if raw not in again]
            self._refill(raw for raw in dropped if self._random.random() < self.rules.returning)
            return dropped

    def _refill(self, returning: Iterable[str]) -> None:
        """Anvil forgets the order of nonces in its pool when the chain steps back: it gets everything anew."""
        back = [(self.sender(tx), tx) for tx in map(read_signed, returning)]
        for sender in {sender for sender, _ in back}:
            self._move(sender, self._nonce(sender))
        for sender, tx in back:
            known = self._senders[sender]
            if tx.nonce >= known.nonce and tx.nonce not in known.waiting:
                self._put(sender, tx)
                self.tally.add("back in the pool")
        self.upstream.ask("anvil_dropAllTransactions")
        self._held.clear()
        self._head = None
        self._look()

    def _look(self, sender: str | None = None) -> tuple[int, int]:
        """See the chain as it is now; the balance and the nonce of a sender."""
        # A block would weigh as much as its transactions; anvil_nodeInfo can hang Anvil 1.7.1 for good while it mines.
        calls: list[tuple[Any, ...]] = [("anvil_metadata",)]
        if sender is not None:
            calls += [("eth_getBalance", sender, "latest"), ("eth_getTransactionCount", sender, "latest")]
        about, *state = self.upstream.ask_all(calls)
        balance, nonce = (int(word, 16) for word in state) if state else (0, 0)
        if sender is not None:
            self._move(sender, nonce)
        if about["latestBlockHash"] != self._head:
            self._head = about["latestBlockHash"]
            self._catch_up()
        return balance, nonce

    def _catch_up(self) -> None:
        """After a new block: forget what was mined, and see to it that Anvil has the rest."""
        names = [name for name, known in self._senders.items() if known.waiting]
        # The pool first and the nonces after it: what is mined in between then counts as mined, and not as lost.
        block, content, *nonces = self.upstream.ask_all(
            [
                ("eth_getBlockByNumber", "latest", False),
                ("txpool_inspect",),
                *(("eth_getTransactionCount", name, "latest") for name in names),
            ]
        )
        self._block_gas = int(block["gasLimit"], 16)
        there = {
            (name.lower(), number) for part in content.values() for name, numbers in part.items() for number in numbers
        }
        for name, nonce in zip(names, nonces, strict=True):
            self._move(name, int(nonce, 16))
            waiting = sorted(self._senders[name].waiting.items())
            self._offer(name, *(tx for number, tx in waiting if (name, str(number)) not in there))

    def _nonce(self, sender: str) -> int:
        return int(self.upstream.ask("eth_getTransactionCount", sender, "latest"), 16)

    def _move(self, sender: str, nonce: int) -> None:
        known = self._senders[sender]
        if nonce == known.nonce:
            return
        before = list(known.waiting.values())
        known.move_to(nonce)
        for tx in before:
            if tx.nonce not in known.waiting:
                self._by_hash.pop(tx.hash, None)
                self._held.discard(tx.hash)

    def _check_in_state(self, tx: SignedTx, known: _Sender, balance: int, nonce: int) -> None:
        if tx.nonce < nonce:
            raise RefusedError(REFUSED, f"nonce too low: next nonce {nonce}, tx nonce {tx.nonce}")
        old = known.waiting.get(tx.nonce)
        needed = known.cost + tx.cost - (old.cost if old else 0)
        if balance < needed:
            words = f"balance {balance}, queued cost {known.cost}, tx cost {tx.cost}, overshot {needed - balance}"
            raise RefusedError(REFUSED, f"insufficient funds for gas * price + value: {words}")
        if old is not None:
            self.rules.check_replacement(old, tx)

    def _make_room(self, tx: SignedTx) -> None:
        """A full pool loses its cheapest transaction, or refuses one that is cheaper still."""
        if len(self._by_hash) < self.rules.pool_size:
            return
        sender, cheapest = min(self._by_hash.values(), key=lambda item: (item[1].tip, -item[1].nonce))
        if tx.tip <= cheapest.tip:
            raise RefusedError(REFUSED, "transaction underpriced")
        self._drop(sender, cheapest)
        self.tally.add("pushed out of a full pool")

    def _forget_the_far_future(self, sender: str) -> None:
        known = self._senders[sender]
        while known.queued > self.rules.queued_per_sender:
            self._drop(sender, known.waiting[max(known.waiting)])
            self.tally.add("queued too far ahead")

    def _put(self, sender: str, tx: SignedTx) -> None:
        known = self._senders[sender]
        old = known.waiting.get(tx.nonce)
        if old is not None:
            self._by_hash.pop(old.hash, None)
            self._held.discard(old.hash)
        known.put(tx)
        self._by_hash[tx.hash] = (sender, tx)

    def _offer(self, sender: str, *txs: SignedTx) -> str | None:
        """Give them to Anvil, or hold what Anvil would not let wait; what is wrong for good with the last that is refused."""
        refused = None
        answers = self.upstream.try_all([("eth_sendRawTransaction", tx.raw) for tx in txs])
        for tx, answer in zip(txs, answers, strict=True):
            self._held.discard(tx.hash)
            problem = answer.get("error")
            if problem is None or _HAS_IT in problem["message"]:
                continue
            if problem["message"] == _BELOW_BASE_FEE:
                self._held.add(tx.hash)
                continue
            self._senders[sender].take(tx.nonce)
            self._by_hash.pop(tx.hash, None)
            refused = str(problem["message"])
        return refused

    def _drop(self, sender: str, tx: SignedTx) -> None:
        known = self._senders[sender]
        known.take(tx.nonce)
        self._by_hash.pop(tx.hash, None)
        self._held.discard(tx.hash)
        self.upstream.try_all([("anvil_dropTransaction", tx.hash)])
        # Anvil drops also those that stood on it; in geth they wait on, behind a gap.
        later = [known.waiting[nonce] for nonce in sorted(known.waiting) if nonce > tx.nonce]
        self._offer(sender, *(waiting for waiting in later if waiting.hash not in self._held))


def _document(sender: str, tx: SignedTx) -> Json:
    return {
        "hash": tx.hash,
        "type": hex(tx.kind),
        "from": sender,
        "to": tx.to,
        "nonce": hex(tx.nonce),
        "gas": hex(tx.gas),
        "gasPrice": hex(tx.max_fee),
        "maxFeePerGas": hex(tx.max_fee),
        "maxPriorityFeePerGas": hex(tx.tip),
        "value": hex(tx.value),
        "input": "0x" + tx.data.hex(),
        "blockHash": None,
        "blockNumber": None,
        "transactionIndex": None,
    }
