"""A bundle: the directory that holds everything of one provable model, trusted only after every byte was checked.

model.onnx                 the model itself
settings.json              ezkl's settings, canonical (no timestamps, sorted)
circuit.ezkl               the compiled circuit
pk.key, vk.key             proving and verifying key
verifier.sol               the generated Solidity verifier
verifier.input.json        the standard-JSON input that compiles it
verifier.creation.hex      its creation code
verifier.runtime.hex       its runtime code; keccak256 of it is the commitment's vkHash
verifier.vka.hex           only where the verifier is one for many circuits: the artifact that makes it check this one; the vkHash
                           is that of both
manifest.json              what the rest is, with the sha256 of each
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from bridge.core.commitment import REUSABLE_PROOF_SYSTEM, circuit_hash, proof_system_id, reusable_key_hash
from bridge.core.manifest import Manifest, parse_manifest
from bridge.core.storage import sha256_file
from bridge.core.word import Hex32, hex32, keccak256
from bridge.errors import BundleCorrupt, BundleMissing

MANIFEST = "manifest.json"
MODEL = "model.onnx"
SETTINGS = "settings.json"
CIRCUIT = "circuit.ezkl"
PROVING_KEY = "pk.key"
VERIFYING_KEY = "vk.key"
VERIFIER_SOURCE = "verifier.sol"
VERIFIER_INPUT = "verifier.input.json"
VERIFIER_CREATION = "verifier.creation.hex"
VERIFIER_RUNTIME = "verifier.runtime.hex"
VERIFIER_VKA = "verifier.vka.hex"

FILES = (
    MODEL,
    SETTINGS,
    CIRCUIT,
    PROVING_KEY,
    VERIFYING_KEY,
    VERIFIER_SOURCE,
    VERIFIER_INPUT,
    VERIFIER_CREATION,
    VERIFIER_RUNTIME,
)
"""Of every bundle."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The files that proving needs."""

    settings: Path
    circuit: Path
    proving: Path
    verifying: Path

    @classmethod
    def inside(cls, directory: Path) -> Keys:
        """Those of a bundle directory, finished or not."""
        return cls(directory / SETTINGS, directory / CIRCUIT, directory / PROVING_KEY, directory / VERIFYING_KEY)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked bundle. Make one with `open_bundle`."""

    path: Path
    manifest: Manifest
    manifest_sha256: str
    """Of the manifest's file. It pins every byte of the bundle, and what was measured when it was built."""

    @property
    def model_id(self) -> Hex32:
        """The id of the model on every chain."""
        return self.manifest.model_id

    @property
    def keys(self) -> Keys:
        """The files that proving needs."""
        return Keys.inside(self.path)

    @property
    def is_shared(self) -> bool:
        """Whether its verifier is one for many circuits, and the bundle holds the artifact that makes it check this one."""
        return self.manifest.commitment.proof_system == proof_system_id(REUSABLE_PROOF_SYSTEM)

    def file(self, name: str) -> Path:
        """The path of one of its files."""
        return self.path / name

    def code(self, name: str) -> bytes:
        """The bytes of one of the files of code."""
        return bytes.fromhex(self.file(name).read_text())

    @property
    def vka(self) -> bytes:
        """The artifact; empty where the verifier is the model's own."""
        return self.code(VERIFIER_VKA) if self.is_shared else b""


def open_bundle(path: Path) -> Bundle:
    """Open the bundle at `path`, or the only one inside it, and check every byte of it.

    Raises `BundleMissing`, `BundleCorrupt`.
    """
    directory = _locate(path)
    manifest_path = directory / MANIFEST
    try:
        raw = manifest_path.read_bytes()
        manifest = parse_manifest(raw)
    except (OSError, ValueError) as error:
        raise BundleCorrupt(path=manifest_path, reason=" ".join(str(error).split()).split(" [type=")[0]) from None
    bundle = Bundle(directory, manifest, hashlib.sha256(raw).hexdigest())
    names = {*FILES, VERIFIER_VKA} if bundle.is_shared else set(FILES)
    if set(manifest.files) != names:
        raise BundleCorrupt(path=manifest_path, reason=f"it lists {sorted(manifest.files)}, expected {sorted(names)}")
    for name, expected in manifest.files.items():
        file = directory / name
        try:
            got = sha256_file(file)
        except OSError as error:
            raise BundleCorrupt(path=file, reason=error.strerror or str(error)) from None
        if got != expected:
            raise BundleCorrupt(path=file, reason=f"sha256 {got}, the manifest says {expected}")
    _check_commitment(bundle)
    return bundle


def _locate(path: Path) -> Path:
    if (path / MANIFEST).is_file():
        return path
    inside = sorted(child.parent for child in path.glob(f"*/{MANIFEST}") if not child.parent.name.startswith("."))
    if len(inside) != 1:
        raise BundleMissing(path=path, found=tuple(str(found) for found in inside))
    return inside[0]


def _check_commitment(bundle: Bundle) -> None:
    """The ids follow from the files; a manifest that says otherwise lies."""
    manifest = bundle.manifest
    commitment = manifest.commitment
    try:
        json.loads(bundle.file(SETTINGS).read_bytes())
        key_hash = hex32(keccak256(bundle.code(VERIFIER_RUNTIME)))
        if bundle.is_shared:
            key_hash = reusable_key_hash(key_hash, hex32(keccak256(bundle.vka)))
    except ValueError as error:
        raise BundleCorrupt(path=bundle.path, reason=str(error)) from None
    derived = {
        "model hash": (commitment.model_hash, "0x" + manifest.files[MODEL]),
        "settings hash": (manifest.circuit.settings_hash, "0x" + manifest.files[SETTINGS]),
        "circuit hash": (commitment.circuit_hash, circuit_hash(manifest.circuit)),
        "vk hash": (commitment.vk_hash, key_hash),
        "model id": (manifest.model_id, commitment.model_id),
    }
    for name, (claimed, actual) in derived.items():
        if claimed != actual:
            reason = f"its {name} is {claimed}, the files give {actual}"
            raise BundleCorrupt(path=bundle.path / MANIFEST, reason=reason)
