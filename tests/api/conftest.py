"""A server over a story that was told into its database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bridge.api.settings import Settings
from bridge.database.engine import open_database
from tests.api.served import Api, serving
from tests.query.story import CHAIN, Story


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A chain of a hundred blocks with two models and some results."""
    url = f"sqlite:///{tmp_path_factory.mktemp('api') / 'index.db'}"
    engine = open_database(url)
    told = Story(engine)
    told.chain(100, safe=60, final=30)
    yield told
    engine.dispose()


@pytest.fixture(scope="module")
def settings(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Of the module's server."""
    return Settings(
        story.engine.url.render_as_string(hide_password=False),
        CHAIN,
        store=str(tmp_path_factory.mktemp("store")),
        origins=("https://page.example",),
    )


@pytest.fixture(scope="module")
def api(settings: Settings) -> Iterator[Api]:
    """The module's server."""
    with serving(settings) as served:
        yield served


@pytest.fixture
def on_both(engine: Engine, tmp_path: Path) -> Iterator[tuple[Story, Api]]:
    """A server of the test's own, on either database."""
    told = Story(engine)
    told.chain(100, safe=60, final=30)
    url = engine.url.render_as_string(hide_password=False)
    with serving(Settings(url, CHAIN, store=str(tmp_path / "store"))) as served:
        yield told, served
