"""Whose setup is inside a file, a key or a verifier: told by its bytes, with or without a manifest."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.circuit import srs
from bridge.circuit.build import Bench, Order, build
from bridge.circuit.origin import Origin, of_code, origin_of
from bridge.circuit.reusable import reusable_verifier
from bridge.core.bundle import (
    CIRCUIT,
    MANIFEST,
    MODEL,
    SETTINGS,
    VERIFIER_RUNTIME,
    VERIFIER_SOURCE,
    VERIFYING_KEY,
    Bundle,
)
from bridge.core.ceremony import HERMEZ, PERPETUAL, Ceremony, constants, has_setup, in_code
from bridge.errors import BundleCorrupt, BundleMissing, NoSetupInside, SrsHashMismatch, SrsMalformed
from bridge.prover import prove as prover


@pytest.fixture(scope="module")
def public(order: Order, hermez: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The example on the Hermez ceremony; a home of its own, because a file that is given is kept there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROOFBRIDGE_HOME", str(tmp_path_factory.mktemp("public-home")))
        bench = Bench(prover.prove, lambda _verifier, _proof: None)
        return build(replace(order, out=tmp_path_factory.mktemp("public"), srs=hermez), bench).bundle


def of_ceremony(bundle: Bundle, name: str, ceremony: Ceremony) -> str:
    """A verifier's source or code with a ceremony's point in place of its own: it is never run, only looked at."""
    source, text = bundle.file(VERIFIER_SOURCE).read_text(), bundle.file(name).read_text()
    for number, coefficient in zip((2, 1), ceremony.s_g2_x, strict=True):  # EIP-197 has the second one first
        own = re.findall(rf"0x([0-9a-f]{{64}})\) // neg_s_g2_x_{number}\b", source)[0]
        held = own if own in text else re.sub(r"^(00)+", "", own)  # code has no leading zero bytes
        assert held in text
        text = text.replace(held, f"{coefficient:064x}")
    return text


def artifact_of(bundle: Bundle, setup: Path, path: Path) -> Path:
    """The artifact as ezkl writes it: eight bytes of length and the words."""
    vka = reusable_verifier(bundle.keys, setup, "paris").vka
    path.write_bytes((len(vka) // 32).to_bytes(8, "little") + vka)
    return path


def test_setup_files_of_both_ceremonies_and_of_none(hermez: Path, perpetual: Path) -> None:
    for path, name in ((hermez, "hermez"), (perpetual, "perpetual-powers-of-tau")):
        assert origin_of(path) == Origin("setup file", "ceremony", name, srs.inspect(path).setup)
    ours = srs.development_setup(3)
    assert origin_of(ours.path) == Origin("setup file", "development", "development-3", ours.setup)


@pytest.mark.parametrize("name", [VERIFIER_SOURCE, VERIFIER_RUNTIME])
def test_a_verifiers_source_and_code_show_either_ceremony_or_that_it_is_unknown(
    bundle: Bundle, tmp_path: Path, name: str
) -> None:
    thing = {VERIFIER_SOURCE: "verifier source", VERIFIER_RUNTIME: "verifier code"}[name]
    for ceremony in (HERMEZ, PERPETUAL):
        (tmp_path / "file").write_text(of_ceremony(bundle, name, ceremony))
        assert origin_of(tmp_path / "file") == Origin(thing, "ceremony", ceremony.name)
    assert origin_of(bundle.file(name)) == Origin(thing, "unknown", None)


def test_a_real_verifier_of_a_public_ceremony_is_recognised(public: Bundle) -> None:
    for name in (VERIFIER_SOURCE, VERIFIER_RUNTIME):
        assert origin_of(public.file(name)).name == "hermez"


def test_a_bundle_shows_what_is_in_its_verifier_and_not_what_its_manifest_says(public: Bundle, bundle: Bundle) -> None:
    assert origin_of(public.path) == Origin("bundle", "ceremony", "hermez")
    assert origin_of(bundle.path) == Origin("bundle", "unknown", None)
    assert origin_of(bundle.path.parent) == origin_of(bundle.path)


def test_a_key_is_recognised_by_making_it_again(
    public: Bundle, bundle: Bundle, hermez: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "setups").mkdir()
    shutil.copy(hermez, tmp_path / "setups")
    monkeypatch.setenv("PROOFBRIDGE_SRS_PATH", str(tmp_path / "setups"))
    said: list[str] = []
    found = origin_of(public.file(VERIFYING_KEY), said.append)
    assert found == Origin("verifying key", "ceremony", "hermez", srs.inspect(hermez).setup)
    assert said == ["making the key again with hermez"]
    ours = origin_of(bundle.file(VERIFYING_KEY))
    assert ours == Origin("verifying key", "development", bundle.manifest.setup.name, bundle.manifest.setup)


def test_a_key_of_a_setup_that_is_not_here_is_unknown(
    public: Bundle, bundle: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ours = srs.find(bundle.manifest.setup).path  # of this machine, in a home that no other test has put a ceremony into
    (tmp_path / "home" / "cache" / "srs").mkdir(parents=True)
    shutil.copy(ours, tmp_path / "home" / "cache" / "srs")
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PROOFBRIDGE_SRS_PATH", raising=False)
    assert origin_of(public.file(VERIFYING_KEY)) == Origin("verifying key", "unknown", None)
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(tmp_path / "empty"))
    with pytest.raises(NoSetupInside, match=r"no setup of 2\^\d or more|no setup of 2\^\d rows or more"):
        origin_of(public.file(VERIFYING_KEY))


def test_a_key_is_recognised_by_its_bytes_and_not_by_its_neighbours_alone(bundle: Bundle, tmp_path: Path) -> None:
    for name in (CIRCUIT, SETTINGS, VERIFYING_KEY):
        shutil.copy(bundle.file(name), tmp_path)
    assert origin_of(tmp_path / VERIFYING_KEY).kind == "development"
    raw = bytearray((tmp_path / VERIFYING_KEY).read_bytes())
    raw[-1] ^= 1
    (tmp_path / VERIFYING_KEY).write_bytes(raw)
    assert origin_of(tmp_path / VERIFYING_KEY) == Origin("verifying key", "unknown", None)


def test_a_key_alone_and_a_damaged_bundle_are_named(bundle: Bundle, tmp_path: Path) -> None:
    shutil.copy(bundle.file(VERIFYING_KEY), tmp_path)
    with pytest.raises(NoSetupInside, match="circuit and settings are not beside it"):
        origin_of(tmp_path / VERIFYING_KEY)
    with pytest.raises(BundleMissing):
        origin_of(tmp_path)
    damaged = tmp_path / "damaged"
    shutil.copytree(bundle.path, damaged)
    (damaged / MODEL).write_bytes(b"another")
    for path in (damaged, damaged / VERIFYING_KEY):
        with pytest.raises(BundleCorrupt):
            origin_of(path)
    (damaged / MANIFEST).unlink()
    assert origin_of(damaged / VERIFYING_KEY).kind == "development"


def test_an_artifact_shows_its_ceremony_and_the_shared_verifier_has_none(
    public: Bundle, bundle: Bundle, hermez: Path, tmp_path: Path
) -> None:
    assert origin_of(artifact_of(public, hermez, tmp_path / "vka")) == Origin("artifact", "ceremony", "hermez")
    ours = srs.find(bundle.manifest.setup).path
    assert origin_of(artifact_of(bundle, ours, tmp_path / "ours")) == Origin("artifact", "unknown", None)
    shared = reusable_verifier(bundle.keys, ours, "paris").code.runtime
    with pytest.raises(NoSetupInside, match="in each model's artifact"):
        of_code("contract", shared, "0x00")


def test_what_stands_in_a_comment_is_not_in_the_source(bundle: Bundle) -> None:
    source = bundle.file(VERIFIER_SOURCE).read_text()
    point = ", ".join(f"0x{coefficient:064x}" for coefficient in HERMEZ.s_g2_x)
    assert in_code(constants(f"{source}\ncontract Forged {{ uint[2] x = [{point}]; }}")) is HERMEZ
    for forged in (f"{source}\n// {point}", f"/* {point}\n*/{source}"):
        assert has_setup(constants(forged))
        assert in_code(constants(forged)) is None


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"hello", SrsMalformed),
        (b"", SrsMalformed),
        (b"\xff\xfe", SrsMalformed),
        (b"0x6001", NoSetupInside),
        (b"pragma solidity 0.8.37; contract A {}", NoSetupInside),
        ((1).to_bytes(8, "little") + bytes(32), NoSetupInside),
    ],
)
def test_what_has_no_setup_inside_is_named(tmp_path: Path, content: bytes, error: type[Exception]) -> None:
    (tmp_path / "thing").write_bytes(content)
    with pytest.raises(error, match="thing"):
        origin_of(tmp_path / "thing")


def test_a_forged_setup_file_is_named_as_such(perpetual: Path, tmp_path: Path) -> None:
    raw = bytearray(perpetual.read_bytes())
    raw[10] ^= 1
    (tmp_path / "forged").write_bytes(raw)
    with pytest.raises(SrsHashMismatch):
        origin_of(tmp_path / "forged")
    with pytest.raises(SrsMalformed, match="No such file"):
        origin_of(tmp_path / "missing")
