from __future__ import annotations

import pytest

from bridge.chain.anvil import Anvil
from bridge.chain.preset import PRESETS, preset, preset_of
from bridge.connection import connect
from bridge.errors import ChainUnknown, OptionInvalid, RpcUnreachable, WrongChain
from bridge.solidity.limits import Limits


@pytest.mark.parametrize(
    ("name", "chain_id"),
    [
        ("anvil", 31337),
        ("sepolia", 11155111),
        ("base-sepolia", 84532),
        ("optimism-sepolia", 11155420),
        ("arbitrum-sepolia", 421614),
    ],
)
def test_a_preset_knows_its_chain_and_contradicting_it_is_refused(name: str, chain_id: int) -> None:
    assert preset(name).chain_id == chain_id
    assert preset(name, chain_id) == preset(name) == preset_of(chain_id)
    assert preset(name).rpc_url
    with pytest.raises(OptionInvalid, match=f"--chain-id is '1', expected {chain_id}"):
        preset(name, 1)


def test_opengradient_takes_its_chain_id_by_option_and_is_refused_without_one() -> None:
    assert preset("opengradient", 10740).chain_id == 10740
    assert preset("opengradient", 10744).chain_id == 10744
    with pytest.raises(OptionInvalid, match="--chain-id is 'nothing'"):
        preset("opengradient")


def test_opengradient_needs_a_node_too() -> None:
    with pytest.raises(OptionInvalid, match="--rpc is 'nothing'"):
        connect("opengradient", chain_id=10740)


def test_opengradient_is_connected_by_its_url_and_refused_on_another_chain(anvil: Anvil) -> None:
    connection = connect("opengradient", rpc=anvil.url, chain_id=31337)
    assert connection.preset.title == "OpenGradient"
    with pytest.raises(WrongChain, match="expected chain 10740"):
        connect("opengradient", rpc=anvil.url, chain_id=10740)


def test_an_unknown_preset_is_named_with_those_that_are_known() -> None:
    with pytest.raises(ChainUnknown, match="arbitrum-sepolia"):
        preset("mainnet")


def test_only_a_development_chain_is_local() -> None:
    assert [item.name for item in PRESETS if item.is_local] == ["anvil"]
    assert preset_of(1337).is_local
    assert not preset_of(1).is_local


def test_a_chain_without_a_preset_gets_cautious_defaults() -> None:
    unknown = preset_of(4242)
    assert (unknown.chain_id, unknown.evm, unknown.limits) == (4242, "paris", Limits())


def test_limits_are_data_of_the_chain() -> None:
    assert preset("sepolia").limits == Limits(24_576, 49_152, 16_777_216)
    assert preset("arbitrum-sepolia").limits.transaction_gas > preset("sepolia").limits.transaction_gas


def test_without_any_option_the_local_chain_on_its_usual_port_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def record(url: str, _expected: int | None) -> None:
        asked.append(url)
        raise RpcUnreachable(url=url, reason="not asked in a test")

    monkeypatch.setattr("bridge.connection.Rpc", record)
    with pytest.raises(RpcUnreachable):
        connect()
    assert asked == ["http://127.0.0.1:8545"]


def test_a_url_finds_the_preset_of_its_chain(anvil: Anvil) -> None:
    assert connect(rpc=anvil.url).preset == preset("anvil")
    assert connect("anvil", rpc=anvil.url).rpc.place == anvil.url
    with pytest.raises(WrongChain, match="expected chain 11155111"):
        connect("sepolia", rpc=anvil.url)
    with pytest.raises(WrongChain, match="expected chain 5"):
        connect(rpc=anvil.url, chain_id=5)


@pytest.mark.parametrize("gwei", [float("nan"), float("inf"), -1.0])
def test_a_fee_cap_that_is_no_number_of_gwei_is_refused_and_one_that_is_taken(anvil: Anvil, gwei: float) -> None:
    assert connect(rpc=anvil.url, max_fee_gwei=1.5).max_fee_wei == 1_500_000_000
    with pytest.raises(OptionInvalid, match="--max-fee-gwei"):
        connect(rpc=anvil.url, max_fee_gwei=gwei)
