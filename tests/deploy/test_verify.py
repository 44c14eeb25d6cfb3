"""The checks of a deployment, on chains and books that were tampered with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge import verbs
from bridge.chain.anvil import local_chain
from bridge.connection import Connection, connect
from bridge.core.bundle import Bundle
from bridge.core.word import Address, Hex32, HexBytes, hex32, keccak256
from bridge.deploy.book import Book, Deployment, write_book
from bridge.deploy.source import verifier_name
from bridge.deploy.verify import _WIRING, Verification
from bridge.errors import (
    DeploymentBookCorrupt,
    DeploymentDiffers,
    NotDeployed,
    RpcFailed,
    RpcUnreachable,
)
from bridge.solidity.contracts import ADAPTERS, CORE
from tests.chain.proxy import problem, proxied

ELSEWHERE = Address("0x1111111111111111111111111111111111111111")
WORD = Hex32("0x" + "22" * 32)
CODE_CHECKS = (
    "code hash",
    "deployed in block",
    "address of the source",
    "initcode hash",
    "code but for immutables",
    "compiler",
)


def failing(done: Verification) -> set[tuple[str, str]]:
    return {(check.contract, check.what) for check in done.checks if not check.ok}


def rows(done: Verification) -> dict[tuple[str, str], str]:
    return {(check.contract, check.what): check.got for check in done.checks}


def with_line(connection: Connection, name: str, **changed: Any) -> Book:
    """Write one field of one line, as whoever holds the file can."""
    book = connection.book()
    write_book(connection.deployments, book.with_contract(name, replace(book.contract(name), **changed)))
    return connection.book()


def set_code(connection: Connection, address: str, code: bytes) -> None:
    connection.rpc.raw("anvil_setCode", address, "0x" + code.hex())


def test_every_contract_and_model_of_an_honest_deployment_agrees(staged: Connection, bundle: Bundle) -> None:
    done = verbs.verify_deployment(staged)
    assert done.ok
    assert failing(done) == set()
    assert done.difference is None
    done.require()
    found = rows(done)
    verifier = verifier_name(bundle.model_id)
    for name in (*CORE, verifier):
        assert {what for contract, what in found if contract == name} >= set(CODE_CHECKS)
    assert found[verifier, "registered"] == bundle.model_id
    assert found[verifier, "vkHash of the listing"] == bundle.manifest.commitment.vk_hash
    assert found[verifier, "bindingOf(EzklVerifier)"] == staged.book().models[bundle.model_id].verifier.address
    assert found[verifier, "owner of the listing"] == staged.wallet().address
    assert found[verifier, "deprecated"] == "no"


def test_every_contract_but_the_registry_is_held_to_the_one_it_stands_on(staged: Connection) -> None:
    getters = {wire.getter for wire in _WIRING}
    done = verbs.verify_deployment(staged)
    wired = {check.contract for check in done.checks if check.what.split("(")[0] in getters}
    assert wired == set(CORE) - {"ModelRegistry", "InputOpening"}, "those stand on nothing"
    assert len({(wire.contract, wire.getter, wire.target) for wire in _WIRING}) == len(_WIRING)


LINES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "another code hash": ({"code_hash": WORD}, {"code hash"}),
    "another salt": ({"salt": WORD}, {"address of the source"}),
    "a salt that is no word": ({"salt": "0x12"}, {"address of the source"}),
    "a salt that is no hex": ({"salt": "salt"}, {"address of the source"}),
    "another initcode hash": ({"initcode_hash": WORD}, {"initcode hash"}),
    "no constructor arguments": ({"constructor_arguments": "0x"}, {"address of the source", "initcode hash"}),
    "other arguments": ({"constructor_arguments": WORD}, {"address of the source", "initcode hash"}),
    "arguments that are no hex": ({"constructor_arguments": "0xzz"}, {"address of the source"}),
    "a later block": ({"block_number": 1_000_000}, {"deployed in block"}),
    "another transaction": ({"tx_hash": WORD}, {"deployed in block"}),
    "a transaction that is no hash": ({"tx_hash": "0x12"}, {"deployed in block"}),
    "a later block without a transaction": ({"tx_hash": None, "block_number": 1_000_000}, {"deployed in block"}),
    "another compiler": ({"solc": "0.8.36"}, {"compiler"}),
    "another EVM": ({"evm": "shanghai"}, {"compiler"}),
    "a source that is not there": ({"standard_json": "31337/nothing.json"}, {"address of the source"}),
    "a source that is a folder": ({"standard_json": "31337"}, {"address of the source"}),
    "a source from elsewhere": ({"standard_json": "../../../../../etc/passwd"}, {"address of the source"}),
    "an absolute source": ({"standard_json": "/etc/passwd"}, {"address of the source"}),
    "a name with a null": ({"standard_json": "a\0b"}, {"address of the source"}),
}


@pytest.mark.parametrize("how", LINES)
def test_a_line_that_was_changed_is_a_row_that_differs(how: str, staged: Connection) -> None:
    changed, differing = LINES[how]
    with_line(staged, "InferenceLedger", **changed)
    done = verbs.verify_deployment(staged)
    assert failing(done) == {("InferenceLedger", what) for what in differing}
    with pytest.raises(
        DeploymentDiffers, match=r"checks of the deployment on chain 31337 fail, first InferenceLedger,"
    ):
        done.require()


@pytest.mark.parametrize("address", [ELSEWHERE, "0x" + "ab" * 20, "somewhere", ""])
def test_another_address_differs_wherever_it_is_named(address: str, staged: Connection) -> None:
    with_line(staged, "EzklVerifier", address=address)
    found = failing(verbs.verify_deployment(staged))
    assert {("EzklVerifier", "code hash"), ("EzklVerifier", "address of the source")} <= found
    assert {contract for contract, _ in found} > {"EzklVerifier"} or address != ELSEWHERE


def test_two_lines_in_each_others_place_differ(staged: Connection) -> None:
    book = staged.book()
    one, other = book.contract("ModelRegistry"), book.contract("EzklVerifier")
    write_book(staged.deployments, book.with_contract("ModelRegistry", other).with_contract("EzklVerifier", one))
    found = failing(verbs.verify_deployment(staged))
    assert {("ModelRegistry", "address of the source"), ("EzklVerifier", "address of the source")} <= found
    assert ("EzklVerifier", "registry()") in found


def test_a_core_contract_that_the_book_lacks_is_a_row(staged: Connection) -> None:
    book = staged.book()
    rest = {name: line for name, line in book.contracts.items() if name != "EzklVerifier"}
    write_book(staged.deployments, replace(book, contracts=rest))
    assert failing(verbs.verify_deployment(staged)) == {("EzklVerifier", "address")}


def test_other_code_at_the_address_differs(staged: Connection, bundle: Bundle) -> None:
    book = staged.book()
    address = book.models[bundle.model_id].verifier.address
    code = staged.rpc.code(address)
    set_code(staged, address, code[:-1] + bytes([code[-1] ^ 1]))
    name = verifier_name(bundle.model_id)
    assert failing(verbs.verify_deployment(staged)) == {
        (name, "code hash"),
        (name, "code but for immutables"),
        (name, "vkHash of the listing"),
    }


def test_an_immutable_that_points_elsewhere_differs_even_where_the_book_agrees_with_the_node(
    staged: Connection,
) -> None:
    book = staged.book()
    ledger, registry = book.contract("EzklVerifier"), book.contract("ModelRegistry").address
    code = staged.rpc.code(ledger.address)
    forged = code.replace(bytes.fromhex(registry[2:]), bytes.fromhex(ELSEWHERE[2:]))
    assert forged != code
    set_code(staged, ledger.address, forged)
    expected = {("EzklVerifier", "registry()")}
    assert failing(verbs.verify_deployment(staged)) == {*expected, ("EzklVerifier", "code hash")}
    with_line(staged, "EzklVerifier", code_hash=hex32(keccak256(forged)))
    assert failing(verbs.verify_deployment(staged)) == expected


def test_code_that_answers_nonsense_is_a_row_and_no_failure_of_the_node(staged: Connection) -> None:
    answers_one_byte = bytes.fromhex("600160005360016000f3")
    set_code(staged, staged.book().contract("EzklVerifier").address, answers_one_byte)
    found = rows(verbs.verify_deployment(staged))
    assert found["EzklVerifier", "registry()"] == "an answer that is not its ABI's"
    reverts = bytes.fromhex("60006000fd")
    set_code(staged, staged.book().contract("EzklVerifier").address, reverts)
    assert rows(verbs.verify_deployment(staged))["EzklVerifier", "registry()"] == "EmptyRevert"


def test_an_address_that_a_contract_makes_up_is_a_row(staged: Connection) -> None:
    """All ones is no address: eth-abi refuses it, as it would refuse a hostile node's."""
    answers_ones = bytes.fromhex("60001960005260206000f3")
    set_code(staged, staged.book().contract("EzklVerifier").address, answers_ones)
    found = failing(verbs.verify_deployment(staged))
    assert ("EzklVerifier", "registry()") in found


