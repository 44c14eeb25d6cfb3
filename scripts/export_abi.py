"""Write contracts/abi/*.json from contracts/src, so that reading a chain needs no compiler."""

from __future__ import annotations

import json

from bridge.solidity.contracts import compile_core
from bridge.toolchain import assets


def abi_texts() -> dict[str, str]:
    """The ABI of each core contract as it is committed, by name."""
    return {name: json.dumps(artifact.abi, indent=1) + "\n" for name, artifact in compile_core(print).items()}


if __name__ == "__main__":
    folder = assets.contracts() / "abi"
    folder.mkdir(exist_ok=True)
    for name, text in abi_texts().items():
        (folder / f"{name}.json").write_text(text)
        print(f"wrote {folder / name}.json")
