"""The shared verifier and the artifacts of circuits, built by ezkl and compiled by us."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge import verbs
from bridge.circuit import srs
from bridge.circuit.order import Order
from bridge.circuit.reusable import _words, reusable_verifier
from bridge.core.bundle import VERIFIER_SOURCE, Bundle
from bridge.core.ceremony import HERMEZ
from bridge.core.commitment import packed
from bridge.core.word import WORD_BYTES
from bridge.errors import CompileFailed, EngineFailed
from bridge.solidity import evm
from bridge.solidity.limits import ETHEREUM
from bridge.solidity.verifier import compile_reusable_verifier


def setup_of(bundle: Bundle) -> Path:
    return srs.find(bundle.manifest.setup).path


def test_two_circuits_share_the_code_and_not_the_artifact(bundle: Bundle, other_bundle: Bundle) -> None:
    one = reusable_verifier(bundle.keys, setup_of(bundle), evm.UNIVERSAL)
    other = reusable_verifier(other_bundle.keys, setup_of(other_bundle), evm.UNIVERSAL)
    assert one.code.runtime == other.code.runtime
    assert one.vka != other.vka
    assert one.key_hash != other.key_hash
    ETHEREUM.check_code(one.code.name, one.code.creation, one.code.runtime)


def test_building_it_again_gives_the_same_key(bundle: Bundle) -> None:
    first, second = (reusable_verifier(bundle.keys, setup_of(bundle), evm.UNIVERSAL) for _ in range(2))
    assert first == second


def test_other_decimals_are_another_artifact_of_the_same_circuit(bundle: Bundle) -> None:
    one, other = (reusable_verifier(bundle.keys, setup_of(bundle), evm.UNIVERSAL, decimals=at) for at in (18, 6))
    assert one.code == other.code
    assert len(one.vka) == len(other.vka)
    assert one.key_hash != other.key_hash


def test_the_trusted_setup_is_in_the_artifact_and_not_in_the_code(
    bundle: Bundle, order: Order, hermez: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """So whoever registers an artifact chooses whom to trust, and a model has to commit to its own."""
    monkeypatch.setenv("PROOFBRIDGE_SRS_PATH", str(own_home / "cache" / "srs"))
    monkeypatch.setenv(
        "PROOFBRIDGE_HOME", str(tmp_path / "home")
    )  # a public setup that is kept comes first from then on
    public = verbs.build_model(replace(order, srs=hermez, out=tmp_path)).bundle
    point = packed(HERMEZ.s_g2_x[::-1])  # EIP-197 wants the second coefficient first
    of_public, of_ours = (reusable_verifier(one.keys, setup_of(one), evm.UNIVERSAL) for one in (public, bundle))
    assert point in of_public.vka
    assert point not in of_ours.vka
    assert of_public.code.runtime == of_ours.code.runtime


def test_an_artifact_is_the_words_behind_their_number() -> None:
    assert _words(b"\2" + bytes(7) + b"\1" * 2 * WORD_BYTES) == b"\1" * 2 * WORD_BYTES


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\1" + bytes(7),
        b"\2" + bytes(7 + WORD_BYTES),
        b"\1" + bytes(7 + WORD_BYTES + 1),
        bytes(8),
        bytes(8 + WORD_BYTES),
    ],
)
def test_an_artifact_that_is_not_whole_is_refused(raw: bytes) -> None:
    with pytest.raises(EngineFailed, match="making the artifact"):
        _words(raw)


def test_the_verifier_of_one_model_is_not_taken_for_a_shared_one(bundle: Bundle) -> None:
    source = bundle.file(VERIFIER_SOURCE).read_text()
    with pytest.raises(CompileFailed, match="no contract Halo2VerifierReusable"):
        compile_reusable_verifier(source, evm.UNIVERSAL)


def test_a_key_that_is_none_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    nothing = tmp_path / "vk.key"
    nothing.write_bytes(b"no key")
    with pytest.raises(EngineFailed):
        reusable_verifier(replace(bundle.keys, verifying=nothing), setup_of(bundle), evm.UNIVERSAL)
