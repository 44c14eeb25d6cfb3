from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bridge.chain.anvil import local_chain
from bridge.connection import Connection
from tests.relay.stage import Stage


@pytest.fixture
def signing(signing: Connection, own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """The same with a journal of its own: every fresh chain has the same ids."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "cache").symlink_to(own_home / "cache")
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(home))
    return signing


@pytest.fixture
def stage(engine: Engine) -> Iterator[Stage]:
    with local_chain(options=("--no-mining",)) as chain:
        yield Stage(chain.url, engine)
