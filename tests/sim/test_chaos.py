"""After any seed of trouble every job is over as if nothing had happened: each call on the chain once, no nonce in doubt."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.circuit import srs
from bridge.core.bundle import Bundle
from bridge.database.engine import open_database
from bridge.relay.artifacts import Artifacts
from tests.sim.chaos import Chaos, world_of
from tests.sim.seeds import seeds


@pytest.fixture(scope="module")
def stored(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A store with the bundle in it."""
    folder = tmp_path_factory.mktemp("store")
    return folder, Artifacts(str(folder)).put_bundle(bundle, srs.find(bundle.manifest.setup).path)


@pytest.mark.parametrize("seed", seeds())
def test_every_job_is_over_and_every_call_is_on_the_chain_once(seed: int, stored: tuple[Path, str]) -> None:
    engine = open_database("sqlite://")
    with world_of(seed) as world:
        chaos = Chaos(world, engine, *stored)
        try:
            outcome = chaos.run()
            asked = len(chaos.jobs)
        finally:
            chaos.close()
            engine.dispose()
    assert outcome.is_good, outcome
    assert outcome.states.total() == asked
