"""Requests at the desk, from the fee to the record, on a real chain with real proofs."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from bridge import operation, verbs
from bridge.chain.desk import ask
from bridge.connection import Connection
from bridge.core.bundle import Bundle
from bridge.core.request import NATIVE, Offer, PaidRequest, RequestState
from bridge.core.rows import Row, row_json
from bridge.core.word import Hex32, hex32, to_bytes
from bridge.database.engine import open_database
from bridge.errors import ContractReverted, RequestUnknown
from bridge.operation import Plan
from bridge.relay.job import Job, State
from bridge.relay.journal import Journal
from bridge.relay.terms import CLAIM_GAS, FULFIL_GAS, Terms
from tests.operation.conftest import PATIENCE, relaying

ETHER = 10**18
OVER = frozenset({RequestState.FULFILLED, RequestState.REFUNDED})
CHAIN_ID = 31337


def offer(connection: Connection, **more: int) -> Offer:
    block = connection.rpc.block()
    assert block is not None
    return Offer(**{"fee": ETHER, "deadline": block.timestamp + 3600, "bond": ETHER // 10, **more})  # type: ignore[arg-type]


def asked(connection: Connection, bundle: Bundle, row: Row, **more: int) -> Hex32:
    request_id, _ = verbs.ask(bundle, row, connection, offer(connection, **more))
    return request_id


def ended(connection: Connection, request_id: Hex32) -> PaidRequest:
    deadline = time.monotonic() + PATIENCE
    while (held := verbs.paid_request(connection, request_id)).state not in OVER:
        assert time.monotonic() < deadline, f"it is {held.state.label} still"
        time.sleep(0.1)
    return held


def jobs(plan: Plan) -> tuple[Job, ...]:
    return Journal(open_database(plan.database)).newest(CHAIN_ID)


def finished(plan: Plan) -> tuple[Job, ...]:
    deadline = time.monotonic() + PATIENCE
    while not (known := jobs(plan)) or not all(job.state.is_over for job in known):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return known


@pytest.fixture
def serving(plan: Plan, bundle: Bundle) -> Plan:
    return replace(plan, serves=(bundle,), pace=replace(plan.pace, desk=0.2))


def test_a_paid_request_is_claimed_proved_and_fulfilled_by_one_key(
    staged: Connection, bundle: Bundle, row: Row, serving: Plan
) -> None:
    before = asked(staged, bundle, row)
    with relaying(staged, serving):
        done = ended(staged, before)
        other = ended(staged, asked(staged, bundle, row))
        known = finished(serving)
    assert (done.state, other.state) == (RequestState.FULFILLED, RequestState.FULFILLED)
    assert len({job.inference_id for job in known}) == 1, "one record, whoever pays for it"
    assert len(verbs.results(staged)) == 1
    assert {job.state for job in known} == {State.FINAL}
    assert {job.request.request_id for job in known} == {before, other.request_id}
    assert done.claimer == other.claimer != NATIVE


def test_rows_of_one_batch_fulfil_each_their_request(
    staged: Connection, batch_bundle: Bundle, row: Row, plan: Plan
) -> None:
    verbs.deploy_model(batch_bundle, staged)
    half = tuple(np.asarray(array, dtype=np.float32) * np.float32(0.5) for array in row)
    ids = [asked(staged, batch_bundle, each) for each in (row, half)]
    with relaying(staged, replace(plan, serves=(batch_bundle,), pace=replace(plan.pace, batch_age=5.0))):
        assert {ended(staged, each).state for each in ids} == {RequestState.FULFILLED}
        known = finished(plan)
    assert len({job.proof for job in known}) == 1, "they were proved together"
    assert len({job.inference_id for job in known}) == 2


@pytest.mark.parametrize(
    ("terms", "more"),
    [
        (Terms(profit=2 * ETHER), {}),
        (Terms(second=10**24), {}),
        (Terms(), {"fee": 1}),
        (Terms(bond=1), {}),
    ],
    ids=["too little is left", "proving is dear", "gas is dear", "the bond is high"],
)
def test_a_request_that_is_not_worth_it_is_left_alone(
    staged: Connection, bundle: Bundle, row: Row, serving: Plan, terms: Terms, more: dict[str, int]
) -> None:
    declined = asked(staged, bundle, row, **more)
    with relaying(staged, replace(serving, terms=terms)):
        time.sleep(2)
    assert verbs.paid_request(staged, declined).state is RequestState.OPEN
    assert jobs(serving) == ()
    with relaying(staged, serving):
        taken = asked(staged, bundle, row)
        assert ended(staged, taken).state is RequestState.FULFILLED, "the next one is taken all the same"


def lies(connection: Connection, bundle: Bundle, row: Row) -> dict[str, tuple[Hex32, bytes]]:
    """Commitments and inputs that do not belong together, or are none."""
    specs = [tensor.spec for tensor in bundle.manifest.circuit.row.inputs]
    honest = row_json(row, specs)
    name = specs[0].name.encode()
    return {
        "another commitment": (hex32(1), honest),
        "no JSON": (hex32(1), b"\xff\xfe"),
        "NaN": (hex32(1), b'{"' + name + b'": [[NaN, 1, 1]]}'),
        "deep": (hex32(1), b"[" * 20_000),
        "out of range": (hex32(1), row_json(tuple(array * 1000 for array in row), specs)),
        "empty": (hex32(1), b""),
    }


def test_inputs_that_lie_are_never_claimed_and_hold_up_nobody(
    staged: Connection, bundle: Bundle, row: Row, serving: Plan
) -> None:
    wallet, desk = staged.wallet(), staged.core().desk
    told = [
        ask(wallet, desk, bundle.model_id, commitment, given, offer(staged))[0]
        for commitment, given in lies(staged, bundle, row).values()
    ]
    with relaying(staged, serving):
        assert ended(staged, asked(staged, bundle, row)).state is RequestState.FULFILLED
    assert {verbs.paid_request(staged, each).state for each in told} == {RequestState.OPEN}
    assert len(jobs(serving)) == 1


def test_a_model_that_is_not_served_is_none_of_ours(
    staged: Connection, bundle: Bundle, batch_bundle: Bundle, row: Row, serving: Plan
) -> None:
    verbs.deploy_model(batch_bundle, staged)
    other = asked(staged, batch_bundle, row)
    with relaying(staged, serving):
        assert ended(staged, asked(staged, bundle, row)).state is RequestState.FULFILLED
    assert verbs.paid_request(staged, other).state is RequestState.OPEN


def test_a_request_that_somebody_else_claims_is_not_paid_for(
    staged: Connection, bundle: Bundle, row: Row, serving: Plan
) -> None:
    """Claimed between the look and the proof: the job ends by name, and the key has spent nothing."""
    lost = asked(staged, bundle, row)
    with relaying(staged, replace(serving, pace=replace(serving.pace, proofs=1))):
        while not jobs(serving):
            time.sleep(0.01)
        core, wallet = staged.core(), staged.wallet()
        data = core.desk.abi.call("claim", to_bytes(lost))
        wallet.execute(core.desk.address, data, label="claim", value=ETHER // 10)
        (job,) = finished(serving)
    assert job.state is State.FAILED
    assert job.reason in {"RequestLost", "ContractReverted"}
    assert "NotOpen" in (job.evidence or "") or "claimed" in (job.evidence or "")
    status = operation.status(staged, serving)
    assert all(purse.spent_hour_wei == 0 for purse in status.purses)


def test_what_nobody_fulfils_is_refunded_and_not_before(staged: Connection, bundle: Bundle, row: Row) -> None:
    wallet = staged.wallet()
    request_id = asked(staged, bundle, row)
    with pytest.raises(ContractReverted, match="TooEarly"):
        verbs.refund(staged, request_id)
    staged.rpc.raw("evm_increaseTime", 3601)
    staged.rpc.raw("evm_mine")
    before = staged.rpc.balance(wallet.address)
    verbs.refund(staged, request_id)
    assert staged.rpc.balance(wallet.address) - before > ETHER * 9 // 10
    assert verbs.paid_request(staged, request_id).state is RequestState.REFUNDED
    with pytest.raises(RequestUnknown):
        verbs.refund(staged, hex32(7))


def test_the_expected_gas_is_what_it_takes(staged: Connection, bundle: Bundle, row: Row, serving: Plan) -> None:
    """Profit is reckoned with constants; they are of the contracts as they are."""
    verify_gas = bundle.manifest.measurements.verify_gas
    assert verify_gas is not None
    with relaying(staged, serving):
        ended(staged, asked(staged, bundle, row))
        finished(serving)
    purse = operation.status(staged, serving).purses[0]
    engine = open_database(serving.database)
    with engine.connect() as connection:
        gas = connection.exec_driver_sql("SELECT SUM(gas_used) FROM spendings").scalar_one()
    expected = CLAIM_GAS + FULFIL_GAS + verify_gas
    assert 0.85 * expected < gas <= expected, purse
