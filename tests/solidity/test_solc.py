from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.core.bundle import VERIFIER_INPUT, VERIFIER_SOURCE, Bundle
from bridge.core.word import hex32, keccak256
from bridge.errors import CompileFailed, EvmTooOld, OptionInvalid, SolcMissing
from bridge.solidity import evm, solc
from bridge.solidity.contracts import CORE, METADATA, compile_core
from bridge.solidity.verifier import MANY_RUNS, compile_verifier, verifier_input
from bridge.toolchain import assets
from scripts.export_contracts import texts

STORE = "// SPDX-License-Identifier: MIT\npragma solidity 0.8.37;\ncontract Store { uint256 public value; }\n"
BROKEN = (
    "// SPDX-License-Identifier: MIT\npragma solidity 0.8.37;\ncontract Store {\n  uint256 public value = missing;\n}\n"
)


def input_of(source: str, *, runs: int = 200, version: str = evm.UNIVERSAL) -> str:
    return solc.standard_json({"Store.sol": source}, runs=runs, evm=version)


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any solc, node or npm; returns its empty home."""
    for name in ("PATH", "SOLCX_BINARY_PATH", "PROOFBRIDGE_HOME", "PROOFBRIDGE_NODE_MODULES"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path / "PROOFBRIDGE_HOME"


@pytest.fixture
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home in which nothing was compiled yet."""
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def _same_environment_afterwards() -> Iterator[None]:
    """The compiler tells its program by PROOFBRIDGE_NODE_MODULES where the packages are."""
    before = dict(os.environ)
    yield
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update(before)


def test_the_pinned_version_is_that_of_npm_and_of_the_contracts() -> None:
    pinned = json.loads((assets.npm_manifest() / "package.json").read_text())["dependencies"]["solc"]
    assert pinned == solc.VERSION
    assert f"pragma solidity {solc.VERSION};" in (assets.contracts() / "src" / "ModelRegistry.sol").read_text()


def test_a_contract_is_compiled_once_and_then_taken_from_the_cache(empty_cache: Path) -> None:
    stages: list[str] = []
    first = solc.compile_contract(input_of(STORE), "Store.sol", "Store", stages.append)
    assert stages == [f"compiling Store with solc {solc.VERSION}"]
    second = solc.compile_contract(input_of(STORE), "Store.sol", "Store", stages.append)
    assert len(stages) == 1
    assert first == second
    assert (first.solc, first.evm) == (solc.VERSION, evm.UNIVERSAL)
    assert first.runtime in first.creation
    assert first.runtime_hash == hex32(keccak256(first.runtime))
    assert [entry["name"] for entry in first.abi] == ["value"]
    solc.compile_contract(input_of(STORE, runs=201), "Store.sol", "Store", stages.append)
    assert len(stages) == 2


def test_the_input_is_the_same_text_for_the_same_sources() -> None:
    one = solc.standard_json({"A.sol": "a", "B.sol": "b"}, runs=1, evm="paris")
    other = solc.standard_json({"B.sol": "b", "A.sol": "a"}, runs=1, evm="paris")
    assert one == other
    assert json.loads(one)["settings"]["metadata"] == {"bytecodeHash": "none"}
    for changed in (
        solc.standard_json({"A.sol": "a", "B.sol": "c"}, runs=1, evm="paris"),
        solc.standard_json({"A.sol": "a", "B.sol": "b"}, runs=2, evm="paris"),
        solc.standard_json({"A.sol": "a", "B.sol": "b"}, runs=1, evm="london"),
    ):
        assert changed != one


def test_a_source_that_does_not_compile_is_named_with_its_line(empty_cache: Path) -> None:
    with pytest.raises(CompileFailed) as refused:
        solc.compile_contract(input_of(BROKEN), "Store.sol", "Store")
    assert refused.value.unit == "Store"
    assert "Undeclared identifier" in refused.value.reason
    assert "(at Store.sol:4:26)" in refused.value.reason
    assert not list(empty_cache.glob("cache/store/compilations/*"))


def test_a_contract_that_the_source_does_not_hold_is_named() -> None:
    with pytest.raises(CompileFailed, match="no contract Shop in Store"):
        solc.compile_contract(input_of(STORE), "Store.sol", "Shop")
    with pytest.raises(CompileFailed, match="no contract Store in Shop"):
        solc.compile_contract(input_of(STORE), "Shop.sol", "Store")


def test_without_any_compiler_the_version_is_named_and_what_was_tried(no_compiler: Path) -> None:
    with pytest.raises(SolcMissing) as raised:
        solc.compile_contract(input_of(STORE), "Store.sol", "Store")
    assert raised.value.version == solc.VERSION
    assert raised.value.tried[0] == "py-solc-x"
    assert "node" in raised.value.tried[1]
    assert not list(no_compiler.rglob("*.json"))


