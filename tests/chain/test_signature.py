from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import rlp
from eth_account import Account
from eth_account.typed_transactions import TypedTransaction
from eth_keys.datatypes import PrivateKey
from eth_utils import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.chain import signature
from bridge.chain.account import KeySigner
from bridge.chain.signature import ORDER, Signature, recheck, settled, unsigned
from bridge.core.word import Address, hex32, keccak256
from bridge.errors import SignatureRefused

KEY, OTHER_KEY = Account.from_key("0x" + "4c" * 32), Account.from_key("0x" + "5d" * 32)
ADDRESS = Address(KEY.address)
PLACE = "clef:http://127.0.0.1"

COMMON: dict[str, Any] = {
    "to": "0x" + "11" * 20,
    "value": 0,
    "nonce": 7,
    "gas": 90_000,
    "chainId": 31337,
    "data": b"\x01\x02",
}
DYNAMIC = {**COMMON, "maxFeePerGas": 2 * 10**9, "maxPriorityFeePerGas": 10**9}
LEGACY = {**COMMON, "gasPrice": 10**9}
KINDS = pytest.mark.parametrize("asked", [DYNAMIC, LEGACY], ids=["EIP-1559", "EIP-155"])

secrets = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
digests = st.binary(min_size=32, max_size=32)


def signed(transaction: dict[str, Any], key: Any = KEY) -> bytes:
    return bytes(key.sign_transaction(transaction).raw_transaction)


def refusal(raw: bytes, asked: dict[str, Any] = DYNAMIC) -> SignatureRefused:
    with pytest.raises(SignatureRefused) as caught:
        recheck(raw, asked, ADDRESS, PLACE)
    assert caught.value.signer == PLACE
    assert "Nothing was sent" in str(caught.value)
    return caught.value


@KINDS
def test_what_was_asked_for_is_believed(asked: dict[str, Any]) -> None:
    raw = signed(asked)
    checked = recheck(raw, asked, ADDRESS, PLACE)
    assert checked.raw == raw
    assert checked.nonce == 7
    assert checked.tx_hash == hex32(bytes(KEY.sign_transaction(asked).hash)) == hex32(keccak256(raw))


def test_the_digest_is_that_of_eth_account() -> None:
    assert unsigned(DYNAMIC).digest == TypedTransaction.from_dict(DYNAMIC).hash()
    legacy = unsigned(LEGACY)
    mine = PrivateKey(bytes(KEY.key)).sign_msg_hash(legacy.digest)
    assert legacy.signed(Signature(mine.r, mine.s, mine.v)) == signed(LEGACY)


@given(
    secrets,
    st.fixed_dictionaries(
        {
            "to": st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex()),
            "value": st.integers(0, 2**128),
            "nonce": st.integers(0, 2**64 - 2),
            "gas": st.integers(21_000, 2**40),
            "chainId": st.integers(1, 2**53),
            "data": st.binary(max_size=200),
        }
    ),
    st.one_of(
        st.fixed_dictionaries({"gasPrice": st.integers(0, 2**80)}),
        st.fixed_dictionaries({"maxFeePerGas": st.integers(0, 2**80), "maxPriorityFeePerGas": st.integers(0, 2**80)}),
    ),
)
@settings(max_examples=40, deadline=None)
def test_whatever_eth_account_signs_is_believed_by_its_own_address_alone(
    secret: bytes, fields: dict[str, Any], fee: dict[str, int]
) -> None:
    key, asked = Account.from_key(secret), {**fields, **fee}
    asked["to"] = to_checksum_address(asked["to"])
    signer = KeySigner(key)
    assert signer.sign(asked) == recheck(signed(asked, key), asked, signer.address, PLACE)
    assert refusal(signed(asked, key), asked).field == "from" or key.address == ADDRESS


LIES: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "another nonce": ({"nonce": 8}, "nonce", "7", "8"),
    "another receiver": ({"to": "0x" + "22" * 20}, "to", "0x" + "11" * 20, "0x" + "22" * 20),
    "some value": ({"value": 1}, "value", "0", "1"),
    "more gas": ({"gas": 90_001}, "gas", "90000", "90001"),
    "another chain": ({"chainId": 1}, "chainId", "31337", "1"),
    "no data": ({"data": b""}, "data", "2 bytes with the hash", "0 bytes with the hash"),
    "other data": ({"data": b"\x01\x03"}, "data", "2 bytes with the hash", "2 bytes with the hash"),
}
FEES = {
    "a larger fee": ({"maxFeePerGas": 2 * 10**9 + 1}, "maxFeePerGas", "2000000000", "2000000001"),
    "a larger tip": ({"maxPriorityFeePerGas": 2 * 10**9}, "maxPriorityFeePerGas", "1000000000", "2000000000"),
}


