"""The compiler: one pinned version, through py-solc-x. The only file that imports solcx.

A native solc that py-solc-x has installed is used where there is one; otherwise npm's solc, the same compiler built for
WebAssembly, behind the small executable `contracts/solc`. Both give the same bytecode. Outputs are kept in the store
by the sha256 of the input, so the same source is compiled once.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import solcx
import solcx.exceptions
from pydantic import BaseModel, TypeAdapter, ValidationError

from bridge.core import store
from bridge.core.progress import Progress, silent
from bridge.errors import CompileFailed, SolcMissing, ToolMissing
from bridge.solidity.artifact import Artifact
from bridge.toolchain import assets, npm

VERSION = "0.8.37"
"""The pinned compiler; package.json pins the same for npm."""

_OUTPUTS = [
    "abi",
    "evm.bytecode.object",
    "evm.deployedBytecode.immutableReferences",
    "evm.deployedBytecode.object",
]
_SETTINGS = frozenset({"evmVersion", "libraries", "metadata", "optimizer", "remappings", "viaIR"})
"""Settings that decide about bytecode. Others have no business in an input that comes from outside."""
_LONG_VERSION = re.compile(r"^Version: (\d+\.\d+\.\d+\+commit\.[0-9a-f]{8})\b", re.MULTILINE)
_VERSION_SECONDS = 60


class _Source(BaseModel):
    content: str


class _Input(BaseModel):
    """A standard-JSON input that somebody kept: sources inline, so that compiling reads no file and no URL."""

    language: Literal["Solidity"]
    sources: dict[str, _Source]
    settings: dict[str, Any]


def standard_json(sources: Mapping[str, str], *, runs: int, evm: str, remappings: tuple[str, ...] = ()) -> str:
    """The standard-JSON input for sources by unit name, canonical: the same sources give the same text."""
    document = {
        "language": "Solidity",
        "sources": {name: {"content": sources[name]} for name in sorted(sources)},
        "settings": {
            "optimizer": {"enabled": True, "runs": runs},
            "evmVersion": evm,
            "metadata": {"bytecodeHash": "none"},
            "remappings": list(remappings),
            "outputSelection": {"*": {"*": _OUTPUTS}},
        },
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def restate(kept: str | bytes) -> str:
    """A standard-JSON input from outside, canonical and with our outputs; what is unknown in it is refused or dropped.

    One of our own comes back as it is. Raises `CompileFailed`.
    """
    try:
        given = _Input.model_validate_json(kept)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "document"
        raise CompileFailed(unit="the kept input", reason=f"{where}: {first['msg']}") from None
    unknown = sorted(set(given.settings) - _SETTINGS - {"outputSelection"})
    if unknown:
        raise CompileFailed(unit="the kept input", reason=f"it has the unknown setting {unknown[0]!r}")
    if not isinstance(given.settings.get("evmVersion"), str):
        raise CompileFailed(unit="the kept input", reason="it does not say for which EVM version")
    document = {
        "language": given.language,
        "sources": {name: {"content": source.content} for name, source in given.sources.items()},
        "settings": {**given.settings, "outputSelection": {"*": {"*": _OUTPUTS}}},
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def compile_contract(input_json: str, unit: str, name: str, progress: Progress = silent) -> Artifact:
    """Compile a standard-JSON input and take one contract out of it. Raises `SolcMissing`, `CompileFailed`."""
    settings = json.loads(input_json)["settings"]
    try:
        contract = _compile(input_json, name, progress)[unit][name]
    except KeyError:
        raise CompileFailed(unit=name, reason=f"there is no contract {name} in {unit}") from None
    evm = contract["evm"]
    references = evm["deployedBytecode"].get("immutableReferences", {})
    return Artifact(
        name=name,
        abi=contract["abi"],
        creation=bytes.fromhex(evm["bytecode"]["object"]),
        runtime=bytes.fromhex(evm["deployedBytecode"]["object"]),
        standard_json=input_json,
        solc=VERSION,
        evm=settings["evmVersion"],
        immutables=tuple(
            sorted((place["start"], place["length"]) for places in references.values() for place in places)
        ),
    )


def long_version(progress: Progress = silent) -> str:
    """The compiler's version with its commit, as explorers ask for it. Raises `SolcMissing`, `CompileFailed`."""
    program = executable(progress)
    try:
        done = subprocess.run(
            [str(program), "--version"], capture_output=True, text=True, timeout=_VERSION_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise CompileFailed(unit="solc --version", reason=type(error).__name__) from None
    found = _LONG_VERSION.search(done.stdout)
    if found is None or not found[1].startswith(f"{VERSION}+"):
        raise CompileFailed(unit="solc --version", reason=f"it does not say that it is {VERSION}")
    return found[1]


def executable(progress: Progress = silent) -> Path:
    """The compiler program. Raises `SolcMissing`."""
    if VERSION in {str(version) for version in solcx.get_installed_solc_versions()}:
        return Path(solcx.install.get_executable(VERSION))
    try:
        npm.node()
        os.environ["PROOFBRIDGE_NODE_MODULES"] = str(npm.node_modules(progress))
    except ToolMissing as error:
        raise SolcMissing(version=VERSION, tried=("py-solc-x", error.what)) from None
    return assets.contracts() / "solc"


def _compile(input_json: str, unit: str, progress: Progress) -> dict[str, Any]:
    def compute() -> bytes:
        program = executable(progress)
        progress(f"compiling {unit} with solc {VERSION}")
        try:
            output = solcx.compile_standard(json.loads(input_json), solc_binary=program)
        except (solcx.exceptions.SolcError, solcx.exceptions.SolcNotInstalled, OSError) as error:
            raise CompileFailed(unit=unit, reason=_first_line(error)) from None
        return json.dumps(output["contracts"]).encode()

    digest = hashlib.sha256(input_json.encode()).hexdigest()
    parts = {"solc": VERSION, "input_sha256": digest}
    return _parse(store.remember("compilations", parts, compute, progress))


def _parse(raw: bytes) -> dict[str, Any]:
    return TypeAdapter(dict[str, Any]).validate_json(raw)


def _first_line(error: Exception) -> str:
    """The first error that solc names, with its place in the source."""
    message = getattr(error, "message", None) or str(error)
    lines = [line.strip() for line in str(message).splitlines() if line.strip()]
    at = next((at for at, line in enumerate(lines) if "Error" in line), 0)
    place = next((line.removeprefix("-->").strip(" :") for line in lines[at:] if line.startswith("-->")), None)
    first = lines[at] if lines else type(error).__name__
    return f"{first} (at {place})" if place else first
