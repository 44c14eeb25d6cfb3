"""deploy verify, deploy source, deploy publish: as a user and as a program would call them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.deploy.book import read_book, write_book
from bridge.deploy.explorer import KEY_VARIABLE
from bridge.deploy.source import verifier_name
from bridge.solidity import solc
from bridge.solidity.contracts import CORE
from tests.cli.conftest import Command, Stage, cli, free_port
from tests.deploy.standin import KEY, StandIn, always_refuses, standing_in


@pytest.fixture
def tampered(stage: Stage, tmp_path: Path) -> tuple[str, ...]:
    """The stage's chain with a book of another ledger."""
    folder = tmp_path / "deployments"
    shutil.copytree(stage.connection.deployments, folder)
    book = read_book(folder, 31337)
    line = replace(book.contract("InferenceLedger"), address=book.contract("ModelRegistry").address)
    write_book(folder, book.with_contract("InferenceLedger", line))
    return ("--rpc", stage.connection.rpc.place, "--deployments", str(folder))


@pytest.fixture
def server(stage: Stage) -> Iterator[StandIn]:
    with standing_in(stage.connection) as stand_in:
        yield stand_in


def test_verify_shows_every_check_and_ends_well_where_all_of_them_hold(stage: Stage) -> None:
    shown, document = Command("deploy", "verify", *stage.chain), Command("deploy", "verify", *stage.chain, "--json")
    text = shown.done()
    assert text.code == 0, text.err
    for word in (*CORE, verifier_name(stage.bundle.model_id), "address of the source", "rows agree with the book"):
        assert word in text.out
    assert "differs" not in text.out
    done = document.done()
    assert done.code == 0
    assert (done.document["ok"], done.document["chain_id"]) == (True, 31337)
    assert "error" not in done.document
    for check in done.document["checks"]:
        assert set(check) == {"contract", "what", "expected", "got", "ok"}
        assert check["ok"] is True


def test_verify_ends_with_a_named_error_where_anything_differs(tampered: tuple[str, ...]) -> None:
    shown, document = Command("deploy", "verify", *tampered), Command("deploy", "verify", *tampered, "--json")
    text = shown.done()
    assert text.code == 1
    assert "differs" in text.out
    assert text.err.splitlines()[-1].startswith("DeploymentDiffers: ")
    assert "Traceback" not in text.err
    done = document.done()
    assert done.code == 1
    assert done.document["ok"] is False
    error = done.document["error"]
    assert error["name"] == "DeploymentDiffers"
    failed = [check for check in done.document["checks"] if not check["ok"]]
    assert len(error["detail"]["differences"]) == len(failed) > 0
    assert {"InferenceLedger"} <= {check["contract"] for check in failed}


@pytest.mark.parametrize("command", [("verify",), ("source",), ("publish", "--to", "sourcify")], ids=" ".join)
def test_where_nothing_is_deployed_that_is_named(command: tuple[str, ...], stage: Stage, tmp_path: Path) -> None:
    done = cli("deploy", *command, "--rpc", stage.connection.rpc.place, "--deployments", tmp_path, "--json")
    assert done.code == 1
    assert done.document["error"]["name"] == "NotDeployed"


def test_source_writes_a_document_for_each_contract(stage: Stage, tmp_path: Path) -> None:
    done = cli("deploy", "source", *stage.chain, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    written = done.document["sources"]
    assert [item["contract"] for item in written] == [*CORE, verifier_name(stage.bundle.model_id)]
    for item in written:
        document = json.loads(Path(item["file"]).read_bytes())
        assert document["address"] == item["address"]
        assert document["compiler_version"].startswith(f"{solc.VERSION}+commit.")
    beside = cli("deploy", "source", *stage.chain)
    assert beside.code == 0
    assert (stage.connection.deployments / "31337" / "ModelRegistry.source.json").is_file()
    assert "ModelRegistry.source.json" in beside.out


def test_source_refuses_a_book_whose_source_gives_another_address(tampered: tuple[str, ...], tmp_path: Path) -> None:
    done = cli("deploy", "source", *tampered, "--out", tmp_path / "out")
    assert done.code == 1
    assert done.err.splitlines()[-1].startswith("SourceDiffers: the kept source of InferenceLedger")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("to", ["sourcify", "etherscan"])
def test_publish_says_verified_and_the_second_time_verified_before(to: str, stage: Stage, server: StandIn) -> None:
    arguments = ("deploy", "publish", *stage.chain, "--to", to, "--url", server.url)
    first = cli(*arguments, "--json", env={KEY_VARIABLE: KEY})
    assert first.code == 0, first.err
    assert {item["status"] for item in first.document["published"]} == {"verified"}
    assert len(first.document["published"]) == len(CORE) + 1
    again = cli(*arguments, env={KEY_VARIABLE: KEY})
    assert again.code == 0, again.err
    assert again.out.count("verified before") == len(CORE) + 1
    assert KEY not in first.out + first.err + again.out + again.err


def test_publish_shows_what_was_refused_and_ends_with_its_name(stage: Stage, server: StandIn) -> None:
    server.rule = always_refuses(f"no, says the server to {KEY}")
    arguments = ("deploy", "publish", *stage.chain, "--to", "etherscan", "--url", server.url)
    shown, document = (Command(*arguments, *more, env={KEY_VARIABLE: KEY}) for more in ((), ("--json",)))
    text = shown.done()
    assert text.code == 1
    assert text.out.count("refused: no, says the server") == len(CORE) + 1
    assert text.err.splitlines()[-1].startswith("ExplorerRefused: Etherscan refused the source of ModelRegistry")
    done = document.done()
    assert done.code == 1
    assert done.document["published"] == []
    assert [item["contract"] for item in done.document["refused"]][: len(CORE)] == list(CORE)
    assert done.document["error"]["name"] == "ExplorerRefused"
    assert KEY not in text.out + text.err + done.out + done.err


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (("--to", "etherscan"), "ExplorerKeyMissing"),
        (("--to", "nobody"), "OptionInvalid"),
        (("--to", "sourcify", "--url", "http://sourcify.dev"), "OptionInvalid"),
        (("--to", "sourcify", "--url", f"http://127.0.0.1:{free_port()}"), "ExplorerUnreachable"),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)
def test_publish_names_what_stands_in_its_way(options: tuple[str, ...], name: str, stage: Stage) -> None:
    done = cli("deploy", "publish", *stage.chain, *options, "--json", env={KEY_VARIABLE: ""})
    assert done.code == 1
    assert done.document["error"]["name"] == name


def test_a_key_cannot_be_given_on_the_command_line(stage: Stage) -> None:
    done = cli("deploy", "publish", *stage.chain, "--to", "etherscan", "--key", KEY)
    assert done.code == 2
    assert "--key" in done.err
