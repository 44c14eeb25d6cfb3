"""The verifier that ezkl generates once for many circuits, and the artifact that makes it check one of them.

The trusted setup is inside the artifact, and the shared code takes anybody's artifact: a model commits to both.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from bridge.core.bundle import Keys
from bridge.core.progress import Progress, silent
from bridge.core.word import WORD_BYTES
from bridge.engine.child import Call, run
from bridge.errors import EngineFailed
from bridge.solidity.verifier import Verifier, compile_reusable_verifier

_DECIMALS = 18
_PREFIX_BYTES = 8
"""The artifact's file starts with the number of its words, little-endian."""


def reusable_verifier(
    keys: Keys, srs: Path, evm: str, *, decimals: int = _DECIMALS, progress: Progress = silent
) -> Verifier:
    """Generate and compile the shared verifier, and make the artifact of one circuit.

    `decimals` are those of the numbers that the shared verifier returns, which nobody reads; another number of them is
    another artifact of the same circuit. Raises `EngineError`, `SolcMissing`, `CompileFailed`.
    """
    with tempfile.TemporaryDirectory(prefix="proofbridge-") as folder:
        source, artifact = Path(folder) / "verifier.sol", Path(folder) / "vka"
        key = {"vk": str(keys.verifying), "settings": str(keys.settings), "srs": str(srs)}
        run(
            [
                Call("reusable_verifier", "generating the shared verifier", {**key, "output": str(source)}),
                Call("vka", "making the artifact", {**key, "output": str(artifact), "decimals": decimals}),
            ],
            writes=Path(folder),
            progress=progress,
        )
        code = compile_reusable_verifier(source.read_text(), evm, progress)
        return Verifier(code, _words(artifact.read_bytes()))


def _words(raw: bytes) -> bytes:
    count, words = int.from_bytes(raw[:_PREFIX_BYTES], "little"), raw[_PREFIX_BYTES:]
    if not words or count * WORD_BYTES != len(words):
        reason = f"it says {count} words and has {len(words)} bytes"
        raise EngineFailed(step="making the artifact", reason=reason, log="")
    return words
