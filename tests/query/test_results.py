from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge import verbs
from bridge.chain.answer import Receipt
from bridge.chain.contract import core_abis
from bridge.circuit.model import read_model
from bridge.connection import Connection, connect
from bridge.core.bundle import MODEL, Bundle
from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.core.inference import VerifiedInference
from bridge.core.proof import Proof
from bridge.core.word import Address, Hex32, hex32
from bridge.deploy.book import write_book
from bridge.errors import NotDeployed, RpcFailed, RpcUnreachable
from bridge.query.results import Filter
from bridge.relay.submit import Submission, statement
from tests.chain.proxy import Answer, Proxy, Request, proxied, result
from tests.conftest import Example


@pytest.fixture(scope="session")
def proofs(bundle: Bundle, example: Example) -> tuple[Proof, ...]:
    """A proof of every sample row."""
    return tuple(verbs.prove(bundle, row) for row in verbs.read_input(bundle, example.sample))


@pytest.fixture
def submissions(staged: Connection, bundle: Bundle, proofs: tuple[Proof, ...]) -> tuple[Submission, ...]:
    """All of them on the fresh chain, some blocks apart."""
    done = []
    for proof in proofs:
        done.append(verbs.submit(bundle, proof, staged, check=False))
        staged.rpc.raw("anvil_mine", "0x3")
    return tuple(done)


def verify_directly(connection: Connection, bundle: Bundle, proof: Proof) -> Receipt:
    """Through the gateway, past the ledger."""
    core = connection.core()
    said = statement(proof, bundle.manifest.circuit, core)
    data = core.ledger.abi.call("verifyInference", *said.arguments)
    return connection.wallet().execute(core.ledger.address, data, label="verifyInference", abis=core_abis())


def ids(records: tuple[VerifiedInference, ...]) -> list[Hex32]:
    return [record.inference_id for record in records]


def test_a_chain_without_an_inference_has_no_results(staged: Connection) -> None:
    assert verbs.results(staged) == ()


def test_results_are_the_numbers_of_onnxruntime_within_the_measured_fidelity(
    staged: Connection, bundle: Bundle, example: Example, submissions: tuple[Submission, ...]
) -> None:
    records = verbs.results(staged)
    assert ids(records) == [submission.key for submission in submissions]
    reference = read_model(bundle.file(MODEL)).reference()
    allowed = bundle.manifest.fidelity.max_abs_error
    distances = set()
    for record, row in zip(records, verbs.read_input(bundle, example.sample), strict=True):
        (numbers,) = record.outputs
        expected = [float(number) for array in reference.outputs(row) for number in array.reshape(-1)]
        assert numbers == pytest.approx(expected, abs=allowed + 1e-12)
        distances.add(round(expected[0], 3))
    assert len(distances) == len(records), "the rows have outputs of their own, so agreement means something"


def test_a_record_says_where_it_comes_from(
    staged: Connection, bundle: Bundle, submissions: tuple[Submission, ...]
) -> None:
    record, submission = verbs.results(staged)[0], submissions[0]
    block = staged.rpc.block(submission.block_number)
    assert block is not None
    assert record.model_id == bundle.model_id
    assert (record.tx_hash, record.block_number, record.gas_used) == (
        submission.tx_hash,
        submission.block_number,
        submission.gas_used,
    )
    assert record.block_time == block.timestamp
    assert record.submitter == staged.wallet().address
    assert record.grade is Grade.PROVEN
    assert record.recorded


def test_only_the_model_that_was_asked_for_is_answered(
    staged: Connection, bundle: Bundle, other_bundle: Bundle, example: Example, proofs: tuple[Proof, ...]
) -> None:
    verbs.deploy_model(other_bundle, staged)
    ours = verbs.submit(bundle, proofs[0], staged, check=False)
    theirs = verbs.submit(
        other_bundle, verbs.prove(other_bundle, verbs.read_input(other_bundle, example.sample)[0]), staged
    )
    assert ids(verbs.results(staged)) == [ours.key, theirs.key]
    assert ids(verbs.results(staged, Filter(model_id=bundle.model_id))) == [ours.key]
    assert ids(verbs.results(staged, Filter(model_id=other_bundle.model_id))) == [theirs.key]
    assert verbs.results(staged, Filter(model_id=hex32(1))) == ()


def test_a_limit_takes_the_newest(staged: Connection, submissions: tuple[Submission, ...]) -> None:
    every = [submission.key for submission in submissions]
    assert ids(verbs.results(staged, Filter(limit=2))) == every[-2:]
    assert ids(verbs.results(staged, Filter(limit=100))) == every
    assert verbs.results(staged, Filter(limit=0)) == ()