def source_of(connection: Connection, name: str) -> Path:
    return connection.deployments / connection.book().contract(name).standard_json


SOURCES: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "empty": lambda _: b"",
    "no JSON": lambda _: b"{",
    "no text": lambda _: b"\xff\xfe",
    "deep brackets": lambda _: b"[" * 200_000,
    "another language": lambda document: json.dumps({**document, "language": "Yul"}).encode(),
    "sources by URL": lambda document: json.dumps({**document, "sources": {"a": {"urls": ["/etc/passwd"]}}}).encode(),
    "no settings": lambda document: json.dumps({**document, "settings": {}}).encode(),
    "other settings": lambda document: json.dumps(
        {**document, "settings": {**document["settings"], "optimizer": {"enabled": False}}}
    ).encode(),
    "an unknown setting": lambda document: json.dumps(
        {**document, "settings": {**document["settings"], "modelChecker": {"engine": "all"}}}
    ).encode(),
    "no sources": lambda document: json.dumps({**document, "sources": {}}).encode(),
    "a source that does not compile": lambda document: (
        json.dumps(document).replace("contract ", "contract contract ").encode()
    ),
}


@pytest.mark.parametrize("how", SOURCES)
def test_a_kept_source_that_was_changed_differs_by_name(how: str, staged: Connection, bundle: Bundle) -> None:
    """The model's verifier: its source is small."""
    line = staged.book().models[bundle.model_id].verifier
    path = staged.deployments / line.standard_json
    document = json.loads(path.read_bytes())
    path.write_bytes(SOURCES[how](document))
    name = verifier_name(bundle.model_id)
    found = failing(verbs.verify_deployment(staged))
    assert (name, "address of the source") in found
    assert {contract for contract, _ in found} == {name}


