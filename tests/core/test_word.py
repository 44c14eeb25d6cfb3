from __future__ import annotations

import pytest

from bridge.core.word import hex32, parse_address, parse_hex32


def test_a_word_has_32_bytes() -> None:
    assert hex32(1) == "0x" + "00" * 31 + "01"
    assert parse_hex32("0x" + "AB" * 32) == "0x" + "ab" * 32


@pytest.mark.parametrize("text", ["", "0x", "0x" + "00" * 31, "00" * 32, "0x" + "zz" * 32, "0x" + "00" * 33])
def test_anything_else_is_no_word(text: str) -> None:
    with pytest.raises(ValueError, match="64 hex digits"):
        parse_hex32(text)


EXAMPLE = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
"""The first one of EIP-55."""


@pytest.mark.parametrize("text", [EXAMPLE, EXAMPLE.lower(), "0x" + EXAMPLE[2:].upper()])
def test_an_account_is_given_in_one_case_or_with_its_checksum(text: str) -> None:
    assert parse_address(text) == EXAMPLE


@pytest.mark.parametrize("text", [EXAMPLE[:-3] + "aed", EXAMPLE[2:], EXAMPLE[:-1], EXAMPLE + "0", "0x" + "zz" * 20, ""])
def test_an_account_with_a_slip_in_it_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="true checksum"):
        parse_address(text)
