"""Models that the shared verifier checks, on a chain: where the artifact is, what that costs, and what becomes of a wrong one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge import verbs
from bridge.chain.anvil import local_chain
from bridge.circuit.order import Code, Order
from bridge.connection import Connection, connect
from bridge.core.bundle import VERIFIER_VKA, Bundle
from bridge.core.grade import Grade
from bridge.core.proof import Proof
from bridge.core.rows import Row
from bridge.core.word import hex32, keccak256
from bridge.deploy.artifact import Storing, carried, fits, saving, store, stored_at
from bridge.deploy.book import write_book
from bridge.deploy.model import bound_verifier
from bridge.errors import ContractReverted, DeploymentDiffers, DevelopmentSetupRefused
from bridge.relay.submit import statement
from bridge.solidity.limits import Limits


@pytest.fixture(scope="module")
def shared_bundle(order: Order, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The example, to be checked by the shared verifier."""
    return verbs.build_model(replace(order, verifier=Code.SHARED, out=tmp_path_factory.mktemp("shared"))).bundle


@pytest.fixture(scope="module")
def shared_proof(shared_bundle: Bundle, row: Row) -> Proof:
    """A real proof of the first row."""
    return verbs.prove(shared_bundle, row)


def test_the_artifact_is_stored_once_and_proofs_need_not_carry_it(
    staged: Connection, shared_bundle: Bundle, shared_proof: Proof
) -> None:
    done = verbs.deploy_model(shared_bundle, staged)
    core, vka = staged.core(), shared_bundle.vka
    assert done.artifact is not None
    assert done.artifact.address == stored_at(vka, core)
    assert staged.rpc.code(done.artifact.address) == b"\0" + vka
    assert done.artifact.pays_back_with
    assert bound_verifier(core.reusable, shared_bundle.model_id) == done.entry.verifier.address
    assert bound_verifier(core.ezkl, shared_bundle.model_id) is None
    assert carried(shared_bundle, core) == b""
    assert verbs.submit(shared_bundle, shared_proof, staged).is_new
    assert verbs.results(staged)[0].grade is Grade.PROVEN

    again = verbs.deploy_model(shared_bundle, staged)
    assert not again.is_new
    assert again.gas_used == 0
    assert again.artifact == replace(done.artifact, gas=None)
    assert again.artifact.pays_back_with is None


def test_left_to_the_proofs_the_artifact_is_carried(
    staged: Connection, shared_bundle: Bundle, shared_proof: Proof
) -> None:
    done = verbs.deploy_model(shared_bundle, staged, carry=True)
    core = staged.core()
    assert done.artifact == Storing(len(shared_bundle.vka), None, None, saving(shared_bundle.vka))
    assert carried(shared_bundle, core) == shared_bundle.vka
    assert verbs.submit(shared_bundle, shared_proof, staged).is_new
    attempts = verbs.fire_tampered(shared_bundle, shared_proof, staged)
    assert attempts
    assert all(attempt.refused for attempt in attempts)


def test_without_the_artifact_a_proof_is_refused_by_name(
    staged: Connection, shared_bundle: Bundle, shared_proof: Proof
) -> None:
    verbs.deploy_model(shared_bundle, staged, carry=True)
    core = staged.core()
    said = statement(shared_proof, shared_bundle.manifest.circuit, core)
    with pytest.raises(ContractReverted) as refused:
        core.ledger.read("check", *said.arguments)
    assert refused.value.error == "VkaMissing"


def test_what_storing_saves_is_what_a_verification_costs_less(
    staged: Connection, shared_bundle: Bundle, example: object
) -> None:
    """Calldata, hash and copying of the artifact are figures of the EVM; what else a verification does is the same."""
    rows = verbs.read_input(shared_bundle, example.sample)  # type: ignore[attr-defined]
    verbs.deploy_model(shared_bundle, staged, carry=True)
    first = verbs.infer(shared_bundle, rows[0], staged)
    carrying = verbs.infer(shared_bundle, rows[1], staged)
    verbs.deploy_model(shared_bundle, staged)
    stored = verbs.infer(shared_bundle, rows[2], staged)
    assert first.is_new
    saved = carrying.gas_used - stored.gas_used
    assert saved == pytest.approx(saving(shared_bundle.vka), rel=0.1)


def test_an_artifact_that_is_longer_than_code_may_be_is_left_to_the_proofs(
    staged: Connection, shared_bundle: Bundle
) -> None:
    size = len(shared_bundle.vka)
    assert fits(shared_bundle.vka, Limits(runtime_bytes=size + 1))
    assert not fits(shared_bundle.vka, Limits(runtime_bytes=size))
    wallet, core = staged.wallet(), staged.core()
    small = replace(wallet, preset=replace(wallet.preset, limits=Limits(runtime_bytes=size)))
    assert store(shared_bundle.vka, small, core) == Storing(size, None, None, saving(shared_bundle.vka))
    assert store(shared_bundle.vka, wallet, core).address == stored_at(shared_bundle.vka, core)


def test_two_models_share_the_code(
    staged: Connection, shared_bundle: Bundle, order: Order, other_bundle: Bundle
) -> None:
    other = verbs.build_model(
        replace(order, model=other_bundle.path / "model.onnx", verifier=Code.SHARED, out=shared_bundle.path.parent)
    ).bundle
    first = verbs.deploy_model(shared_bundle, staged)
    second = verbs.deploy_model(other, staged)
    assert first.entry.verifier.address == second.entry.verifier.address
    assert first.entry.model_id != second.entry.model_id
    assert second.gas_used < first.gas_used
    verbs.verify_deployment(staged).require()


def test_a_deployment_is_held_to_the_artifact_that_its_book_names(staged: Connection, shared_bundle: Bundle) -> None:
    verbs.deploy_model(shared_bundle, staged)
    verbs.verify_deployment(staged).require()
    book = staged.book()
    entry = book.models[shared_bundle.model_id]
    assert entry.vka_digest == hex32(keccak256(shared_bundle.vka))
    for wrong, missed in ((hex32(1), "vkHash of the listing"), (None, "bindingOf(EzklVerifier)"), ("junk", "vkHash")):
        write_book(staged.deployments, book.with_model(replace(entry, vka_digest=wrong)))  # type: ignore[arg-type]
        with pytest.raises(DeploymentDiffers, match="differ") as refused:
            verbs.verify_deployment(staged).require()
        assert any(missed in what for what, _ in refused.value.differences)


def test_the_setup_of_a_shared_verifier_is_looked_for_in_the_artifact(
    order: Order, funded_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "PROOFBRIDGE_HOME", str(tmp_path / "home")
    )  # without the public setup that another test may keep
    shared = verbs.build_model(replace(order, verifier=Code.SHARED, out=tmp_path / "bundles")).bundle
    assert shared.manifest.setup.kind == "development"
    with local_chain(options=("--chain-id", "11155111")) as chain:
        sepolia = connect("sepolia", rpc=chain.url, account=funded_key, deployments=tmp_path / "sepolia")
        verbs.deploy_core(sepolia)
        with pytest.raises(DevelopmentSetupRefused):
            verbs.deploy_model(shared, sepolia)


def test_the_artifact_is_a_file_of_the_bundle(shared_bundle: Bundle, bundle: Bundle) -> None:
    assert shared_bundle.is_shared
    assert shared_bundle.file(VERIFIER_VKA).is_file()
    assert not bundle.is_shared
    assert bundle.vka == b""
    assert shared_bundle.model_id != bundle.model_id, "what checks a model is part of what it is"
