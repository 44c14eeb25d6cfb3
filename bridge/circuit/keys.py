"""The keys of a circuit, and its Solidity verifier: the dear part of a build, made once for what decides them."""

from __future__ import annotations

import importlib.metadata
import shutil
from pathlib import Path

from bridge.circuit.model import Model
from bridge.circuit.srs import SrsFile
from bridge.core import store
from bridge.core.bundle import CIRCUIT, PROVING_KEY, SETTINGS, VERIFIER_SOURCE, VERIFYING_KEY, Keys
from bridge.core.progress import Progress, silent
from bridge.engine.child import Call, run

_FILES = (SETTINGS, CIRCUIT, PROVING_KEY, VERIFYING_KEY, VERIFIER_SOURCE)


def make_keys(folder: Path, model: Model, settings: str, srs: SrsFile, progress: Progress = silent) -> Keys:
    """Put settings, circuit, keys and verifier source into a folder: out of the store, or made and kept there.

    `settings` are ezkl's, canonical, and `srs` fits them. Copies, and no links: a bundle that is damaged where it lies damages no
    other. Raises members of `EngineError` and `StorageError`.
    """

    def make(scratch: Path) -> None:
        _make(scratch, model, settings, srs, progress)

    with store.entry(keys_key(model, settings, srs), make, progress) as kept:
        for name in _FILES:
            shutil.copyfile(kept / name, folder / name)
    return Keys.inside(folder)


def keys_key(model: Model, settings: str, srs: SrsFile) -> store.Key:
    """What decides the bytes of keys and verifier."""
    return store.Key.of(
        "keys",
        {
            "onnx_sha256": model.sha256,
            "variables": model.variables,
            "settings": settings,
            "srs_sha256": srs.setup.sha256,
            "ezkl": importlib.metadata.version("ezkl"),
        },
    )


def _make(folder: Path, model: Model, settings: str, srs: SrsFile, progress: Progress) -> None:
    (folder / SETTINGS).write_text(settings)
    at = {name: str(folder / name) for name in _FILES}
    key = {"vk": at[VERIFYING_KEY], "srs": str(srs.path)}
    run(
        [
            Call(
                "compile_circuit",
                "compiling the circuit",
                {"model": str(model.path), "circuit": at[CIRCUIT], "settings": at[SETTINGS]},
            ),
            Call(
                "setup",
                f"making the keys with a setup of 2^{srs.setup.logrows} rows",
                {**key, "circuit": at[CIRCUIT], "pk": at[PROVING_KEY]},
            ),
            Call(
                "solidity_verifier",
                "generating the Solidity verifier",
                {**key, "settings": at[SETTINGS], "output": at[VERIFIER_SOURCE]},
            ),
        ],
        writes=folder,
        progress=progress,
    )
