"""Keys and their nonces on a real chain: offered, followed, raised, repaired."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account import Account

from bridge.chain.account import KeySigner
from bridge.chain.nodes import Nodes
from bridge.chain.preset import GWEI
from bridge.core.word import Address
from bridge.errors import BudgetSpent, FeeAboveCap, RpcUnreachable
from bridge.relay.job import State
from bridge.relay.outbox import Outbox
from bridge.relay.submission import SlotState
from bridge.relay.tick import Tick
from tests.chain.proxy import Proxy, proxied
from tests.relay.stage import CAPS, DEPTH, NOBODY, Stage


def test_what_waits_is_offered_mined_and_final(stage: Stage) -> None:
    lane, statements = stage.lane(), [stage.submit() for _ in range(3)]
    assert lane.tick() == Tick(offered=3)
    assert [stage.state(each) for each in statements] == [State.SENT] * 3
    assert [slot.nonce for slot in stage.outbox.slots(lane.address)] == [0, 1, 2]
    assert lane.tick() == Tick(), "nothing to do while it is not mined"
    stage.mine()
    assert lane.tick() == Tick(mined=3)
    assert [stage.state(each) for each in statements] == [State.MINED] * 3
    stage.mine(DEPTH - 1)
    assert lane.tick() == Tick(), "not deep enough"
    stage.mine()
    assert lane.tick() == Tick(final=3)
    assert [stage.state(each) for each in statements] == [State.FINAL] * 3
    assert stage.outbox.slots(lane.address) == ()
    assert stage.outbox.spent_since(lane.address, 0.0) > 3 * 21_000 * GWEI
    assert stage.outbox.next_nonce(lane.address) == stage.nonce == 3


def test_a_relayer_that_was_killed_before_it_sent_sends_the_same_transaction(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = stage.submit()

    def dying(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Nodes, "send", dying)
        with pytest.raises(KeyboardInterrupt):
            stage.lane().tick()
    assert stage.state(statement) is State.SIGNED
    (slot,) = stage.outbox.slots(stage.signer.address)
    assert slot.newest.sent_at is None
    assert not stage.rpc.knows_transaction(slot.newest.tx_hash)
    assert stage.lane().tick() == Tick(again=1)
    assert stage.rpc.knows_transaction(slot.newest.tx_hash)
    assert stage.state(statement) is State.SENT


def test_one_that_was_killed_after_it_sent_does_not_send_another(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    statement = stage.submit()
    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "sent", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            stage.lane().tick()
    assert stage.state(statement) is State.SIGNED
    stage.mine()
    assert stage.lane().tick() == Tick(mined=1)
    assert stage.state(statement) is State.MINED
    assert stage.nonce == 1


def test_what_a_node_lost_is_sent_again(stage: Stage) -> None:
    lane, statement = stage.lane(), stage.submit()
    lane.tick()
    stage.rpc.raw("anvil_dropAllTransactions")
    assert lane.tick() == Tick(again=1)
    stage.mine()
    assert lane.tick() == Tick(mined=1)
    assert stage.state(statement) is State.MINED


def test_an_offer_that_nobody_mines_is_raised_by_a_tenth_at_least(stage: Stage) -> None:
    lane, statement = stage.lane(), stage.submit()
    lane.tick()
    stage.now += CAPS.outbid_after
    assert lane.tick() == Tick(), "not yet"
    stage.now += 1
    assert lane.tick() == Tick(raised=1)
    (slot,) = stage.outbox.slots(lane.address)
    first, second = slot.offers
    assert second.fee.max_fee_wei * 100 >= first.fee.max_fee_wei * 110
    assert second.fee.priority_wei * 100 >= first.fee.priority_wei * 110  # type: ignore[union-attr]
    assert lane.tick() == Tick(), "it is new"
    stage.mine()
    assert lane.tick() == Tick(mined=1)
    found = stage.outbox.submission(statement)
    assert found is not None
    assert found.tx_hash == second.tx_hash
    assert stage.nonce == 1


def test_an_offer_is_raised_to_the_market_where_that_is_higher_and_never_over_the_cap(stage: Stage) -> None:
    lane = stage.lane()
    stage.submit()
    lane.tick()
    stage.now += 60
    stage.rpc.raw("anvil_setNextBlockBaseFeePerGas", hex(50 * GWEI))
    stage.rpc.raw("evm_mine")
    capped = stage.lane(replace(CAPS, max_fee_wei=60 * GWEI))
    assert capped.tick() == Tick(raised=1)
    assert stage.outbox.slots(lane.address)[0].newest.fee.max_fee_wei == 60 * GWEI
    stage.now += 60
    assert isinstance(capped.tick().held, FeeAboveCap), "a tenth more is over it"
    assert lane.tick() == Tick(raised=1)
    assert stage.outbox.slots(lane.address)[0].newest.fee.max_fee_wei > 66 * GWEI


def test_only_what_is_first_in_line_is_raised(stage: Stage) -> None:
    lane = stage.lane()
    for _ in range(3):
        stage.submit()
    lane.tick()
    stage.now += 60
    assert lane.tick() == Tick(raised=1)
    assert [len(slot.offers) for slot in stage.outbox.slots(lane.address)] == [2, 1, 1]


def test_after_a_reorganisation_everything_is_sent_again_and_mined_once(stage: Stage) -> None:
    lane, statements = stage.lane(), [stage.submit() for _ in range(3)]
    lane.tick()
    stage.mine()
    lane.tick()
    stage.rpc.raw("anvil_reorg", 1, [])
    assert stage.nonce == 0
    assert stage.outbox.spent_since(lane.address, 0.0)
    assert lane.tick() == Tick(gone=3, again=3)
    assert [stage.state(each) for each in statements] == [State.SENT] * 3
    assert stage.outbox.spent_since(lane.address, 0.0) == 0
    stage.mine(1 + DEPTH)
    assert lane.tick() == Tick(mined=3, final=3)
    assert stage.nonce == 3


def test_a_nonce_that_was_used_from_outside_is_given_up_once_that_is_final(stage: Stage) -> None:
    lane, statement = stage.lane(), stage.submit()
    lane.tick()
    stage.rpc.raw("anvil_dropAllTransactions")
    stage.outside(0)
    stage.mine()
    assert lane.tick() == Tick(), "its block may go"
    stage.mine(DEPTH)
    assert lane.tick() == Tick(lost=1, offered=1)
    stage.mine(1 + DEPTH)
    assert lane.tick() == Tick(mined=1, final=1)
    assert stage.state(statement) is State.FINAL
    assert stage.nonce == 2


def test_an_outside_transaction_that_waits_is_not_overwritten(stage: Stage) -> None:
    stage.outside(0)
    lane = stage.lane()
    stage.submit()
    assert lane.tick() == Tick(offered=1)
    assert stage.outbox.slots(lane.address)[0].nonce == 1


def test_a_gap_is_filled_after_a_while(stage: Stage) -> None:
    """Somebody used the key, its transaction vanished, and ours wait behind it for ever."""
    stage.outside(0)
    lane, statement = stage.lane(), stage.submit()
    lane.tick()
    (slot,) = stage.outbox.slots(lane.address)
    stage.rpc.raw("anvil_dropAllTransactions")
    assert lane.tick() == Tick(again=1)
    stage.now += CAPS.fill_after - 1
    assert lane.tick() == Tick(), "it may come back"
    stage.now += 2
    assert lane.tick() == Tick(filled=1)
    stage.mine(1 + DEPTH)
    assert lane.tick() == Tick(mined=2, final=2)
    assert stage.state(statement) is State.FINAL
    assert (slot.nonce, stage.nonce) == (1, 2)


def test_a_call_that_reverts_is_never_sent(stage: Stage) -> None:
    reverting = Address("0x2222222222222222222222222222222222222222")
    stage.rpc.raw("anvil_setCode", reverting, "0x5f5ffd")
    lane, bad, good = stage.lane(), stage.submit(to=reverting), stage.submit()
    assert lane.tick() == Tick(offered=1)
    assert stage.state(bad) is State.FAILED
    assert stage.state(good) is State.SENT
    (job,) = (job for job in stage.journal.newest(31337) if job.statement == bad)
    assert (job.state, job.reason) == (State.FAILED, "ContractReverted")


def test_a_failure_on_the_chain_waits_for_depth_too(stage: Stage) -> None:
    """Between the dry run and the block the contract changed its mind."""
    lane, statement = stage.lane(), stage.submit()
    lane.tick()
    stage.rpc.raw("anvil_setCode", NOBODY, "0x5f5ffd")
    stage.mine()
    assert lane.tick() == Tick(mined=1)
    assert stage.state(statement) is State.MINED
    stage.mine(DEPTH)
    assert lane.tick() == Tick(final=1)
    assert stage.state(statement) is State.FAILED
    assert stage.outbox.spent_since(lane.address, 0.0), "a failure is paid for as well"


def test_what_the_ledger_has_is_not_sent(stage: Stage) -> None:
    lane, statement = stage.lane(), stage.submit()
    stage.recorded[statement] = 0
    assert lane.tick() == Tick()
    assert stage.state(statement) is State.MINED
    assert stage.nonce == 0
    stage.mine(DEPTH)
    lane.tick()
    assert stage.state(statement) is State.FINAL


def test_a_record_of_somebody_else_that_is_gone_again_is_made_anew(stage: Stage) -> None:
    lane, statement = stage.lane(), stage.submit()
    stage.recorded[statement] = 1
    lane.tick()
    assert stage.state(statement) is State.MINED
    stage.recorded.clear()
    assert lane.tick() == Tick(offered=1)
    assert stage.state(statement) is State.SENT


def test_caps_hold(stage: Stage) -> None:
    cost = 30_000 * 10 * GWEI
    stage.submit()
    told = stage.lane(replace(CAPS, transaction_wei=1)).tick()
    assert isinstance(told.held, BudgetSpent)
    assert told.held.span == "one transaction"
    for _ in range(9):
        stage.submit()
    few = stage.lane(replace(CAPS, in_flight=4))
    assert few.tick() == Tick(offered=4)
    assert few.tick() == Tick()
    stage.mine(1 + DEPTH)
    assert few.tick() == Tick(mined=4, final=4, offered=4)
    stage.mine()
    spent = stage.outbox.spent_since(few.address, 0.0)
    poor = stage.lane(replace(CAPS, hour_wei=spent + cost // 100))
    told = poor.tick()
    assert isinstance(told.held, BudgetSpent)
    assert told.held.span == "an hour"
    stage.now += 3601
    assert stage.lane(replace(CAPS, hour_wei=10**18)).tick().offered == 2


def test_a_node_that_lags_or_is_gone_is_passed_over(stage: Stage) -> None:
    with proxied(stage.rpc.place) as proxy:
        assert isinstance(proxy, Proxy)
        statement = stage.submit()
        lane = stage.lane(CAPS, stage.rpc.place, proxy.url)
        proxy.go_silent()
        assert isinstance(lane.tick().held, RpcUnreachable), "one of two is no quorum"
        proxy.heal()
        both = stage.lane(CAPS, stage.rpc.place, proxy.url, stage.rpc.place)
        proxy.go_silent()
        assert both.tick().held is None
        stage.mine(1 + DEPTH)
        both.tick()
        assert stage.state(statement) is State.FINAL


def test_two_lanes_share_the_work_and_never_a_statement(stage: Stage) -> None:
    other = KeySigner(Account.from_key("0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"))
    statements = [stage.submit() for _ in range(6)]
    one = stage.lane(replace(CAPS, in_flight=3))
    stage.signer = other
    two = stage.lane()
    assert one.tick() == Tick(offered=3)
    assert two.tick() == Tick(offered=3)
    stage.mine(1 + DEPTH)
    one.tick()
    two.tick()
    assert {stage.state(each) for each in statements} == {State.FINAL}
    assert all(slot.state is SlotState.OPEN for slot in stage.outbox.slots(one.address))
