"""Subscribers hear of everything that concerns them, at least once and signed, and of whatever is taken back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.errors import DeliveryUnknown, WebhookConflict, WebhookUnknown, WebhookUrlRefused
from bridge.query.answers.feed import News
from bridge.webhooks.courier import AT_ONCE, Courier
from bridge.webhooks.delivery import BACK_OFF, Deliveries
from bridge.webhooks.post import Post
from bridge.webhooks.signature import check
from bridge.webhooks.subscription import Subscription, Subscriptions, Wish
from tests.webhooks.at_once import AtOnce
from tests.webhooks.chain import CHAIN_ID, MODEL, OTHER_MODEL, Chain
from tests.webhooks.receiver import Receiver, receiver


def write(_connection: Connection, news: News) -> str:
    return json.dumps({"kind": news.kind, "inference": news.inference_id, "number": news.number})


@dataclass
class Stage:
    chain: Chain
    receiver: Receiver
    now: float = 1_000_000.0
    subscriptions: Subscriptions = field(init=False)
    deliveries: Deliveries = field(init=False)
    courier: Courier = field(init=False)

    def __post_init__(self) -> None:
        engine, post = self.chain.engine, Post(may_be_private=True)
        self.subscriptions = Subscriptions(engine, post, clock=lambda: self.now)
        self.deliveries = Deliveries(engine, write, clock=lambda: self.now)
        self.reborn()

    def reborn(self) -> None:
        """A courier that knows nothing."""
        self.courier = Courier(self.subscriptions, self.deliveries, Post(may_be_private=True), clock=lambda: self.now)

    def subscribe(self, **wish: Any) -> Subscription:
        return self.subscriptions.add("alice", self.receiver.url, Wish(CHAIN_ID, **wish))

    def work(self, *, seconds: float = 0.0) -> list[tuple[str, str]]:
        """What was heard by then, kinds and ids, in order of arrival."""
        self.now += seconds
        while self.courier.step(AtOnce()):
            pass
        return [(message["kind"], message["inference"]) for message in self.receiver.messages]


@pytest.fixture
def stage(engine: Engine) -> Iterator[Stage]:
    with receiver() as known:
        yield Stage(Chain(engine), known)


def test_what_is_verified_is_told_once_and_signed(stage: Stage) -> None:
    hook = stage.subscribe()
    one, two = stage.chain.mine("one", "two")
    assert sorted(stage.work()) == sorted([("verified", one), ("verified", two)])
    assert len(stage.work(seconds=100_000)) == 2, "and not again"
    told, body = stage.receiver.came[0]
    assert check(hook.secret, told, body, now=1_000_000).startswith(hook.id)


def test_what_was_before_the_subscription_is_not_told(stage: Stage) -> None:
    stage.chain.mine("before")
    stage.subscribe()
    (after,) = stage.chain.mine("after")
    assert stage.work() == [("verified", after)]


def test_models_and_grades_that_nobody_asked_for_are_not_told(stage: Stage) -> None:
    stage.subscribe(model_id=MODEL, min_grade=Grade.ATTESTED)
    stage.chain.mine("another model", model=OTHER_MODEL)
    stage.chain.mine("too low", grade=Grade.SIGNED)
    (wanted,) = stage.chain.mine("wanted", grade=Grade.ATTESTED)
    assert stage.work() == [("verified", wanted)]


def test_what_a_reorganisation_takes_is_taken_back(stage: Stage) -> None:
    stage.subscribe()
    (stays,) = stage.chain.mine("stays")
    (goes,) = stage.chain.mine("goes")
    stage.work()
    stage.chain.reorganise(1)
    assert stage.work() == [("verified", stays), ("verified", goes), ("retracted", goes)]
    stage.chain.mine("goes")
    assert stage.work()[-1] == ("verified", goes), "and told again where it comes back"


def test_what_is_taken_back_before_anybody_heard_of_it_is_not_told_at_all(stage: Stage) -> None:
    hook = stage.subscribe()
    stage.chain.mine("goes")
    stage.deliveries.plan(hook)
    stage.chain.reorganise(1)
    assert stage.work() == []
    (delivery,) = stage.deliveries.log(hook.id)
    assert delivery.state == "moot"


def test_what_somebody_may_have_heard_of_is_taken_back_after_it(stage: Stage) -> None:
    stage.subscribe()
    stage.receiver.answering = lambda _message: 500
    (goes,) = stage.chain.mine("goes")
    stage.work()
    stage.chain.reorganise(1)
    assert stage.work() == [("verified", goes)], "the first message is not over"
    stage.receiver.answering = lambda _message: 200
    assert stage.work(seconds=10) == [("verified", goes), ("verified", goes), ("retracted", goes)]


@pytest.mark.parametrize(
    ("finality", "settled"), [(Finality.SAFE, {"safe": 1}), (Finality.FINAL, {"safe": 2, "final": 1})]
)
def test_whoever_wants_to_be_sure_hears_of_it_then(stage: Stage, finality: Finality, settled: dict[str, int]) -> None:
    stage.subscribe(min_finality=finality)
    (one,) = stage.chain.mine("one")
    stage.chain.mine("two")
    assert stage.work() == []
    stage.chain.settle(**settled)
    assert stage.work() == [("verified", one)]


def test_whoever_wants_to_be_sure_never_hears_of_what_goes(stage: Stage) -> None:
    stage.subscribe(min_finality=Finality.FINAL)
    stage.chain.mine("goes")
    stage.work()
    stage.chain.reorganise(1)
    (stays,) = stage.chain.mine("stays")
    stage.chain.settle(safe=1, final=1)
    assert stage.work() == [("verified", stays)]


def test_on_a_chain_whose_finality_broke_nothing_is_sure(stage: Stage) -> None:
    stage.subscribe(min_finality=Finality.FINAL)
    (one,) = stage.chain.mine("one")
    stage.chain.settle(safe=1, final=1, broken=1)
    assert stage.work() == []
    stage.chain.settle(safe=1, final=1)
    assert stage.work() == [("verified", one)]


def test_a_message_that_fails_is_tried_again_later_and_later_and_then_given_up(stage: Stage) -> None:
    hook = stage.subscribe()
    stage.receiver.answering = lambda _message: 503
    stage.chain.mine("one")
    waits = []
    for _ in range(len(BACK_OFF) + 1):
        before = len(stage.work())
        (delivery,) = stage.deliveries.log(hook.id)
        waits.append(delivery.due_at - stage.now)
        stage.now = delivery.due_at - 0.001
        assert len(stage.work()) == before, "not a moment sooner"
        stage.now = delivery.due_at
    (delivery,) = stage.deliveries.log(hook.id)
    assert (delivery.state, delivery.tries) == ("gave up", len(BACK_OFF) + 1)
    assert all(abs(wait / told - 1) <= 0.1 for wait, told in zip(waits, BACK_OFF, strict=False))
    tries = stage.deliveries.attempts(delivery)
    assert [(each.status, each.said) for each in tries] == [(503, "HTTP 503")] * (len(BACK_OFF) + 1)
    assert len({told["webhook-id"] for told, _ in stage.receiver.came}) == 1, "it is one message"
    assert len({body for _, body in stage.receiver.came}) == 1


def test_a_message_that_was_given_up_is_sent_again_when_asked(stage: Stage) -> None:
    hook = stage.subscribe()
    stage.receiver.answering = lambda _message: 503
    stage.chain.mine("one")
    for _ in range(len(BACK_OFF) + 1):
        stage.work(seconds=200_000)
    stage.receiver.answering = lambda _message: 200
    (delivery,) = stage.deliveries.log(hook.id)
    stage.deliveries.again(hook.id, delivery.number)
    stage.work()
    assert stage.deliveries.get(hook.id, delivery.number).state == "delivered"


def test_a_receiver_that_is_gone_is_left_alone(stage: Stage) -> None:
    hook = stage.subscribe()
    stage.receiver.answering = lambda _message: 410
    stage.chain.mine("one")
    stage.work()
    stage.chain.mine("two")
    assert len(stage.work(seconds=100_000)) == 1
    assert stage.subscriptions.get(hook.id).ended == "its receiver answered 410 Gone"


def test_a_webhook_that_ended_is_told_nothing_and_keeps_its_log(stage: Stage) -> None:
    hook = stage.subscribe()
    stage.chain.mine("one")
    stage.work()
    stage.chain.mine("two")
    stage.subscriptions.end(hook.id, "its owner said so", owner="alice")
    assert len(stage.work(seconds=100_000)) == 1
    assert len(stage.deliveries.log(hook.id)) == 1
    assert stage.subscriptions.all() == ()
    assert [each.id for each in stage.subscriptions.all(ended=True)] == [hook.id]


def test_one_slow_receiver_keeps_no_other_waiting(stage: Stage) -> None:
    release = threading.Event()

    def slowly(_message: dict[str, Any]) -> int:
        release.wait(20)
        return 200

    def work_until(pool: Executor, count: int, known: Receiver) -> int:
        end = time.monotonic() + 15
        while len(known.came) < count and time.monotonic() < end:
            stage.courier.step(pool)
            time.sleep(0.01)
        return len(known.came)

    with receiver() as quick, ThreadPoolExecutor(AT_ONCE) as pool:
        stage.receiver.answering = slowly
        stage.subscribe()
        stage.subscriptions.add("bob", quick.url, Wish(CHAIN_ID))
        stage.chain.mine(*(f"inference {number}" for number in range(20)))
        assert (work_until(pool, 20, quick), len(stage.receiver.came)) == (20, 2)
        release.set()
        assert work_until(pool, 20, stage.receiver) == 20


def test_a_courier_that_dies_in_the_middle_loses_nothing(stage: Stage) -> None:
    hook = stage.subscribe()
    (one,) = stage.chain.mine("one")
    stage.deliveries.plan(hook)
    stage.deliveries.trying(stage.deliveries.due()[0])  # and there it dies
    stage.reborn()
    assert stage.work() == []
    assert stage.work(seconds=BACK_OFF[0] * 1.2) == [("verified", one)]


def test_planning_twice_makes_nothing_twice(stage: Stage) -> None:
    hook = stage.subscribe()
    stage.chain.mine("one", "two")
    assert (stage.deliveries.plan(hook), stage.deliveries.plan(hook)) == (2, 0)


def test_a_webhook_of_somebody_else_is_none(stage: Stage) -> None:
    hook = stage.subscribe()
    assert stage.subscriptions.get(hook.id, owner="alice") == hook
    assert stage.subscriptions.all(owner="bob") == ()
    for ask in (stage.subscriptions.get, lambda identity, owner: stage.subscriptions.end(identity, "", owner=owner)):
        with pytest.raises(WebhookUnknown):
            ask(hook.id, owner="bob")
    with pytest.raises(DeliveryUnknown):
        stage.deliveries.get(hook.id, 1)


def test_a_secret_and_a_url_are_in_no_log(stage: Stage) -> None:
    hook = stage.subscribe()
    assert hook.secret not in repr(hook)
    assert "of-mine" not in repr(hook)


def test_the_same_key_is_the_same_webhook_and_another_payload_is_refused(stage: Stage) -> None:
    url, add = stage.receiver.url, stage.subscriptions.add
    one = add("alice", url, Wish(CHAIN_ID), key="a")
    assert add("alice", url, Wish(CHAIN_ID), key="a") == one
    assert add("bob", url, Wish(CHAIN_ID), key="a") != one
    assert add("alice", url, Wish(CHAIN_ID)).id != add("alice", url, Wish(CHAIN_ID)).id, (
        "without a key it is another one"
    )
    with pytest.raises(WebhookConflict):
        add("alice", url, Wish(CHAIN_ID, MODEL), key="a")


def test_a_url_that_leads_nowhere_good_is_no_webhook(stage: Stage) -> None:
    strict = Subscriptions(stage.chain.engine, Post())
    with pytest.raises(WebhookUrlRefused):
        strict.add("alice", stage.receiver.url, Wish(CHAIN_ID))
    assert strict.all() == ()
