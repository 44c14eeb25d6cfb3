"""Provers on other machines: a Dask cluster as an executor, and the worker that joins one. The only file that imports Dask."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from bridge.errors import ExtraMissing, SchedulerUnreachable

RESOURCE = "prove"
"""What a worker has as many of as it makes proofs at once."""
_CONNECT_SECONDS = 20


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """The workers of a scheduler. A task of a worker that dies is run by another one. Raises `ExtraMissing`, `SchedulerUnreachable`."""
    distributed = _distributed()
    try:
        client = distributed.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SchedulerUnreachable(address=address, reason=" ".join(str(error).split())[:200]) from None
    with client:
        # Not pure: two requests for one row are two tasks, each with a journal of its own.
        yield client.get_executor(pure=False, resources={RESOURCE: 1}, retries=0)


def work_for(address: str, *, proofs: int, memory: str) -> None:
    """Prove for a scheduler until it goes, in a process that a nanny watches. Raises `ExtraMissing`, `SchedulerUnreachable`."""
    distributed = _distributed()

    async def work() -> None:
        async with distributed.Nanny(
            address,
            nthreads=proofs,
            memory_limit=memory,
            resources={RESOURCE: proofs},
            death_timeout=_CONNECT_SECONDS,
        ) as nanny:
            await nanny.finished()

    try:
        asyncio.run(work())
    except (OSError, TimeoutError, ValueError) as error:
        raise SchedulerUnreachable(address=address, reason=" ".join(str(error).split())[:200]) from None


def _distributed() -> Any:
    try:
        import distributed  # noqa: PLC0415 - an extra
    except ImportError:
        raise ExtraMissing(package="distributed", extra="workers") from None
    return distributed
