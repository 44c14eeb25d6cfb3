"""A bundle is trusted only after every byte of it was checked."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.core.bundle import FILES, MANIFEST, MODEL, SETTINGS, VERIFIER_RUNTIME, Bundle, open_bundle
from bridge.core.commitment import circuit_hash
from bridge.core.manifest import Manifest, parse_manifest
from bridge.core.word import hex32, keccak256
from bridge.errors import BundleCorrupt, BundleMissing
from tests.conftest import Example


@pytest.fixture
def copy(bundle: Bundle, tmp_path: Path) -> Path:
    """A copy of the example's bundle, to be spoilt."""
    return Path(shutil.copytree(bundle.path, tmp_path / bundle.path.name))


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest's document in place."""
    path = folder / MANIFEST
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_the_manifest_holds_the_sha256_of_every_file(bundle: Bundle) -> None:
    inside = {path.name for path in bundle.path.iterdir()}
    assert inside == {*FILES, MANIFEST}
    for name, digest in bundle.manifest.files.items():
        assert hashlib.sha256(bundle.file(name).read_bytes()).hexdigest() == digest
    assert set(bundle.manifest.files) == set(FILES)


def test_the_ids_follow_from_the_files(bundle: Bundle, example: Example) -> None:
    manifest = bundle.manifest
    assert bundle.file(MODEL).read_bytes() == example.model.read_bytes()
    assert manifest.commitment.model_hash == "0x" + hashlib.sha256(example.model.read_bytes()).hexdigest()
    settings = hashlib.sha256(bundle.file(SETTINGS).read_bytes()).hexdigest()
    assert manifest.circuit.settings_hash == "0x" + settings
    assert manifest.commitment.circuit_hash == circuit_hash(manifest.circuit)
    assert manifest.commitment.vk_hash == hex32(keccak256(bundle.code(VERIFIER_RUNTIME)))
    assert manifest.model_id == manifest.commitment.model_id == bundle.model_id
    assert bundle.path.name == f"linear-{bundle.model_id[2:14]}"


def test_the_manifest_says_what_was_measured(bundle: Bundle) -> None:
    manifest = bundle.manifest
    measured = manifest.measurements
    assert measured.verifier_runtime_bytes == len(bundle.code(VERIFIER_RUNTIME))
    assert 0 < measured.prove_seconds < 60
    assert measured.proof_bytes > 1000
    assert measured.verify_gas is not None
    assert 200_000 < measured.verify_gas < 1_000_000
    assert manifest.fidelity.rows == 4
    assert 0 < manifest.fidelity.mean_abs_error <= manifest.fidelity.max_abs_error < 0.001
    assert manifest.setup.kind == "development"
    assert manifest.setup.logrows == manifest.settings.logrows
    assert manifest.versions.ezkl == "23.0.5"
    assert parse_manifest(manifest.to_json().encode()) == manifest


def test_a_bundle_opens_by_its_own_path_and_by_the_folder_around_it(copy: Path, bundle: Bundle) -> None:
    assert open_bundle(copy).manifest == bundle.manifest
    assert open_bundle(copy.parent).path == copy


def test_the_manifests_own_sha256_pins_what_was_measured(copy: Path, bundle: Bundle) -> None:
    """Nobody but its holder can tell a figure that was changed: the ids do not follow from what was measured."""
    pinned = hashlib.sha256((copy / MANIFEST).read_bytes()).hexdigest()
    assert open_bundle(copy).manifest_sha256 == bundle.manifest_sha256 == pinned

    def better(manifest: dict[str, Any]) -> None:
        manifest["fidelity"]["outputs"][0]["max_abs_error"] = 0.0

    rewrite(copy, better)
    changed = open_bundle(copy)
    assert (changed.model_id, changed.manifest.fidelity.max_abs_error) == (bundle.model_id, 0.0)
    assert changed.manifest_sha256 != pinned


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_is_found_and_its_file_is_named(copy: Path, name: str) -> None:
    open_bundle(copy)
    path = copy / name
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(BundleCorrupt) as refused:
        open_bundle(copy)
    assert refused.value.path == path
    assert "sha256" in refused.value.reason


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BundleCorrupt, match="No such file") as refused:
        open_bundle(copy)
    assert refused.value.path == copy / name


OTHER = "0x" + "11" * 32


