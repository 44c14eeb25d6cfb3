from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge import verbs
from bridge.codegen.languages import Language
from bridge.core.bundle import Bundle
from bridge.core.commitment import packed
from bridge.core.proof import Proof
from bridge.core.word import hex_bytes
from tests.cli.conftest import cli


@dataclass(frozen=True)
class Record:
    model_id: str
    output: str


def test_a_bundle_becomes_a_reader_in_each_language(bundle: Bundle, tmp_path: Path) -> None:
    done = cli("model", "codegen", bundle.path, "--out", tmp_path / "made", "--json")
    assert done.code == 0, done.err
    assert done.document["model_id"] == bundle.model_id
    files = {language: Path(file) for language, file in done.document["files"].items()}
    assert {language: file.name for language, file in files.items()} == {
        "solidity": "LinearModel.sol",
        "python": "linear_model.py",
        "typescript": "linearModel.ts",
    }
    assert all(bundle.model_id in file.read_text() for file in files.values())
    texts = [file.read_bytes() for file in files.values()]
    again = cli("model", "codegen", bundle.path, "--out", tmp_path / "made")
    assert again.code == 0
    assert [file.read_bytes() for file in files.values()] == texts


def test_only_the_languages_that_were_asked_for_are_written(bundle: Bundle, tmp_path: Path) -> None:
    asked = ("--language", "python", "--language", "solidity", "--import-from", "../ours/")
    done = cli("model", "codegen", bundle.path, "--out", tmp_path, *asked)
    assert done.code == 0, done.err
    assert sorted(file.name for file in tmp_path.iterdir()) == ["LinearModel.sol", "linear_model.py"]
    assert 'from "../ours/Grade.sol"' in (tmp_path / "LinearModel.sol").read_text()


@pytest.mark.parametrize("prefix", ["ours", '"; contract Evil {} //', "a\n/", "é/"])
def test_a_prefix_that_is_no_path_is_refused_and_nothing_is_written(
    bundle: Bundle, tmp_path: Path, prefix: str
) -> None:
    done = cli("model", "codegen", bundle.path, "--out", tmp_path / "made", "--import-from", prefix, "--json")
    assert done.code == 1
    assert done.document["error"]["name"] == "OptionInvalid"
    assert not (tmp_path / "made").exists()


def test_an_unknown_language_is_wrong_usage(bundle: Bundle, tmp_path: Path) -> None:
    done = cli("model", "codegen", bundle.path, "--out", tmp_path, "--language", "cobol")
    assert done.code == 2
    assert "cobol" in done.err


def test_the_python_reader_gives_the_numbers_of_a_real_proof(bundle: Bundle, proof: Proof, tmp_path: Path) -> None:
    (file,) = verbs.write_readers(bundle, tmp_path, [Language.PYTHON]).values()
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    output = packed(proof.words[bundle.manifest.circuit.input_instances :])
    reading = module.LinearOutput.read(Record(bundle.model_id, hex_bytes(output)))
    assert (reading.y,) == verbs.outputs_of(bundle, proof)