@pytest.mark.parametrize("how", [*LIES, *FEES])
def test_another_field_of_a_dynamic_transaction_is_refused_by_its_name(how: str) -> None:
    change, field, expected, got = {**LIES, **FEES}[how]
    error = refusal(signed({**DYNAMIC, **change}))
    assert error.field == field
    assert error.expected.startswith(expected)
    assert error.got.startswith(got)
    assert f"{field} is {error.got}, expected {error.expected}" in str(error)


@pytest.mark.parametrize("how", [*LIES, "a larger price"])
def test_another_field_of_a_legacy_transaction_is_refused_by_its_name(how: str) -> None:
    price = ({"gasPrice": 10**9 + 1}, "gasPrice", "1000000000", "1000000001")
    change, field, expected, got = {**LIES, "a larger price": price}[how]
    error = refusal(signed({**LEGACY, **change}), LEGACY)
    assert error.field == field
    assert error.expected.startswith(expected)
    assert error.got.startswith(got)


@KINDS
def test_the_signature_of_another_key_is_refused(asked: dict[str, Any]) -> None:
    error = refusal(signed(asked, OTHER_KEY), asked)
    assert (error.field, error.expected, error.got) == ("from", ADDRESS, OTHER_KEY.address)


def test_an_access_list_that_nobody_asked_for_is_refused() -> None:
    entry = {"address": "0x" + "22" * 20, "storageKeys": ("0x" + "00" * 32,)}
    assert refusal(signed({**DYNAMIC, "accessList": (entry,)})).field == "accessList"
    assert recheck(signed({**DYNAMIC, "accessList": ()}), DYNAMIC, ADDRESS, PLACE).nonce == 7


def test_a_transaction_of_another_type_is_refused() -> None:
    by_list = {**LEGACY, "accessList": (), "type": 1}
    assert (refusal(signed(LEGACY)).expected, refusal(signed(LEGACY)).got) == ("type 2", "legacy")
    assert (refusal(signed(DYNAMIC), LEGACY).expected, refusal(signed(DYNAMIC), LEGACY).got) == ("legacy", "type 2")
    assert refusal(signed(by_list), LEGACY).got == "type 1"
    assert refusal(b"").got == "nothing"
    assert refusal(b"\x80").got == "no transaction"


def test_a_legacy_signature_that_holds_on_every_chain_is_refused() -> None:
    everywhere = {name: value for name, value in LEGACY.items() if name != "chainId"}
    error = refusal(signed(everywhere), LEGACY)
    assert error.field == "chainId"
    assert "good on every chain" in error.got


def remade(raw: bytes, change: Callable[[list[Any]], None]) -> bytes:
    """The same transaction with its list of fields changed."""
    typed = raw[0] < 0xC0
    fields = list(rlp.decode(raw[1:] if typed else raw))
    change(fields)
    return (raw[:1] if typed else b"") + rlp.encode(fields)


def number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def put(at: int, value: Any) -> Callable[[list[Any]], None]:
    return lambda fields: fields.__setitem__(at, value)


def high(fields: list[Any]) -> None:
    """The same signature with the other s and the other parity: every curve library takes it, no chain does."""
    fields[-1] = number(ORDER - int.from_bytes(fields[-1], "big"))
    v = int.from_bytes(fields[-3], "big")
    fields[-3] = number(v ^ 1 if v < 2 else ((v - 35) ^ 1) + 35)


@KINDS
def test_the_higher_s_is_refused_and_the_lower_taken(asked: dict[str, Any]) -> None:
    raw = remade(signed(asked), high)
    assert Account.recover_transaction(raw) == ADDRESS
    assert refusal(raw, asked).field == "s"
    assert recheck(remade(raw, high), asked, ADDRESS, PLACE).raw == signed(asked)


MANGLED: dict[str, tuple[Callable[[list[Any]], None], str]] = {
    "r of zero": (put(-2, b""), "r"),
    "r of the order": (put(-2, number(ORDER)), "r"),
    "r of 33 bytes": (put(-2, b"\x01" * 33), "r"),
    "r that is a list": (put(-2, []), "r"),
    "s of zero": (put(-1, b""), "s"),
    "s with a leading zero": (lambda fields: put(-1, b"\0" + fields[-1])(fields), "s"),
    "a parity of 2": (put(-3, b"\x02"), "yParity"),
    "a parity of a byte zero": (put(-3, b"\0"), "yParity"),
    "r of nobody": (put(-2, number(5)), "from"),
    "a nonce with a leading zero": (put(1, b"\0\x07"), "nonce"),
    "a nonce that is a list": (put(1, [b"\x07"]), "nonce"),
    "a nonce of 40 bytes": (put(1, b"\x07" * 40), "nonce"),
    "a receiver of 19 bytes": (put(5, b"\x11" * 19), "to"),
    "no receiver": (put(5, b""), "to"),
    "an access list that is none": (put(8, b""), "accessList"),
    "one field less": (lambda fields: fields.pop(), "encoding"),
    "one field more": (lambda fields: fields.append(b""), "encoding"),
}


