"""From an ONNX file to a result that a contract verified, by the command line alone."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.chain.rpc import Rpc
from bridge.errors import RpcUnreachable
from tests.cli.conftest import Done, cli, free_port
from tests.conftest import Example

PASSWORD = "s3cret horse"
KEY = "0x5eC2e7" + "4c" * 29
SECRETS = (PASSWORD, KEY[2:].lower())


def leaks(done: Done) -> bool:
    """Whether a command showed the password or the key that it was given."""
    return any(secret in (done.out + done.err).lower() for secret in SECRETS)


class Session:
    """A user's folder, home and terminal."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self._env = {"PROOFBRIDGE_HOME": str(home), "PROOFBRIDGE_PASSWORD": PASSWORD, "IMPORTED": KEY}

    def __call__(self, *arguments: object) -> Done:
        """Run a command that must succeed and show no secret."""
        done = cli(*arguments, env=self._env, cwd=self.folder)
        assert done.code == 0, done.err
        assert not leaks(done)
        return done

    def json(self, *arguments: object) -> Any:
        return self(*arguments, "--json").document


@pytest.fixture(scope="module")
def user(own_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Session:
    """A home of its own, with what others have compiled, so that the accounts and the stack are this user's alone."""
    home = tmp_path_factory.mktemp("user-home")
    (own_home / "cache").mkdir(exist_ok=True)
    (home / "cache").symlink_to(own_home / "cache")
    return Session(tmp_path_factory.mktemp("user"), home)


@pytest.fixture(scope="module")
def stack(user: Session) -> Iterator[dict[str, Any]]:
    """What `up` started; it is taken down whatever happens."""
    document = user.json("up", "--port", free_port())
    yield document
    user("down")
    assert not answers(document["url"])


def answers(url: str) -> bool:
    try:
        return bool(Rpc(url).chain_id)
    except RpcUnreachable:
        return False


@pytest.fixture(scope="module")
def built(user: Session, example: Example) -> dict[str, Any]:
    document: dict[str, Any] = user.json(
        "model", "build", example.model, "--sample", example.sample, "--out", "bundles"
    )
    return document


def test_up_starts_a_chain_with_the_contracts_and_twice_finds_it(user: Session, stack: dict[str, Any]) -> None:
    assert set(stack) >= {"url", "pid", "chain_id", "contracts"}
    assert set(stack["contracts"]) >= {"ModelRegistry", "EzklVerifier", "InferenceLedger", "InferenceIndex"}
    assert answers(stack["url"])
    for address in stack["contracts"].values():
        assert Rpc(stack["url"]).code(address)
    assert user.json("up", "--port", free_port()) == stack


def test_model_build_reports_what_it_promises_and_twice_finds_the_first(
    user: Session, built: dict[str, Any], example: Example
) -> None:
    promised = {
        "model_id": str,
        "onnx_sha256": str,
        "logrows": int,
        "rows": int,
        "settings": dict,
        "proof_bytes": int,
        "prove_seconds": float,
        "verifier_runtime_bytes": int,
        "verify_gas": int,
        "max_abs_error": float,
        "mean_abs_error": float,
        "fidelity": dict,
        "manifest_sha256": str,
        "srs": dict,
        "bundle": str,
    }
    assert {name: type(built[name]) for name in promised} == promised
    assert set(built["srs"]) >= {"kind", "sha256"}
    assert (user.folder / built["bundle"] / "manifest.json").is_file()
    assert built["is_new"] is True
    again = user.json("model", "build", example.model, "--sample", example.sample, "--out", "bundles")
    assert again["is_new"] is False
    assert again["model_id"] == built["model_id"]
    shown = user.json("model", "show", built["bundle"])
    assert {name: shown[name] for name in promised} == {name: built[name] for name in promised}


@pytest.fixture(scope="module")
def deployed_model(user: Session, stack: dict[str, Any], built: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = user.json("deploy", "model", built["bundle"], "--rpc", stack["url"])
    return document


def test_deploying_twice_does_nothing(
    user: Session, stack: dict[str, Any], built: dict[str, Any], deployed_model: dict[str, Any]
) -> None:
    assert deployed_model["is_new"] is True
    assert deployed_model["gas_used"] > 0
    assert deployed_model["model_id"] == built["model_id"]
    again = user.json("deploy", "model", built["bundle"], "--rpc", stack["url"])
    assert again == {**deployed_model, "is_new": False, "gas_used": 0}
    core = user.json("deploy", "core", "--rpc", stack["url"])
    assert core["gas_used"] == 0
    assert {name: item["address"] for name, item in core["contracts"].items()} == stack["contracts"]
    assert not any(item["is_new"] for item in core["contracts"].values())


def test_prove_submit_infer_and_results_agree(
    user: Session, stack: dict[str, Any], built: dict[str, Any], deployed_model: dict[str, Any], example: Example
) -> None:
    bundle, rpc = built["bundle"], ("--rpc", stack["url"])
    proved = user.json("prove", bundle, "--input", example.sample, "--row", "1", "--out", "proof.json")
    assert proved["model_id"] == deployed_model["model_id"]
    assert json.loads((user.folder / "proof.json").read_text())["instances"] == proved["instances"]

    submitted = user.json("submit", bundle, "proof.json", *rpc)
    assert submitted["is_new"] is True
    again = user.json("submit", bundle, "proof.json", *rpc)
    assert again == {**submitted, "is_new": False}

    inferred = user.json("infer", bundle, "--input", example.sample, "--row", "2", *rpc)
    promised = {
        "inference_id": str,
        "model_id": str,
        "tx_hash": str,
        "block_number": int,
        "gas_used": int,
        "outputs": list,
        "grade": str,
        "seconds": dict,
    }
    assert {name: type(inferred[name]) for name in promised} == promised
    assert inferred["grade"] == "Proven"
    assert all(isinstance(number, float) for tensor in inferred["outputs"] for number in tensor)
    assert {"prove", "submit"} <= set(inferred["seconds"])

    every = user.json("infer", bundle, "--input", example.sample, *rpc)["inferences"]
    assert [item["is_new"] for item in every] == [False, False, True, True]
    assert every[1]["inference_id"] == inferred["inference_id"]

    records = user.json("results", *rpc)
    assert [record["inference_id"] for record in records] == [item["inference_id"] for item in every]
    assert records[0]["inference_id"] == submitted["inference_id"]
    for record, item in zip(records, every, strict=True):
        assert {name: record[name] for name in set(promised) - {"seconds"}} == {
            name: item[name] for name in set(promised) - {"seconds"}
        }
        assert record["finality"] == "mined"
        assert record["recorded"] is True
    assert records[0]["outputs"] == proved["outputs"]

    assert user.json("results", built["name"], *rpc) == records
    assert user.json("results", built["model_id"][:12], "--limit", "1", *rpc) == records[-1:]
    assert user.json("results", "0x" + "11" * 32, *rpc) == []
    assert user.json("results", "--finality", "final", *rpc) == []
    table = user("results", *rpc).out
    assert "4 verified results" in table
    assert "Proven" in table


def test_a_keystore_pays_and_its_secrets_are_never_shown(
    user: Session, stack: dict[str, Any], built: dict[str, Any], deployed_model: dict[str, Any], example: Example
) -> None:
    made = user.json("account", "new", "alice")
    imported = user.json("account", "import", "bob", "--from-env", "IMPORTED")
    assert {item["name"] for item in user.json("account", "list")["accounts"]} == {"alice", "bob"}
    assert Path(made["path"]).stat().st_mode & 0o777 == 0o600
    rpc = Rpc(stack["url"])
    for keystore in (made, imported):
        rpc.raw("anvil_setBalance", keystore["address"], hex(10**18))
    pays = ("--rpc", stack["url"], "--account")
    own = ("--deployments", "alice-book")
    assert user.json("deploy", "core", *pays, "alice", *own)["gas_used"] == 0
    user("deploy", "model", built["bundle"], *pays, "alice", *own)
    paid = user.json("infer", built["bundle"], "--input", row_file(user, [0.4, 0.3, 0.2]), *pays, "alice")
    record = user.json("results", *pays[:2], "--limit", "1")[0]
    assert record["submitter"] == made["address"]
    assert record["tx_hash"] == paid["tx_hash"]
    user("infer", built["bundle"], "--input", row_file(user, [0.1, 0.1, 0.1]), *pays, "bob")
    assert rpc.balance(made["address"]) < 10**18
    assert rpc.nonce(imported["address"]) == 1
    assert deployed_model["model_id"] == paid["model_id"]


def row_file(user: Session, row: list[float]) -> Path:
    path = user.folder / "row.json"
    path.write_text(json.dumps({"x": row}))
    return path


def test_a_secret_that_is_shown_would_be_seen() -> None:
    assert leaks(Done(0, f"the key is {KEY}", ""))
    assert leaks(Done(0, "", f"not {PASSWORD}"))
    assert not leaks(Done(0, "nothing", "of the kind"))


def test_the_text_of_every_command_is_for_people_and_its_json_for_programs(
    user: Session, stack: dict[str, Any], built: dict[str, Any]
) -> None:
    shown = user("model", "show", built["bundle"])
    assert "model id" in shown.out
    assert built["model_id"] in shown.out
    with pytest.raises(json.JSONDecodeError):
        json.loads(shown.out)
    assert stack["url"] in user("up").out


def test_down_stops_what_up_started_and_twice_finds_nothing(own_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "cache").symlink_to(own_home / "cache")
    user = Session(tmp_path, home)
    started = user.json("up", "--port", free_port())
    try:
        assert answers(started["url"])
        assert (tmp_path / "deployments" / "31337.json").is_file()
    finally:
        stopped = user.json("down")
    assert stopped == {"stopped": True}
    assert not answers(started["url"])
    assert user.json("down") == {"stopped": False}


def test_a_stack_that_was_killed_is_started_anew(own_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "cache").symlink_to(own_home / "cache")
    user = Session(tmp_path, home)
    first = user.json("up", "--port", free_port())
    os.kill(first["pid"], signal.SIGKILL)
    second = user.json("up", "--port", free_port())
    try:
        assert second["pid"] != first["pid"]
        assert second["contracts"] == first["contracts"]
        assert answers(second["url"])
    finally:
        user("down")
    assert not answers(second["url"])
