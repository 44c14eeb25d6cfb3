"""Every bad input that the command line has to name, each through the real command.

The verifier that is too large is not here: no option shrinks a chain's limit. It stands in tests/deploy and tests/circuit.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bridge.chain import account
from bridge.cli.app import main
from bridge.core.bundle import CIRCUIT, VERIFIER_SOURCE
from tests.chain.proxy import proxied
from tests.cli.conftest import Command, Done, Stage, cli, free_port
from tests.conftest import RunOnDisk

PASSWORD = "a horse that is correct"


@dataclass(frozen=True)
class Bad:
    """A command line that must fail, by which name, with which words."""

    name: str
    words: tuple[str, ...]
    arguments: tuple[object, ...]
    env: dict[str, str] = field(default_factory=dict)


Make = Callable[[Stage, Path], Bad]
CASES: dict[str, Make] = {}


LISTED: set[str] = set()
"""Those that run in a process of their own too; the others save the start of one."""


def case(*, listed: bool = False) -> Callable[[Make], Make]:
    def add(make: Make) -> Make:
        name = make.__name__.replace("_", " ")
        CASES[name] = make
        if listed:
            LISTED.add(name)
        return make

    return add


def build(stage: Stage, folder: Path, **changed: object) -> tuple[object, ...]:
    options = {"model": stage.example.model, "sample": stage.example.sample, **changed}
    return ("model", "build", options["model"], "--sample", options["sample"], "--out", folder / "out")


def prove(stage: Stage, folder: Path, rows: object, ending: str = "json") -> tuple[object, ...]:
    file = folder / f"rows.{ending}"
    if ending == "npy":
        np.save(file, np.asarray(rows))
    else:
        file.write_text(json.dumps(rows))
    return ("prove", stage.bundle.path, "--input", file, "--out", folder / "out" / "proof.json")


@case(listed=True)
def a_model_that_is_no_onnx_file(stage: Stage, folder: Path) -> Bad:
    file = folder / "model.onnx"
    file.write_text("this is no model")
    return Bad("NotAnOnnxModel", ("model.onnx", "Export the model"), build(stage, folder, model=file))


@case()
def a_model_that_is_not_there(stage: Stage, folder: Path) -> Bad:
    return Bad("NotAnOnnxModel", ("No such file",), build(stage, folder, model=folder / "nowhere.onnx"))


@case(listed=True)
def an_operator_without_a_circuit(stage: Stage, folder: Path) -> Bad:
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Det", ["x"], ["y"], name="determinant")],
        "g",
        [tensor("x", TensorProto.FLOAT, [1, 2, 2])],
        [tensor("y", TensorProto.FLOAT, [1])],
    )
    model, sample = folder / "det.onnx", folder / "det.json"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(model))
    sample.write_text(json.dumps({"x": [[[1, 2], [3, 4]]]}))
    words = ("operator Det", "determinant", "Re-export the model without Det")
    return Bad("UnsupportedOperator", words, build(stage, folder, model=model, sample=sample))


@case(listed=True)
def a_sample_of_another_shape(stage: Stage, folder: Path) -> Bad:
    sample = folder / "sample.json"
    sample.write_text(json.dumps({"x": [[1, 2], [3, 4]]}))
    return Bad("InputShapeMismatch", ("expected [1, 3]", "got [2, 2]"), build(stage, folder, sample=sample))


@case(listed=True)
def held_out_rows_that_the_circuit_does_not_take(stage: Stage, folder: Path) -> Bad:
    file = folder / "held-out.json"
    file.write_text(json.dumps({"x": [[1000, 0, 0], [0, -1000, 0]]}))
    words = ("none of the 2 held-out rows", "1000 at element 0", "--sample that covers")
    return Bad("NoRowFits", words, (*build(stage, folder), "--held-out", file))


@case()
def held_out_rows_that_differ_by_more_than_allowed(stage: Stage, folder: Path) -> Bad:
    file = folder / "held-out.json"
    file.write_text(json.dumps({"x": [[3.9, -3.9, 3.9]]}))
    arguments = (*build(stage, folder), "--held-out", file, "--max-error", "0.0002")
    return Bad("FidelityTooLow", ("on the held-out rows", "more than --max-error 0.0002"), arguments)


@case()
def held_out_rows_of_another_shape(stage: Stage, folder: Path) -> Bad:
    file = folder / "held-out.csv"
    file.write_text("1,2\n3,4\n")
    return Bad("UnreadableInput", ("held-out.csv", "expected 3"), (*build(stage, folder), "--held-out", file))


@case()
def a_row_of_another_shape(stage: Stage, folder: Path) -> Bad:
    return Bad("InputShapeMismatch", ("expected [1, 3]", "got [4]"), prove(stage, folder, {"x": [1, 2, 3, 4]}))


@case(listed=True)
def a_row_of_text(stage: Stage, folder: Path) -> Bad:
    words = ("expected float32", "got text")
    return Bad("InputTypeMismatch", words, prove(stage, folder, {"x": ["one", "two", "three"]}))


@case()
def a_row_of_complex_numbers(stage: Stage, folder: Path) -> Bad:
    words = ("expected float32", "got complex numbers")
    return Bad("InputTypeMismatch", words, prove(stage, folder, [[1j, 2j, 3j]], "npy"))


@case(listed=True)
def a_row_with_nan(stage: Stage, folder: Path) -> Bad:
    return Bad("InputNotFinite", ("nan at element 1",), prove(stage, folder, {"x": [0.5, float("nan"), 0.5]}))


@case(listed=True)
def a_row_with_infinity(stage: Stage, folder: Path) -> Bad:
    return Bad("InputNotFinite", ("-inf at element 2",), prove(stage, folder, {"x": [0.5, 0.5, float("-inf")]}))


@case(listed=True)
def a_row_outside_the_calibrated_range(stage: Stage, folder: Path) -> Bad:
    words = ("1000 at element 0", "outside the range", "Rebuild the model with a sample that covers")
    return Bad("InputOutOfRange", words, prove(stage, folder, {"x": [1000, 0, 0]}))


@case()
def rows_that_are_no_json(stage: Stage, folder: Path) -> Bad:
    file = folder / "rows.json"
    file.write_text("[" * 200_000)
    arguments = ("prove", stage.bundle.path, "--input", file, "--out", folder / "out" / "proof.json")
    return Bad("UnreadableInput", ("rows.json",), arguments)


@case()
def a_row_number_beyond_the_file(stage: Stage, folder: Path) -> Bad:
    arguments = ("infer", stage.bundle.path, "--input", stage.example.sample, "--row", "9", *stage.chain)
    return Bad("OptionInvalid", ("--row is '9'", "1 to 4"), arguments)


@case(listed=True)
def a_node_that_does_not_answer(stage: Stage, folder: Path) -> Bad:
    port = free_port()
    url = f"http://s3cret:s3cret@127.0.0.1:{port}/s3cret?key=s3cret"
    arguments = ("deploy", "core", "--rpc", url, "--deployments", folder / "out")
    return Bad("RpcUnreachable", (f"http://127.0.0.1:{port}", "does not answer"), arguments)


@case(listed=True)
def a_node_on_another_chain(stage: Stage, folder: Path) -> Bad:
    url = stage.connection.rpc.place
    arguments = ("deploy", "core", "--chain", "sepolia", "--rpc", url, "--deployments", folder / "out")
    return Bad("WrongChain", ("on chain 31337, expected chain 11155111",), arguments)


@case()
def a_chain_id_that_the_node_does_not_have(stage: Stage, folder: Path) -> Bad:
    return Bad("WrongChain", ("expected chain 5",), ("results", *stage.chain, "--chain-id", "5"))


@case()
def a_chain_id_that_contradicts_the_preset(stage: Stage, folder: Path) -> Bad:
    return Bad("OptionInvalid", ("expected 11155111",), ("results", "--chain", "sepolia", "--chain-id", "5"))


@case()
def opengradient_without_its_chain_id(stage: Stage, folder: Path) -> Bad:
    return Bad("OptionInvalid", ("--chain-id",), ("results", "--chain", "opengradient"))


@case()
def a_chain_that_nobody_knows(stage: Stage, folder: Path) -> Bad:
    return Bad("ChainUnknown", ("no chain preset 'moon'", "sepolia"), ("results", "--chain", "moon"))


@case(listed=True)
def an_account_without_funds(stage: Stage, folder: Path) -> Bad:
    arguments = ("submit", stage.bundle.path, stage.proof, *stage.chain, "--account", "env:POOR")
    return Bad("InsufficientFunds", ("holds 0 wei",), arguments, {"POOR": "0x" + "4d" * 32})


@case()
def a_variable_that_holds_no_key(stage: Stage, folder: Path) -> Bad:
    arguments = ("submit", stage.bundle.path, stage.proof, *stage.chain, "--account", "env:GARBAGE")
    return Bad("AccountRefused", ("env:GARBAGE", "32-byte private key"), arguments, {"GARBAGE": "s3cret-s3cret"})


@case(listed=True)
def a_wrong_keystore_password(stage: Stage, folder: Path) -> Bad:
    arguments = ("submit", stage.bundle.path, stage.proof, *stage.chain, "--account", "wrong-password")
    return Bad("WrongPassword", ("'wrong-password'",), arguments, {"PROOFBRIDGE_PASSWORD": "s3cret but wrong"})


@case()
def a_keystore_that_is_not_there(stage: Stage, folder: Path) -> Bad:
    arguments = ("submit", stage.bundle.path, stage.proof, *stage.chain, "--account", "nobody")
    return Bad("AccountMissing", ("no account 'nobody'", "account new"), arguments)


@case()
def a_password_file_that_is_no_text(stage: Stage, folder: Path) -> Bad:
    file = folder / "password"
    file.write_bytes(b"\xff\xfe")
    arguments = ("account", "new", "never-made", "--password-file", file)
    return Bad("AccountRefused", ("password",), arguments)


@case(listed=True)
def a_proof_for_another_model(stage: Stage, folder: Path) -> Bad:
    words = (stage.bundle.model_id, stage.other.model_id)
    return Bad("ProofOfAnotherModel", words, ("submit", stage.other.path, stage.proof, *stage.chain))


@case()
def a_proof_that_was_tampered_with(stage: Stage, folder: Path) -> Bad:
    document = json.loads(stage.proof.read_text())
    document["instances"][-1] = "0x" + "00" * 32
    file = folder / "proof.json"
    file.write_text(json.dumps(document))
    return Bad("ProofInvalid", (stage.bundle.model_id,), ("submit", stage.bundle.path, file, *stage.chain))


@case()
def a_file_that_is_no_proof(stage: Stage, folder: Path) -> Bad:
    file = folder / "proof.json"
    file.write_text("[" * 200_000)
    return Bad("ProofMalformed", ("is not a proof file",), ("submit", stage.bundle.path, file, *stage.chain))


@case(listed=True)
def a_bundle_with_a_changed_byte(stage: Stage, folder: Path) -> Bad:
    copy = folder / "bundle"
    shutil.copytree(stage.bundle.path, copy)
    raw = bytearray((copy / CIRCUIT).read_bytes())
    raw[len(raw) // 2] ^= 1
    (copy / CIRCUIT).write_bytes(raw)
    return Bad("BundleCorrupt", (CIRCUIT, "sha256"), ("deploy", "model", copy, *stage.chain))


@case()
def a_bundle_with_a_changed_verifier(stage: Stage, folder: Path) -> Bad:
    copy = folder / "bundle"
    shutil.copytree(stage.bundle.path, copy)
    (copy / VERIFIER_SOURCE).write_text("contract Halo2Verifier {}")
    return Bad("BundleCorrupt", (VERIFIER_SOURCE, "sha256"), ("model", "show", copy))


@case()
def a_folder_without_a_bundle(stage: Stage, folder: Path) -> Bad:
    return Bad("BundleMissing", ("proofbridge model build",), ("model", "show", folder))


@case()
def a_model_that_was_not_deployed(stage: Stage, folder: Path) -> Bad:
    arguments = ("infer", stage.other.path, "--input", stage.example.sample, "--row", "1", *stage.chain)
    return Bad("NotDeployed", (stage.other.model_id, "proofbridge deploy model"), arguments)


@case()
def a_book_that_is_broken(stage: Stage, folder: Path) -> Bad:
    (folder / "book").mkdir()
    (folder / "book" / "31337.json").write_text("{")
    arguments = ("results", "--rpc", stage.connection.rpc.place, "--deployments", folder / "book")
    return Bad("DeploymentBookCorrupt", ("31337.json",), arguments)


@case(listed=True)
def a_setup_file_with_a_changed_byte(stage: Stage, folder: Path) -> Bad:
    setup = Path(__file__).parents[3] / "shared" / "srs" / "hermez-raw-11"
    if not setup.is_file():
        pytest.skip(f"the public ceremony's file is not at {setup}")
    raw = bytearray(setup.read_bytes())
    raw[1000] ^= 1
    changed = folder / "changed.srs"
    changed.write_bytes(raw)
    words = ("changed.srs", "expected c8edbefe1562c50ea105f79d9d49989bcfbf1e6a335b3858d44260e71972b8ee")
    return Bad("SrsHashMismatch", words, (*build(stage, folder), "--srs", changed))


@case()
def a_setup_file_that_is_none(stage: Stage, folder: Path) -> Bad:
    file = folder / "setup.srs"
    file.write_bytes(b"nothing")
    return Bad("SrsMalformed", ("setup.srs",), ("srs", "inspect", file))


@case()
def a_setup_that_cannot_be_fetched(stage: Stage, folder: Path) -> Bad:
    return Bad("SrsUnavailable", ("PROOFBRIDGE_OFFLINE",), ("srs", "fetch", "12"))


@case(listed=True)
def no_compiler(stage: Stage, folder: Path) -> Bad:
    arguments = ("deploy", "core", "--rpc", stage.connection.rpc.place, "--deployments", folder / "out")
    return Bad("SolcMissing", ("node was not found", "Install Node.js"), arguments, without_node(folder))


@case(listed=True)
def no_anvil_for_the_demo(stage: Stage, folder: Path) -> Bad:
    return Bad("ToolMissing", ("was not found",), ("demo", "--out", folder / "out"), without_tools(folder))


@case(listed=True)
def no_anvil_for_the_stack(stage: Stage, folder: Path) -> Bad:
    return Bad("ToolMissing", ("Install Node.js",), ("up", "--deployments", folder / "out"), without_tools(folder))


def without_node(folder: Path) -> dict[str, str]:
    """The pinned packages are there; what runs them is not. Nothing was compiled before."""
    return {"PATH": str(folder / "nowhere"), "PROOFBRIDGE_HOME": str(folder / "home")}


def without_tools(folder: Path) -> dict[str, str]:
    """A machine with Python alone, and a home where nothing was compiled before."""
    return {
        "PATH": str(folder / "nowhere"),
        "PROOFBRIDGE_NODE_MODULES": str(folder / "nowhere"),
        "PROOFBRIDGE_HOME": str(folder / "home"),
    }


@case()
def a_place_that_cannot_be_written(stage: Stage, folder: Path) -> Bad:
    (folder / "file").write_text("in the way")
    arguments = ("prove", stage.bundle.path, "--input", stage.example.sample, "--out", folder / "file" / "proof.json")
    return Bad("NotWritable", ("proof.json",), arguments)


@case()
def a_name_that_leaves_the_folder(stage: Stage, folder: Path) -> Bad:
    return Bad("OptionInvalid", ("--name is '../up'",), (*build(stage, folder), "--name", "../up"))


@case()
def a_visibility_that_is_none(stage: Stage, folder: Path) -> Bad:
    arguments = (*build(stage, folder), "--input-visibility", "secret")
    return Bad("OptionInvalid", ("--input-visibility is 'secret'", "public, hashed or private"), arguments)


@case()
def an_evm_version_that_is_none(stage: Stage, folder: Path) -> Bad:
    return Bad("OptionInvalid", ("--evm-version is 'moon'",), (*build(stage, folder), "--evm-version", "moon"))


@case()
def a_grade_that_is_none(stage: Stage, folder: Path) -> Bad:
    return Bad("OptionInvalid", ("--min-grade is 'Sure'",), ("results", *stage.chain, "--min-grade", "Sure"))


@case()
def a_fee_cap_that_is_no_number(stage: Stage, folder: Path) -> Bad:
    return Bad("OptionInvalid", ("--max-fee-gwei",), ("deploy", "core", *stage.chain, "--max-fee-gwei", "inf"))


@case()
def an_account_name_that_leaves_the_folder(stage: Stage, folder: Path) -> Bad:
    return Bad("AccountRefused", ("letters, digits",), ("account", "new", "../up"), {"PROOFBRIDGE_PASSWORD": "s3cret"})


def check(bad: Bad, plain: Done, as_json: Done) -> None:
    """One line with the name, one document with the same, and nothing else."""
    assert plain.code == 1, plain.err
    named = [line for line in plain.err.splitlines() if bad.name in line]
    assert len(named) == 1, plain.err
    assert plain.err.splitlines()[-1] == named[0]
    assert named[0].startswith(f"{bad.name}: ")
    assert plain.out == ""
    for word in bad.words:
        assert word in named[0]

    assert as_json.code == 1, as_json.err
    error: dict[str, Any] = as_json.document["error"]
    assert set(as_json.document) == {"error"}
    assert error["name"] == bad.name
    assert error["what"]
    assert error["fix"]
    for word in bad.words:
        assert word in error["what"] + error["fix"]
    for done in (plain, as_json):
        assert "Traceback" not in done.out + done.err
        assert "s3cret" not in done.out + done.err


@pytest.fixture(scope="session", autouse=True)
def keystore(own_home: Path) -> None:
    """An account whose password the bad input does not know."""
    account.import_key("wrong-password", "0x" + "4e" * 32, PASSWORD)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class Here:
    """The command in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], folder: Path) -> None:
        self._monkeypatch = monkeypatch
        self._capfd = capfd
        self._folder = folder

    def __call__(self, arguments: tuple[object, ...], env: dict[str, str]) -> Done:
        with self._monkeypatch.context() as changed:
            changed.chdir(self._folder)
            changed.setattr("sys.argv", ["proofbridge", *map(str, arguments)])
            for variable, value in env.items():
                changed.setenv(variable, value)
            self._capfd.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = self._capfd.readouterr()
        return Done(int(ended.value.code or 0), out, err)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Here:
    return Here(monkeypatch, capfd, tmp_path)


