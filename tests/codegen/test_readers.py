"""Every language reads the same numbers from the same words: `tests/vectors/readers.json`. TypeScript's own tests are in clients/."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bridge.chain.anvil import local_chain
from bridge.chain.rpc import Rpc
from bridge.codegen.languages import Language, source
from bridge.core.circuit import Visibility
from bridge.core.commitment import domain, inference_id, input_commitment
from bridge.core.field import to_instance
from bridge.core.grade import Grade
from bridge.core.word import hex32, hex_bytes, parse_address, to_bytes
from bridge.errors import ContractReverted, OutputMisshapen, OutputOfAnotherModel
from bridge.solidity import contracts, evm, solc
from bridge.solidity.abi import Abi
from tests.codegen.schemas import HOSTILE, HOSTILE_NAMES, VECTORS, WEATHER, Golden, named, schema

HARNESS = parse_address("0x00000000000000000000000000000000000c0de5")
LEDGER = parse_address("0x0000000000000000000000000000000000001ed9")


def vectors(kind: str) -> list[dict[str, Any]]:
    found = json.loads(VECTORS.read_text())[kind]
    assert found
    return found


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


WEATHER_MODULE = loaded(WEATHER.files[Language.PYTHON])


@dataclass(frozen=True)
class Record:
    """As much of a record as a reader looks at."""

    model_id: Any
    output: Any


def flat(reading: Any) -> list[float]:
    values = [getattr(reading, item.name) for item in fields(reading)]
    return [number for value in values for number in (value if isinstance(value, tuple) else (value,))]


# --- the committed files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("golden", [WEATHER, HOSTILE], ids=["weather", "hostile"])
def test_the_committed_readers_are_what_the_generator_writes_now(golden: Golden) -> None:
    for language, file in golden.files.items():
        assert file.read_text() == source(golden.schema, language, "src/").text, "run: make clients"


# --- Python ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", vectors("weather"))
def test_python_reads_the_numbers_of_the_vectors(vector: dict[str, Any]) -> None:
    reading = WEATHER_MODULE.WeatherOutput.read(Record(WEATHER.schema.model_id, vector["output"]))
    assert flat(reading) == vector["numbers"]
    assert isinstance(reading.type, float)
    assert len(reading.temperature_c) == 3


@pytest.mark.parametrize("vector", vectors("refused"), ids=lambda vector: vector["why"])
def test_python_refuses_by_name_what_is_not_the_words_of_one_row(vector: dict[str, Any]) -> None:
    with pytest.raises(OutputMisshapen):
        WEATHER_MODULE.WeatherOutput.read(Record(WEATHER.schema.model_id, vector["output"]))


def test_python_refuses_a_record_of_another_model() -> None:
    output = vectors("weather")[0]["output"]
    with pytest.raises(OutputOfAnotherModel):
        WEATHER_MODULE.WeatherOutput.read(Record(hex32(7), output))


def test_python_refuses_an_output_that_is_no_hex() -> None:
    with pytest.raises(OutputMisshapen):
        WEATHER_MODULE.WeatherOutput.read(Record(WEATHER.schema.model_id, "0xno"))


def test_the_python_reader_of_hostile_names_reads_each_number_into_a_field_of_its_own(tmp_path: Path) -> None:
    made = source(HOSTILE.schema, Language.PYTHON)
    (tmp_path / made.file).write_text(made.text)
    module = loaded(tmp_path / made.file)
    count = HOSTILE.schema.output_words
    words = "".join(f"{place:064x}" for place in range(count))
    reading = module.EvilOutput.read(Record(HOSTILE.schema.model_id, "0x" + words))
    scales = [field.tensor.scale for field in HOSTILE.schema.outputs for _ in range(field.words)]
    assert flat(reading) == [place / 2**scale for place, scale in enumerate(scales)]
    assert len(fields(reading)) == len(HOSTILE_NAMES)


# --- Solidity, compiled and run on a chain ------------------------------------------------------------------------------


_HARNESS = """
pragma solidity ^0.8.24;
import {NAME} from "./NAME.sol";
import {Grade} from "src/Grade.sol";
import {IInferenceLedger} from "src/interfaces/IInferenceLedger.sol";

