"""Write what the repository keeps of its compiled contracts.

`contracts/abi/*.json`, so that reading a chain needs no compiler, and `contracts/snapshots/code.json`, so that a change of code is
seen. A changed hash of creation code is another address on every chain.
"""

from __future__ import annotations

import json

from bridge.core.word import hex32, keccak256
from bridge.solidity.contracts import compile_core
from bridge.toolchain import assets


def texts() -> dict[str, str]:
    """Each file as it is committed, by its path in `contracts/`."""
    made = compile_core(print)
    files = {f"abi/{name}.json": json.dumps(artifact.abi, indent=1) + "\n" for name, artifact in made.items()}
    code: dict[str, str] = {}
    for name, artifact in made.items():
        code[f"bytes of the runtime code of {name}"] = str(len(artifact.runtime))
        code[f"bytes of the creation code of {name}"] = str(len(artifact.creation))
        code[f"keccak256 of the creation code of {name}"] = hex32(keccak256(artifact.creation))
    return {**files, "snapshots/code.json": json.dumps(code, indent=2) + "\n"}


if __name__ == "__main__":
    for path, text in texts().items():
        file = assets.contracts() / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        print(f"wrote {file}")
