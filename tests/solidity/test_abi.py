from __future__ import annotations

import json
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.word import hex32, keccak256
from bridge.solidity.abi import Abi, contract_abi, decode_revert, topic
from bridge.solidity.contracts import CORE, METADATA


def item(kind: str, name: str = "", *, indexed: bool = False, components: list[Any] | None = None) -> dict[str, Any]:
    return {"name": name, "type": kind, "indexed": indexed, "components": components or []}


ENTRIES: list[dict[str, Any]] = [
    {"type": "constructor", "inputs": [item("address"), item("uint256")]},
    {
        "type": "function",
        "name": "mix",
        "inputs": [
            item("uint256"),
            item("tuple[]", components=[item("bytes"), item("int8")]),
            item("string"),
        ],
        "outputs": [item("bool"), item("uint256[]"), item("bytes")],
    },
    {
        "type": "event",
        "name": "Seen",
        "inputs": [
            item("uint256", "count"),
            item("bytes32", "who", indexed=True),
            item("bytes", "what"),
            item("int64", "when", indexed=True),
        ],
    },
    {"type": "error", "name": "Refused", "inputs": [item("uint256", "limit"), item("bytes", "why"), item("string")]},
    {"type": "error", "name": "Bare", "inputs": []},
]
ABI = Abi(ENTRIES)
MIX = "mix(uint256,(bytes,int8)[],string)"
SEEN = "Seen(uint256,bytes32,bytes,int64)"
REFUSED = "Refused(uint256,bytes,string)"

uints = st.integers(0, 2**256 - 1)
words = st.binary(min_size=32, max_size=32)


def selector(signature: str) -> bytes:
    return keccak256(signature.encode())[:4]


@given(uints, st.lists(st.tuples(st.binary(), st.integers(-128, 127))), st.text())
def test_calldata_is_the_selector_and_the_arguments(count: int, pairs: list[tuple[bytes, int]], text: str) -> None:
    data = ABI.call("mix", count, pairs, text)
    assert data[:4] == selector(MIX)
    assert decode(["uint256", "(bytes,int8)[]", "string"], data[4:]) == (count, tuple(pairs), text)


@given(st.booleans(), st.lists(uints), st.binary())
def test_an_answer_comes_back(flag: bool, numbers: list[int], raw: bytes) -> None:
    answer = encode(["bool", "uint256[]", "bytes"], [flag, numbers, raw])
    assert ABI.answer("mix", answer) == (flag, tuple(numbers), raw)


@given(st.booleans(), st.lists(uints, min_size=1), st.binary(), st.data())
def test_an_answer_that_was_cut_is_refused(flag: bool, numbers: list[int], raw: bytes, data: st.DataObject) -> None:
    answer = encode(["bool", "uint256[]", "bytes"], [flag, numbers, raw])
    length = data.draw(st.integers(0, len(answer) - 32 - len(raw)))
    with pytest.raises(ValueError, match="mix answered with data that is not its ABI"):
        ABI.answer("mix", answer[:length])


@given(st.binary(max_size=400))
def test_a_hostile_answer_is_a_value_or_a_value_error(data: bytes) -> None:
    try:
        assert len(ABI.answer("mix", data)) == 3
    except ValueError as error:
        assert "mix" in str(error)  # noqa: PT017 - either way is right, nothing else is


@pytest.mark.parametrize("head", [2**256 - 1, 2**64, 2**63, 2**31, 10_000])
def test_an_answer_that_points_far_away_is_refused(head: int) -> None:
    data = encode(["uint256"] * 3, [1, head, head]) + bytes(64)
    with pytest.raises(ValueError, match="not its ABI"):
        ABI.answer("mix", data)


def test_a_function_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        ABI.call("mixed")


def test_constructor_arguments_are_encoded_and_none_need_no_constructor() -> None:
    gateway = "0x" + "11" * 20
    assert decode(["address", "uint256"], ABI.constructor(gateway, 5)) == (gateway, 5)
    assert Abi([]).constructor() == b""


@given(uints, words, st.binary(), st.integers(-(2**63), 2**63 - 1))
def test_a_log_comes_back_by_the_names_of_its_event(count: int, who: bytes, what: bytes, when: int) -> None:
    topics = [ABI.topic("Seen"), hex32(who), hex32(encode(["int64"], [when]))]
    event = ABI.event(topics, encode(["uint256", "bytes"], [count, what]))
    assert event is not None
    assert event.name == "Seen"
    assert event.arguments == {"count": count, "who": who, "what": what, "when": when}


