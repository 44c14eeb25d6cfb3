from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from eth_account import Account

from bridge import verbs
from bridge.chain.account import KeySigner
from bridge.chain.anvil import Anvil, local_chain
from bridge.chain.contract import core_abis
from bridge.chain.rpc import Rpc
from bridge.chain.signature import Signed
from bridge.chain.transaction import Wallet, broadcast, wait
from bridge.connection import Connection, connect
from bridge.core.word import Address
from bridge.errors import (
    BridgeError,
    ContractReverted,
    FeeAboveCap,
    GasAboveCap,
    InsufficientFunds,
    NotDeployed,
    RpcFailed,
    TransactionPending,
)
from bridge.solidity.limits import Limits
from tests.chain.proxy import Answer, Request, problem, proxied, result

TARGET = Address("0x" + "77" * 20)
REVERTS = "0x60006000fd"


@pytest.fixture
def wallet(anvil: Anvil, funded_key: str) -> Wallet:
    """A key of ours with coin, on a fresh chain."""
    return connect(rpc=anvil.url, account=funded_key).wallet()


@pytest.fixture
def core(connection: Connection) -> Connection:
    """A fresh chain with the core contracts."""
    verbs.deploy_core(connection)
    return connection


def nothing_sent(wallet: Wallet, error: type[BridgeError], data: bytes = b"") -> BridgeError:
    """Send, expect the error, and see that the account's nonce did not move."""
    nonce = wallet.rpc.nonce(wallet.address)
    with pytest.raises(error) as caught:
        wallet.send(TARGET, data, label="poke")
    assert wallet.rpc.nonce(wallet.address) == nonce
    return caught.value


def test_a_transaction_is_sent_mined_and_paid_by_its_signer(wallet: Wallet) -> None:
    receipt = wallet.execute(TARGET, b"", label="poke")
    assert receipt.succeeded
    assert receipt.sender == wallet.address
    assert receipt.gas_used == 21000
    assert wallet.rpc.nonce(wallet.address) == 1


def test_a_transaction_over_the_gas_of_the_chain_is_not_sent(wallet: Wallet) -> None:
    tight = replace(wallet, preset=replace(wallet.preset, limits=Limits(transaction_gas=20_999)))
    error = nothing_sent(tight, GasAboveCap)
    assert "poke needs 21000 gas, over the chain's limit of 20999" in str(error)
    enough = replace(wallet, preset=replace(wallet.preset, limits=Limits(transaction_gas=21_000)))
    assert enough.execute(TARGET, b"", label="poke").succeeded


def test_a_transaction_over_the_fee_cap_is_not_sent(wallet: Wallet) -> None:
    head = wallet.rpc.block()
    assert head is not None
    assert head.base_fee_wei
    nothing_sent(replace(wallet, max_fee_wei=head.base_fee_wei - 1), FeeAboveCap)
    assert replace(wallet, max_fee_wei=head.base_fee_wei).execute(TARGET, b"", label="poke").succeeded


def test_an_account_without_funds_sends_nothing_and_is_told_what_it_lacks(wallet: Wallet) -> None:
    poor = replace(wallet, signer=KeySigner(Account.create()))
    error = nothing_sent(poor, InsufficientFunds)
    assert isinstance(error, InsufficientFunds)
    assert (error.address, error.balance_wei) == (poor.address, 0)
    wallet.rpc.raw("anvil_setBalance", poor.address, hex(error.needed_wei - 1))
    nothing_sent(poor, InsufficientFunds)
    wallet.rpc.raw("anvil_setBalance", poor.address, hex(error.needed_wei))
    assert poor.execute(TARGET, b"", label="poke").succeeded


def test_a_call_that_would_revert_is_named_with_its_arguments_and_not_sent(core: Connection) -> None:
    registry, wallet = core.core().registry, core.wallet()
    nonce = core.rpc.nonce(wallet.address)
    with pytest.raises(ContractReverted, match=r"refused deprecateModel: ModelNotFound\(modelId=5\)") as caught:
        wallet.send(registry.address, registry.abi.call("deprecateModel", 5), label="deprecateModel", abis=core_abis())
    assert caught.value.arguments == (("modelId", "5"),)
    assert core.rpc.nonce(wallet.address) == nonce


