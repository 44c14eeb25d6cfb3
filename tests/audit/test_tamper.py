from __future__ import annotations

from dataclasses import replace

import pytest

from bridge import verbs
from bridge.audit.tamper import tamper
from bridge.circuit.order import Order
from bridge.connection import Connection
from bridge.core.bundle import Bundle
from bridge.core.circuit import Visibility
from bridge.core.commitment import EZKL_PROOF_SYSTEM, ModelCommitment, circuit_words, proof_system_id
from bridge.core.proof import Proof
from bridge.core.word import hex32, hex_bytes, keccak256, to_bytes
from bridge.deploy.create2 import place
from bridge.errors import ContractReverted
from tests.conftest import Example

EXPECTED = {
    "another output beside an honest proof": "OutputMismatch",
    "another output inside the instances": "InvalidProof",
    "an output that equals the honest one modulo the field": "InstanceOutOfField",
    "one bit of the proof flipped": "InvalidProof",
    "another input's commitment": "InputCommitmentMismatch",
    "another model's id": "ModelNotFound",
    "the proof cut short": "InvalidProof",
    "bytes after the proof": "MalformedProof",
    "another input inside the instances": "InvalidProof",
}
ABOUT_THE_INPUT = "another input inside the instances"

SAYS_YES = bytes.fromhex("600160005260206000f3")
"""MSTORE(0, 1), RETURN(0, 32): a verifier that accepts everything."""


def test_every_mutation_is_refused_by_its_own_name(staged: Connection, bundle: Bundle, proof: Proof) -> None:
    attempts = verbs.fire_tampered(bundle, proof, staged)
    assert {attempt.mutation: attempt.error for attempt in attempts} == EXPECTED
    assert all(attempt.refused for attempt in attempts)


def test_tampering_costs_nothing(staged: Connection, bundle: Bundle, proof: Proof) -> None:
    head, nonce = staged.rpc.block_number(), staged.rpc.nonce(staged.wallet().address)
    verbs.fire_tampered(bundle, proof, staged)
    assert staged.rpc.block_number() == head
    assert staged.rpc.nonce(staged.wallet().address) == nonce


def test_a_statement_that_is_not_accepted_untouched_proves_nothing_and_is_raised(
    staged: Connection, bundle: Bundle, other_bundle: Bundle, proof: Proof
) -> None:
    raw = bytearray(to_bytes(proof.proof))
    raw[40] ^= 1
    with pytest.raises(ContractReverted, match=r"refused InferenceLedger\.check: InvalidProof"):
        verbs.fire_tampered(bundle, replace(proof, proof=hex_bytes(bytes(raw))), staged)
    with pytest.raises(ContractReverted, match="ModelNotFound"):
        verbs.fire_tampered(other_bundle, replace(proof, model_id=other_bundle.model_id), staged)


@pytest.mark.parametrize("visibility", [Visibility.HASHED, Visibility.PRIVATE])
def test_mutations_of_an_input_that_is_not_shown_are_refused_too(
    visibility: Visibility,
    staged: Connection,
    order: Order,
    example: Example,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    out = tmp_path_factory.mktemp("hidden")
    hidden = verbs.build_model(replace(order, visibility=visibility, out=out)).bundle
    verbs.deploy_model(hidden, staged)
    proof = verbs.prove(hidden, verbs.read_input(hidden, example.sample)[0])
    attempts = verbs.fire_tampered(hidden, proof, staged)
    assert all(attempt.refused for attempt in attempts)
    names = {attempt.mutation for attempt in attempts}
    assert names == set(EXPECTED) - (set() if visibility is Visibility.HASHED else {ABOUT_THE_INPUT})


def test_a_verifier_that_accepts_everything_is_caught(staged: Connection, bundle: Bundle, proof: Proof) -> None:
    """So that the kit can fail: the gateway still ties output and input, and everything else gets through."""
    core, wallet = staged.core(), staged.wallet()
    initcode = bytes.fromhex(f"61{len(SAYS_YES):04x}80600c6000396000f3") + SAYS_YES
    verifier = place(wallet, "a verifier that says yes", initcode, SAYS_YES).address
    honest = bundle.manifest.commitment
    fooled = ModelCommitment(
        honest.model_hash, honest.circuit_hash, hex32(keccak256(SAYS_YES)), proof_system_id(EZKL_PROOF_SYSTEM)
    )
    words = (fooled.model_hash, fooled.circuit_hash, fooled.vk_hash, fooled.proof_system)
    listing = (*(to_bytes(word) for word in words), "")
    wallet.execute(core.registry.address, core.registry.abi.call("registerModel", listing), label="registerModel")
    binding = (int(fooled.model_id, 16), circuit_words(bundle.manifest.circuit), verifier)
    wallet.execute(core.ezkl.address, core.ezkl.abi.call("bind", *binding), label="bind")

    attempts = tamper(replace(proof, model_id=fooled.model_id), bundle.manifest.circuit, core)
    accepted = {attempt.mutation for attempt in attempts if not attempt.refused}
    assert accepted == {
        "another output inside the instances",
        "an output that equals the honest one modulo the field",
        "one bit of the proof flipped",
        "the proof cut short",
        "another input inside the instances",
    }
    assert all(attempt.error == "" for attempt in attempts if not attempt.refused)
