from __future__ import annotations

import pytest

from bridge.core.word import hex32, parse_hex32


def test_a_word_has_32_bytes() -> None:
    assert hex32(1) == "0x" + "00" * 31 + "01"
    assert parse_hex32("0x" + "AB" * 32) == "0x" + "ab" * 32


@pytest.mark.parametrize("text", ["", "0x", "0x" + "00" * 31, "00" * 32, "0x" + "zz" * 32, "0x" + "00" * 33])
def test_anything_else_is_no_word(text: str) -> None:
    with pytest.raises(ValueError, match="64 hex digits"):
        parse_hex32(text)
