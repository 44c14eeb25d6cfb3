from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.chain.fee import legacy_offer, offer
from bridge.errors import FeeAboveCap

WEI = st.integers(min_value=0, max_value=2**96)


@given(base=WEI, tip=WEI, cap=WEI)
def test_an_offer_is_never_over_the_cap_and_a_base_fee_that_is_gets_none(base: int, tip: int, cap: int) -> None:
    if base > cap:
        with pytest.raises(FeeAboveCap) as caught:
            offer(base, tip, cap)
        assert (caught.value.base_fee_wei, caught.value.cap_wei) == (base, cap)
        return
    fee = offer(base, tip, cap)
    assert base <= fee.max_fee_wei <= cap
    assert 0 <= fee.priority_wei <= fee.max_fee_wei


@given(base=WEI, tip=WEI)
def test_with_room_under_the_cap_an_offer_outlasts_six_full_blocks_and_pays_the_whole_tip(base: int, tip: int) -> None:
    fee = offer(base, tip, 2 * base + tip)
    assert fee.max_fee_wei - fee.priority_wei >= int(base * 1.99)
    assert fee.priority_wei == tip


@given(price=WEI, cap=WEI)
def test_a_legacy_price_is_taken_as_it_is_or_refused(price: int, cap: int) -> None:
    if price > cap:
        with pytest.raises(FeeAboveCap):
            legacy_offer(price, cap)
        return
    assert legacy_offer(price, cap).fields == {"gasPrice": price}


def test_a_fee_names_the_fields_of_its_transaction_type() -> None:
    assert set(offer(1, 1, 10).fields) == {"maxFeePerGas", "maxPriorityFeePerGas"}
    assert set(legacy_offer(1, 10).fields) == {"gasPrice"}
