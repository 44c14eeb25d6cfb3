"""A key at work. It signs in a thread of its own: a signer far away may take its time or be gone, and keeps nobody else waiting.

What is signed is no secret and no promise: until it is in the outbox nobody saw it, and it may be thrown away.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bridge.chain.account import Signer
from bridge.chain.signature import Signed
from bridge.core.word import Address, Hex32
from bridge.errors import BridgeError, SignerUnreachable
from bridge.relay.draft import Draft

_PATIENCE = 0.25
"""Seconds that the others wait for a signature."""
_LEFT_SECONDS = 2.0
"""For how long what a key is to sign is left to it while nothing of it is signed; after that others may offer it."""
_REST_SECONDS = 1.0
"""After a signer failed; after each failure more, twice as long as before."""
_DOUBLED = 6
"""How often at most: a signer that was gone for a day is asked again within about a minute."""


@dataclass(slots=True)
class _Work:
    """What a signer was given, and what came of it."""

    drafts: tuple[Draft, ...]
    signed: list[Signed] = field(default_factory=list)
    failure: BridgeError | None = None
    over: threading.Event = field(default_factory=threading.Event)
    since: float = field(default_factory=time.monotonic)
    moved: float = field(default_factory=time.monotonic)
    """When the last of it was signed."""
    is_late: bool = False
    """Whether nobody waits for it any more."""


class Key:
    """One key of a relayer. Use it from one thread."""

    def __init__(self, signer: Signer, chain_id: int, done: Callable[[], None]) -> None:
        """`done` is called, from another thread, when something is signed, or is not, that nobody waited for."""
        self.address: Address = signer.address
        self.gap_since: tuple[int, float] | None = None
        """A nonce that nothing is offered for, and since when."""
        self.is_passed_over = False
        """Whether it could not offer what it was given: the others are asked first, once."""
        self._signer = signer
        self._chain_id = chain_id
        self._done = done
        self._work: _Work | None = None
        self._failures = 0
        self._rests_until = 0.0
        self._was_late = False

    @property
    def is_free(self) -> bool:
        """Whether it can be given something."""
        return self._work is None and time.monotonic() >= self._rests_until

    @property
    def has_news(self) -> bool:
        """Whether there is something to take."""
        return self._work is not None and self._work.over.is_set()

    @property
    def in_hand(self) -> tuple[Draft, ...]:
        """What it is to sign, and has not."""
        return () if self._work is None else self._work.drafts

    @property
    def reserved(self) -> frozenset[Hex32]:
        """Statements that are left to it."""
        if self._work is None or time.monotonic() - self._work.moved > _LEFT_SECONDS:
            return frozenset()
        return frozenset(draft.statement for draft in self._work.drafts if draft.statement is not None)

    def give(self, drafts: Sequence[Draft]) -> None:
        """Begin to sign, in this order."""
        self._work = _Work(tuple(drafts))
        thread = threading.Thread(
            target=_sign, args=(self._signer, self._chain_id, self._work, self._done), daemon=True
        )
        thread.start()

    def wait(self) -> None:
        """For what was given, if it is worth it: whoever was late the last time is not waited for."""
        if self._work is not None and not self._work.is_late:
            patience = 0.0 if self._was_late else self._work.since + _PATIENCE - time.monotonic()
            self._work.is_late = not self._work.over.wait(max(0.0, patience))

    def take(self) -> tuple[list[tuple[Draft, Signed]], BridgeError | None]:
        """What is signed by now, and why the rest is not; nothing while it is at it."""
        work = self._work
        if work is None or not work.over.is_set():
            return [], None
        self._work = None
        self._was_late = work.moved - work.since > _PATIENCE
        if work.failure is None:
            self._failures = 0
        else:
            self._rests_until = time.monotonic() + _REST_SECONDS * 2**self._failures
            self._failures = min(self._failures + 1, _DOUBLED)
        return list(zip(work.drafts, work.signed, strict=False)), work.failure


def _sign(signer: Signer, chain_id: int, work: _Work, done: Callable[[], None]) -> None:
    """Whatever a signer fails with is that key's trouble."""
    try:
        for draft in work.drafts:
            signed = signer.sign(draft.transaction(chain_id))
            if signed is None:
                raise TypeError("an account that only the node can sign for has no nonces here")
            work.signed.append(signed)
            work.moved = time.monotonic()
    except BridgeError as error:
        work.failure = error
    except Exception as error:  # a client library's own, that its door did not know; its words may hold a secret
        work.failure = SignerUnreachable(signer=signer.address, reason=type(error).__name__)
    finally:
        work.over.set()
        if work.is_late:
            done()