def test_a_kept_source_of_another_contract_differs_and_what_lies_beside_the_contract_does_not(
    staged: Connection, bundle: Bundle
) -> None:
    path = staged.deployments / staged.book().models[bundle.model_id].verifier.standard_json
    document = json.loads(path.read_bytes())
    source = document["sources"]["Halo2Verifier.sol"]
    source["content"] += "\ncontract Unused {}\n"
    path.write_text(json.dumps(document))
    assert verbs.verify_deployment(staged).ok
    source["content"] = source["content"].replace("mulmod(", "addmod(", 1)
    path.write_text(json.dumps(document))
    name = verifier_name(bundle.model_id)
    assert failing(verbs.verify_deployment(staged)) == {
        (name, "address of the source"),
        (name, "initcode hash"),
        (name, "code but for immutables"),
    }


def guardians(done: Verification) -> dict[str, tuple[str | None, str]]:
    return {check.contract: (check.expected, check.got) for check in done.checks if check.what == "guardian()"}


def test_the_guardian_is_the_one_that_the_verifiers_were_constructed_with(staged: Connection, tmp_path: Path) -> None:
    assert guardians(verbs.verify_deployment(staged)) == dict.fromkeys(ADAPTERS, ("nothing", "nothing"))

    guarded, guardian = replace(staged, deployments=tmp_path / "guarded"), staged.wallet().address
    verbs.deploy_core(guarded, guardian=guardian)
    assert guardians(verbs.verify_deployment(guarded)) == dict.fromkeys(ADAPTERS, (guardian, guardian))

    verifier = guarded.book().contract("EzklVerifier").address
    code = guarded.rpc.code(verifier)
    forged = code.replace(bytes.fromhex(guardian[2:]), bytes.fromhex(ELSEWHERE[2:]))
    assert forged != code
    set_code(guarded, verifier, forged)
    done = verbs.verify_deployment(guarded)
    assert guardians(done)["EzklVerifier"] == (guardian, ELSEWHERE)
    assert ("EzklVerifier", "guardian()") in failing(done)

    set_code(guarded, verifier, bytes.fromhex("60006000fd"))
    assert guardians(verbs.verify_deployment(guarded))["EzklVerifier"] == (guardian, "EmptyRevert")
    with_line(guarded, "EzklVerifier", constructor_arguments="0xzz")
    assert ("EzklVerifier", "guardian()") in failing(verbs.verify_deployment(guarded))


