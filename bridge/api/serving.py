"""The application on a socket, in as many processes as are wanted, until it is stopped."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable
from functools import partial

import uvicorn
from uvicorn.supervisors import Multiprocess

from bridge.api.app import assemble
from bridge.api.metrics import SHARED
from bridge.api.protocol import PunctualProtocol
from bridge.api.rate import parse_rate
from bridge.api.settings import Settings
from bridge.errors import OptionInvalid

_BACKLOG = 4096
_HUNG_SECONDS = 120
"""A worker that does not answer its parent for so long is replaced. On a busy machine it takes seconds to begin, and uvicorn's own
five would end it again and again."""
_GOODBYE_SECONDS = 10
"""For answers that are under way when the server is stopped."""


def serve(settings: Settings, host: str, port: int, workers: int, told: Callable[[str], None]) -> None:
    """Answer until SIGTERM or Ctrl-C; `told` is called with the address once it takes connections. Port 0 is any free one.

    Raises `OptionInvalid` where the address or the rate cannot be had; one process also what `Server` raises.
    """
    if settings.rate is not None:
        parse_rate(settings.rate)
    with _listening(host, port) as listener:
        config = uvicorn.Config(
            partial(assemble, settings),
            factory=True,
            workers=workers,
            loop="uvloop",
            http=PunctualProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GOODBYE_SECONDS,
            timeout_worker_healthcheck=_HUNG_SECONDS,
        )
        told(_address(listener))
        if workers == 1:
            uvicorn.Server(config).run([listener])
            return
        with tempfile.TemporaryDirectory(prefix="proofbridge-metrics-") as folder:
            os.environ[SHARED] = folder
            Multiprocess(config, [listener]).run()


def _listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections; they wait for the first process to begin."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise OptionInvalid(
            option="--host, --port", got=f"{host}, {port}", expected=f"a free address ({error.strerror or error})"
        ) from None
    listener.set_inheritable(True)
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
