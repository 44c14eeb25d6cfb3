"""Python gives the numbers of tests/vectors, as Solidity does (contracts/test/Vectors.t.sol)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from eth_account.messages import encode_typed_data

from bridge.core import field
from bridge.core.batch import is_in
from bridge.core.circuit import Circuit, Visibility
from bridge.core.commitment import (
    ModelCommitment,
    circuit_hash,
    domain,
    inference_id,
    input_commitment,
    line_id,
    packed,
    reusable_key_hash,
)
from bridge.core.panel import DOMAIN_NAME, DOMAIN_VERSION, Panel, panel_hash, statement_digest
from bridge.core.tensor import CircuitTensor
from bridge.core.word import keccak256, to_bytes

VECTORS = Path(__file__).parents[1] / "vectors"


def vectors(file: str, kind: str) -> list[dict[str, Any]]:
    found = json.loads((VECTORS / f"{file}.json").read_text())[kind]
    assert found
    return found


def circuit_of(vector: dict[str, Any]) -> Circuit:
    def tensors(side: str) -> tuple[CircuitTensor, ...]:
        pairs = zip(vector[f"{side}Elements"], vector[f"{side}Scales"], strict=True)
        return tuple(
            CircuitTensor(f"t{at}", (elements,), "float32", scale) for at, (elements, scale) in enumerate(pairs)
        )

    visibility = Visibility(vector["inputVisibility"])
    return Circuit(vector["settingsHash"], visibility, vector["rows"], tensors("input"), tensors("output"))


@pytest.mark.parametrize("vector", vectors("commitments", "models"))
def test_a_model_id_is_the_hash_of_its_commitment(vector: dict[str, Any]) -> None:
    parts = [vector[name] for name in ("modelHash", "circuitHash", "vkHash", "proofSystemId")]
    assert ModelCommitment(*parts).model_id == vector["modelId"]


@pytest.mark.parametrize("vector", vectors("commitments", "circuits"))
def test_a_circuit_hash_covers_shape_scales_and_visibility(vector: dict[str, Any]) -> None:
    circuit = circuit_of(vector)
    assert circuit_hash(circuit) == vector["circuitHash"]
    assert circuit.input_instances == vector["inputInstances"]
    assert circuit.output_instances == vector["outputInstances"]


@pytest.mark.parametrize("vector", vectors("commitments", "inferences"))
def test_an_inference_id_is_bound_to_chain_gateway_model_input_and_output(vector: dict[str, Any]) -> None:
    tag = domain(vector["chainId"], vector["gateway"])
    commitment = input_commitment(tag, [int(word, 16) for word in vector["inputs"]])
    output = packed([int(word, 16) for word in vector["outputs"]])
    assert tag == vector["domain"]
    assert commitment == vector["inputCommitment"]
    assert "0x" + output.hex() == vector["output"]
    assert inference_id(vector["modelId"], commitment, output) == vector["inferenceId"]


@pytest.mark.parametrize("vector", vectors("commitments", "lines"))
def test_a_line_id_holds_its_creator(vector: dict[str, Any]) -> None:
    assert line_id(vector["creator"], vector["name"]) == vector["lineId"]


@pytest.mark.parametrize("vector", vectors("reusable", "keys"))
def test_the_key_hash_of_a_shared_verifier_covers_code_and_artifact(vector: dict[str, Any]) -> None:
    assert reusable_key_hash(vector["verifierCodeHash"], vector["vkaDigest"]) == vector["keyHash"]


@pytest.mark.parametrize("vector", vectors("signed", "panels"))
def test_a_panel_hash_covers_admin_threshold_and_signers(vector: dict[str, Any]) -> None:
    panel = Panel(vector["admin"], vector["threshold"], tuple(vector["signers"]))
    assert panel_hash(panel) == vector["panelHash"]


@pytest.mark.parametrize("vector", vectors("signed", "statements"))
def test_a_signed_statement_is_bound_to_chain_verifier_model_and_instances(vector: dict[str, Any]) -> None:
    instances = [int(word, 16) for word in vector["instances"]]
    digest = statement_digest(vector["modelId"], instances, vector["chainId"], vector["verifier"])
    assert digest == vector["digest"]
    typed = encode_typed_data(
        {
            "name": DOMAIN_NAME,
            "version": DOMAIN_VERSION,
            "chainId": vector["chainId"],
            "verifyingContract": vector["verifier"],
        },
        {"SignedInference": [{"name": "modelId", "type": "uint256"}, {"name": "instances", "type": "uint256[]"}]},
        {"modelId": int(vector["modelId"], 16), "instances": instances},
    )
    assert to_bytes(digest) == keccak256(b"\x19" + typed.version + typed.header + typed.body)


@pytest.mark.parametrize("vector", vectors("fixed_point", "signed"))
def test_an_instance_is_a_signed_number(vector: dict[str, Any]) -> None:
    assert field.to_signed(int(vector["instance"], 16)) == int(vector["signed"])
    assert field.to_instance(int(vector["signed"])) == int(vector["instance"], 16)


@pytest.mark.parametrize("vector", vectors("fixed_point", "wad"))
def test_a_number_with_18_decimals_is_cut_toward_zero(vector: dict[str, Any]) -> None:
    assert field.to_wad(int(vector["instance"], 16), vector["scale"]) == int(vector["wad"])


def test_no_two_vectors_share_an_id() -> None:
    """Each vector differs from the others in one thing, and the ids must tell them apart."""
    for file, kind, name in (
        ("commitments", "models", "modelId"),
        ("commitments", "lines", "lineId"),
        ("commitments", "circuits", "circuitHash"),
        ("commitments", "inferences", "inferenceId"),
        ("reusable", "keys", "keyHash"),
        ("signed", "panels", "panelHash"),
        ("signed", "statements", "digest"),
    ):
        ids = [vector[name] for vector in vectors(file, kind)]
        assert len(set(ids)) == len(ids)


def test_the_vectors_hold_negative_numbers_that_are_cut() -> None:
    wads = vectors("fixed_point", "wad")
    cut = [
        v
        for v in wads
        if v["scale"] > 0 and int(v["wad"]) * 2 ** v["scale"] != field.to_signed(int(v["instance"], 16)) * 10**18
    ]
    assert any(int(vector["wad"]) < 0 for vector in cut)
    assert any(int(vector["wad"]) > 0 for vector in cut)


@pytest.mark.parametrize("vector", vectors("batches", "batches"), ids=lambda vector: f"{len(vector['rows'])} rows")
def test_a_row_is_in_its_batch_by_its_own_path_alone(vector: dict[str, Any]) -> None:
    rows = vector["rows"]
    for at, row in enumerate(rows):
        assert is_in(vector["root"], row["path"], row["inferenceId"])
        assert not is_in(vector["root"], [*row["path"], vector["root"]], row["inferenceId"])
        other = rows[(at + 1) % len(rows)]
        assert len(rows) == 1 or not is_in(vector["root"], row["path"], other["inferenceId"])