@pytest.mark.parametrize(
    ("lie", "told"),
    [
        (lambda manifest: manifest.update(model_id=OTHER), "model id"),
        (lambda manifest: manifest["commitment"].update(model_hash=OTHER), "model hash"),
        (lambda manifest: manifest["commitment"].update(vk_hash=OTHER), "vk hash"),
        (lambda manifest: manifest["commitment"].update(circuit_hash=OTHER), "circuit hash"),
        (lambda manifest: manifest["commitment"].update(proof_system="0x00000000"), "model id"),
        (lambda manifest: manifest["circuit"].update(settings_hash=OTHER), "settings hash"),
        (lambda manifest: manifest["circuit"].update(input_visibility=2), "circuit hash"),
        (lambda manifest: manifest["circuit"]["outputs"][0].update(scale=3), "circuit hash"),
        (lambda manifest: manifest["circuit"]["outputs"][0].update(shape=[1, 3]), "circuit hash"),
        (lambda manifest: manifest.update(format=1), "format 1, this version of proofbridge reads 2: build the model"),
        (lambda manifest: manifest.update(format=1, field_of_another_format=0), "format 1"),
        (lambda manifest: manifest.pop("format"), "format"),
        (lambda manifest: manifest.update(extra=1), "extra"),
        (lambda manifest: manifest.pop("setup"), "setup"),
        (lambda manifest: manifest.pop("held_out"), "held_out"),
        (lambda manifest: manifest["fidelity"].pop("refused"), "fidelity.refused"),
        (lambda manifest: manifest["fidelity"].update(max_abs_error=0.1), "fidelity.max_abs_error"),
        (lambda manifest: manifest["fidelity"]["outputs"][0].pop("p99_abs_error"), "p99_abs_error"),
        (lambda manifest: manifest["settings"].update(logrows="many"), "settings.logrows"),
        (lambda manifest: manifest["files"].pop(SETTINGS), "it lists"),
        (lambda manifest: manifest["files"].update({"../../secret": "00"}), "it lists"),
    ],
)
def test_a_manifest_that_lies_is_found(copy: Path, lie: Callable[[dict[str, Any]], object], told: str) -> None:
    rewrite(copy, lambda _manifest: None)
    open_bundle(copy)
    rewrite(copy, lie)
    with pytest.raises(BundleCorrupt) as refused:
        open_bundle(copy)
    assert refused.value.path.name == MANIFEST
    assert told in refused.value.reason
    assert "\n" not in refused.value.what


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_a_manifest_that_is_none_is_corrupt(copy: Path, content: bytes) -> None:
    (copy / MANIFEST).write_bytes(content)
    with pytest.raises(BundleCorrupt):
        open_bundle(copy)


def test_another_models_files_under_a_true_manifest_are_found(copy: Path, other_bundle: Bundle) -> None:
    """Every file and its sha256 are the other model's, and only the ids are still the first one's."""

    def adopt(manifest: dict[str, Any]) -> None:
        manifest["files"] = dict(other_bundle.manifest.files)

    for name in FILES:
        shutil.copyfile(other_bundle.file(name), copy / name)
    rewrite(copy, adopt)
    with pytest.raises(BundleCorrupt, match="model hash"):
        open_bundle(copy)


def test_no_bundle_and_several_bundles_are_named(copy: Path, other_bundle: Bundle, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for path in (empty, tmp_path / "missing"):
        with pytest.raises(BundleMissing, match="there is no bundle") as refused:
            open_bundle(path)
        assert "model build" in refused.value.fix
    second = shutil.copytree(other_bundle.path, tmp_path / other_bundle.path.name)
    with pytest.raises(BundleMissing, match="several bundles") as refused:
        open_bundle(tmp_path)
    assert set(refused.value.found) == {str(copy), str(second)}
    assert refused.value.fix == "Name one bundle directory"


def test_an_unfinished_build_is_no_bundle(copy: Path) -> None:
    hidden = copy.rename(copy.with_name(".building-x"))
    with pytest.raises(BundleMissing):
        open_bundle(hidden.parent)


def test_a_manifest_of_a_hashed_circuit_differs(bundle: Bundle) -> None:
    hashed = replace(bundle.manifest.circuit, input_visibility=1)
    assert circuit_hash(hashed) != bundle.manifest.commitment.circuit_hash
    assert isinstance(bundle.manifest, Manifest)
