"""proofbridge doctor: what is here, which version, what is missing and how to mend it."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import typer
from rich.text import Text

from bridge.chain import account
from bridge.circuit import srs
from bridge.cli import options
from bridge.cli.screen import Screen
from bridge.solidity import solc
from bridge.toolchain import npm

_MIN_NODE = 20
_PACKAGES = ("ezkl", "web3", "eth-account", "py-solc-x", "onnx", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that proofbridge needs or can use."""

    name: str
    ok: bool
    found: str
    fix: str = ""
    needed: bool = True


def doctor(as_json: options.Json = False) -> None:
    """Check the tools that proofbridge uses. Example: proofbridge doctor."""
    screen = Screen(as_json=as_json)
    findings = [*_python(), _node(), _npm_packages(), _anvil(), _solc(), _setups(), _accounts()]
    healthy = all(finding.ok for finding in findings if finding.needed)
    if as_json:
        screen.document({"healthy": healthy, "findings": findings})
    else:
        marks = {True: Text("ok", "green"), False: Text("missing", "red")}
        rows: list[list[str | Text]] = [
            [item.name, marks[item.ok] if item.needed or item.ok else "-", item.found, item.fix] for item in findings
        ]
        screen.table("proofbridge doctor", {"": "left", "state": "left", "found": "left", "to mend it": "left"}, rows)
    if not healthy:
        raise typer.Exit(1)


def _python() -> list[Finding]:
    fits = sys.version_info >= (3, 11)
    findings = [Finding("python", fits, platform.python_version(), "" if fits else "install Python 3.11 or newer")]
    for name in _PACKAGES:
        try:
            findings.append(Finding(name, ok=True, found=version(name)))
        except PackageNotFoundError:
            findings.append(Finding(name, ok=False, found="", fix=f"pip install {name}"))
    return findings


def _node() -> Finding:
    found = _version_of("node", lambda said: said.removeprefix("v"))
    fits = found is not None and int(found.split(".")[0]) >= _MIN_NODE
    return Finding("node", fits, found or "", "" if fits else f"install Node.js {_MIN_NODE} or newer, with npm")


def _npm_packages() -> Finding:
    modules = npm.find_node_modules()
    if modules is not None:
        return Finding("npm packages", ok=True, found=str(modules))
    if shutil.which("npm"):
        return Finding("npm packages", ok=True, found="installed by themselves when first needed")
    return Finding("npm packages", ok=False, found="", fix="install npm (it comes with Node.js)")


def _anvil() -> Finding:
    program = npm.find_anvil()
    if program is None:
        return Finding("anvil", ok=False, found="", fix="run: proofbridge demo (installs it from npm)", needed=False)
    said = _version_of(str(program), lambda text: text.split()[2] if len(text.split()) > 2 else text)  # noqa: PLR2004
    return Finding("anvil", said is not None, f"{said or ''} {program}".strip())


def _solc() -> Finding:
    modules = npm.find_node_modules()
    how = f"{solc.VERSION}, npm" if modules else f"{solc.VERSION}, from npm when first needed"
    return Finding("solc", ok=modules is not None or shutil.which("npm") is not None, found=how)


def _setups() -> Finding:
    files = srs.known_files()
    public = sorted({file.setup.logrows for file in files if file.is_public})
    found = f"public ceremonies for 2^{', 2^'.join(map(str, public))}" if public else f"{len(files)} development setups"
    fix = "" if public else "run: proofbridge srs fetch K (needed for any chain but a local one)"
    return Finding("trusted setups", bool(public), found, fix, needed=False)


def _accounts() -> Finding:
    names = [keystore.name for keystore in account.keystores()]
    fix = "" if names else "run: proofbridge account new NAME (needed for any chain but a local one)"
    return Finding("accounts", bool(names), ", ".join(names), fix, needed=False)


def _version_of(program: str, read: Callable[[str], str]) -> str | None:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=True)
        return read(done.stdout.strip().splitlines()[0])
    except (OSError, subprocess.SubprocessError, IndexError):
        return None
