"""Contract, event, index, API, both clients, generated readers, and a contract that reads: the same numbers everywhere."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from bridge import verbs
from bridge.chain.rpc import Rpc
from bridge.client.record import Inference
from bridge.codegen.languages import Language
from bridge.core.bundle import Bundle
from bridge.core.commitment import unpacked
from bridge.core.grade import Grade
from bridge.core.word import Address, hex_bytes, parse_address, to_bytes
from bridge.database.engine import open_database
from bridge.database.index import verifications
from bridge.errors import ContractReverted
from bridge.query.results import Filter
from bridge.solidity import contracts, evm, solc
from bridge.solidity.abi import Abi
from bridge.solidity.artifact import Artifact
from bridge.toolchain import npm
from tests.client.conftest import PACKAGE, Served

DEPTH = 12

_READER = """
pragma solidity ^0.8.24;
import {LinearModel} from "./LinearModel.sol";
import {Grade} from "src/Grade.sol";
import {IInferenceLedger} from "src/interfaces/IInferenceLedger.sol";

contract Reader {
    function read(IInferenceLedger ledger, bytes32 commitment, bytes calldata output, Grade grade)
        external view returns (LinearModel.Output memory)
    { return LinearModel.requireVerified(ledger, commitment, output, grade); }
    function readRow(
        IInferenceLedger ledger, bytes32 root, bytes32[] calldata path, bytes32 commitment, bytes calldata output, Grade grade
    ) external view returns (LinearModel.Output memory)
    { return IN_BATCH; }
}
"""
_IN_BATCH = "LinearModel.requireVerifiedInBatch(ledger, root, path, commitment, output, grade)"


@dataclass(frozen=True)
class Placed:
    """A contract that was deployed by a transaction."""

    rpc: Rpc
    abi: Abi
    address: Address

    def ask(self, function: str, *arguments: Any) -> tuple[Any, ...]:
        data = self.abi.call(function, *arguments)
        return self.abi.answer(function, self.rpc.call(self.address, data, label=function, abis=(self.abi,)))


def sent(rpc: Rpc, **fields: Any) -> Any:
    """The receipt of a transaction of the node's own account."""
    sender = rpc.accounts()[0]
    tx_hash = rpc.raw("eth_sendTransaction", {"from": sender, "gas": hex(5_000_000), **fields})
    deadline = time.monotonic() + 30
    while (receipt := rpc.raw("eth_getTransactionReceipt", tx_hash)) is None:  # it answers before it has mined
        assert time.monotonic() < deadline, f"{tx_hash} is not mined"
        time.sleep(0.01)
    return receipt


def placed(rpc: Rpc, artifact: Artifact, *arguments: Any) -> Placed:
    abi = Abi(artifact.abi)
    receipt = sent(rpc, data=hex_bytes(artifact.creation + abi.constructor(*arguments)))
    assert receipt["status"] == "0x1"
    return Placed(rpc, abi, parse_address(receipt["contractAddress"]))


def compiled(unit: str, name: str, sources: dict[str, str], *ours: str) -> Artifact:
    everything = {**contracts._closure(ours, lambda _: None), **sources}
    return solc.compile_contract(solc.standard_json(everything, runs=200, evm=evm.CORE), unit, name)


@pytest.fixture(scope="module", params=["single", "row of a batch"])
def told(request: pytest.FixtureRequest, served: Served) -> Inference:
    """A record as the Python client has it: the one with its own slot in the ledger, or one that is a row of a batch."""
    return served.client.inferences.get(served.recorded if request.param == "single" else served.rows[1])


@pytest.fixture(scope="module")
def model(served: Served, told: Inference) -> Bundle:
    """The bundle of its model."""
    return served.bundle if told.batch is None else served.batch_bundle


@pytest.fixture(scope="module")
def readers(model: Bundle, tmp_path_factory: pytest.TempPathFactory) -> dict[Language, Path]:
    """The files that `model codegen` writes for its model."""
    return verbs.write_readers(model, tmp_path_factory.mktemp("readers"), import_from="src/")


@pytest.fixture(scope="module")
def numbers(served: Served, told: Inference) -> list[float]:
    """What the chain alone says, without index and server: the events and the ledger, as `proofbridge results` reads them."""
    found = {each.inference_id: each for each in verbs.results(served.connection, Filter())}
    return [number for tensor in found[told.inference_id].outputs for number in tensor]


def test_the_index_holds_the_numbers_of_the_event(served: Served, told: Inference, numbers: list[float]) -> None:
    engine = open_database(served.database)
    with engine.connect() as connection:
        query = select(verifications.c.outputs, verifications.c.output).where(
            verifications.c.inference_id == told.inference_id
        )
        (row,) = connection.execute(query).all()
    engine.dispose()
    assert json.loads(row.outputs) == numbers
    assert hex_bytes(row.output) == told.output


def test_the_api_and_the_python_client_say_them(served: Served, told: Inference, numbers: list[float]) -> None:
    answer = requests.get(f"{served.url}/v1/inferences/{told.inference_id}", timeout=10).json()
    assert [number for tensor in answer["outputs"] for number in tensor["numbers"]] == numbers
    assert told.outputs is not None
    assert [number for tensor in told.outputs for number in tensor.numbers] == numbers
    assert served.client.confirm(told, served.anchor).inference_id == told.inference_id


def test_the_typescript_client_says_them(walked: Any, told: Inference, numbers: list[float]) -> None:
    (found,) = [each for each in walked["confirmed"] if each["inferenceId"] == told.inference_id]
    assert [number for tensor in found["outputs"] for number in tensor["numbers"]] == numbers