contract Harness {
    function decode(bytes calldata output) external pure returns (NAME.Output memory) { return NAME.decode(output); }
    function decodeWad(bytes calldata output) external pure returns (NAME.Output memory) { return NAME.decodeWad(output); }
    function modelId() external pure returns (uint256) { return NAME.MODEL_ID; }
    MORE
}
"""
_WEATHER = """
    function requireVerified(IInferenceLedger ledger, bytes32 commitment, bytes calldata output, Grade grade)
        external view returns (WeatherModel.Output memory)
    { return WeatherModel.requireVerified(ledger, commitment, output, grade); }
    function requireVerifiedInBatch(
        IInferenceLedger ledger, bytes32 root, bytes32[] calldata path, bytes32 commitment, bytes calldata output, Grade grade
    ) external view returns (WeatherModel.Output memory)
    { return WeatherModel.requireVerifiedInBatch(ledger, root, path, commitment, output, grade); }
    function inputCommitment(IInferenceLedger ledger, WeatherModel.Input memory input) external view returns (bytes32)
    { return WeatherModel.inputCommitment(ledger, input); }
    function scales() external pure returns (int8, int8, int8) {
        return (WeatherModel.OUTPUT_TEMPERATURE_C_SCALE, WeatherModel.OUTPUT_TYPE_SCALE, WeatherModel.OUTPUT_FAR_SCALE);
    }
"""
_LEDGER = """
pragma solidity ^0.8.24;
/// Holds one inference and one row, whatever else it is asked.
contract OneInference {
    function isVerified(uint256 model, bytes32 commitment, bytes calldata output, uint8 grade) external pure returns (bool) {
        return keccak256(abi.encodePacked(model, commitment, output)) == KNOWN && grade <= 2;
    }
    function isVerifiedInBatch(
        bytes32 root, bytes32[] calldata path, uint256 model, bytes32 commitment, bytes calldata output, uint8 grade
    ) external pure returns (bool) {
        return root == bytes32(uint256(5)) && path.length == 2 && keccak256(abi.encodePacked(model, commitment, output)) == KNOWN
            && grade <= 2;
    }
}
"""


def compiled(golden_schema: Any, more: str = "") -> Any:
    """The library inside a contract that shows it, compiled as a user's build would."""
    made = source(golden_schema, Language.SOLIDITY, "src/")
    name = made.file.removesuffix(".sol")
    ours = ("src/Commitments.sol", "src/FixedPoint.sol", "src/Grade.sol", "src/interfaces/IInferenceLedger.sol")
    sources = {
        **contracts._closure(ours, lambda _: None),
        made.file: made.text,
        "Harness.sol": _HARNESS.replace("NAME", name).replace("MORE", more),
    }
    return solc.compile_contract(solc.standard_json(sources, runs=200, evm=evm.CORE), "Harness.sol", "Harness")


@dataclass(frozen=True)
class Placed:
    """A contract whose code was put on a chain."""

    rpc: Rpc
    abi: Abi

    def ask(self, function: str, *arguments: Any) -> tuple[Any, ...]:
        data = self.abi.call(function, *arguments)
        return self.abi.answer(function, self.rpc.call(HARNESS, data, label=function, abis=(self.abi,)))


@pytest.fixture(scope="module")
def weather() -> Iterator[Placed]:
    vector = vectors("weather")[1]
    known = inference_id(WEATHER.schema.model_id, hex32(9), to_bytes(vector["output"]))
    ledger_source = _LEDGER.replace("KNOWN", f"bytes32({known})")
    standard = solc.standard_json({"OneInference.sol": ledger_source}, runs=200, evm=evm.CORE)
    ledger = solc.compile_contract(standard, "OneInference.sol", "OneInference")
    harness = compiled(WEATHER.schema, _WEATHER)
    with local_chain() as chain:
        rpc = Rpc(chain.url)
        rpc.raw("anvil_setCode", HARNESS, hex_bytes(harness.runtime))
        rpc.raw("anvil_setCode", LEDGER, hex_bytes(ledger.runtime))
        yield Placed(rpc, Abi(harness.abi))


def unnested(value: Any) -> list[int]:
    return [number for item in value for number in (unnested(item) if isinstance(item, (tuple, list)) else [item])]