def test_what_was_compiled_needs_no_compiler(no_compiler: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    first = solc.compile_contract(input_of(STORE), "Store.sol", "Store")
    monkeypatch.setenv("PATH", str(no_compiler))
    assert solc.compile_contract(input_of(STORE), "Store.sol", "Store") == first


def test_the_committed_abis_and_snapshots_are_those_of_the_sources() -> None:
    made = texts()
    assert set(made) == {*(f"abi/{name}.json" for name in (*CORE, METADATA)), "snapshots/code.json"}
    for path, text in made.items():
        assert (assets.contracts() / path).read_text() == text, "run make snapshots, and say why it changed"


def test_the_core_compiles_to_the_same_code_from_its_own_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    core = compile_core()
    texts = {artifact.standard_json for artifact in core.values()}
    assert texts == {json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")) for text in texts}
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(tmp_path))  # nothing was compiled there yet
    for name, artifact in core.items():
        again = solc.compile_contract(artifact.standard_json, f"src/{name}.sol", name)
        assert again.runtime_hash == artifact.runtime_hash
    assert len(list(tmp_path.rglob("*.json"))) == len(texts) == 1


def test_the_core_carries_no_source_that_it_does_not_need() -> None:
    sources = json.loads(compile_core()["ModelRegistry"].standard_json)["sources"]
    assert {f"src/{name}.sol" for name in CORE} <= set(sources)
    assert not [name for name in sources if "test" in name.lower() or "mock" in name.lower()]


def test_a_bundles_verifier_compiles_to_the_code_that_its_commitment_names(bundle: Bundle) -> None:
    source = bundle.file(VERIFIER_SOURCE).read_text()
    verifier = compile_verifier(source, evm.UNIVERSAL, runs=MANY_RUNS)
    assert verifier.runtime_hash == bundle.manifest.commitment.vk_hash
    assert verifier.standard_json == bundle.file(VERIFIER_INPUT).read_text()
    changed = compile_verifier(f"{source}\n// a comment", evm.UNIVERSAL, runs=MANY_RUNS)
    assert changed.runtime_hash == verifier.runtime_hash
    assert replace(verifier, runtime=verifier.runtime[:-1]).runtime_hash != verifier.runtime_hash


def test_a_source_without_a_verifier_is_refused() -> None:
    with pytest.raises(CompileFailed, match="no contract Halo2Verifier"):
        verifier_input(STORE, evm.UNIVERSAL)
    with pytest.raises(CompileFailed, match="no contract Halo2Verifier"):
        verifier_input("// contract Halo2Verifier is not here", evm.UNIVERSAL)


PUSH0, PUSH1, PUSH32, INVALID = 0x5F, 0x60, 0x7F, 0xFE


def opcodes(runtime: bytes) -> set[int]:
    """The opcodes of solc's code, without the data of PUSHes. Large constants stand behind the code, after an INVALID."""
    at, found = 0, set()
    while runtime[at] != INVALID:
        found.add(runtime[at])
        at += 1 + (runtime[at] - PUSH1 + 1 if PUSH1 <= runtime[at] <= PUSH32 else 0)
    assert at > len(runtime) / 2
    return found


def test_a_verifier_for_every_chain_holds_no_push0_and_one_for_shanghai_does(bundle: Bundle) -> None:
    source = bundle.file(VERIFIER_SOURCE).read_text()
    universal = compile_verifier(source, evm.UNIVERSAL).runtime
    assert PUSH0 not in opcodes(universal)
    assert PUSH0 in universal  # as data: a search for the byte would prove nothing
    assert PUSH0 in opcodes(compile_verifier(source, "shanghai").runtime)


def test_newer_code_is_refused_on_an_older_chain_and_older_code_runs_on_a_newer_one() -> None:
    for number, built_for in enumerate(evm.VERSIONS):
        for older in evm.VERSIONS[:number]:
            with pytest.raises(EvmTooOld) as refused:
                evm.check_runs("the verifier", built_for, older)
            assert built_for in refused.value.what
            assert older in refused.value.fix
        for newer in evm.VERSIONS[number:]:
            evm.check_runs("the verifier", built_for, newer)


def test_evm_versions_are_in_the_order_of_their_forks() -> None:
    assert evm.VERSIONS == ("london", "paris", "shanghai", "cancun", "prague", "osaka")


@pytest.mark.parametrize("name", ["", "Paris", "frontier", "pectra"])
def test_an_unknown_evm_version_is_refused(name: str) -> None:
    with pytest.raises(OptionInvalid, match="london, paris"):
        evm.check_version(name)
    with pytest.raises(OptionInvalid):
        evm.check_runs("the verifier", name, "paris")
