from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bridge.errors import ToolMissing
from bridge.toolchain import assets, npm


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without node, npm and anvil."""
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No pinned packages anywhere; returns the empty home."""
    monkeypatch.setenv("PROOFBRIDGE_NODE_MODULES", str(tmp_path / "node_modules"))
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def stray_modules(tmp_path: Path) -> Path:
    """A folder that holds the compiler's package and nothing else."""
    folder = tmp_path / "stray"
    (folder / "solc").mkdir(parents=True)
    (folder / "solc" / "package.json").write_text("{}")
    return folder


def test_node_is_found_on_the_path() -> None:
    assert npm.node() == Path(str(shutil.which("node")))


@pytest.mark.usefixtures("no_programs")
def test_a_machine_without_node_is_told_so() -> None:
    with pytest.raises(ToolMissing) as raised:
        npm.node()
    assert (raised.value.tool, raised.value.tried) == ("node", ("PATH",))
    assert "Node.js 20 or newer" in raised.value.fix


def test_the_modules_that_a_variable_names_come_first(monkeypatch: pytest.MonkeyPatch, stray_modules: Path) -> None:
    monkeypatch.setenv("PROOFBRIDGE_NODE_MODULES", str(stray_modules))
    assert npm.find_node_modules() == npm.node_modules() == stray_modules


def test_the_checkouts_modules_are_next(monkeypatch: pytest.MonkeyPatch, stray_modules: Path) -> None:
    monkeypatch.delenv("PROOFBRIDGE_NODE_MODULES", raising=False)
    root = assets.checkout()
    assert root is not None
    assert npm.find_node_modules() == root / "node_modules"


def test_modules_without_the_compiler_are_none(nothing_installed: Path) -> None:
    (nothing_installed.parent / "node_modules").mkdir()
    assert npm.find_node_modules() is None


@pytest.mark.usefixtures("nothing_installed", "no_programs")
def test_without_npm_nothing_can_be_installed() -> None:
    with pytest.raises(ToolMissing) as raised:
        npm.node_modules()
    assert (raised.value.tool, raised.value.tried) == ("npm", ("PATH",))


def test_an_installation_that_fails_is_told_in_npms_words_and_leaves_nothing(
    nothing_installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_offline", "true")
    monkeypatch.setenv("npm_config_cache", str(nothing_installed / "npm"))
    stages: list[str] = []
    with pytest.raises(ToolMissing) as raised:
        npm.node_modules(stages.append)
    assert raised.value.tool in {"npm ci", "npm install"}
    assert "ENOTCACHED" in raised.value.tried[0] or "offline" in raised.value.tried[0].lower()
    assert list((nothing_installed / "cache").iterdir()) == []
    assert [stage.split(" with ")[0] for stage in stages] == ["installing the pinned tools"]


def test_the_packaged_anvil_is_the_binary_and_not_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    node = npm.node().parent
    if shutil.which("anvil"):
        monkeypatch.setenv("PATH", str(node))
    found = npm.anvil()
    assert found.is_file()
    assert found.read_bytes()[:4] in {b"\x7fELF", b"\xcf\xfa\xed\xfe"}
    assert npm.find_anvil() == found


def test_an_anvil_on_the_path_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = tmp_path / "anvil"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert npm.anvil() == npm.find_anvil() == own


@pytest.mark.usefixtures("no_programs")
def test_modules_without_an_anvil_for_this_machine_are_told_so(
    monkeypatch: pytest.MonkeyPatch, stray_modules: Path
) -> None:
    monkeypatch.setenv("PROOFBRIDGE_NODE_MODULES", str(stray_modules))
    assert npm.find_anvil() is None
    with pytest.raises(ToolMissing, match="anvil was not found"):
        npm.anvil()