@pytest.mark.parametrize("grade", list(Grade))
def test_a_grade_filter_takes_what_is_at_least_that(
    grade: Grade, staged: Connection, bundle: Bundle, proof: Proof
) -> None:
    """Until there are contracts that record lower grades, the node is made to say that the ledger did."""
    verbs.submit(bundle, proof, staged, check=False)
    with proxied(staged.rpc.place) as proxy:
        behind = connect(rpc=proxy.url, deployments=staged.deployments)
        answer_record(proxy, staged, f"0x{1:064x}{1:064x}{1:064x}{int(grade):064x}")
        (record,) = verbs.results(behind)
        assert record.grade is grade
        for least in Grade:
            assert bool(verbs.results(behind, Filter(min_grade=least))) == (grade >= least)


def answer_record(proxy: Proxy, connection: Connection, answer: str) -> None:
    """Put words into the ledger's mouth about every record."""
    selector = "0x" + connection.core().ledger.abi.call("recordOf", bytes(32))[:4].hex()

    def rule(request: Request) -> Answer:
        call = request["params"][0]
        asked = str(call.get("data") or call.get("input"))
        return result(answer)(request) if asked.startswith(selector) else proxy.forward(request)

    proxy.spoil("eth_call", rule)


def test_a_record_is_mined_then_safe_then_final(staged: Connection, bundle: Bundle, proof: Proof) -> None:
    """Anvil calls a block safe 32 blocks after it, and final after 64."""
    verbs.submit(bundle, proof, staged, check=False)

    def finality() -> Finality:
        (record,) = verbs.results(staged)
        assert all(
            bool(verbs.results(staged, Filter(min_finality=least))) == (record.finality >= least) for least in Finality
        )
        return record.finality

    assert finality() is Finality.MINED
    staged.rpc.raw("anvil_mine", hex(31))
    assert finality() is Finality.MINED
    staged.rpc.raw("anvil_mine", "0x1")
    assert finality() is Finality.SAFE
    staged.rpc.raw("anvil_mine", hex(31))
    assert finality() is Finality.SAFE
    staged.rpc.raw("anvil_mine", "0x1")
    assert finality() is Finality.FINAL


def test_a_node_that_knows_no_finality_tags_answers_mined(staged: Connection, bundle: Bundle, proof: Proof) -> None:
    verbs.submit(bundle, proof, staged, check=False)
    staged.rpc.raw("anvil_mine", hex(64))
    with proxied(staged.rpc.place) as proxy:

        def rule(request: Request) -> Answer | None:
            tagged = request["params"][0] in {"safe", "finalized"}
            return result(None)(request) if tagged else proxy.forward(request)

        behind = connect(rpc=proxy.url, deployments=staged.deployments)
        assert verbs.results(behind)[0].finality is Finality.FINAL
        proxy.spoil("eth_getBlockByNumber", rule)
        assert verbs.results(behind)[0].finality is Finality.MINED


def test_a_verification_past_the_ledger_is_a_result_that_is_not_recorded(
    staged: Connection, bundle: Bundle, proof: Proof
) -> None:
    receipt = verify_directly(staged, bundle, proof)
    (record,) = verbs.results(staged)
    assert (record.recorded, record.grade, record.tx_hash) == (False, Grade.PROVEN, receipt.tx_hash)
    assert record.submitter == staged.wallet().address
    verbs.submit(bundle, proof, staged, check=False)
    (record,) = verbs.results(staged)
    assert record.recorded


def test_a_statement_that_was_verified_twice_appears_once(
    staged: Connection, bundle: Bundle, proofs: tuple[Proof, ...]
) -> None:
    first = verify_directly(staged, bundle, proofs[0])
    verify_directly(staged, bundle, proofs[1])
    verify_directly(staged, bundle, proofs[0])
    records = verbs.results(staged)
    assert len(records) == 2
    assert records[0].tx_hash == first.tx_hash


def test_an_event_of_another_contract_is_no_result(staged: Connection, bundle: Bundle, proof: Proof) -> None:
    verbs.submit(bundle, proof, staged, check=False)
    before = verbs.results(staged)
    impostor = Address("0x" + "77" * 20)
    topic = staged.core().ledger.abi.topic("InferenceVerified")
    staged.rpc.raw("anvil_setCode", impostor, "0x" + _event_emitter(topic))
    staged.wallet().execute(impostor, b"", label="emitting")
    assert len(staged.rpc.logs(impostor, [topic], 0, staged.rpc.block_number())) == 1
    assert verbs.results(staged) == before


def _event_emitter(topic: Hex32) -> str:
    """PUSH32 topic, PUSH1 0, PUSH1 0, LOG1."""
    return f"7f{topic[2:]}60006000a1"


def test_many_records_are_read_over_bounded_ranges(staged: Connection, submissions: tuple[Submission, ...]) -> None:
    whole = verbs.results(staged)
    assert len(whole) == len(submissions)
    with proxied(staged.rpc.place) as proxy:
        behind = connect(rpc=proxy.url, deployments=staged.deployments)
        small = replace(behind, preset=replace(behind.preset, log_range=4))
        assert verbs.results(small) == whole
        topic = staged.core().ledger.abi.topic("InferenceVerified")
        spans = [
            int(query["toBlock"], 16) - int(query["fromBlock"], 16) + 1
            for (query,) in proxy.asked("eth_getLogs")
            if query["topics"][0] == topic
        ]
    assert len(spans) > 3
    assert max(spans) <= 4