@pytest.mark.parametrize("name", CASES)
def test_a_bad_input_is_one_named_line_and_one_document_and_leaves_nothing(
    name: str, stage: Stage, tmp_path: Path, here: Here
) -> None:
    bad = CASES[name](stage, tmp_path)
    before = snapshot(stage.connection.deployments)
    nonce = stage.connection.rpc.nonce(stage.connection.wallet().address)
    beside = Command(*bad.arguments, env=bad.env, cwd=tmp_path) if name in LISTED else None
    as_json = here((*bad.arguments, "--json"), bad.env)
    plain = beside.done() if beside else here(bad.arguments, bad.env)
    check(bad, plain, as_json)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert snapshot(stage.connection.deployments) == before
    assert stage.connection.rpc.nonce(stage.connection.wallet().address) == nonce


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such-command",),
        ("prove",),
        ("prove", "bundle", "--no-such-option"),
        ("infer", "bundle", "--input", "x", "--row", "0"),
        ("model", "build", "m.onnx", "--sample", "s", "--objective", "beauty"),
        ("up", "--port", "70000"),
        ("srs", "fetch", "99"),
        ("prove", "bundle", "--input", "x", "--timeout", "inf"),
        ("infer", "bundle", "--input", "x", "--confirmations", "zero", "--json"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...], here: Here) -> None:
    done = here(arguments, {})
    assert done.code == 2
    assert "Usage" in done.err
    assert done.out == ""


