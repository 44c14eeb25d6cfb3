"""Whose trusted setup is inside a thing: a setup file, a bundle, a key, a verifier's source, its code, or its artifact.

Told by the bytes, never by a name or a manifest. A verifying key holds no point of its setup; but the same circuit and the same
setup give the same key, byte for byte, so it is made again with each setup at hand and compared.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bridge.circuit import srs
from bridge.circuit.srs import SrsFile
from bridge.core.bundle import MANIFEST, VERIFIER_RUNTIME, VERIFYING_KEY, Keys, open_bundle
from bridge.core.ceremony import constants, has_setup, in_code
from bridge.core.manifest import Setup
from bridge.core.progress import Progress, silent
from bridge.engine.child import Call, run
from bridge.errors import EngineFailed, NoSetupInside, SrsMalformed

_MAX_TEXT_BYTES = 1 << 22
"""Sources and codes are far smaller; setup files are larger, and keys may be."""
_ARTIFACT_PREFIX_BYTES = 8
_WORD_BYTES = 32


@dataclass(frozen=True, slots=True)
class Origin:
    """What was looked into, and the setup that was found there."""

    thing: str
    """setup file, bundle, verifying key, verifier source, verifier code, artifact or contract."""
    kind: str
    """`ceremony`, `development`, or `unknown`: a setup that somebody made, and nothing here says who."""
    name: str | None
    setup: Setup | None = None
    """The whole setup file, where that is known and not its point [s]G2 alone."""


def origin_of(path: Path, progress: Progress = silent) -> Origin:
    """Look into a file or a folder. Raises `NoSetupInside`, `SrsMalformed`, `SrsHashMismatch`, members of `BundleError`."""
    if path.is_dir():
        bundle = open_bundle(path)
        return of_code("bundle", bundle.code(VERIFIER_RUNTIME), str(bundle.path))
    if path.name == VERIFYING_KEY:
        return _of_key(path, progress)
    try:
        file = srs.inspect(path)
    except SrsMalformed as error:
        origin = _of_text(path) if path.is_file() and path.stat().st_size <= _MAX_TEXT_BYTES else None
        if origin is None:
            raise error from None
        return origin
    return Origin("setup file", file.setup.kind, file.setup.name, file.setup)


def of_code(thing: str, code: bytes, where: str) -> Origin:
    """Look into a generated verifier's code or artifact. Raises `NoSetupInside` where it is none.

    For a contract this says which point stands in the code; that the code uses it is for a rebuild from the ONNX file to show.
    """
    if not code:
        raise NoSetupInside(where=where, reason="there is no code")
    if not has_setup(code):
        reason = "it checks no pairing; a verifier that many models share has the setup in each model's artifact"
        raise NoSetupInside(where=where, reason=reason)
    ceremony = in_code(code)
    return Origin(thing, "ceremony", ceremony.name) if ceremony else Origin(thing, "unknown", None)


def _of_text(path: Path) -> Origin | None:
    """A source, a code in hexadecimal, or an artifact; None where it is none of them."""
    raw = path.read_bytes()
    words = raw[_ARTIFACT_PREFIX_BYTES:]
    if words and int.from_bytes(raw[:_ARTIFACT_PREFIX_BYTES], "little") * _WORD_BYTES == len(words):
        return of_code("artifact", words, str(path))
    try:
        text = raw.decode().strip()
    except UnicodeDecodeError:
        return None
    if "pragma solidity" in text:
        return of_code("verifier source", constants(text), str(path))
    try:
        return of_code("verifier code", bytes.fromhex(text.removeprefix("0x")), str(path)) if text else None
    except ValueError:
        return None


def _of_key(path: Path, progress: Progress) -> Origin:
    """Make the key again with every setup at hand that is large enough, public ones first."""
    keys = Keys.inside(path.parent)
    if (path.parent / MANIFEST).is_file():
        open_bundle(path.parent)
    try:
        wanted = path.read_bytes()
        logrows = int(json.loads(keys.settings.read_bytes())["run_args"]["logrows"])
    except (OSError, ValueError, LookupError, TypeError):
        reason = "a verifying key holds no point of its setup, and its circuit and settings are not beside it"
        raise NoSetupInside(where=str(path), reason=reason) from None
    tried = _candidates(logrows)
    for file in tried:
        if _made_with(keys, file, progress) == wanted:
            return Origin("verifying key", file.setup.kind, file.setup.name, file.setup)
    if not tried:
        reason = f"there is no setup of 2^{logrows} rows or more here to make the key again with"
        raise NoSetupInside(where=str(path), reason=reason)
    return Origin("verifying key", "unknown", None)


def _candidates(logrows: int) -> list[SrsFile]:
    """One file for each ceremony, as small as will do, and every development setup."""
    fitting = sorted(
        (file for file in srs.known_files() if file.setup.logrows >= logrows),
        key=lambda file: (not file.is_public, file.setup.logrows),
    )
    return list({(file.setup.name, file.is_public or file.setup.sha256): file for file in reversed(fitting)}.values())[
        ::-1
    ]


def _made_with(keys: Keys, file: SrsFile, progress: Progress) -> bytes | None:
    """The verifying key of a circuit on a setup; None where ezkl makes none."""
    with tempfile.TemporaryDirectory(prefix="proofbridge-") as folder:
        made = Keys.inside(Path(folder))
        arguments = {
            "circuit": str(keys.circuit),
            "vk": str(made.verifying),
            "pk": str(made.proving),
            "srs": str(file.path),
        }
        try:
            run([Call("setup", f"making the key again with {file.setup.name}", arguments)], progress=progress)
        except EngineFailed:
            return None
        return made.verifying.read_bytes()
