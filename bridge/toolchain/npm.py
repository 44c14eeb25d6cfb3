"""The pinned npm packages: found where they are, or installed once into the user's cache.

Order: PROOFBRIDGE_NODE_MODULES, node_modules of the checkout, the cache, `npm install` from the lock file, hashes checked, into the cache. Install
scripts never run; the packages carry their binaries.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

from bridge.core.progress import Progress, silent
from bridge.core.storage import home, publish, scratch_directory, sha256_file
from bridge.errors import ToolMissing
from bridge.toolchain import assets

_INSTALL_OPTIONS = ("--no-save", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
_INSTALL_TIMEOUT_SECONDS = 600
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def node() -> Path:
    """The Node.js program. Raises `ToolMissing`."""
    found = shutil.which("node")
    if found is None:
        raise ToolMissing(tool="node", tried=("PATH",))
    return Path(found)


def node_modules(progress: Progress = silent) -> Path:
    """The folder of the pinned packages, installed if need be. Raises `ToolMissing`."""
    found = find_node_modules()
    return found if found is not None else _install(progress)


def find_node_modules() -> Path | None:
    """The same without installing anything."""
    chosen = os.environ.get("PROOFBRIDGE_NODE_MODULES")
    root = assets.checkout()
    candidates = [Path(chosen)] if chosen else [*([root / "node_modules"] if root else []), _cache() / "node_modules"]
    return next((folder for folder in candidates if (folder / "solc" / "package.json").is_file()), None)


def anvil(progress: Progress = silent) -> Path:
    """The Anvil program: on PATH, or the native binary inside its npm package. Raises `ToolMissing`."""
    found = find_anvil() or _packaged_anvil(node_modules(progress))
    if found is None:
        raise ToolMissing(tool="anvil", tried=("PATH", f"npm @foundry-rs/anvil for {_platform()}"))
    return found


def find_anvil() -> Path | None:
    """The same without installing anything."""
    on_path = shutil.which("anvil")
    if on_path:
        return Path(on_path)
    modules = find_node_modules()
    return _packaged_anvil(modules) if modules else None


def _packaged_anvil(modules: Path) -> Path | None:
    # The package's own wrapper is a script that downloads when in doubt; the binary beside it does not.
    name = "anvil.exe" if os.name == "nt" else "anvil"
    binary = modules / "@foundry-rs" / f"anvil-{_platform()}" / "bin" / name
    return binary if binary.is_file() else None


def _platform() -> str:
    system = {"Windows": "win32"}.get(platform.system(), platform.system().lower())
    return f"{system}-{_ARCHITECTURES.get(platform.machine().lower(), platform.machine().lower())}"


def _cache() -> Path:
    """One folder for each state of the lock file."""
    return home("cache") / f"npm-{sha256_file(assets.npm_manifest() / 'package-lock.json')[:12]}"


def _install(progress: Progress) -> Path:
    program = shutil.which("npm")
    if program is None:
        raise ToolMissing(tool="npm", tried=("PATH",))
    target = _cache()
    progress(f"installing the pinned tools with npm, once, into {target}")
    with scratch_directory(target.parent) as scratch:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(assets.npm_manifest() / name, scratch / name)
        command = [program, "install", *_INSTALL_OPTIONS]
        try:
            done = subprocess.run(
                command, cwd=scratch, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise ToolMissing(tool="npm install", tried=(f"waited {_INSTALL_TIMEOUT_SECONDS} s",)) from None
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()
            raise ToolMissing(tool="npm install", tried=(said[0] if said else f"exit code {done.returncode}",))
        publish(scratch, target)
    return target / "node_modules"
