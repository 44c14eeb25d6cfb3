"""After any seed of trouble the tables of the index are those of a replay from scratch, row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete

from bridge.chain.witnesses import Witnesses
from bridge.database import index as tables
from bridge.database.engine import open_database, writing
from bridge.query.index import Index
from tests.sim.following import Following, Outcome, different, untold, world_of
from tests.sim.seeds import seeds
from tests.sim.stage import Code, core_code


@pytest.fixture(scope="module")
def code() -> Code:
    """The core contracts, compiled."""
    return core_code()


def run(seed: int, code: Code) -> Outcome:
    engine = open_database("sqlite://")
    with world_of(seed) as world:
        following = Following(world, engine, code)
        try:
            return following.run()
        finally:
            following.close()
            engine.dispose()


@pytest.mark.parametrize("seed", seeds())
def test_the_tables_are_those_of_a_replay_from_scratch(seed: int, code: Code) -> None:
    outcome = run(seed, code)
    assert outcome.is_good, outcome.differences


def nothing(*_: Any, **__: Any) -> None:
    """What a check does that was taken out."""


FLAWS: tuple[tuple[str, Callable[[pytest.MonkeyPatch], None]], ...] = (
    ("nothing is taken back", lambda patch: patch.setattr(Index, "_retract", nothing)),
    ("nobody is told of what is taken back", lambda patch: patch.setattr(Index, "_retract", quiet)),
    ("one node is enough", lambda patch: patch.setattr(Witnesses, "confirm", nothing)),
)


def quiet(index: Index, connection: Any, ancestor: int) -> None:
    """Take back, and tell nobody."""
    for table in (tables.verifications, tables.blocks):
        number = table.c["block_number"] if "block_number" in table.c else table.c["number"]
        connection.execute(delete(table).where(number > ancestor))


@pytest.mark.parametrize("flaw", [flaw for _, flaw in FLAWS], ids=[name for name, _ in FLAWS])
def test_a_flaw_in_the_index_would_be_seen(
    flaw: Callable[[pytest.MonkeyPatch], None], code: Code, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_good(1, code), "without it the seed is good, so whatever fails below is the flaw's"
    flaw(monkeypatch)
    assert any(not is_good(seed, code) for seed in range(1, 13))


def is_good(seed: int, code: Code) -> bool:
    try:
        return run(seed, code).is_good
    except Exception:
        return False


def test_a_row_that_is_missing_is_a_difference() -> None:
    one, other = open_database("sqlite://"), open_database("sqlite://")
    for engine, place in ((one, 0), (other, 1)):
        with writing(engine) as connection:
            connection.execute(tables.stops.insert().values(chain_id=1, block_number=place, log_index=0, adapter="0x"))
    with one.connect() as here, other.connect() as there:
        assert [said.partition(":")[0] for said in different(here, there)] == ["stops"]
        assert different(here, here) == untold(here) == []
