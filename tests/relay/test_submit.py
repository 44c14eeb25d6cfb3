from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bridge import verbs
from bridge.chain.anvil import local_chain
from bridge.chain.contract import core_abis
from bridge.chain.signature import Signed
from bridge.connection import Connection, connect
from bridge.core.bundle import Bundle
from bridge.core.proof import Proof
from bridge.core.rows import Row
from bridge.core.word import Hex32, hex32, hex_bytes, to_bytes
from bridge.errors import (
    ContractReverted,
    ProofInvalid,
    ProofOfAnotherModel,
    RpcFailed,
    TransactionPending,
    WrongChain,
)
from bridge.relay.attempt import Attempt, read_attempt, write_attempt
from bridge.relay.submit import Statement, Submission, recorded, statement, submit
from tests.chain.proxy import Answer, Proxy, Request, problem, proxied, result


@pytest.fixture
def said(signing: Connection, bundle: Bundle, proof: Proof) -> Statement:
    """What the example's proof says on the fresh chain."""
    return statement(proof, bundle.manifest.circuit, signing.core())


def relay(said: Statement, connection: Connection, confirmations: int = 1) -> Submission:
    return submit(said, connection.wallet(), connection.core(), confirmations=confirmations)


def through(connection: Connection, proxy: Proxy) -> Connection:
    """The same chain and account, spoken to through a proxy."""
    return connect(rpc=proxy.url, account=connection.account, deployments=connection.deployments)


def transactions(connection: Connection) -> list[str]:
    """Every transaction to the ledger on the chain."""
    ledger = connection.core().ledger.address.lower()
    blocks = (
        connection.rpc.raw("eth_getBlockByNumber", hex(at), True) for at in range(connection.rpc.block_number() + 1)
    )
    return [item["hash"] for block in blocks for item in block["transactions"] if item["to"] == ledger]


def journal(connection: Connection, said: Statement) -> Attempt:
    attempt = read_attempt(connection.rpc.chain_id, said.inference_id)
    assert attempt is not None
    return attempt


def test_a_proof_is_recorded_once_and_submitting_it_again_finds_the_record(
    signing: Connection, bundle: Bundle, proof: Proof
) -> None:
    first = verbs.submit(bundle, proof, signing)
    assert first.is_new
    assert signing.core().ledger.read("isRecorded", to_bytes(first.key)) == (True,)
    nonce = signing.rpc.nonce(signing.wallet().address)
    second = verbs.submit(bundle, proof, signing)
    assert second == replace(first, is_new=False)
    assert signing.rpc.nonce(signing.wallet().address) == nonce
    assert transactions(signing) == [first.tx_hash]


def test_a_proof_that_was_submitted_by_somebody_else_is_found(signing: Connection, said: Statement) -> None:
    other = replace(signing, account=f"unlocked:{signing.rpc.accounts()[1]}")
    first = relay(said, other)
    found = relay(said, signing)
    assert found == replace(first, is_new=False)


def test_what_is_signed_is_in_the_journal_and_readable_by_its_owner_only(
    signing: Connection, said: Statement, tmp_path: Path
) -> None:
    assert read_attempt(31337, said.inference_id) is None
    done = relay(said, signing)
    assert journal(signing, said).tx_hash == done.tx_hash
    (file,) = (tmp_path / "home" / "journal").rglob("*.json")
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_node_that_dies_between_sending_and_the_receipt_costs_no_second_transaction(
    signing: Connection, said: Statement
) -> None:
    with proxied(signing.rpc.place) as proxy:
        dying = through(signing, proxy)
        proxy.drop_after("eth_sendRawTransaction", then_silent=True)
        with pytest.raises(TransactionPending, match="it finds this transaction") as caught:
            relay(said, dying)
    assert journal(signing, said).tx_hash == caught.value.tx_hash
    found = relay(said, signing)
    assert found.tx_hash == caught.value.tx_hash
    assert transactions(signing) == [found.tx_hash]