def test_a_view_is_read_and_its_refusal_named(core: Connection) -> None:
    contracts = core.core()
    assert contracts.ledger.read("isRecorded", bytes(32)) == (False,)
    with pytest.raises(ContractReverted, match=r"InferenceNotRecorded\(inferenceId=0x00"):
        contracts.ledger.read("recordOf", bytes(32))


def test_a_contract_that_is_not_there_is_named_and_not_read_as_nothing(core: Connection) -> None:
    with pytest.raises(NotDeployed, match="ModelRegistry at 0x7777"):
        replace(core.core().registry, address=TARGET).read("getModel", 1)


def test_a_contract_that_answers_with_something_else_is_named(core: Connection) -> None:
    core.rpc.raw("anvil_setCode", TARGET, "0x600160005260206000f3")  # answers one word, 1
    assert replace(core.core().ledger, address=TARGET).read("isRecorded", bytes(32)) == (True,)
    with pytest.raises(RpcFailed, match=r"ModelRegistry\.getModel"):
        replace(core.core().registry, address=TARGET).read("getModel", 1)


def test_a_transaction_that_was_mined_and_failed_is_no_success(wallet: Wallet) -> None:
    wallet.rpc.raw("anvil_setCode", TARGET, REVERTS)
    sender = wallet.rpc.accounts()[0]
    failed = wallet.rpc.send_unlocked({"from": sender, "to": TARGET, "gas": 100_000})
    with pytest.raises(ContractReverted, match=rf"in transaction {failed}: TransactionFailed"):
        wait(wallet.rpc, failed, label="poke")


def test_a_chain_without_eip_1559_is_paid_by_gas_price(funded_key: str) -> None:
    with local_chain(options=("--hardfork", "berlin")) as chain:
        wallet = connect(rpc=chain.url, account=funded_key).wallet()
        head = wallet.rpc.block()
        assert head is not None
        assert head.base_fee_wei is None
        assert wallet.execute(TARGET, b"", label="poke").succeeded
        nothing_sent(replace(wallet, max_fee_wei=1), FeeAboveCap)


def test_a_node_that_knows_no_tip_is_asked_no_warning_and_still_paid(anvil: Anvil, funded_key: str) -> None:
    with proxied(anvil.url) as proxy:
        proxy.spoil("eth_maxPriorityFeePerGas", problem("no such method", code=-32601))
        wallet = connect(rpc=proxy.url, account=funded_key).wallet()
        assert wallet.execute(TARGET, b"", label="poke").succeeded
        assert proxy.asked("eth_feeHistory")


def test_what_is_signed_is_handed_over_before_it_is_broadcast(wallet: Wallet) -> None:
    seen: list[tuple[Signed, bool]] = []
    tx_hash = wallet.send(
        TARGET,
        b"",
        label="poke",
        on_signed=lambda signed: seen.append((signed, wallet.rpc.knows_transaction(signed.tx_hash))),
    )
    ((signed, known),) = seen
    assert signed.tx_hash == tx_hash
    assert not known
    assert wallet.rpc.knows_transaction(tx_hash)


def test_broadcasting_again_changes_nothing_and_a_transaction_that_cannot_be_is_refused(wallet: Wallet) -> None:
    kept: list[Signed] = []
    wallet.send(TARGET, b"", label="poke", on_signed=kept.append)
    assert broadcast(wallet.rpc, kept[0]) == kept[0].tx_hash
    assert wallet.rpc.nonce(wallet.address) == 1
    stale = wallet.signer.sign(
        {"to": TARGET, "value": 1, "gas": 21000, "gasPrice": 10**10, "nonce": 0, "chainId": 31337}
    )
    assert stale is not None
    with pytest.raises(RpcFailed, match="nonce too low"):
        broadcast(wallet.rpc, stale)


@pytest.fixture
def manual(anvil: Anvil) -> Iterator[Rpc]:
    """A chain on which blocks come only when they are asked for."""
    rpc = Rpc(anvil.url)
    rpc.raw("evm_setAutomine", False)
    yield rpc
    rpc.raw("evm_setAutomine", True)


def test_a_receipt_that_does_not_come_leaves_the_hash(manual: Rpc, wallet: Wallet) -> None:
    sent = wallet.send(TARGET, b"", label="poke")
    with pytest.raises(TransactionPending, match=f"{sent} was sent .* no receipt after 0 s"):
        wait(wallet.rpc, sent, label="poke", timeout=0.1)
    manual.raw("evm_mine")
    assert wait(wallet.rpc, sent, label="poke", timeout=5).tx_hash == sent


