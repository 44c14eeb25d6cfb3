from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.chain.anvil import Anvil
from tests.sim.stage import Code, core_code
from tests.sim.theatre import Theatre, theatre


@pytest.fixture(scope="session")
def code() -> Code:
    """The core contracts, compiled."""
    return core_code()


@pytest.fixture
def played(anvil: Anvil, code: Code) -> Iterator[Theatre]:
    """A chain of this test's own with the contracts on it, mined when it is told to."""
    with theatre(anvil.url, code) as made:
        yield made