def test_what_stands_on_the_chain_is_enough_to_decode_it(
    staged: Connection, submissions: tuple[Submission, ...], tmp_path: Path
) -> None:
    book = staged.book()
    assert book.models
    write_book(tmp_path / "other", replace(book, models={}))
    stranger = replace(staged, deployments=tmp_path / "other")
    assert stranger.book().models == {}
    assert verbs.results(stranger) == verbs.results(staged)
    assert len(verbs.results(stranger)) == len(submissions)


Mutation = Callable[[dict[str, Any]], object]

LIES: dict[str, Mutation] = {
    "no data": lambda log: log.update(data="0x"),
    "data cut short": lambda log: log.update(data=log["data"][:-64]),
    "data of no hex": lambda log: log.update(data="0xzz"),
    "an offset beyond memory": lambda log: log.update(data="0x" + "ff" * 32 + log["data"][66:]),
    "a length beyond memory": lambda log: log.update(data=log["data"][:66] + "7f" + "ff" * 31 + log["data"][130:]),
    "an output of broken words": lambda log: log.update(data=f"0x{32:064x}{33:064x}" + "01" * 64),
    "an output of another size": lambda log: log.update(data=f"0x{32:064x}{32:064x}" + "01" * 32),
    "an output that is no field element": lambda log: log.update(data=f"0x{32:064x}{64:064x}" + "ff" * 64),
    "no topics": lambda log: log.update(topics=[]),
    "too few topics": lambda log: log.update(topics=log["topics"][:2]),
    "a topic too many": lambda log: log.update(topics=[*log["topics"], log["topics"][0]]),
    "another event": lambda log: log.update(topics=["0x" + "22" * 32, *log["topics"][1:]]),
    "a model that nobody bound": lambda log: log.update(
        topics=[log["topics"][0], "0x" + "22" * 32, *log["topics"][2:]]
    ),
    "a topic cut short": lambda log: log.update(topics=[log["topics"][0], "0x22", *log["topics"][2:]]),
    "a caller that is no address": lambda log: log.update(topics=[*log["topics"][:3], "0x" + "ff" * 32]),
    "another contract's": lambda log: log.update(address="0x" + "77" * 20),
    "a block that was not asked for": lambda log: log.update(blockNumber="0xffff"),
    "no block": lambda log: log.update(blockNumber=None),
    "no transaction": lambda log: log.pop("transactionHash"),
    "a transaction that nobody sent": lambda log: log.update(transactionHash="0x" + "22" * 32),
}


def lying(proxy: Proxy, connection: Connection, mutate: Mutation) -> None:
    """Spoil every log of the gateway on its way."""
    gateway = connection.core().ledger.address.lower()

    def rule(request: Request) -> Answer:
        status, body = proxy.forward(request)
        document = json.loads(body)
        for log in document["result"]:
            if log["address"].lower() == gateway:
                mutate(log)
        return status, json.dumps(document).encode()

    proxy.spoil("eth_getLogs", rule)


@pytest.mark.parametrize("lie", LIES)
def test_a_log_that_the_gateway_cannot_have_emitted_is_refused(
    lie: str, staged: Connection, bundle: Bundle, proof: Proof
) -> None:
    verbs.submit(bundle, proof, staged, check=False)
    with proxied(staged.rpc.place) as proxy:
        behind = connect(rpc=proxy.url, deployments=staged.deployments)
        lying(proxy, staged, lambda _log: None)
        assert len(verbs.results(behind)) == 1
        lying(proxy, staged, LIES[lie])
        with pytest.raises(RpcFailed):
            verbs.results(behind)


@pytest.mark.parametrize("answer", ["0x", "0x" + "ff" * 128, "0x" + f"{1:064x}" * 3 + f"{9:064x}", "0x" + f"{1:064x}"])
def test_a_ledger_record_that_is_none_is_refused(answer: str, staged: Connection, bundle: Bundle, proof: Proof) -> None:
    verbs.submit(bundle, proof, staged, check=False)
    with proxied(staged.rpc.place) as proxy:
        behind = connect(rpc=proxy.url, deployments=staged.deployments)
        answer_record(proxy, staged, answer)
        with pytest.raises((RpcFailed, NotDeployed)):
            verbs.results(behind)


def test_a_node_that_dies_in_the_middle_is_named(staged: Connection, bundle: Bundle, proof: Proof) -> None:
    verbs.submit(bundle, proof, staged, check=False)
    with proxied(staged.rpc.place) as proxy:
        behind = connect(rpc=proxy.url, deployments=staged.deployments)
        proxy.drop_after("eth_getLogs", then_silent=True)
        with pytest.raises(RpcUnreachable):
            verbs.results(behind)
