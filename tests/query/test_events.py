"""The event that is read by hand says what the ABI says, and what has another form is refused."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from bridge.chain.block import RawLog
from bridge.core.word import hex32, to_bytes
from bridge.query.events import verified
from bridge.solidity.abi import contract_abi

WORD = st.binary(min_size=32, max_size=32)
LEDGER = contract_abi("InferenceLedger")


def raw(model_id: bytes, commitment: bytes, caller: bytes, data: bytes) -> RawLog:
    topics = (LEDGER.topic("InferenceVerified"), hex32(model_id), hex32(commitment), hex32(bytes(12) + caller))
    return RawLog("0x" + "11" * 20, topics, data, 1, hex32(1), hex32(2), 0)


@given(WORD, WORD, st.binary(min_size=20, max_size=20), st.lists(WORD, max_size=8))
def test_both_readings_agree(model_id: bytes, commitment: bytes, caller: bytes, words: list[bytes]) -> None:
    log = raw(model_id, commitment, caller, encode(["bytes"], [b"".join(words)]))
    by_hand, by_abi = verified(log), LEDGER.event(log.topics, log.data)
    assert by_abi is not None
    told = by_abi.arguments
    assert int(by_hand.model_id, 16) == told["modelId"]
    assert to_bytes(by_hand.input_commitment) == told["inputCommitment"]
    assert by_hand.caller == told["caller"]
    assert by_hand.output == told["output"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        encode(["bytes"], [bytes(31)]),
        encode(["bytes"], [bytes(64)])[:-1],
        encode(["bytes"], [bytes(64)]) + bytes(32),
        bytes(32) + encode(["bytes"], [bytes(64)])[32:],
        encode(["bytes"], [b""])[:32] + b"\xff" * 32,
    ],
    ids=["nothing", "no whole words", "cut", "too long", "another offset", "a length beyond the data"],
)
def test_what_the_ledger_does_not_emit_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="whole words"):
        verified(raw(bytes(32), bytes(32), bytes(20), data))


def test_a_caller_that_is_no_address_is_refused() -> None:
    log = raw(bytes(32), bytes(32), bytes(20), encode(["bytes"], [b""]))
    wrong = RawLog(log.address, (*log.topics[:3], hex32(b"\x01" * 32)), log.data, 1, hex32(1), hex32(2), 0)
    with pytest.raises(ValueError, match="no address"):
        verified(wrong)
