"""Mangled proofs at real contracts on real chains: each is refused by its own name, and nothing is recorded of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from eth_account import Account

from bridge import verbs
from bridge.chain.anvil import local_chain
from bridge.connection import connect
from bridge.core.bundle import Bundle
from bridge.core.panel import DOMAIN_NAME, DOMAIN_VERSION
from bridge.core.proof import Proof
from bridge.core.rows import Row
from bridge.core.word import hex32, keccak256, to_bytes
from bridge.relay.submit import statement
from tests.audit.arena import (
    ENOUGH_GAS,
    NOT_STARTED,
    OUT_OF_GAS,
    Arena,
    Case,
    Kind,
    Proofs,
    Shot,
    build,
    call_with,
    events,
    fire,
    is_empty,
    is_recorded,
    send,
)
from tests.audit.mangle import TABLE, VARIANTS, Mutation, Variant, digest_of
from tests.conftest import Example

ROWS = [pytest.param(kind, row, id=f"{row.name} ({kind.value})") for row in TABLE for kind in row.refused]
SAME = [pytest.param(kind, row, id=f"{row.name} ({kind.value})") for row in VARIANTS for kind in row.kinds]
KINDS = [pytest.param(kind, id=kind.value) for kind in Kind]

EVERYWHERE = {
    "InstanceCountMismatch",
    "InstanceOutOfField",
    "InputCommitmentMismatch",
    "OutputMismatch",
    "MalformedProof",
    "ModelNotFound",
    "ModelNotBound",
    "UnsupportedProofSystem",
    "VerificationRefused_ModelDeprecated",
    "VerifierIsStopped",
}
BY_KIND = {
    Kind.PLAIN: EVERYWHERE | {"InvalidProof"},
    Kind.CARRIED: EVERYWHERE | {"InvalidProof", "VkaMissing"},
    Kind.STORED: EVERYWHERE | {"InvalidProof"},
    Kind.SIGNED: EVERYWHERE
    | {"ModelIsStopped", "MalformedSignatures", "PositionRefused", "SignatureRefused", "TooFewSignatures"},
}
"""The names that a kind of verifier has for a refusal, all of them. `ModelIsStopped` is the others' too; only a panel can be
made to contradict itself on purpose."""

RUNGS = 150
"""Steps of the ladder of gas limits, up to what is needed."""
MINED = 10
"""Every so many of them is sent as a transaction, too."""


@pytest.fixture(scope="module")
def arena(
    bundle: Bundle,
    other_bundle: Bundle,
    row: Row,
    proof: Proof,
    example: Example,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Arena]:
    books = tmp_path_factory.mktemp("mangle")
    proofs = Proofs(
        proof,
        verbs.prove(bundle, row),
        verbs.prove(bundle, verbs.read_input(bundle, example.sample)[1]),
        verbs.prove(other_bundle, row),
    )
    with local_chain() as here, local_chain(options=("--chain-id", "1337")) as there:
        yield build(
            bundle,
            other_bundle,
            proofs,
            here=connect(rpc=here.url, deployments=books / "here"),
            there=connect(rpc=there.url, deployments=books / "there"),
            guarded=connect(rpc=here.url, deployments=books / "guarded"),
        )


@pytest.fixture
def case(arena: Arena, kind: Kind) -> Case:
    return arena.cases[kind]


@pytest.fixture
def undone(arena: Arena) -> Iterator[None]:
    """What a test records is taken back after it."""
    checkpoint = arena.here.rpc.raw("evm_snapshot")
    yield
    arena.here.rpc.raw("evm_revert", checkpoint)


@pytest.mark.parametrize(("kind", "mutation"), ROWS)
def test_a_mangled_statement_is_refused_by_its_own_name_and_nothing_is_recorded(
    arena: Arena, case: Case, kind: Kind, mutation: Mutation
) -> None:
    shots = tuple(mutation.change(case))
    wanted = mutation.refused[kind]
    answers = fire(shots)
    assert {shot.note: got for shot, got in zip(shots, answers, strict=True) if got != wanted} == {}
    assert shots

    receipt = send(shots[0])
    assert not receipt.succeeded
    assert receipt.gas_used < ENOUGH_GAS, "it was refused, and not out of gas"
    assert all(is_empty(ledger) for ledger in arena.ledgers)
    assert fire([case.shot(case.honest)]) == (case.honest.inference_id,), "a refusal proves something"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("undone")
def test_the_untouched_statement_is_recorded_once(case: Case, kind: Kind) -> None:
    shot = case.shot(case.honest)
    assert not is_recorded(shot)
    assert send(shot).succeeded
    assert is_recorded(shot)
    assert not is_empty(case.here)
    (log,) = events(case.here)
    assert log.topics[:3] == (
        case.here.ledger.abi.topic("InferenceVerified"),
        case.model.id,
        shot.said.input_commitment,
    )
    (record,) = case.here.ledger.read("recordOf", to_bytes(shot.said.inference_id))
    (grade,) = case.here.ledger.read("gradeOf", int(case.model.id, 16))
    assert grade in record

    assert send(shot).succeeded
    assert len(events(case.here)) == 1


@pytest.mark.parametrize(("kind", "variant"), SAME)
@pytest.mark.usefixtures("undone")
def test_another_proof_of_a_statement_is_the_same_record(case: Case, kind: Kind, variant: Variant) -> None:
    honest = case.shot(case.honest)
    shots = tuple(variant.change(case))
    assert set(fire(shots)) == {honest.said.inference_id}
    assert all(shot.said.proof != honest.said.proof for shot in shots)

    assert send(shots[0]).succeeded
    assert is_recorded(honest)
    for shot in (*shots, honest):
        assert send(shot).succeeded
    assert len(events(case.here)) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("undone")
def test_too_little_gas_refuses_or_records_the_truth_and_never_a_refusal(case: Case, kind: Kind) -> None:
    """A true statement with too little gas looks like a false one, so nobody may conclude anything from a refusal."""
    shot, rpc = case.shot(case.honest), case.here.rpc
    enough = _least_gas(shot)
    ladder = [*range(enough // RUNGS, enough, enough // RUNGS), *range(enough - 20, enough + 20)]
    answers = {gas: call_with(shot, gas) for gas in ladder}
    said = Counter(answers.values())
    assert said.pop(shot.said.inference_id) == 20, "what is enough is enough from there on"
    assert set(said) <= {NOT_STARTED, OUT_OF_GAS, "EmptyRevert", *(() if kind is Kind.SIGNED else ("InvalidProof",))}
    assert kind is Kind.SIGNED or said["InvalidProof"] > RUNGS // 3, "most of the way it looks like a bad proof"

    mined = Counter[bool]()
    for gas in (gas for gas in ladder[::MINED] if answers[gas] != NOT_STARTED):
        checkpoint = rpc.raw("evm_snapshot")
        receipt = send(shot, gas)
        assert receipt.succeeded == is_recorded(shot) == bool(events(case.here))
        assert is_recorded(shot) or is_empty(case.here)
        mined[receipt.succeeded] += 1
        if receipt.succeeded:
            rpc.raw("evm_revert", checkpoint)
    assert mined[True]
    assert mined[False]

    assert is_empty(case.here)
    assert send(shot).succeeded, "no refusal is remembered"
    assert is_recorded(shot)


def _least_gas(shot: Shot) -> int:
    low, high = 0, ENOUGH_GAS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if call_with(shot, middle) == shot.said.inference_id else (middle, high)
    return high


@pytest.mark.parametrize("kind", KINDS)
def test_the_untouched_statement_is_what_the_product_would_send(case: Case, kind: Kind) -> None:
    said = statement(case.proof, case.model.circuit, case.here)
    if kind is Kind.CARRIED:  # the product does not carry artifacts
        said = replace(said, proof=case.honest.proof)
    assert said == case.honest


def test_the_other_places_differ_from_this_one_in_one_thing(arena: Arena) -> None:
    here, beside, stopped, there = arena.ledgers
    assert there.rpc.chain_id != here.rpc.chain_id
    assert [one.address for one in (there.ledger, *there.adapters)] == [
        one.address for one in (here.ledger, *here.adapters)
    ]
    assert beside.ledger.address != here.ledger.address
    assert beside.adapters == here.adapters
    assert stopped.registry.address == here.registry.address
    assert not {one.address for one in stopped.adapters} & {one.address for one in here.adapters}


def test_what_the_panel_signs_is_what_a_wallet_shows(arena: Arena) -> None:
    case = arena.cases[Kind.SIGNED]
    signers = case.model.signers
    assert signers is not None
    digest = digest_of(case)
    (on_chain,) = case.here.signed.read("digestOf", int(case.model.id, 16), case.words)
    assert hex32(on_chain) == digest

    where = {"chainId": case.here.rpc.chain_id, "verifyingContract": case.here.signed.address}
    signed = Account.sign_typed_data(
        signers.keys[0],
        {"name": DOMAIN_NAME, "version": DOMAIN_VERSION, **where},
        {"SignedInference": [{"name": "modelId", "type": "uint256"}, {"name": "instances", "type": "uint256[]"}]},
        {"modelId": int(case.model.id, 16), "instances": case.words},
    )
    assert bytes(signed.message_hash) == to_bytes(digest)
    assert bytes(signed.signature) == signers.sign(0, digest)


def test_the_keys_that_models_commit_to_are_those_of_the_contracts(arena: Arena) -> None:
    signed, carried = arena.cases[Kind.SIGNED], arena.cases[Kind.CARRIED]
    assert signed.model.signers is not None
    (panel,) = signed.here.signed.read("hashOf", signed.model.signers.panel.words)
    assert hex32(panel) == signed.model.commitment.vk_hash
    code, artifact = keccak256(carried.model.runtime), keccak256(carried.model.vka)
    (key,) = carried.here.reusable.read("keyHashOf", code, artifact)
    assert hex32(key) == carried.model.commitment.vk_hash


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_has_every_name_that_a_verifier_has_for_a_refusal(kind: Kind) -> None:
    assert {row.refused[kind] for row in TABLE if kind in row.refused} == BY_KIND[kind]


def test_no_two_ways_to_mangle_share_a_name() -> None:
    names = [row.name for row in (*TABLE, *VARIANTS)]
    assert len(set(names)) == len(names)
