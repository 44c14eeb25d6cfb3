"""What jobs are made of and what they make, by sha256: rows, witnesses, proofs, and the bundles that workers need.

A folder by default, or anything that fsspec reaches by URL. A name is a hash, so whatever is read is checked, two writers of the
same name write the same, and nothing is ever changed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import fsspec
from fsspec.implementations.local import LocalFileSystem

from bridge.circuit.srs import SrsFile, fitting
from bridge.core import store
from bridge.core.bundle import MANIFEST, Bundle, open_bundle
from bridge.core.manifest import parse_manifest
from bridge.core.rows import Row, check_rows
from bridge.core.storage import home, sha256_file, write_atomic
from bridge.core.tensor import CircuitTensor
from bridge.errors import ArtifactMissing

_CHUNK = 1 << 20


def default_store() -> str:
    """The folder that is used where no store is named."""
    return str(home("relay") / "artifacts")


class Artifacts:
    """A store of files by sha256. Raises `ArtifactMissing` where one is not there or not what its name says."""

    def __init__(self, url: str) -> None:
        """`url` is a path or what fsspec knows: s3://…, gs://…, memory://…."""
        self.url = url
        filesystem, root = fsspec.core.url_to_fs(url)
        self._files: Any = filesystem
        self._root = str(root).rstrip("/")

    def put(self, raw: bytes) -> str:
        """Keep bytes; what is there already is not written again."""
        digest = hashlib.sha256(raw).hexdigest()
        path = self._path(digest)
        if self._files.exists(path):
            return digest
        if isinstance(self._files, LocalFileSystem):
            write_atomic(Path(path), raw)
        else:
            self._files.makedirs(os.path.dirname(path), exist_ok=True)
            self._files.pipe_file(path, raw)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of a name."""
        try:
            raw = self._files.cat_file(self._path(digest))
        except FileNotFoundError:
            raise ArtifactMissing(digest=digest, place=self.url) from None
        if hashlib.sha256(raw).hexdigest() != digest:
            raise ArtifactMissing(digest=digest, place=self.url)
        return cast("bytes", raw)

    def put_file(self, path: Path) -> str:
        """Keep a file of any size."""
        digest = sha256_file(path)
        target = self._path(digest)
        if not self._files.exists(target):
            self._files.makedirs(os.path.dirname(target), exist_ok=True)
            scratch = f"{target}.{uuid4().hex}"
            self._files.put_file(str(path), scratch)
            self._files.mv(scratch, target)
        return digest

    def fetch(self, digest: str, target: Path) -> None:
        """A file of any size, checked."""
        try:
            self._files.get_file(self._path(digest), str(target))
        except FileNotFoundError:
            raise ArtifactMissing(digest=digest, place=self.url) from None
        if sha256_file(target) != digest:
            target.unlink()
            raise ArtifactMissing(digest=digest, place=self.url)

    def put_row(self, row: Row, tensors: Sequence[CircuitTensor]) -> str:
        """Keep a row, as JSON by tensor name."""
        values = {tensor.name: array.tolist() for tensor, array in zip(tensors, row, strict=True)}
        return self.put(json.dumps(values, sort_keys=True).encode())

    def get_row(self, digest: str, tensors: Sequence[CircuitTensor]) -> Row:
        """A row, checked against the tensors. Raises also the members of `InputError`."""
        values: Mapping[str, object] = json.loads(self.get(digest))
        (row,) = check_rows(values, [tensor.spec for tensor in tensors])
        return row

    def put_bundle(self, bundle: Bundle, srs: Path) -> str:
        """Keep a bundle and the setup that its keys were made with; its name is the sha256 of its manifest."""
        for name in bundle.manifest.files:
            self.put_file(bundle.file(name))
        self.put_file(srs)
        return self.put_file(bundle.path / MANIFEST)

    def get_bundle(self, digest: str) -> tuple[Bundle, Path]:
        """A bundle and its setup as a proof takes it, out of this machine's own store where they were fetched before."""

        def fetch(folder: Path) -> None:
            self.fetch(digest, folder / MANIFEST)
            manifest = parse_manifest((folder / MANIFEST).read_bytes())
            for name, sha256 in manifest.files.items():
                self.fetch(sha256, folder / name)
            self.fetch(manifest.setup.sha256, folder / _SRS)

        with store.entry(store.Key.of("fetched", {"manifest_sha256": digest}), fetch) as folder:
            bundle = open_bundle(folder)
            setup = SrsFile(folder / _SRS, bundle.manifest.setup)
            return bundle, fitting(setup, bundle.manifest.settings.logrows).path

    def _path(self, digest: str) -> str:
        return f"{self._root}/{digest[:2]}/{digest}"


_SRS = "setup.srs"