@pytest.mark.parametrize("fault", ["silent", "refused", "garbage"])
def test_a_receipt_that_cannot_be_had_costs_no_second_transaction(
    fault: str, signing: Connection, said: Statement
) -> None:
    rules = {"silent": lambda _request: None, "refused": problem("rate limited"), "garbage": result("0x1")}
    with proxied(signing.rpc.place) as proxy:
        dying = through(signing, proxy)
        proxy.spoil("eth_getTransactionReceipt", rules[fault])
        with pytest.raises(TransactionPending) as caught:
            relay(said, dying)
        proxy.heal()
        assert relay(said, dying).tx_hash == caught.value.tx_hash
    assert transactions(signing) == [caught.value.tx_hash]


def test_a_transaction_that_waits_is_found_and_not_sent_again(signing: Connection, said: Statement) -> None:
    signing.rpc.raw("evm_setAutomine", False)
    with proxied(signing.rpc.place) as proxy:
        dying = through(signing, proxy)
        proxy.drop_after("eth_sendRawTransaction", then_silent=True)
        with pytest.raises(TransactionPending) as caught:
            relay(said, dying)
    assert signing.rpc.receipt(caught.value.tx_hash) is None
    assert not recorded(said, signing.core())

    def mine_when_waited_for(stage: str) -> None:
        if stage.startswith("waiting"):
            signing.rpc.raw("evm_mine")

    found = submit(said, signing.wallet(), signing.core(), progress=mine_when_waited_for)
    assert found.tx_hash == caught.value.tx_hash
    assert found.is_new
    assert transactions(signing) == [found.tx_hash]


def test_a_transaction_that_never_reached_the_node_is_sent_again_as_it_was(
    signing: Connection, said: Statement
) -> None:
    lost = lose(said, signing)
    assert not signing.rpc.knows_transaction(lost)
    found = relay(said, signing)
    assert found.tx_hash == lost
    assert transactions(signing) == [lost]


def lose(said: Statement, connection: Connection) -> Hex32:
    """Submit through a node that takes the transaction and passes it to nobody."""
    with proxied(connection.rpc.place) as proxy:
        behind = through(connection, proxy)
        proxy.spoil("eth_sendRawTransaction", lambda _request: None)
        with pytest.raises(TransactionPending) as caught:
            relay(said, behind)
    return Hex32(caught.value.tx_hash)


@pytest.mark.parametrize("question", ["eth_call", "eth_getTransactionCount", "eth_getTransactionReceipt"])
@pytest.mark.parametrize("is_before", [True, False])
def test_a_transaction_that_is_mined_between_two_questions_costs_no_second_one(
    question: str, is_before: bool, signing: Connection, said: Statement
) -> None:
    """Whichever question it is, and whether the node answers as before the block or as after it."""
    lost = lose(said, signing)
    raw = to_bytes(journal(signing, said).raw)
    with proxied(signing.rpc.place) as proxy:

        def mining(request: Request) -> Answer:
            proxy.heal()
            told = proxy.forward(request) if is_before else None
            signing.rpc.send_raw(raw)
            while signing.rpc.receipt(lost) is None:
                time.sleep(0.02)
            return told or proxy.forward(request)

        behind = through(signing, proxy)
        wallet, core = behind.wallet(), behind.core()
        proxy.spoil(question, mining)
        found = submit(said, wallet, core)
    assert found.tx_hash == lost
    assert transactions(signing) == [lost]


def test_a_transaction_whose_nonce_was_taken_is_replaced_by_a_new_one(signing: Connection, said: Statement) -> None:
    lost = lose(said, signing)
    wallet = signing.wallet()
    wallet.execute(wallet.address, b"", label="another")
    done = relay(said, signing)
    assert done.tx_hash != lost
    assert transactions(signing) == [done.tx_hash]
    assert journal(signing, said).tx_hash == done.tx_hash