def test_a_model_that_is_missing_on_the_chain_is_rows(staged: Connection, bundle: Bundle, other_bundle: Bundle) -> None:
    book = staged.book()
    entry = book.models[bundle.model_id]
    missing = replace(
        entry, model_id=other_bundle.model_id, verifier=replace(entry.verifier, address=ELSEWHERE, tx_hash=None)
    )
    write_book(staged.deployments, book.with_model(missing))
    done = verbs.verify_deployment(staged)
    name, found = verifier_name(other_bundle.model_id), rows(done)
    assert found[name, "code hash"] == found[name, "bindingOf(EzklVerifier)"] == "nothing"
    assert found[name, "registered"] == "ModelNotFound"
    assert {contract for contract, _ in failing(done)} == {name}


def test_a_verifier_whose_code_is_gone_is_rows(staged: Connection, bundle: Bundle) -> None:
    set_code(staged, staged.book().models[bundle.model_id].verifier.address, b"")
    done = verbs.verify_deployment(staged)
    name = verifier_name(bundle.model_id)
    assert rows(done)[name, "code hash"] == rows(done)[name, "code but for immutables"] == "nothing"
    assert {contract for contract, _ in failing(done)} == {name}


def test_a_model_whose_circuit_or_verifier_is_another_in_the_book_differs(staged: Connection, bundle: Bundle) -> None:
    book, name = staged.book(), verifier_name(bundle.model_id)
    entry = book.models[bundle.model_id]
    write_book(staged.deployments, book.with_model(replace(entry, circuit=replace(entry.circuit, settings_hash=WORD))))
    assert failing(verbs.verify_deployment(staged)) == {(name, "circuitHash of the listing")}
    short = replace(entry.circuit, settings_hash=Hex32("0x12"))
    write_book(staged.deployments, book.with_model(replace(entry, circuit=short)))
    assert failing(verbs.verify_deployment(staged)) == {(name, "circuitHash of the listing")}
    ledger = book.contract("InferenceLedger")
    other = replace(entry, verifier=replace(entry.verifier, address=ledger.address, code_hash=ledger.code_hash))
    write_book(staged.deployments, book.with_model(other))
    assert failing(verbs.verify_deployment(staged)) == {
        (name, "address of the source"),
        (name, "code but for immutables"),
        (name, "vkHash of the listing"),
        (name, "bindingOf(EzklVerifier)"),
    }


def test_a_deprecated_model_is_reported_and_no_difference(staged: Connection, bundle: Bundle) -> None:
    registry, wallet = staged.core().registry, staged.wallet()
    wallet.execute(registry.address, registry.abi.call("deprecateModel", int(bundle.model_id, 16)), label="deprecate")
    done = verbs.verify_deployment(staged)
    assert rows(done)[verifier_name(bundle.model_id), "deprecated"] == "yes"
    assert done.ok


def test_a_chain_where_nothing_is_deployed_is_named_with_and_without_a_book(staged: Connection, tmp_path: Path) -> None:
    with pytest.raises(NotDeployed, match=r"Run: proofbridge deploy core"):
        verbs.verify_deployment(replace(staged, deployments=tmp_path / "empty"))
    with local_chain() as fresh:
        anew = connect(rpc=fresh.url, deployments=staged.deployments)
        with pytest.raises(NotDeployed, match=r"what the book lists is not deployed on chain 31337"):
            verbs.verify_deployment(anew)
        with pytest.raises(NotDeployed):
            verbs.sources(replace(anew, deployments=tmp_path / "empty"))


