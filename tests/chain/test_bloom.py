"""The bloom filter of a header, against real blocks."""

from __future__ import annotations

from bridge.chain.anvil import Anvil
from bridge.chain.block import header
from bridge.chain.bloom import mask, masks, may_hold
from bridge.chain.wire import Wire
from bridge.core.word import to_bytes

EMITTER = bytes.fromhex("7f" + "42" * 32 + "5f5fa1")
"""LOG1 with a topic of 0x4242…, as creation code."""


def test_what_a_real_block_holds_is_found_and_what_it_does_not_hold_is_not(anvil: Anvil) -> None:
    wire = Wire(anvil.url)
    sender = wire.ask("eth_accounts")[0]
    tx_hash = wire.ask("eth_sendTransaction", {"from": sender, "data": "0x" + EMITTER.hex()})
    wire.ask("evm_mine")
    block = wire.ask("eth_getTransactionReceipt", tx_hash)["blockNumber"]
    bloom = header(wire.ask("eth_getBlockByNumber", block, False)).bloom
    (log,) = wire.ask("eth_getLogs", {"fromBlock": "0x0"})
    address, topic = to_bytes(log["address"]), to_bytes(log["topics"][0])
    assert may_hold(bloom, mask(address))
    assert may_hold(bloom, masks(address, [topic])[0])
    assert not may_hold(bloom, mask(b"\x01" * 20))
    assert not may_hold(bloom, masks(address, [b"\x01" * 32])[0])
    assert not may_hold(0, mask(address))
    assert mask(address).bit_count() <= 3