@pytest.mark.parametrize("how", MANGLED)
def test_a_mangled_transaction_is_refused_by_what_is_wrong_with_it(how: str) -> None:
    change, field = MANGLED[how]
    assert refusal(remade(signed(DYNAMIC), change)).field == field


def test_a_legacy_v_that_means_nothing_is_refused() -> None:
    for value, field in ((b"\x05", "v"), (b"\0\x25", "v"), ([], "v"), (b"\x25", "chainId")):
        assert refusal(remade(signed(LEGACY), put(-3, value)), LEGACY).field == field


@KINDS
def test_a_transaction_cut_short_or_gone_on_is_refused_wherever_it_is_cut(asked: dict[str, Any]) -> None:
    raw = signed(asked)
    for length in range(len(raw)):
        assert refusal(raw[:length], asked).field in {"type", "encoding"}
    assert refusal(raw + b"\0", asked).field == "encoding"


@KINDS
def test_bytes_that_a_lenient_reader_passes_over_are_refused_too(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signature, "_decoded", lambda encoded: rlp.decode(encoded, strict=False))
    raw = signed(asked)
    assert recheck(raw, asked, ADDRESS, PLACE).raw == raw
    error = refusal(raw + b"\0", asked)
    assert (error.field, error.got) == ("encoding", "another encoding of the same fields")


def test_brackets_without_end_are_refused() -> None:
    assert refusal(b"\x02" + b"\xc1" * 5000 + b"\xc0").field == "encoding"


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_bytes_of_any_kind_are_refused_by_name(raw: bytes) -> None:
    for head, asked in ((b"", DYNAMIC), (b"\x02", DYNAMIC), (b"", LEGACY)):
        refusal(head + raw, asked)


@KINDS
def test_one_flipped_bit_anywhere_is_refused(asked: dict[str, Any]) -> None:
    raw = signed(asked)
    for at in range(len(raw)):
        refusal(raw[:at] + bytes([raw[at] ^ 1 << at % 8]) + raw[at + 1 :], asked)


def test_a_field_that_nobody_would_compare_is_not_signed() -> None:
    for wrong in ({**DYNAMIC, "accessList": []}, {**DYNAMIC, "gasPrice": 1}, {"nonce": 1}, {**DYNAMIC, "type": 2}):
        with pytest.raises(ValueError, match="a transaction has the fields"):
            unsigned(wrong)
    with pytest.raises(ValueError, match="below zero"):
        unsigned({**DYNAMIC, "value": -1})


@given(secrets, digests, st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_parity_and_the_lower_s_are_those_that_eth_account_chooses(
    secret: bytes, digest: bytes, flipped: bool
) -> None:
    key = PrivateKey(secret)
    theirs = key.sign_msg_hash(digest)
    address = Address(key.public_key.to_checksum_address())
    found = settled(digest, theirs.r, ORDER - theirs.s if flipped else theirs.s, address, PLACE)
    assert (found.r, found.s, found.y_parity) == (theirs.r, theirs.s, theirs.v)
    with pytest.raises(SignatureRefused, match="from"):
        settled(keccak256(digest), theirs.r, theirs.s, address, PLACE)


@pytest.mark.parametrize("r", [-1, 0, 1, ORDER, 2**300])
@pytest.mark.parametrize("s", [-1, 0, 1, ORDER, 2**300])
def test_numbers_that_are_no_signature_are_refused(r: int, s: int) -> None:
    with pytest.raises(SignatureRefused, match="from"):
        settled(b"\x11" * 32, r, s, ADDRESS, PLACE)


def test_a_key_in_this_process_is_checked_like_any_other() -> None:
    class Faulty:
        """A library that signs with another nonce."""

        address = KEY.address

        def sign_transaction(self, transaction: dict[str, Any]) -> Any:
            return KEY.sign_transaction({**transaction, "nonce": transaction["nonce"] + 1})

    with pytest.raises(SignatureRefused, match="in this process gave back something else: nonce is 8, expected 7"):
        KeySigner(Faulty()).sign(DYNAMIC)  # type: ignore[arg-type]
    assert KeySigner(KEY).sign(DYNAMIC).raw == signed(DYNAMIC)
