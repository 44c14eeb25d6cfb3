from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.core.field import MODULUS
from bridge.core.proof import Proof, from_ezkl, read_proof, to_ezkl
from bridge.core.word import HexBytes, hex32, hex_bytes
from bridge.errors import ProofMalformed

SOUND = Proof(hex32(7), (hex32(0), hex32(1), hex32(MODULUS - 1)), HexBytes("0xabcdef"), 0.25, 1 << 20)

proofs = st.builds(
    Proof,
    model_id=st.binary(min_size=32, max_size=32).map(hex32),
    instances=st.lists(st.integers(0, MODULUS - 1).map(hex32), max_size=5).map(tuple),
    proof=st.binary(max_size=100).map(hex_bytes),
    seconds=st.floats(0, 1e6),
    peak_memory_bytes=st.integers(0, 2**40),
)


@given(proofs)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_proof_comes_back_from_its_file(tmp_path: Path, proof: Proof) -> None:
    path = tmp_path / "proof.json"
    path.write_text(proof.to_json())
    assert read_proof(path) == proof


@given(proofs)
def test_a_proof_comes_back_from_ezkls_form(proof: Proof) -> None:
    assert from_ezkl(proof.model_id, to_ezkl(proof), proof.seconds, proof.peak_memory_bytes) == proof


def test_the_blob_is_what_the_gateway_decodes() -> None:
    instances, raw = decode(["uint256[]", "bytes"], SOUND.blob)
    assert instances == SOUND.words == (0, 1, MODULUS - 1)
    assert raw == bytes.fromhex("abcdef")


def document(**changes: Any) -> dict[str, Any]:
    """A sound proof file with some fields changed, or dropped where the change is None."""
    whole = {**json.loads(SOUND.to_json()), **changes}
    return {name: value for name, value in whole.items() if value is not None}


def test_the_document_that_is_broken_below_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "proof.json"
    path.write_text(json.dumps(document()))
    assert read_proof(path) == SOUND


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("hello", "Expecting value"),
        (json.dumps(document())[:-9], ""),
        ("[]", "no field proofbridge_proof"),
        ("null", "no field proofbridge_proof"),
        ("[" * 100_000, "recursion"),
        (json.dumps(document(proofbridge_proof=None)), "no field proofbridge_proof = 1"),
        (json.dumps(document(proofbridge_proof=2)), "no field proofbridge_proof = 1"),
        (json.dumps(document(model_id=None)), "model_id"),
        (json.dumps(document(model_id="0x12")), "64 hex digits"),
        (json.dumps(document(model_id=12)), "model_id"),
        (json.dumps(document(instances=None)), "instances"),
        (json.dumps(document(instances="0x00")), "instances"),
        (json.dumps(document(instances=[hex32(MODULUS)])), "not an element"),
        (json.dumps(document(instances=[hex32(2**256 - 1)])), "not an element"),
        (json.dumps(document(instances=["0x01"])), "64 hex digits"),
        (json.dumps(document(instances=[1])), "instances.0"),
        (json.dumps(document(proof=None)), "proof"),
        (json.dumps(document(proof="0xabc")), "fromhex"),
        (json.dumps(document(proof="0xzz")), "fromhex"),
        (json.dumps(document(seconds=None)), "seconds"),
        (json.dumps(document(seconds="long")), "seconds"),
    ],
)
def test_a_malformed_proof_file_says_why(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "proof.json"
    path.write_text(text)
    with pytest.raises(ProofMalformed) as refused:
        read_proof(path)
    assert refused.value.path == path
    assert reason in refused.value.reason


def test_a_proof_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "proof.json"
    with path.open("wb") as stream:
        stream.truncate(17 * 2**20)
    with pytest.raises(ProofMalformed, match="larger than"):
        read_proof(path)


@pytest.mark.parametrize("make", [Path.mkdir, lambda _path: None], ids=["a folder", "nothing"])
def test_what_is_no_file_is_no_proof_file(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "proof.json"
    make(path)
    with pytest.raises(ProofMalformed):
        read_proof(path)


@pytest.mark.parametrize(
    "changed",
    [{"instances": [["00"]]}, {"instances": [["ff" * 32]]}, {"instances": "00"}, {"hex_proof": 5}],
    ids=["short", "beyond the field", "no list", "no text"],
)
def test_what_ezkl_would_never_write_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_ezkl(SOUND.model_id, {**to_ezkl(SOUND), **changed}, 1.0, 0)


def test_capital_digits_are_the_same_digits(proof: Proof, tmp_path: Path) -> None:
    path = tmp_path / "proof.json"
    document = json.loads(proof.to_json())
    document["model_id"] = "0x" + document["model_id"][2:].upper()
    document["instances"] = ["0x" + word[2:].upper() for word in document["instances"]]
    document["proof"] = "0x" + document["proof"][2:].upper()
    path.write_text(json.dumps(document))
    assert read_proof(path) == proof
