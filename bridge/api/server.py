"""One process of the API, with everything that its routes use."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import Engine
from starlette.requests import Request

from bridge.api.counter import Counter
from bridge.api.keys import ApiKey, find_key
from bridge.api.reader import Reader
from bridge.api.settings import Settings
from bridge.api.tail import Tail
from bridge.core.bundle import open_bundle
from bridge.database.engine import INDEX_CACHE_KIB, open_database, reading, writing
from bridge.errors import ApiKeyRefused
from bridge.query.answers.face import enrol
from bridge.webhooks.post import Post
from bridge.webhooks.subscription import Subscriptions

_KEY_SECONDS = 5.0
"""How long a key that was good is taken for good; one that was revoked is good for so long still."""
_MOST_KEYS = 10_000


class Server:
    """Made once in each worker process, inside its event loop."""

    def __init__(self, settings: Settings) -> None:
        """Opens the database and the bundles. Raises `DatabaseFailed`, members of `BundleError`, `SetupError`,
        `StorageError`, and `SchemaRefused`.
        """
        self.settings = settings
        self.engine: Engine = open_database(settings.database, cache_kib=INDEX_CACHE_KIB)
        self.reader = Reader(self.engine, settings.chain_id, settings.threads)
        bundles = [open_bundle(path) for path in settings.models]
        with writing(self.engine) as connection:
            for bundle in bundles:
                enrol(connection, bundle)
        self.counter = Counter(self.engine, settings.chain_id, settings.store, bundles)
        self.subscriptions = Subscriptions(self.engine, Post(may_be_private=settings.private_webhooks))
        self.tail = Tail(self.reader)
        self._keys: dict[str, tuple[float, ApiKey]] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The feed is read for the length of a block."""
        gc.collect()
        gc.freeze()  # what is there now stays: a collector that walks all of it makes every hundredth answer wait
        reading_on = asyncio.create_task(self.tail.run())
        try:
            yield
        finally:
            self.tail.stop()
            reading_on.cancel()
            with suppress(asyncio.CancelledError):
                await reading_on
            gc.unfreeze()
            self.reader.close()
            self.engine.dispose()

    async def key(self, whole: str) -> ApiKey:
        """The key that a secret is of. Raises `ApiKeyRefused`, `DatabaseFailed`."""
        kept = self._keys.get(whole)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        self._keys.pop(whole, None)
        found = await self.reader.do(lambda: self._find(whole))
        if len(self._keys) >= _MOST_KEYS:
            self._keys.clear()
        self._keys[whole] = time.monotonic() + _KEY_SECONDS, found
        return found

    async def known(self, whole: str) -> ApiKey | None:
        """The same for whoever need not have one."""
        try:
            return await self.key(whole)
        except ApiKeyRefused:
            return None

    def _find(self, whole: str) -> ApiKey:
        with reading(self.engine) as connection:
            return find_key(connection, whole)


def server_of(request: Request) -> Server:
    """The server that a request came to."""
    server: Server = request.app.state.server
    return server
