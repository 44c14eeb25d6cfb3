from __future__ import annotations

import pytest

from bridge.errors import CodeTooLarge, GasAboveCap, InitcodeTooLarge
from bridge.solidity.limits import ETHEREUM, Limits


def test_code_at_the_limits_passes() -> None:
    ETHEREUM.check_code("the verifier", bytes(49_152), bytes(24_576))
    ETHEREUM.check_gas("a verification", 16_777_216)


def test_one_byte_of_code_more_is_refused_with_both_numbers() -> None:
    with pytest.raises(CodeTooLarge, match="24577 bytes of runtime code, over the chain's limit of 24576") as refused:
        ETHEREUM.check_code("the verifier", bytes(24_600), bytes(24_577))
    assert (refused.value.unit, refused.value.size, refused.value.limit) == ("the verifier", 24_577, 24_576)


def test_one_byte_of_initcode_more_is_refused_with_both_numbers() -> None:
    with pytest.raises(InitcodeTooLarge, match="49153 bytes of creation code, over the chain's limit of 49152"):
        ETHEREUM.check_code("the verifier", bytes(49_153), bytes(24_576))


def test_one_gas_more_is_refused_with_both_numbers() -> None:
    with pytest.raises(GasAboveCap, match="16777217 gas, over the chain's limit of 16777216") as refused:
        ETHEREUM.check_gas("a verification", 16_777_217)
    assert refused.value.unit == "a verification"


def test_another_chain_has_other_limits() -> None:
    larger = Limits(runtime_bytes=65_536, initcode_bytes=131_072, transaction_gas=30_000_000)
    larger.check_code("the verifier", bytes(100_000), bytes(50_000))
    larger.check_gas("a verification", 20_000_000)
    with pytest.raises(CodeTooLarge):
        Limits(runtime_bytes=10).check_code("the verifier", b"", bytes(11))
