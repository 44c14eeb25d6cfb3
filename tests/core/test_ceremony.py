"""Whose secret is inside a setup file or a contract: told by the bytes, not by the name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.circuit import srs
from bridge.circuit.build import build
from bridge.circuit.order import Order
from bridge.circuit.tune import Bench
from bridge.core.bundle import VERIFIER_RUNTIME, Bundle
from bridge.core.ceremony import CEREMONIES, HERMEZ, PERPETUAL, in_code, in_srs
from bridge.errors import SrsHashMismatch, SrsMalformed
from bridge.prover import prove as prover


@pytest.fixture(scope="session")
def public_bundle(order: Order, hermez: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The example's bundle on the public ceremony; a home of its own, because a file that was given is kept there."""
    bench = Bench(prover.prove, lambda _verifier, _proof: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROOFBRIDGE_HOME", str(tmp_path_factory.mktemp("public-home")))
        return build(replace(order, out=tmp_path_factory.mktemp("public"), srs=hermez), bench).bundle


def test_the_public_files_are_recognised(hermez: Path, perpetual: Path) -> None:
    for path, ceremony, logrows in ((hermez, HERMEZ, 11), (perpetual, PERPETUAL, 1)):
        assert in_srs(path.read_bytes()[-128:]) is ceremony
        file = srs.inspect(path)
        assert file.is_public
        assert (file.setup.kind, file.setup.name, file.setup.logrows) == ("ceremony", ceremony.name, logrows)
        assert file.setup.sha256 == ceremony.sha256[logrows]


def test_a_setup_made_here_is_of_no_ceremony() -> None:
    file = srs.development_setup(4)
    assert in_srs(file.path.read_bytes()[-128:]) is None
    assert not file.is_public
    assert (file.setup.kind, file.setup.name) == ("development", "development-4")


def test_a_public_ending_does_not_make_a_public_file(hermez: Path, tmp_path: Path) -> None:
    """[s]G2 is public: anyone can append it to points of their own making."""
    path = tmp_path / "forged"
    raw = bytearray(hermez.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(SrsHashMismatch) as refused:
        srs.inspect(path)
    assert refused.value.expected == HERMEZ.sha256[11]
    assert refused.value.got != HERMEZ.sha256[11]


def test_a_size_that_a_ceremony_never_published_is_refused(hermez: Path, tmp_path: Path) -> None:
    raw = hermez.read_bytes()
    smaller = (3).to_bytes(4, "little") + raw[4 : 4 + 2 * 8 * 64] + raw[-256:]
    path = tmp_path / "smaller"
    path.write_bytes(smaller)
    with pytest.raises(SrsHashMismatch, match=r"none published for 2\^3"):
        srs.inspect(path)


@pytest.mark.parametrize("length", [0, 3, 4, 100, -1])
def test_a_file_of_another_size_is_no_setup(perpetual: Path, tmp_path: Path, length: int) -> None:
    path = tmp_path / "cut"
    path.write_bytes(perpetual.read_bytes()[:length])
    with pytest.raises(SrsMalformed):
        srs.inspect(path)


def test_a_missing_file_and_a_folder_are_no_setups(tmp_path: Path) -> None:
    with pytest.raises(SrsMalformed, match="No such file"):
        srs.inspect(tmp_path / "missing")
    with pytest.raises(SrsMalformed):
        srs.inspect(tmp_path)


def test_an_ending_has_128_bytes() -> None:
    with pytest.raises(ValueError, match="expected 128 bytes"):
        in_srs(bytes(127))


def test_a_verifier_shows_the_ceremony_that_is_inside_it(public_bundle: Bundle, bundle: Bundle) -> None:
    assert in_code(public_bundle.code(VERIFIER_RUNTIME)) is HERMEZ
    assert in_code(bundle.code(VERIFIER_RUNTIME)) is None
    assert public_bundle.manifest.setup.name == "hermez"
    assert public_bundle.model_id != bundle.model_id


def test_half_of_a_point_and_two_points_are_of_no_ceremony() -> None:
    both = [coefficient.to_bytes(32, "big") for ceremony in CEREMONIES for coefficient in ceremony.s_g2_x]
    assert in_code(both[0] + both[1]) is HERMEZ
    assert in_code(both[2] + both[3]) is PERPETUAL
    assert in_code(both[0]) is None
    assert in_code(both[1] + both[2]) is None
    assert in_code(b"".join(both)) is None
    assert in_code(b"") is None