def test_wrong_usage_is_exit_code_2_in_a_process_of_its_own(tmp_path: Path) -> None:
    done = cli("prove", cwd=tmp_path)
    assert done.code == 2
    assert "Missing argument" in done.err
    assert "Traceback" not in done.err


def test_a_node_that_dies_between_sending_and_the_receipt_leaves_the_hash_and_submit_finds_it(
    stage: Stage, tmp_path: Path, funded_key: str, own_home: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "cache").symlink_to(own_home / "cache")
    env = {"PROOFBRIDGE_HOME": str(home)}
    rpc = stage.connection.rpc
    checkpoint = rpc.raw("evm_snapshot")
    nonce = rpc.nonce(stage.connection.wallet().address)
    options = ("--account", funded_key, "--deployments", stage.connection.deployments, "--json")
    submit = ("submit", stage.bundle.path, stage.proof, *options)
    with proxied(rpc.place) as proxy:
        proxy.drop_after("eth_sendRawTransaction", then_silent=True)
        died = cli(*submit, "--rpc", proxy.url, env=env)
    assert died.code == 1
    error = died.document["error"]
    assert error["name"] == "TransactionPending"
    tx_hash = error["detail"]["tx_hash"]
    assert tx_hash in error["what"]
    assert len(list((home / "journal").rglob("*.json"))) == 1
    assert rpc.knows_transaction(tx_hash)

    again = cli(*submit, "--rpc", rpc.place, env=env)
    assert again.code == 0, again.err
    assert again.document["tx_hash"] == tx_hash
    assert rpc.nonce(stage.connection.wallet().address) == nonce + 1
    rpc.raw("evm_revert", checkpoint)


