"""A signer that fails or takes its time is its own key's trouble, and nobody else's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from eth_account import Account

from bridge.chain.account import KeySigner
from bridge.chain.fee import Fee
from bridge.chain.preset import GWEI
from bridge.chain.signature import Signed
from bridge.core.word import Address, Hex32, hex32
from bridge.errors import BridgeError, InsufficientFunds, SignerDeclined, SignerUnreachable
from bridge.relay import keys as room
from bridge.relay.draft import filler
from bridge.relay.job import Request, State
from bridge.relay.keys import Key
from bridge.relay.lanes import Lanes
from bridge.relay.submission import Call
from bridge.relay.tick import Tick
from tests.relay.stage import CAPS, DEPTH, NOBODY, Stage

SECOND = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"


@dataclass
class Elsewhere:
    """A signer in another process, with what can go wrong there."""

    key: str = SECOND
    failure: Exception | None = None
    gate: threading.Event = field(default_factory=threading.Event)
    asked: int = 0

    def __post_init__(self) -> None:
        self.gate.set()
        self._signer = KeySigner(Account.from_key(self.key))

    @property
    def address(self) -> Address:
        return self._signer.address

    def sign(self, transaction: Mapping[str, Any]) -> Signed:
        self.asked += 1
        self.gate.wait(10)
        if self.failure is not None:
            raise self.failure
        return self._signer.sign(transaction)


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    signer = Elsewhere()
    yield signer
    signer.gate.set()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_LEFT_SECONDS", 1.5)
    monkeypatch.setattr(room, "_REST_SECONDS", 3.0)


def until(lanes: Lanes, is_so: Callable[[], bool]) -> None:
    """Turns of the loop until something is so."""
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        lanes.tick()
        lanes.rest(0.02)


def sent(stage: Stage, *statements: Hex32) -> bool:
    return all(stage.state(each) is State.SENT for each in statements)


def test_two_keys_share_the_work_evenly_in_one_turn(stage: Stage, elsewhere: Elsewhere) -> None:
    statements = [stage.submit() for _ in range(6)]
    lanes = stage.lanes(CAPS, (stage.signer, elsewhere))
    assert lanes.tick() == {stage.signer.address: Tick(offered=3), elsewhere.address: Tick(offered=3)}
    stage.mine(1 + DEPTH)
    assert lanes.tick() == {address: Tick(mined=3, final=3) for address in lanes.addresses}
    assert {stage.state(each) for each in statements} == {State.FINAL}


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (SignerUnreachable(signer="the cloud", reason="HTTP 503"), SignerUnreachable),
        (SignerDeclined(signer="the cloud", reason="no"), SignerDeclined),
        (RuntimeError("a library's own"), SignerUnreachable),
    ],
)
def test_a_signer_that_fails_holds_its_key_and_the_others_take_its_share(
    failure: Exception, told: type[BridgeError], stage: Stage, elsewhere: Elsewhere
) -> None:
    statements = [stage.submit() for _ in range(4)]
    elsewhere.failure = failure
    lanes = stage.lanes(CAPS, (stage.signer, elsewhere))
    ticks = lanes.tick()
    assert ticks[stage.signer.address] == Tick(offered=2)
    assert isinstance(ticks[elsewhere.address].held, told)
    assert lanes.tick()[stage.signer.address] == Tick(offered=2)
    assert sent(stage, *statements)
    assert elsewhere.asked == 1, "it rests, and is not asked at every turn"
    elsewhere.failure = None
    until(lanes, lambda: lanes._keys[elsewhere.address].is_free)
    stage.submit()
    stage.submit()
    assert lanes.tick()[elsewhere.address].offered, "and is asked again after a while"


def test_the_only_signer_fails_and_everything_waits_for_it(stage: Stage, elsewhere: Elsewhere) -> None:
    statement = stage.submit()
    elsewhere.failure = SignerUnreachable(signer="the cloud", reason="HTTP 503")
    lanes = stage.lanes(CAPS, (elsewhere,))
    lanes.tick()
    assert stage.state(statement) is State.CHECKED
    elsewhere.failure = None
    until(lanes, lambda: sent(stage, statement))


def test_a_slow_signer_is_waited_for_by_its_own_key_alone(stage: Stage, elsewhere: Elsewhere) -> None:
    elsewhere.gate.clear()
    lanes = stage.lanes(CAPS, (stage.signer, elsewhere))
    first = [stage.submit() for _ in range(2)]
    started = time.monotonic()
    assert lanes.tick() == {stage.signer.address: Tick(offered=1), elsewhere.address: Tick()}
    later = [stage.submit() for _ in range(3)]
    assert lanes.tick()[stage.signer.address] == Tick(offered=3), "the others go on"
    assert time.monotonic() - started < 2
    assert sorted(map(stage.state, first)) == [State.CHECKED, State.SENT]
    elsewhere.gate.set()
    until(lanes, lambda: sent(stage, *first, *later))
    assert [slot.nonce for slot in stage.outbox.slots(elsewhere.address)] == [0]


def test_what_a_signer_does_not_sign_in_time_another_offers_and_it_is_sent_once(
    stage: Stage, elsewhere: Elsewhere
) -> None:
    elsewhere.gate.clear()
    lanes = stage.lanes(CAPS, (stage.signer, elsewhere))
    statements = [stage.submit() for _ in range(2)]
    lanes.tick()
    until(lanes, lambda: sent(stage, *statements))
    assert len(stage.outbox.slots(stage.signer.address)) == 2
    elsewhere.gate.set()
    until(lanes, lambda: not lanes._keys[elsewhere.address].in_hand)
    assert stage.outbox.slots(elsewhere.address) == (), "its signature came too late and was thrown away"
    stage.mine(1 + DEPTH)
    lanes.tick()
    assert {stage.state(each) for each in statements} == {State.FINAL}
    assert stage.rpc.nonce(elsewhere.address, "pending") == 0


def test_a_nonce_that_was_used_while_a_signer_was_slow_is_not_offered(stage: Stage, elsewhere: Elsewhere) -> None:
    elsewhere.gate.clear()
    lanes = stage.lanes(CAPS, (elsewhere,))
    statement = stage.submit()
    lanes.tick()
    fields = {"to": NOBODY, "value": 1, "nonce": 0, "gas": 21_000, "chainId": 31337}
    fees = {"maxFeePerGas": 100 * GWEI, "maxPriorityFeePerGas": 100 * GWEI}
    stage.rpc.send_raw(Account.from_key(SECOND).sign_transaction({**fields, **fees}).raw_transaction)
    stage.mine()
    lanes.tick()
    elsewhere.gate.set()
    until(lanes, lambda: sent(stage, statement))
    (slot,) = stage.outbox.slots(elsewhere.address)
    assert slot.nonce == 1


def test_a_key_without_coin_lets_the_others_pay(stage: Stage, elsewhere: Elsewhere) -> None:
    stage.rpc.raw("anvil_setBalance", elsewhere.address, "0x1")
    lanes = stage.lanes(CAPS, (elsewhere, stage.signer))
    statements = [stage.submit() for _ in range(2)]
    ticks = lanes.tick()
    assert isinstance(ticks[elsewhere.address].held, InsufficientFunds)
    until(lanes, lambda: sent(stage, *statements))
    assert len(stage.outbox.slots(stage.signer.address)) == 2


def test_what_only_a_full_key_may_send_keeps_nothing_from_the_others(stage: Stage, elsewhere: Elsewhere) -> None:
    """Who claims a request has to fulfil it: its calls wait for one key, and the queue behind them does not."""
    claim = stage.submit()
    bound = [follow_up(stage, claim, number) for number in range(900, 910)]
    stage.lanes(replace(CAPS, in_flight=1), (elsewhere,)).tick()
    assert [stage.outbox.submission(each).sender for each in bound] == [elsewhere.address] * 10  # type: ignore[union-attr]
    stage.mine(1 + DEPTH)
    stage.now += 1
    free = stage.submit()
    both = stage.lanes(replace(CAPS, in_flight=1), (elsewhere, stage.signer))
    both.tick()
    assert sent(stage, free)
    assert [stage.state(each) for each in bound].count(State.SENT) == 1


def follow_up(stage: Stage, before: Hex32, number: int) -> Hex32:
    """A call that comes after another one, by the same key."""
    job = stage.journal.request(f"after {number}", Request(31337, hex32(1), "b" * 64, f"{number:064x}"))
    stage.journal.witnessed(job, "c" * 64)
    stage.journal.proved(job, "d" * 64, 1.0)
    first = Call(before, NOBODY, "record", b"")
    stage.journal.checked(job, hex32(number), first, Call(hex32(number), NOBODY, "record", b""))
    return hex32(number)


def test_a_key_that_signs_is_given_nothing_more(elsewhere: Elsewhere) -> None:
    key = Key(elsewhere, 31337, lambda: None)
    assert key.is_free
    assert key.take() == ([], None)
    elsewhere.gate.clear()
    key.give([filler(key.address, 0, Fee(2, 1))])
    assert not key.is_free
    assert key.take() == ([], None), "not yet"
    elsewhere.gate.set()
    key.wait()
    (made,), failure = key.take()
    assert (made[1].nonce, failure) == (0, None)
    assert key.is_free


def test_a_signer_that_was_gone_for_days_is_asked_again_and_its_words_are_kept_to_itself(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_REST_SECONDS", 1e-9)
    key = Key(elsewhere, 31337, lambda: None)
    elsewhere.failure = RuntimeError("https://user:s3cret@cloud")
    for _ in range(1100):  # 2**1024 is no float any more
        key.give([filler(key.address, 0, Fee(2, 1))])
        until_over(key)
        _, failure = key.take()
        assert isinstance(failure, SignerUnreachable)
        assert "s3cret" not in str(failure)
    assert 0 <= key._rests_until - time.monotonic() + 1 < 2
    elsewhere.failure = None
    key.give([filler(key.address, 0, Fee(2, 1))])
    until_over(key)
    (made,), failure = key.take()
    assert (made[1].nonce, failure) == (0, None)


def until_over(key: Key) -> None:
    deadline = time.monotonic() + 10
    while not key.has_news:
        assert time.monotonic() < deadline
        time.sleep(0.0001)