def test_a_transaction_of_a_chain_that_was_reset_does_not_block_a_new_one(
    signing: Connection, said: Statement, bundle: Bundle, proof: Proof, funded_key: str
) -> None:
    wallet = signing.wallet()
    for _ in range(5):  # on the old chain the account was busier
        wallet.execute(wallet.address, b"", label="another")
    lost = lose(said, signing)
    with local_chain() as chain:
        fresh = connect(rpc=chain.url, account=funded_key, deployments=signing.deployments)
        verbs.deploy_core(fresh)
        verbs.deploy_model(bundle, fresh)
        again = statement(proof, bundle.manifest.circuit, fresh.core())
        assert again.inference_id == said.inference_id, "the journal's file is the same"
        done = relay(again, fresh)
        assert done.is_new
        assert done.tx_hash != lost


def test_a_transaction_that_was_mined_and_failed_is_replaced_by_a_new_one(signing: Connection, said: Statement) -> None:
    core, wallet = signing.core(), signing.wallet()
    transaction = {
        "to": core.ledger.address,
        "data": core.ledger.abi.call("verifyAndStoreInference", *said.arguments),
        "value": 0,
        "nonce": wallet.rpc.nonce(wallet.address),
        "gas": 150_000,  # too little
        "chainId": 31337,
        "gasPrice": 10**10,
    }
    signed = wallet.signer.sign(transaction)
    assert isinstance(signed, Signed)
    wallet.rpc.send_raw(signed.raw)
    write_attempt(attempt_of(said, signed, signing))
    while wallet.rpc.receipt(signed.tx_hash) is None:
        time.sleep(0.02)
    done = relay(said, signing)
    assert done.is_new
    assert transactions(signing) == [signed.tx_hash, done.tx_hash]


def attempt_of(said: Statement, signed: Signed, connection: Connection) -> Attempt:
    sender = connection.wallet().address
    return Attempt(31337, said.inference_id, sender, signed.nonce, signed.tx_hash, hex_bytes(signed.raw))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"[" * 200_000,
        b'{"chain_id": 31337}',
        b'"raw": "0x',
        None,
    ],
)
def test_a_corrupt_journal_does_not_stop_a_submission(
    content: bytes | None, signing: Connection, said: Statement, tmp_path: Path
) -> None:
    path = tmp_path / "home" / "journal" / "31337" / f"{said.inference_id}.json"
    path.parent.mkdir(parents=True)
    if content is not None:
        path.write_bytes(content)
    done = relay(said, signing)
    assert done.is_new
    assert journal(signing, said).tx_hash == done.tx_hash


@pytest.mark.parametrize(
    "changed",
    [
        {"raw": "zz"},
        {"raw": "0x00"},
        {"tx_hash": "0x1234"},
        {"tx_hash": "0x" + "22" * 32},
        {"key": "0x" + "22" * 32},
        {"chain_id": 1},
    ],
)
def test_an_attempt_that_is_not_what_was_signed_is_not_gone_on_with(
    changed: dict[str, object], signing: Connection, said: Statement, tmp_path: Path
) -> None:
    lost = lose(said, signing)
    kept = journal(signing, said)
    (file,) = (tmp_path / "home" / "journal").rglob("*.json")
    write_attempt(replace(kept, **changed))  # type: ignore[arg-type]
    for other in (tmp_path / "home" / "journal").rglob("*.json"):
        if other != file:
            other.rename(file)
    assert read_attempt(31337, said.inference_id) is None
    done = relay(said, signing)
    assert done.is_new
    assert done.tx_hash
    assert lost == kept.tx_hash


