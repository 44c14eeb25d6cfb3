"""A local chain: Anvil, started on a free port and never left running by accident."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.core.progress import Progress, silent
from bridge.errors import AnvilFailed
from bridge.toolchain import npm
from bridge.toolchain.leash import leashed

_START_SECONDS = 20.0
_LISTENING = re.compile(rb"Listening on 127\.0\.0\.1:(\d+)")


@dataclass(frozen=True, slots=True)
class Anvil:
    """A running local chain."""

    url: str
    pid: int


@contextmanager
def local_chain(*, progress: Progress = silent, options: tuple[str, ...] = ()) -> Iterator[Anvil]:
    """Anvil for the length of a block. Raises `ToolMissing`, `AnvilFailed`."""
    program = npm.anvil(progress)
    progress("starting a local chain")
    with tempfile.TemporaryDirectory(prefix="proofbridge-anvil-") as folder:
        log = Path(folder) / "anvil.log"
        child = _launch(program, log, port=0, options=options, leash=True)
        try:
            yield Anvil(_url(child, log), child.pid)
        finally:
            child.terminate()
            try:
                child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def start_detached(log: Path, *, port: int, progress: Progress = silent) -> Anvil:
    """Anvil that goes on when this process ends; whoever starts it keeps the pid. Raises `ToolMissing`, `AnvilFailed`."""
    program = npm.anvil(progress)
    progress(f"starting a local chain on port {port}")
    child = _launch(program, log, port=port, options=(), leash=False)
    return Anvil(_url(child, log), child.pid)


def _launch(program: Path, log: Path, *, port: int, options: tuple[str, ...], leash: bool) -> subprocess.Popen[bytes]:
    command = [str(program), "--host", "127.0.0.1", "--port", str(port), *options]
    with log.open("wb") as stream:
        try:
            return subprocess.Popen(
                leashed(command) if leash else command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=not leash,
            )
        except OSError as error:
            raise AnvilFailed(reason=f"{program}: {error.strerror or error}") from None


def _url(child: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        found = _LISTENING.search(log.read_bytes())
        if found:
            return f"http://127.0.0.1:{found.group(1).decode()}"
        if child.poll() is not None:
            said = log.read_text(errors="replace").strip().splitlines()
            raise AnvilFailed(reason=said[-1] if said else f"it ended with exit code {child.returncode}")
        time.sleep(0.02)
    child.kill()
    raise AnvilFailed(reason=f"it was not ready after {_START_SECONDS:.0f} s")
