"""Bundles of source: proven by addresses, whole, and not from anywhere else on the machine."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from bridge import verbs
from bridge.connection import Connection
from bridge.core.bundle import Bundle
from bridge.deploy.book import write_book
from bridge.deploy.create2 import address_of
from bridge.deploy.source import verifier_name, write_bundle
from bridge.errors import NotWritable, SourceDiffers
from bridge.solidity import solc
from bridge.solidity.contracts import CORE
from tests.deploy.standin import compiler_of, recompiled


def test_a_bundle_compiles_to_the_creation_code_of_its_address(staged: Connection, bundle: Bundle) -> None:
    bundles = verbs.sources(staged)
    assert [item.contract for item in bundles] == [*CORE, verifier_name(bundle.model_id)]
    for item in bundles:
        contract = recompiled(json.loads(json.dumps(item.standard_json_input)), item.contract_identifier)
        creation = contract["evm"]["bytecode"]["object"] + item.constructor_arguments[2:]
        assert address_of(bytes.fromhex(creation)) == item.address
        assert item.compiler_version == compiler_of(contract)
        assert item.creation_transaction_hash is not None
        assert staged.rpc.code(item.address)


def test_the_long_version_is_the_compilers_own() -> None:
    version = solc.long_version()
    assert version.startswith(f"{solc.VERSION}+commit.")
    assert len(version.split(".")[-1]) == 8


def test_a_bundle_is_written_as_one_document(staged: Connection, tmp_path: Path) -> None:
    item = verbs.sources(staged)[1]
    path = write_bundle(tmp_path / "out", item)
    assert path.name == "EzklVerifier.source.json"
    assert json.loads(path.read_bytes()) == asdict(item)
    assert write_bundle(tmp_path / "out", item) == path
    (tmp_path / "file").touch()
    with pytest.raises(NotWritable):
        write_bundle(tmp_path / "file", item)


def test_a_source_that_gives_another_address_is_not_bundled(staged: Connection) -> None:
    book = staged.book()
    line, other = book.contract("InferenceLedger"), book.contract("EzklVerifier")
    write_book(
        staged.deployments,
        book.with_contract("InferenceLedger", replace(line, constructor_arguments=other.constructor_arguments)),
    )
    with pytest.raises(
        SourceDiffers, match=f"InferenceLedger does not give the contract at {line.address}: it gives 0x"
    ):
        verbs.sources(staged)


def test_what_lies_elsewhere_is_never_read(staged: Connection, tmp_path: Path) -> None:
    """Not even the honest source: a book decides what is published, so it must not reach past its own folder."""
    book = staged.book()
    line = book.contract("ModelRegistry")
    kept = staged.deployments / line.standard_json
    outside = tmp_path / "outside.json"
    outside.write_bytes(kept.read_bytes())
    for path in ("../outside.json", str(outside)):
        write_book(staged.deployments, book.with_contract("ModelRegistry", replace(line, standard_json=path)))
        with pytest.raises(SourceDiffers, match="does not lie beside the book"):
            verbs.sources(staged)
    (staged.deployments / "link.json").symlink_to(outside)
    write_book(staged.deployments, book.with_contract("ModelRegistry", replace(line, standard_json="link.json")))
    with pytest.raises(SourceDiffers, match="does not lie beside the book"):
        verbs.sources(staged)


def test_only_what_decides_about_the_code_is_taken_from_a_kept_file(staged: Connection) -> None:
    kept = staged.deployments / staged.book().contract("ModelRegistry").standard_json
    text = kept.read_text()
    assert solc.restate(text) == text, "our own comes back as it is"
    document = json.loads(text)
    document["note"] = "a secret"
    for source in document["sources"].values():
        source["note"] = "a secret"
    kept.write_text(json.dumps(document))
    (first, *_) = verbs.sources(staged)
    assert "a secret" not in json.dumps(first.standard_json_input)