def test_an_output_that_was_not_proven_is_refused_by_name_before_anything_is_paid(
    signing: Connection, said: Statement, tmp_path: Path
) -> None:
    nonce = signing.rpc.nonce(signing.wallet().address)
    wrong = replace(said, output=said.output[:-1] + bytes([said.output[-1] ^ 1]))
    with pytest.raises(ContractReverted, match="refused verifyAndStoreInference: OutputMismatch"):
        relay(wrong, signing)
    with pytest.raises(ContractReverted, match="InputCommitmentMismatch"):
        relay(replace(said, input_commitment=hex32(1)), signing)
    assert signing.rpc.nonce(signing.wallet().address) == nonce
    assert not list((tmp_path / "home").glob("journal/**/*.json"))
    assert relay(said, signing).is_new


def test_a_proof_for_another_model_or_with_other_instances_is_refused_before_the_chain_is_asked(
    signing: Connection, bundle: Bundle, other_bundle: Bundle, proof: Proof
) -> None:
    with pytest.raises(ProofOfAnotherModel, match=bundle.model_id):
        verbs.submit(other_bundle, proof, signing)
    with pytest.raises(ProofInvalid, match="4 instances, expected 3 \\+ 2"):
        verbs.submit(bundle, replace(proof, instances=proof.instances[:-1]), signing)
    last = hex32(int(proof.instances[-1], 16) ^ 1)
    with pytest.raises(ProofInvalid, match="refuses it"):
        verbs.submit(bundle, replace(proof, instances=(*proof.instances[:-1], last)), signing)
    assert transactions(signing) == []


def test_another_proof_of_the_same_statement_is_the_same_inference(
    signing: Connection, bundle: Bundle, row: Row, proof: Proof
) -> None:
    again = verbs.prove(bundle, row)
    assert again.proof != proof.proof
    assert again.instances == proof.instances
    first = verbs.submit(bundle, proof, signing)
    second = verbs.submit(bundle, again, signing)
    assert second == replace(first, is_new=False)
    assert transactions(signing) == [first.tx_hash]


def test_the_transaction_that_recorded_is_told_from_one_that_only_verified(
    signing: Connection, said: Statement
) -> None:
    core, wallet = signing.core(), signing.wallet()
    data = core.ledger.abi.call("verifyInference", *said.arguments)
    verified = wallet.execute(core.ledger.address, data, label="verifyInference", abis=core_abis())
    first = relay(said, signing)
    assert first.is_new
    assert first.tx_hash != verified.tx_hash
    assert relay(said, signing) == replace(first, is_new=False)


def test_a_node_that_lags_behind_its_own_ledger_is_named(signing: Connection, said: Statement) -> None:
    first = relay(said, signing)
    with proxied(signing.rpc.place) as proxy:
        lagging = through(signing, proxy)
        proxy.spoil("eth_getLogs", result([]))
        with pytest.raises(RpcFailed, match="it may lag behind"):
            relay(said, lagging)
        proxy.heal()
        assert relay(said, lagging) == replace(first, is_new=False)


def test_a_node_that_answers_with_another_chain_is_refused(signing: Connection) -> None:
    with proxied(signing.rpc.place) as proxy:
        assert connect("anvil", rpc=proxy.url).rpc.chain_id == 31337
        proxy.spoil("eth_chainId", result("0x1"))
        with pytest.raises(WrongChain, match="on chain 1, expected chain 31337"):
            connect("anvil", rpc=proxy.url)


def test_confirmations_are_waited_for(signing: Connection, said: Statement) -> None:
    done: list[Submission] = []
    relaying = threading.Thread(target=lambda: done.append(relay(said, signing, confirmations=3)))
    relaying.start()
    while not recorded(said, signing.core()):
        time.sleep(0.05)
    relaying.join(timeout=1)
    assert relaying.is_alive()
    signing.rpc.raw("evm_mine")
    relaying.join(timeout=1.2)
    assert relaying.is_alive()
    signing.rpc.raw("evm_mine")
    relaying.join(timeout=10)
    (submission,) = done
    assert signing.rpc.block_number() == submission.block_number + 2
