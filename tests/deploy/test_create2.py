from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.chain.account import NodeSigner
from bridge.chain.anvil import Anvil, local_chain
from bridge.chain.transaction import Wallet
from bridge.connection import connect
from bridge.core.word import Address, Hex32, hex32, keccak256
from bridge.deploy.create2 import FACTORY, SALT, address_of, place
from bridge.errors import (
    CodeTooLarge,
    ContractReverted,
    CreationFailed,
    FactoryMissing,
    GasAboveCap,
    InitcodeTooLarge,
)
from bridge.solidity.limits import Limits

ANSWERS_ONE = bytes.fromhex("600160005260206000f3")
LEAVES_NOTHING = bytes.fromhex("60006000f3")
REVERTS = bytes.fromhex("60006000fd")


def creation_of(runtime: bytes) -> bytes:
    """Creation code that leaves `runtime`: PUSH2 size, DUP1, PUSH1 12, PUSH1 0, CODECOPY, PUSH1 0, RETURN."""
    return bytes.fromhex(f"61{len(runtime):04x}80600c6000396000f3") + runtime


@pytest.fixture
def wallet(anvil: Anvil) -> Wallet:
    """The node's first account on a fresh chain."""
    return connect(rpc=anvil.url).wallet()


@pytest.mark.parametrize(
    ("deployer", "salt", "initcode", "expected"),
    [
        ("00" * 20, "00" * 32, "00", "0x4D1A2e2bB4F88F0250f26Ffff098B0b30B26BF38"),
        ("deadbeef" + "00" * 16, "00" * 32, "00", "0xB928f69Bb1D91Cd65274e3c79d8986362984fDA3"),
        ("deadbeef" + "00" * 16, "00" * 12 + "feed" + "00" * 18, "00", "0xD04116cDd17beBE565EB2422F2497E06cC1C9833"),
        ("00" * 20, "00" * 32, "deadbeef", "0x70f2b2914A2a4b783FaEFb75f459A580616Fcb5e"),
        ("00" * 16 + "deadbeef", "00" * 28 + "cafebabe", "deadbeef", "0x60f3f640a8508fC6a86d45DF051962668E1e8AC7"),
        ("00" * 20, "00" * 32, "", "0xE33C0C7F7df4809055C3ebA6c09CFe4BaF1BD9e0"),
    ],
)
def test_an_address_is_that_of_the_examples_in_eip_1014(
    deployer: str, salt: str, initcode: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.deploy.create2.FACTORY", "0x" + deployer)
    assert address_of(bytes.fromhex(initcode), Hex32("0x" + salt)) == expected
    assert address_of(bytes.fromhex(initcode) + b"\x01", Hex32("0x" + salt)) != expected


def test_the_formula_is_what_the_chain_does(wallet: Wallet) -> None:
    initcode = creation_of(ANSWERS_ONE)
    expected = address_of(initcode)
    assert wallet.rpc.code(expected) == b""
    placed = place(wallet, "a contract", initcode, ANSWERS_ONE)
    assert placed.address == expected
    assert wallet.rpc.code(expected) == ANSWERS_ONE
    assert placed.code_hash == hex32(keccak256(ANSWERS_ONE))
    assert placed.initcode_hash == hex32(keccak256(initcode))
    assert hex32(0) == SALT


def test_placing_twice_sends_nothing_the_second_time(wallet: Wallet) -> None:
    first = place(wallet, "a contract", creation_of(ANSWERS_ONE), ANSWERS_ONE)
    assert first.receipt is not None
    nonce = wallet.rpc.nonce(wallet.address)
    second = place(wallet, "a contract", creation_of(ANSWERS_ONE), ANSWERS_ONE)
    assert second == replace(first, receipt=None)
    assert wallet.rpc.nonce(wallet.address) == nonce


def test_what_stands_there_needs_no_factory_and_no_coin(wallet: Wallet) -> None:
    placed = place(wallet, "a contract", creation_of(ANSWERS_ONE), ANSWERS_ONE)
    wallet.rpc.raw("anvil_setCode", FACTORY, "0x")
    poor = replace(wallet, signer=NodeSigner(Address("0x" + "12" * 20)))
    assert place(poor, "a contract", creation_of(ANSWERS_ONE), ANSWERS_ONE).address == placed.address
    with pytest.raises(FactoryMissing, match=f"chain 31337 has no CREATE2 factory at {FACTORY}"):
        place(poor, "another", creation_of(ANSWERS_ONE + b"\x00"), ANSWERS_ONE + b"\x00")


@pytest.mark.parametrize(
    ("limits", "error", "words"),
    [
        (Limits(runtime_bytes=9), CodeTooLarge, "10 bytes of runtime code, over the chain's limit of 9"),
        (Limits(initcode_bytes=21), InitcodeTooLarge, "22 bytes of creation code, over the chain's limit of 21"),
        (Limits(transaction_gas=50_000), GasAboveCap, "over the chain's limit of 50000"),
    ],
)
def test_a_contract_over_a_limit_of_the_chain_is_not_sent(
    limits: Limits, error: type[Exception], words: str, wallet: Wallet
) -> None:
    tight = replace(wallet, preset=replace(wallet.preset, limits=limits))
    with pytest.raises(error, match=words):
        place(tight, "a contract", creation_of(ANSWERS_ONE), ANSWERS_ONE)
    assert wallet.rpc.nonce(wallet.address) == 0
    assert place(wallet, "a contract", creation_of(ANSWERS_ONE), ANSWERS_ONE).receipt is not None


def test_the_limits_are_those_of_the_chain_itself(wallet: Wallet) -> None:
    """EIP-170: 24 576 bytes are taken; one more is refused by our gate, and by the chain where the gate is lifted."""
    largest = bytes(24_576)
    assert place(wallet, "the largest", creation_of(largest), largest).receipt is not None
    over = bytes(24_577)
    with pytest.raises(CodeTooLarge, match="24577 bytes of runtime code, over the chain's limit of 24576"):
        place(wallet, "too large", creation_of(over), over)
    lifted = replace(wallet, preset=replace(wallet.preset, limits=Limits(runtime_bytes=30_000)))
    with pytest.raises(ContractReverted):
        place(lifted, "too large", creation_of(over), over)


def test_a_constructor_that_refuses_is_named_and_costs_nothing(wallet: Wallet) -> None:
    with pytest.raises(ContractReverted, match="refused deploying a contract: EmptyRevert"):
        place(wallet, "a contract", REVERTS, b"")
    assert wallet.rpc.nonce(wallet.address) == 0


def test_creation_that_leaves_no_code_is_named(wallet: Wallet) -> None:
    with pytest.raises(CreationFailed, match=f"left no code at {address_of(LEAVES_NOTHING)}"):
        place(wallet, "a contract", LEAVES_NOTHING, b"")


def test_two_chains_with_different_ids_have_it_at_the_same_address(wallet: Wallet) -> None:
    with local_chain(options=("--chain-id", "11155111")) as other:
        connection = connect("sepolia", rpc=other.url)
        signer = NodeSigner(connection.rpc.accounts()[0])
        elsewhere = Wallet(connection.rpc, signer, connection.preset, connection.max_fee_wei)
        initcode = creation_of(ANSWERS_ONE)
        assert place(elsewhere, "a contract", initcode, ANSWERS_ONE).address == address_of(initcode)
        assert place(wallet, "a contract", initcode, ANSWERS_ONE).address == address_of(initcode)
