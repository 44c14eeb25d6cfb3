"""What docs/trust.md and contracts/README.md say of the contracts, compared with the contracts and their tests."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from bridge.core.poseidon import parameters
from bridge.solidity.contracts import CORE, METADATA, compile_core
from bridge.toolchain import assets

SIZED_PUSH = range(0x60, 0x80)
"""PUSH1 to PUSH32, which are followed by data."""
FOREIGN_CODE = {0xF2: "CALLCODE", 0xF4: "DELEGATECALL", 0xFF: "SELFDESTRUCT"}
"""What runs code of somebody else in a contract's own place, or takes its code away."""

ROW = re.compile(r"^\| (\w+) \| ((?:`\w+`(?:, )?)+) \| [^|]+ \|$", re.MULTILINE)


def opcodes(code: bytes) -> Iterator[int]:
    at = 0
    while at < len(code):
        yield code[at]
        at += code[at] - SIZED_PUSH.start + 2 if code[at] in SIZED_PUSH else 1


def test_the_walk_skips_what_is_pushed() -> None:
    assert list(opcodes(bytes.fromhex("60f4f461ffff00"))) == [0x60, 0xF4, 0x61, 0x00]
    assert list(opcodes(bytes.fromhex("7f" + "ff" * 32 + "ff5fff"))) == [0x7F, 0xFF, 0x5F, 0xFF]


@pytest.mark.parametrize("name", [*CORE, METADATA])
def test_no_contract_can_be_upgraded_or_taken_away(name: str) -> None:
    data = b"".join(constant.to_bytes(32, "big") for constant in parameters()[0])  # it is read and never run
    code = compile_core()[name].runtime
    assert (data in code) == (name == "InputOpening")
    code = code.replace(data, b"")
    assert not FOREIGN_CODE.keys() & set(opcodes(code))


def test_the_table_names_every_function_that_changes_something() -> None:
    text = (assets.contracts().parent / "docs" / "trust.md").read_text()
    told = [(contract, function) for contract, cell in ROW.findall(text) for function in re.findall(r"\w+", cell)]
    real = [
        (name, entry["name"])
        for name, artifact in compile_core().items()
        for entry in artifact.abi
        if entry["type"] == "function" and entry["stateMutability"] not in {"view", "pure"}
    ]
    assert sorted(told) == sorted(real)


def test_every_test_that_is_named_as_a_witness_is_there() -> None:
    folders = (assets.contracts() / "test", assets.contracts().parent / "tests")
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in {".sol", ".py"}]
    real = {name for path in files for name in re.findall(r"(?:function|def) (test_\w+)", path.read_text())}
    named = set(re.findall(r"`(test_\w+)`", (assets.contracts() / "README.md").read_text()))
    assert len(named) > 10
    assert named <= real