def test_confirmations_are_counted_from_the_block_of_the_transaction(manual: Rpc, wallet: Wallet) -> None:
    sent = wallet.send(TARGET, b"", label="poke")
    manual.raw("evm_mine")
    for blocks in (1, 2):
        assert wait(wallet.rpc, sent, label="poke", confirmations=blocks, timeout=5).tx_hash == sent
        with pytest.raises(TransactionPending):
            wait(wallet.rpc, sent, label="poke", confirmations=blocks + 1, timeout=0.1)
        manual.raw("evm_mine")


def test_confirmations_are_waited_for(manual: Rpc, wallet: Wallet) -> None:
    sent = wallet.send(TARGET, b"", label="poke")
    manual.raw("evm_mine")
    done = threading.Event()

    def mine() -> None:
        for _ in range(2):
            time.sleep(0.1)
            manual.raw("evm_mine")
        done.set()

    miner = threading.Thread(target=mine)
    miner.start()
    receipt = wait(wallet.rpc, sent, label="poke", confirmations=3, timeout=10)
    miner.join()
    assert done.is_set()
    assert wallet.rpc.block_number() == receipt.block_number + 2


@pytest.mark.parametrize("fault", ["silent", "error", "garbage"])
def test_a_node_that_fails_after_the_transaction_was_sent_leaves_the_hash(
    fault: str, anvil: Anvil, wallet: Wallet
) -> None:
    sent = wallet.send(TARGET, b"", label="poke")
    with proxied(anvil.url) as proxy:
        rpc = Rpc(proxy.url)
        match fault:
            case "silent":
                proxy.go_silent()
            case "error":
                proxy.spoil("eth_getTransactionReceipt", problem("rate limited"))
            case _:
                proxy.spoil("eth_getTransactionReceipt", result({"status": "maybe"}))
        with pytest.raises(TransactionPending, match=sent):
            wait(rpc, sent, label="poke", timeout=5)
        proxy.heal()
        assert wait(rpc, sent, label="poke", timeout=5).succeeded


def test_a_node_that_falls_silent_in_the_middle_of_sending_leaves_the_hash(anvil: Anvil, wallet: Wallet) -> None:
    kept: list[Signed] = []
    with proxied(anvil.url) as proxy:
        behind = replace(wallet, rpc=Rpc(proxy.url))
        proxy.spoil("eth_sendRawTransaction", problem("already known"))
        proxy.spoil("eth_getTransactionByHash", lambda _request: None)
        with pytest.raises(TransactionPending) as caught:
            behind.send(TARGET, b"", label="poke", on_signed=kept.append)
    assert caught.value.tx_hash == kept[0].tx_hash


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_a_refused_transaction_that_the_node_has_after_a_moment_was_taken(
    looks: int, anvil: Anvil, wallet: Wallet
) -> None:
    """One that is being mined is for a moment in neither pool nor block."""
    with proxied(anvil.url) as proxy:
        behind = replace(wallet, rpc=Rpc(proxy.url))

        def refuse_after_taking(request: Request) -> Answer | None:
            proxy.forward(request)
            return problem("nonce too low")(request)

        def find_at_last(request: Request) -> Answer | None:
            asked = len(proxy.asked("eth_getTransactionByHash"))
            return proxy.forward(request) if asked >= looks else result(None)(request)

        proxy.spoil("eth_sendRawTransaction", refuse_after_taking)
        proxy.spoil("eth_getTransactionByHash", find_at_last)
        sent = behind.send(TARGET, b"", label="poke")
    assert wait(wallet.rpc, sent, label="poke", timeout=5).succeeded


def test_a_refused_transaction_that_the_node_never_has_is_refused(anvil: Anvil, wallet: Wallet) -> None:
    with proxied(anvil.url) as proxy:
        behind = replace(wallet, rpc=Rpc(proxy.url))
        proxy.spoil("eth_sendRawTransaction", problem("nonce too low"))
        with pytest.raises(RpcFailed, match="nonce too low"):
            behind.send(TARGET, b"", label="poke")
    assert wallet.rpc.nonce(wallet.address) == 0