@pytest.mark.parametrize("vector", vectors("weather"))
def test_solidity_reads_the_numbers_of_the_vectors(weather: Placed, vector: dict[str, Any]) -> None:
    output = to_bytes(vector["output"])
    assert unnested(weather.ask("decode", output)) == [int(number) for number in vector["signed"]]
    if vector["wads"]:
        assert unnested(weather.ask("decodeWad", output)) == [int(number) for number in vector["wads"]]
    else:
        with pytest.raises(ContractReverted) as caught:
            weather.ask("decodeWad", output)
        assert caught.value.error == "FixedPointOverflow"


@pytest.mark.parametrize("vector", vectors("refused"), ids=lambda vector: vector["why"])
def test_solidity_refuses_by_name_what_is_not_the_words_of_one_row(weather: Placed, vector: dict[str, Any]) -> None:
    raw = to_bytes(vector["output"])
    for function in ("decode", "decodeWad"):
        with pytest.raises(ContractReverted) as caught:
            weather.ask(function, raw)
        whole = len(raw) == 32 * WEATHER.schema.output_words
        assert caught.value.error == ("FixedPointOutOfField" if whole else "OutputMisshapen")


def test_solidity_pins_the_model_and_its_scales(weather: Placed) -> None:
    assert hex32(weather.ask("modelId")[0]) == WEATHER.schema.model_id
    assert weather.ask("scales") == (13, 0, -2)


def test_what_the_ledger_holds_is_decoded_and_what_it_does_not_hold_is_refused(weather: Placed) -> None:
    known, other = (vectors("weather")[place] for place in (1, 2))
    asked = (to_bytes(hex32(9)), to_bytes(known["output"]), int(Grade.ATTESTED))
    path = [bytes(32), bytes(32)]
    for function, place in (("requireVerified", ()), ("requireVerifiedInBatch", (to_bytes(hex32(5)), path))):
        told = weather.ask(function, LEDGER, *place, *asked)
        assert unnested(told) == [int(number) for number in known["wads"]]
        for changed in (
            (to_bytes(hex32(8)), asked[1], asked[2]),
            (asked[0], to_bytes(other["output"]), asked[2]),
            (asked[0], asked[1], int(Grade.PROVEN)),
        ):
            with pytest.raises(ContractReverted) as caught:
                weather.ask(function, LEDGER, *place, *changed)
            assert caught.value.error == "NotVerified"
            identity = inference_id(WEATHER.schema.model_id, hex32(changed[0]), changed[1])
            assert dict(caught.value.arguments)["inferenceId"] == identity


def test_solidity_commits_to_an_input_as_python_does(weather: Placed) -> None:
    (commitment,) = weather.ask("inputCommitment", LEDGER, (-7, (1, -2, 3, 2**200)))
    words = [to_instance(number) for number in (-7, 1, -2, 3, 2**200)]
    assert hex32(commitment) == input_commitment(domain(weather.rpc.chain_id, LEDGER), words)
    with pytest.raises(ContractReverted) as caught:
        weather.ask("inputCommitment", LEDGER, (2**254, (1, -2, 3, 4)))
    assert caught.value.error == "FixedPointTooLarge"


def test_a_library_of_hostile_names_compiles_with_a_member_for_each() -> None:
    harness = compiled(HOSTILE.schema)
    (decode,) = [entry for entry in harness.abi if entry.get("name") == "decode"]
    members = [component["name"] for component in decode["outputs"][0]["components"]]
    assert len(set(members)) == len(members) == len(HOSTILE_NAMES)


@pytest.mark.parametrize(
    ("visibility", "signature"),
    [
        (Visibility.HASHED, "function inputCommitment(IInferenceLedger ledger, uint256[2] memory hashes)"),
        (Visibility.PRIVATE, "function inputCommitment(IInferenceLedger ledger)"),
    ],
    ids=["hashed", "private"],
)
def test_a_hidden_input_is_committed_to_by_what_is_shown_of_it(visibility: Visibility, signature: str) -> None:
    hidden = schema("hidden", named("a", "b"), named("y"), visibility=visibility)
    text = source(hidden, Language.SOLIDITY, "src/").text
    assert signature in text
    assert "struct Input" not in text
    assert "requireVerifiedInBatch" not in text
    compiled(hidden)
