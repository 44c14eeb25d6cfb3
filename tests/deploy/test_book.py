from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge import verbs
from bridge.connection import Connection
from bridge.core.bundle import VERIFIER_RUNTIME, Bundle
from bridge.core.word import Address, Hex32, hex32, keccak256
from bridge.deploy.book import Book, Deployment, ModelEntry, book_path, read_book, write_book
from bridge.errors import DeploymentBookCorrupt, NotDeployed
from bridge.solidity import solc
from bridge.solidity.contracts import CORE

WORD = Hex32("0x" + "22" * 32)
LINE = Deployment(Address("0x" + "11" * 20), WORD, 7, WORD, WORD, WORD, "0.8.37", "paris", "1/core.input.json")


def entry(bundle: Bundle, model_id: str, name: str) -> ModelEntry:
    return ModelEntry(Hex32(model_id), name, bundle.manifest.circuit, LINE)


def test_a_book_is_read_as_it_was_written(tmp_path: Path, bundle: Bundle) -> None:
    book = Book(5).with_contract("ModelRegistry", LINE).with_model(entry(bundle, bundle.model_id, "linear"))
    write_book(tmp_path, book)
    assert read_book(tmp_path, 5) == book
    assert read_book(tmp_path, 6) == Book(6)


def _changed(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], bytes]:
    def apply(document: dict[str, Any]) -> bytes:
        change(document)
        return json.dumps(document).encode()

    return apply


CORRUPT: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "empty": lambda _: b"",
    "no JSON": lambda _: b"{",
    "no text": lambda _: b"\xff\xfe",
    "a list": lambda _: b"[]",
    "deep brackets": lambda _: b"[" * 200_000,
    "another chain": _changed(lambda document: document.update(chain_id=6)),
    "a chain id of text": _changed(lambda document: document.update(chain_id="five")),
    "contracts of another type": _changed(lambda document: document.update(contracts=[])),
    "a line without an address": _changed(lambda document: document["contracts"]["ModelRegistry"].pop("address")),
    "a block of text": _changed(lambda document: document["contracts"]["ModelRegistry"].update(block_number="x")),
}


@pytest.mark.parametrize("how", CORRUPT)
def test_a_corrupt_book_is_named_and_left_as_it_is(how: str, tmp_path: Path) -> None:
    write_book(tmp_path, Book(5).with_contract("ModelRegistry", LINE))
    path = book_path(tmp_path, 5)
    content = CORRUPT[how](json.loads(path.read_bytes()))
    path.write_bytes(content)
    with pytest.raises(DeploymentBookCorrupt, match=r"5\.json"):
        read_book(tmp_path, 5)
    assert path.read_bytes() == content


def test_a_folder_in_the_place_of_a_book_is_named(tmp_path: Path) -> None:
    book_path(tmp_path, 5).mkdir()
    with pytest.raises(DeploymentBookCorrupt, match="directory"):
        read_book(tmp_path, 5)


def test_a_book_without_a_core_contract_says_how_to_deploy_it(staged: Connection) -> None:
    book = staged.book()
    assert book.core(staged.rpc).ledger.address == book.contract("InferenceLedger").address
    short = replace(book, contracts={name: line for name, line in book.contracts.items() if name != "InferenceLedger"})
    with pytest.raises(
        NotDeployed, match=r"InferenceLedger is not deployed on chain 31337\. Run: proofbridge deploy core"
    ):
        short.core(staged.rpc)


def test_a_model_is_found_by_id_by_its_start_and_by_a_name_that_is_its_own(bundle: Bundle) -> None:
    one, two, three = "0x" + "ab" * 32, "0x" + "abab" + "cd" * 30, "0x" + "ef" * 32
    book = Book(5)
    for model_id, name in ((one, "alpha"), (two, "beta"), (three, "beta")):
        book = book.with_model(entry(bundle, model_id, name))

    def found(text: str) -> str | None:
        item = book.find_model(text)
        return item.model_id if item else None

    assert found(one) == found(one.upper().replace("0X", "0x")) == found("alpha") == found(one[:10]) == one
    assert found(two[:8]) == two
    assert found(three[:8]) == three
    assert found("beta") is None, "two models have it"
    assert found(one[:7]) is None, "too short to be meant"
    assert found("gamma") is None
    assert Book(5).find_model("alpha") is None


def test_the_book_says_what_stands_on_the_chain_and_from_which_source(staged: Connection, bundle: Bundle) -> None:
    book, folder = staged.book(), staged.deployments
    assert tuple(book.contracts) == CORE
    verifier = book.models[bundle.model_id].verifier
    for line in (*book.contracts.values(), verifier):
        code = staged.rpc.code(line.address)
        assert hex32(keccak256(code)) == line.code_hash
        assert line.tx_hash is not None
        receipt = staged.rpc.receipt(line.tx_hash)
        assert receipt is not None
        assert receipt.block_number == line.block_number
        assert (folder / line.standard_json).is_file()


def test_the_recorded_sources_compile_to_the_recorded_code(staged: Connection, bundle: Bundle) -> None:
    book, folder = staged.book(), staged.deployments
    verifier = book.models[bundle.model_id].verifier
    again = solc.compile_contract((folder / verifier.standard_json).read_text(), "Halo2Verifier.sol", "Halo2Verifier")
    assert again.runtime_hash == verifier.code_hash == bundle.manifest.commitment.vk_hash
    assert again.runtime == bundle.code(VERIFIER_RUNTIME) == staged.rpc.code(verifier.address)
    assert hex32(keccak256(again.creation)) == verifier.initcode_hash
    for name, line in book.contracts.items():
        source = (folder / line.standard_json).read_text()
        artifact = solc.compile_contract(source, f"src/{name}.sol", name)
        code = staged.rpc.code(line.address)
        # Immutables are zero in the compiler's output and set on the chain; every other byte is the same.
        assert len(code) == len(artifact.runtime)
        assert all(here in (there, 0) for there, here in zip(code, artifact.runtime, strict=True))


def test_a_changed_source_does_not_compile_to_the_recorded_code(staged: Connection, bundle: Bundle) -> None:
    verifier = staged.book().models[bundle.model_id].verifier
    document = json.loads((staged.deployments / verifier.standard_json).read_text())
    source = document["sources"]["Halo2Verifier.sol"]["content"]
    constant = re.findall(r"0x[0-9a-f]{60,64}", source)[-1]
    changed = f"{int(constant, 16) ^ 1:#x}"
    document["sources"]["Halo2Verifier.sol"]["content"] = source.replace(constant, changed)
    other = solc.compile_contract(json.dumps(document), "Halo2Verifier.sol", "Halo2Verifier")
    assert other.runtime_hash != verifier.code_hash


def test_find_model_takes_an_id_that_no_book_holds_and_refuses_any_other_text(staged: Connection) -> None:
    assert verbs.find_model(staged, WORD) == WORD
    with pytest.raises(NotDeployed, match="a model 'nobody' is not deployed on chain 31337"):
        verbs.find_model(staged, "nobody")
