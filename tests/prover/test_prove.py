"""A proof verifies, and nothing near it does."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bridge import verbs
from bridge.circuit import srs
from bridge.circuit.model import read_model
from bridge.circuit.order import Order
from bridge.core.bundle import PROVING_KEY, Bundle, Keys
from bridge.core.field import MODULUS
from bridge.core.proof import Proof
from bridge.core.rows import Row
from bridge.core.word import HexBytes, hex32
from bridge.engine.child import Call, run
from bridge.errors import EngineError, EngineTimeout, ProofInvalid
from bridge.prover import prove as prover
from tests.conftest import Example


@pytest.fixture(scope="session")
def setup(bundle: Bundle) -> Path:
    """The trusted setup of the example's key."""
    return srs.find(bundle.manifest.setup).path


@pytest.fixture
def keys(bundle: Bundle, tmp_path: Path) -> Keys:
    """A copy of the example's keys, to be spoilt."""
    return Keys.inside(Path(shutil.copytree(bundle.path, tmp_path / "bundle")))


def flipped(text: HexBytes, at: int) -> HexBytes:
    """A hex string with one bit of its byte `at` changed."""
    raw = bytearray(bytes.fromhex(text[2:]))
    raw[at] ^= 1
    return HexBytes("0x" + raw.hex())


def test_a_proof_verifies(bundle: Bundle, proof: Proof, setup: Path) -> None:
    prover.check(bundle.keys, proof, setup)
    assert proof.model_id == bundle.model_id
    assert len(proof.instances) == 5
    assert 0 < proof.seconds < 60
    assert proof.peak_memory_bytes > 2**20


def test_its_outputs_are_those_of_the_float_model(bundle: Bundle, proof: Proof, example: Example, row: Row) -> None:
    (got,) = verbs.outputs_of(bundle, proof)
    (array,) = read_model(example.model).reference().outputs(row)
    wanted = array.reshape(-1).tolist()
    assert got == pytest.approx(wanted, abs=bundle.manifest.fidelity.max_abs_error * 1.01)
    assert got != pytest.approx(wanted[::-1], abs=0.01)


def test_a_cut_of_a_setup_makes_the_keys_of_the_whole_and_proofs_that_hold_on_it(
    order: Order, hermez: Path, row: Row, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(tmp_path / "home"))
    made = verbs.build_model(replace(order, srs=hermez, out=tmp_path)).bundle
    part = srs.for_proving(made.manifest)
    assert part.stat().st_size < hermez.stat().st_size
    vk, pk = tmp_path / "vk.key", tmp_path / "pk.key"
    run([Call("setup", "", {"circuit": str(made.keys.circuit), "vk": str(vk), "pk": str(pk), "srs": str(hermez)})])
    assert vk.read_bytes() == made.keys.verifying.read_bytes()
    assert pk.read_bytes() == made.keys.proving.read_bytes()
    for one, other in ((part, hermez), (hermez, part)):
        prover.check(made.keys, prover.prove(made.keys, made.model_id, row, one), other)


@pytest.mark.parametrize("at", range(5))
def test_a_changed_instance_is_refused(bundle: Bundle, proof: Proof, setup: Path, at: int) -> None:
    words = list(proof.words)
    words[at] = (words[at] + 1) % MODULUS
    changed = replace(proof, instances=tuple(map(hex32, words)))
    with pytest.raises(ProofInvalid, match=bundle.model_id):
        prover.check(bundle.keys, changed, setup)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75, 0.999])
def test_a_changed_byte_of_the_proof_is_refused(bundle: Bundle, proof: Proof, setup: Path, share: float) -> None:
    changed = flipped(proof.proof, int(share * (len(proof.proof) // 2 - 1)))
    with pytest.raises(ProofInvalid):
        prover.check(bundle.keys, replace(proof, proof=changed), setup)


def test_a_proof_without_its_end_or_its_instances_is_refused(bundle: Bundle, proof: Proof, setup: Path) -> None:
    for spoilt in (
        replace(proof, proof=HexBytes(proof.proof[:-64])),
        replace(proof, proof=HexBytes("0x")),
        replace(proof, instances=proof.instances[:-1]),
        replace(proof, instances=()),
        replace(proof, instances=(*proof.instances, hex32(0))),
    ):
        with pytest.raises(ProofInvalid):
            prover.check(bundle.keys, spoilt, setup)


def test_instances_in_another_order_are_refused(bundle: Bundle, proof: Proof, setup: Path) -> None:
    with pytest.raises(ProofInvalid):
        prover.check(bundle.keys, replace(proof, instances=proof.instances[::-1]), setup)


def test_a_proof_of_another_model_is_refused(bundle: Bundle, other_bundle: Bundle, row: Row, setup: Path) -> None:
    """The models have the same shape and the same settings, and differ in their weights alone."""
    other = verbs.prove(other_bundle, row)
    prover.check(other_bundle.keys, other, setup)
    with pytest.raises(ProofInvalid):
        prover.check(bundle.keys, other, setup)


def test_a_proof_under_another_setup_is_refused(bundle: Bundle, proof: Proof, hermez: Path) -> None:
    with pytest.raises(ProofInvalid):
        prover.check(bundle.keys, proof, hermez)


def test_two_proofs_of_one_row_state_the_same_in_other_bytes(bundle: Bundle, row: Row, proof: Proof) -> None:
    again = verbs.prove(bundle, row)
    assert again.instances == proof.instances
    assert again.proof != proof.proof


def test_the_proving_key_of_another_model_makes_no_proof(
    keys: Keys, bundle: Bundle, other_bundle: Bundle, row: Row, setup: Path
) -> None:
    prover.prove(keys, bundle.model_id, row, setup)
    shutil.copyfile(other_bundle.file(PROVING_KEY), keys.proving)
    with pytest.raises(ProofInvalid, match="keys may not belong together"):
        prover.prove(keys, bundle.model_id, row, setup)


@pytest.mark.parametrize("length", [0, 100, -1])
def test_a_proving_key_that_was_cut_is_named(keys: Keys, bundle: Bundle, row: Row, setup: Path, length: int) -> None:
    keys.proving.write_bytes(keys.proving.read_bytes()[:length])
    with pytest.raises(EngineError, match="proving"):
        prover.prove(keys, bundle.model_id, row, setup)


def test_a_missing_key_and_a_missing_setup_are_named(keys: Keys, bundle: Bundle, row: Row, tmp_path: Path) -> None:
    with pytest.raises((EngineError, ProofInvalid)):
        prover.prove(keys, bundle.model_id, row, tmp_path / "missing")
    keys.proving.unlink()
    with pytest.raises(EngineError):
        prover.prove(keys, bundle.model_id, row, srs.find(bundle.manifest.setup).path)


def test_proving_ends_at_its_time_limit(bundle: Bundle, row: Row) -> None:
    with pytest.raises(EngineTimeout, match="was stopped"):
        verbs.prove(bundle, row, timeout=0.01)
    verbs.prove(bundle, row, timeout=60)


def test_progress_names_the_stages_of_a_proof(bundle: Bundle, row: Row) -> None:
    stages: list[str] = []
    verbs.prove(bundle, row, progress=stages.append)
    assert stages == ["computing the witness", "proving", "checking the proof locally"]
