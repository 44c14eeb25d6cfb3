from __future__ import annotations

from pathlib import Path

import pytest

from bridge.connection import Connection


@pytest.fixture
def signing(signing: Connection, own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """The same with a journal of its own: every fresh chain has the same ids."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "cache").symlink_to(own_home / "cache")
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(home))
    return signing