def test_the_generated_python_reader_reads_them(
    told: Inference, numbers: list[float], readers: dict[Language, Path]
) -> None:
    spec = importlib.util.spec_from_file_location("linear_model_whole_way", readers[Language.PYTHON])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    assert list(module.LinearOutput.read(told).y) == numbers


@pytest.fixture
def inside_package() -> Iterator[Path]:
    """A folder in which the package resolves itself by name."""
    folder = PACKAGE / "dist" / "whole-way"
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    for file in folder.iterdir():
        file.unlink()


@pytest.mark.usefixtures("walked")  # which has compiled the package
def test_the_generated_typescript_reader_reads_them(
    told: Inference, numbers: list[float], readers: dict[Language, Path], inside_package: Path
) -> None:
    source = inside_package / "linearModel.ts"
    source.write_bytes(readers[Language.TYPESCRIPT].read_bytes())
    compiler = PACKAGE / "node_modules" / "typescript" / "bin" / "tsc"
    strict = ["--strict", "--module", "nodenext", "--target", "es2022", "--skipLibCheck", "--types", "node"]
    built = subprocess.run(
        [npm.node(), compiler, *strict, source], cwd=PACKAGE, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout
    script = (
        'import { readLinearOutput } from "./linearModel.js"; const [model_id, output] = process.argv.slice(2);'
        "console.log(JSON.stringify(readLinearOutput({ model_id, output }).y));"
    )
    (inside_package / "read.mjs").write_text(script)
    command = [str(npm.node()), str(inside_package / "read.mjs"), told.model_id, told.output]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == numbers


def test_a_contract_with_the_generated_library_reads_them_from_the_real_ledger(
    served: Served, told: Inference, numbers: list[float], readers: dict[Language, Path]
) -> None:
    batch = told.batch
    sources = {
        "LinearModel.sol": readers[Language.SOLIDITY].read_text(),
        "Reader.sol": _READER.replace("IN_BATCH", _IN_BATCH if batch else "LinearModel.decodeWad(output)"),
    }
    ours = ("src/Commitments.sol", "src/FixedPoint.sol", "src/Grade.sol", "src/interfaces/IInferenceLedger.sol")
    reader = placed(served.connection.rpc, compiled("Reader.sol", "Reader", sources, *ours))
    ledger = served.anchor.ledger.address
    asked: list[Any] = [to_bytes(told.input_commitment), to_bytes(told.output), int(Grade.PROVEN)]
    if batch is None:
        function, place = "read", [ledger]
    else:
        function, place = "readRow", [ledger, to_bytes(batch.root), [to_bytes(sibling) for sibling in batch.path]]
    ((wads,),) = reader.ask(function, *place, *asked)
    assert [Fraction(wad, 10**18) for wad in wads] == [cut(number) for number in numbers]

    changed = bytearray(asked[1])
    changed[-1] ^= 1
    with pytest.raises(ContractReverted) as caught:
        reader.ask(function, *place, asked[0], bytes(changed), asked[2])
    assert caught.value.error == "NotVerified"


def test_the_call_that_an_answer_names_says_on_the_chain_what_the_answer_says(served: Served, told: Inference) -> None:
    call = told.call
    assert call is not None
    assert served.connection.rpc.call(call.to, to_bytes(call.data), label=call.function) == to_bytes(call.answers)


def test_the_example_labels_the_number_and_acts_only_on_what_is_settled(served: Served) -> None:
    told = served.client.inferences.get(served.recorded)
    assert told.outputs is not None
    number = told.outputs[0].numbers[0]
    unit = "src/examples/SettledReader.sol"
    terms = (served.anchor.ledger.address, int(told.model_id, 16), bytes(32), int(Grade.PROVEN), 10**9)
    scale = served.bundle.manifest.circuit.outputs[0].scale
    rpc = served.connection.rpc
    before = rpc.block_number()
    reader = placed(rpc, compiled(unit, "SettledReader", {}, unit), terms, scale, before - told.block_number + DEPTH)
    asked = to_bytes(told.input_commitment), to_bytes(told.output)

    value, grade, depth = reader.ask("reading", *asked)
    assert Fraction(value, 10**18) == cut(number)
    assert Grade(grade) is told.grade
    assert depth == rpc.block_number() - told.block_number
    with pytest.raises(ContractReverted) as caught:
        reader.ask("settle", *asked)
    assert caught.value.error == "NotSettled"

    rpc.raw("anvil_mine", hex(DEPTH))
    receipt = sent(rpc, to=reader.address, data=hex_bytes(reader.abi.call("settle", *asked)))
    assert receipt["status"] == "0x1"
    (log,) = receipt["logs"]
    event = reader.abi.event(log["topics"], to_bytes(log["data"]))
    assert event is not None
    assert event.name == "Settled"
    assert event.arguments["value"] == value
    assert hex_bytes(event.arguments["inferenceId"]) == told.inference_id
    with pytest.raises(ContractReverted) as caught:
        reader.ask("settle", *asked)
    assert caught.value.error == "SettledAlready"


def test_an_output_is_the_same_words_on_the_whole_way(served: Served, told: Inference, model: Bundle) -> None:
    assert len(unpacked(to_bytes(told.output))) == model.manifest.circuit.row.output_instances
    found = {each.inference_id: each for each in verbs.results(served.connection, Filter())}
    assert found[told.inference_id].output == told.output


def cut(number: float) -> Fraction:
    """With 18 decimals, as a contract has it: cut toward zero."""
    return Fraction(int(Fraction(number) * 10**18), 10**18)