def test_a_line_found_and_not_sent_has_the_block_in_which_its_contract_first_stood(
    staged: Connection, bundle: Bundle, tmp_path: Path
) -> None:
    elsewhere = replace(staged, deployments=tmp_path / "elsewhere")
    verbs.deploy_core(elsewhere)
    verbs.deploy_model(bundle, elsewhere)
    found, sent = elsewhere.book().contract("ModelRegistry"), staged.book().contract("ModelRegistry")
    assert found == replace(sent, tx_hash=None)
    assert verbs.verify_deployment(elsewhere).ok


@pytest.mark.parametrize(("later", "differs"), [(-1, False), (0, False), (1, True)])
def test_a_line_found_and_not_sent_may_be_dated_too_early_and_not_too_late(
    later: int, differs: bool, staged: Connection
) -> None:
    block = staged.book().contract("InferenceLedger").block_number
    with_line(staged, "InferenceLedger", tx_hash=None, block_number=block + later)
    found = failing(verbs.verify_deployment(staged))
    assert found == ({("InferenceLedger", "deployed in block")} if differs else set())


def test_what_a_node_does_not_keep_is_reported_and_no_difference(staged: Connection) -> None:
    with_line(staged, "InferenceLedger", tx_hash=None)
    with proxied(staged.rpc.place) as proxy:
        forgetful = connect(rpc=proxy.url, deployments=staged.deployments)
        lost = problem("missing trie node")
        proxy.spoil("eth_getCode", lambda call: proxy.forward(call) if "latest" in call["params"] else lost(call))
        done = verbs.verify_deployment(forgetful)
    assert done.ok
    assert "the node does not keep" in rows(done)["InferenceLedger", "deployed in block"]


def test_a_node_that_fails_is_not_taken_for_a_difference(staged: Connection) -> None:
    with proxied(staged.rpc.place) as proxy:
        behind = connect(rpc=proxy.url, deployments=staged.deployments)
        assert verbs.verify_deployment(behind).ok
        proxy.spoil("eth_call", problem("rate limited"))
        with pytest.raises(RpcFailed, match="rate limited"):
            verbs.verify_deployment(behind)
        proxy.go_silent()
        with pytest.raises(RpcUnreachable):
            verbs.verify_deployment(behind)


@pytest.mark.parametrize("name", ["../evil", "a/b", "", "1st", "a b", "x" * 101])
def test_a_book_with_a_name_that_is_no_contracts_is_corrupt(name: str, staged: Connection) -> None:
    book = staged.book()
    write_book(staged.deployments, book.with_contract(name, book.contract("ModelRegistry")))
    with pytest.raises(DeploymentBookCorrupt, match=r"31337\.json cannot be read: no contract is named"):
        verbs.verify_deployment(staged)
    with pytest.raises(DeploymentBookCorrupt):
        verbs.sources(staged)


@pytest.mark.parametrize("model_id", ["../../../evil", "0x12", "0x" + "AB" * 32, "0x" + "ab" * 32])
def test_a_book_with_an_id_that_is_no_models_is_corrupt(model_id: str, staged: Connection, bundle: Bundle) -> None:
    book = staged.book()
    entry = book.models[bundle.model_id]
    write_book(staged.deployments, replace(book, models={model_id: entry}))
    with pytest.raises(DeploymentBookCorrupt, match="no model has the id"):
        verbs.verify_deployment(staged)


def test_an_older_book_without_constructor_arguments_is_read_and_differs(staged: Connection) -> None:
    path = staged.deployments / "31337.json"
    document = json.loads(path.read_bytes())
    for line in document["contracts"].values():
        del line["constructor_arguments"]
    path.write_text(json.dumps(document))
    book = staged.book()
    assert all(line.constructor_arguments == HexBytes("0x") for line in book.contracts.values())
    found = failing(verbs.verify_deployment(staged))
    assert {contract for contract, _ in found} == set(CORE) - {"ModelRegistry", "InputOpening"}
    assert {what for _, what in found} == {"address of the source", "initcode hash", "guardian()"}


def test_a_line_keeps_its_constructor_arguments(staged: Connection) -> None:
    lines: dict[str, Deployment] = staged.book().contracts
    assert lines["ModelRegistry"].constructor_arguments == "0x"
    registry = lines["ModelRegistry"].address.lower().removeprefix("0x")
    assert lines["EzklVerifier"].constructor_arguments.startswith(f"0x{registry:0>64}")
