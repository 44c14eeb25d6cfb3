"""Runs calls of `bridge.engine.ezkl` in a child process that never outlives its parent."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from bridge.core.progress import Progress, silent
from bridge.errors import DiskFull, EngineDied, EngineFailed, EngineTimeout

DEFAULT_TIMEOUT_SECONDS = 3600.0

_LOG_TAIL_BYTES = 4000
_DISK_FULL = "(os error 28)"
"""How Rust's standard library ends the message of ENOSPC."""

_NO_NETWORK = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
"""ezkl tries to download a Solidity compiler that nobody needs; port 9 (discard) refuses it at once."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the engine, with the phrase that progress shows while it runs."""

    name: str
    stage: str
    arguments: dict[str, Any]
    optional: bool = False
    """Whether the calls after it may go on when ezkl refuses this one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call returned and cost."""

    result: Any
    seconds: float = 0.0
    peak_memory_bytes: int = 0
    refusal: str | None = None
    """ezkl's own words, where an optional call was refused."""


def _always(_number: int, _answer: Answer) -> bool:
    return True


def run(
    calls: Sequence[Call],
    *,
    writes: Path | None = None,
    progress: Progress = silent,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
    go_on: Callable[[int, Answer], bool] = _always,
) -> tuple[Answer, ...]:
    """Run the calls one after another in one child; `timeout` is in seconds and covers all of them. `go_on` is told each answer
    as it comes, with the number of its call; where it says no, the calls that are left are not made.

    `writes` is where the calls write, for the message when the disk is full there. Raises `EngineFailed` (ezkl's own words),
    `EngineDied` (no answer; exit code and memory), `EngineTimeout`, `DiskFull`.
    """
    deadline = time.monotonic() + timeout
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "bridge.engine.ezkl", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**_without_proxies(), **_NO_NETWORK, "PYTHONPATH": _python_path()},
        )
        pipe_in, pipe_out = child.stdin, child.stdout
        if pipe_in is None or pipe_out is None:
            raise RuntimeError("the child has no pipes")
        try:
            _send(pipe_in, {"calls": [[call.name, call.arguments] for call in calls]})
            lines = _Lines(pipe_out)
            answers: list[Answer] = []
            for call in calls:
                progress(call.stage)
                line = lines.next(deadline)
                if line is None:
                    raise EngineTimeout(step=call.stage, seconds=timeout)
                if not line:
                    code, peak = _wait(child)
                    raise EngineDied(step=call.stage, exit_code=code, peak_memory_bytes=peak)
                event = json.loads(line)
                if "error" in event:
                    if _DISK_FULL in event["error"]:
                        raise DiskFull(path=writes or Path(tempfile.gettempdir()))
                    if not call.optional:
                        raise EngineFailed(step=call.stage, reason=event["error"], log=_tail(log))
                    answer = Answer(None, refusal=event["error"])
                else:
                    answer = Answer(event["ok"], event["seconds"], event["peak_memory_bytes"])
                answers.append(answer)
                if not go_on(len(answers) - 1, answer):
                    break
            return tuple(answers)
        finally:
            if child.returncode is None:
                child.kill()
                child.wait()
            pipe_in.close()
            pipe_out.close()


class _Lines:
    """Whole lines from a pipe, with a deadline."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._buffer = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(pipe, selectors.EVENT_READ)

    def next(self, deadline: float) -> bytes | None:
        """The next line, b"" at the end, None at the deadline."""
        while b"\n" not in self._buffer:
            if not self._selector.select(max(0.0, deadline - time.monotonic())):
                return None
            chunk = os.read(self._pipe.fileno(), 1 << 16)
            if not chunk:
                return b""
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line


def _send(pipe: IO[bytes], job: dict[str, Any]) -> None:
    try:
        pipe.write(json.dumps(job).encode())
        pipe.close()
    except BrokenPipeError:
        pass  # the child is gone already; reading its answer says how


def _wait(child: subprocess.Popen[bytes]) -> tuple[int, int]:
    """Exit code (negative: killed by that signal) and peak memory of a child that closed its output."""
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _tail(log: IO[bytes]) -> str:
    log.seek(0, os.SEEK_END)
    log.seek(max(0, log.tell() - _LOG_TAIL_BYTES))
    return log.read().decode(errors="replace")


def _without_proxies() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def _python_path() -> str:
    """The child must find this very package, wherever the parent found it."""
    return os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))))