@pytest.mark.parametrize("size", ["64k", "400k", "860k"])
def test_a_full_disk_is_named_and_leaves_nothing(size: str, stage: Stage, on_disk: RunOnDisk, tmp_path: Path) -> None:
    model, sample = stage.example.model, stage.example.sample
    command = ("-m", "bridge.cli.app", "model", "build", model, "--sample", sample)
    disk = tmp_path / "disk"
    done = on_disk(f"size={size}", *map(str, command), "--out", str(disk / "bundles"))
    assert done.code == 1, done.err
    assert done.err.splitlines()[-1].startswith("DiskFull: the disk is full while writing")
    assert done.out == ""
    assert "Traceback" not in done.err
    assert [path for path in done.left if not path.endswith("/bundles")] == []


def test_a_disk_with_room_takes_the_same_bundle(stage: Stage, on_disk: RunOnDisk, tmp_path: Path) -> None:
    model, sample = stage.example.model, stage.example.sample
    command = ("-m", "bridge.cli.app", "model", "build", model, "--sample", sample)
    done = on_disk("size=200m", *map(str, command), "--out", str(tmp_path / "disk" / "bundles"))
    assert done.code == 0, done.err
    assert any(path.endswith("/manifest.json") for path in done.left)


def test_a_full_disk_while_a_proof_is_written_is_named(stage: Stage, on_disk: RunOnDisk, tmp_path: Path) -> None:
    command = ("-m", "bridge.cli.app", "prove", stage.bundle.path, "--input", stage.example.sample)
    done = on_disk("size=4k", *map(str, command), "--out", str(tmp_path / "disk" / "proof.json"))
    assert done.code == 1, done.err
    assert done.err.splitlines()[-1].startswith("DiskFull: ")
    assert done.left == ()