def test_the_topic_of_an_event_is_the_hash_of_its_signature() -> None:
    assert ABI.topic("Seen") == hex32(keccak256(SEEN.encode()))
    assert topic(ENTRIES[3]) == keccak256(REFUSED.encode())


def test_a_log_of_another_contract_is_none() -> None:
    assert ABI.event([hex32(1)], b"") is None
    assert ABI.event([], b"") is None


@pytest.mark.parametrize(
    ("topics", "data"),
    [
        ([hex32(1), hex32(2)], b""),
        ([hex32(1), hex32(2)], bytes(31)),
        ([hex32(1)], encode(["uint256", "bytes"], [1, b""])),
        ([hex32(1), hex32(2), hex32(3)], encode(["uint256", "bytes"], [1, b""])),
        ([hex32(1), hex32(2**255)], encode(["uint256", "bytes"], [1, b""])),
        ([hex32(1), "0x01"], encode(["uint256", "bytes"], [1, b""])),
        ([hex32(1), "0xno"], encode(["uint256", "bytes"], [1, b""])),
    ],
)
def test_a_malformed_log_of_our_event_is_a_value_error(topics: list[str], data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ABI.event([ABI.topic("Seen"), *topics], data)


@given(uints, st.binary(), st.text())
def test_an_error_comes_back_by_its_name(limit: int, why: bytes, text: str) -> None:
    data = selector(REFUSED) + encode(["uint256", "bytes", "string"], [limit, why, text])
    expected = ("Refused", (("limit", str(limit)), ("why", "0x" + why.hex()), ("2", text)))
    assert ABI.error(data) == expected
    assert decode_revert(data, [Abi([]), ABI]) == expected


@pytest.mark.parametrize(
    ("data", "name", "arguments"),
    [
        (b"", "EmptyRevert", ()),
        (selector("Bare()"), "Bare", ()),
        (selector(REFUSED), "Refused", ()),
        (selector("Panic(uint256)") + encode(["uint256"], [0x11]), "Panic", (("code", "17"),)),
        (selector("Error(string)") + encode(["string"], ["too late"]), "Error", (("message", "too late"),)),
        (selector("Error(string)") + encode(["bytes"], [b"\xff\xfe"]), "Error", ()),
        (selector("Panic(uint256)"), "Panic", ()),
        (selector("Error(string)") + bytes(31), "Error", ()),
        (b"\x01\x02\x03\x04\x05", "UnknownError", (("data", "0x0102030405"),)),
        (b"\x01", "UnknownError", (("data", "0x01"),)),
        (b"\x01" * 100, "UnknownError", (("data", "0x" + "01" * 68),)),
    ],
)
def test_revert_data_has_a_name(data: bytes, name: str, arguments: tuple[tuple[str, str], ...]) -> None:
    assert decode_revert(data, [ABI]) == (name, arguments)


@given(st.binary(max_size=300), st.sampled_from([b"", selector(REFUSED), selector("Error(string)")]))
def test_hostile_revert_data_has_a_name_too(data: bytes, head: bytes) -> None:
    name, arguments = decode_revert(head + data, [ABI])
    assert name
    assert all(isinstance(text, str) for pair in arguments for text in pair)


@pytest.mark.parametrize("name", [*CORE, METADATA])
def test_the_committed_abis_load_and_no_two_of_their_errors_share_a_selector(name: str) -> None:
    abi = contract_abi(name)
    assert abi is contract_abi(name)
    errors = [entry for entry in abi.entries if entry["type"] == "error"]
    assert len(abi._errors) == len(errors)
    assert json.loads(json.dumps(abi.entries)) == list(abi.entries)


def wrapped(reason: bytes, details: bytes) -> bytes:
    arguments = encode(["address", "bytes4", "bytes", "bytes"], ["0x" + "11" * 20, b"\1\2\3\4", reason, details])
    return selector("WrappedError(address,bytes4,bytes,bytes)") + arguments


def test_a_quoted_reason_stands_beside_the_error_that_it_led_to() -> None:
    reason = selector("Error(string)") + encode(["string"], ["no"])
    name, arguments = decode_revert(wrapped(reason, selector("Bare()")), [ABI])
    assert name == "Bare"
    assert arguments == (("contract", "0x" + "11" * 20), ("reason", "Error"))
    inner = wrapped(wrapped(b"", b""), wrapped(b"", b""))
    assert decode_revert(inner, [ABI])[0] == "UnknownError"  # one level is told, a tower of them is not climbed


def test_a_wrapper_that_is_cut_is_named_all_the_same() -> None:
    assert decode_revert(wrapped(b"a reason", selector("Bare()"))[:60], [ABI]) == ("WrappedError", ())
