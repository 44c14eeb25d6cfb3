"""How fast the API answers over a million inferences, and how soon thousands of subscribers hear of another one.

    python -m tests.sim.serving --records 1000000 --out docs/benchmarks/serving

wrk asks (it has to be installed) and a process of subscribers listens, on the same cores as the server. Writes JSON and Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import requests
from sqlalchemy import Engine, insert

from bridge.database import index
from bridge.database.engine import open_database, writing
from tests.sim.crowd import A_BLOCK, CHAIN, MODELS, fill, name

_PIECE = 0.5
"""Seconds between two pieces of news."""
_SETTLE = 10.0
"""Seconds for all subscribers to connect."""
_LATE = 10.0
"""Seconds in which the last piece of news is waited for."""
_SAMPLE = 20_000
"""Different paths that are asked for."""


@dataclass(frozen=True)
class Asked:
    """One kind of question, asked as fast as answers came. Times in milliseconds."""

    what: str
    connections: int
    per_second: float
    per_cpu_second: float
    """Answers for each second that the server computed, on whichever core: the same beside other work."""
    p50: float
    p99: float
    most: float
    failed: int
    """Answers that were none: of another status than 200, or cut off."""


@dataclass(frozen=True)
class Heard:
    """What subscribers heard. Times in milliseconds."""

    subscribers: int
    pieces: int
    told: int
    p50: float
    p99: float
    most: float
    wrong: int
    """Numbers that did not follow the one before."""


@dataclass(frozen=True)
class Figures:
    """A run."""

    records: int
    workers: int
    machine: str
    load: float
    """Of the machine in the minute before: above 1 others were at work beside it."""
    database_bytes: int
    fill_seconds: float
    asked: tuple[Asked, ...]
    heard: Heard


def paths(records: int) -> dict[str, list[str]]:
    """What is asked for, by kind: any of the million, pages under filters that many and few pass, pages from anywhere."""
    dice = random.Random(3)
    model = [name("model", number) for number in range(MODELS)]
    pages: dict[str, Callable[[], str]] = {
        "newest of a model": lambda: f"/v1/inferences?model={dice.choice(model)}",
        "of a submitter, over some blocks": lambda: (
            f"/v1/inferences?submitter=0x{dice.randrange(1000):040x}&to_block={dice.randrange(records // A_BLOCK)}"
        ),
        "a condition that half pass": lambda: (
            f"/v1/inferences?model={dice.choice(model)}&where=output.score>={dice.uniform(0.4, 0.6):.4f}"
        ),
        "a condition that few pass": lambda: (
            f"/v1/inferences?model={dice.choice(model)}&where=output.score>={dice.uniform(2, 2.5):.4f}"
        ),
        "two conditions": lambda: (
            f"/v1/inferences?model={dice.choice(model)}&where=output.score>=0.5&where=input.x[1]<{dice.random():.4f}"
        ),
    }
    made = {kind: [make() for _ in range(_SAMPLE)] for kind, make in pages.items()}
    mixed = [path for asked in made.values() for path in asked]
    dice.shuffle(mixed)
    ids = [f"/v1/inferences/{name('inference', dice.randrange(records))}" for _ in range(_SAMPLE)]
    return {"get by id": ids, **made, "all of these pages, mixed": mixed}


def ask(url: str, server: int, what: str, asked: list[str], connections: int, seconds: int) -> Asked:
    """wrk, with these paths in turns; `server` is the process whose children answer."""
    with tempfile.TemporaryDirectory() as folder:
        script, listed = Path(folder) / "ask.lua", Path(folder) / "paths.txt"
        listed.write_text("\n".join(asked))
        script.write_text(_LUA.replace("PATHS", str(listed)))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script), url]
        before = _computed(server)
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        computed = _computed(server) - before
    told = json.loads(done.stdout.rpartition("\nFIGURES ")[2])
    return Asked(what, connections, per_cpu_second=told["per_second"] * seconds / computed, **told)


def _computed(process: int) -> float:
    """Seconds that a process and its children have computed."""
    ticks = 0
    for each in (process, *Path(f"/proc/{process}/task/{process}/children").read_text().split()):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


_LUA = """
local paths, at = {}, 0
for path in io.lines("PATHS") do paths[#paths + 1] = path end
request = function()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end
done = function(summary, latency)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write
  io.write(string.format('\\nFIGURES {"per_second": %.1f, "p50": %.3f, "p99": %.3f, "most": %.3f, "failed": %d}',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, failed + summary.errors.timeout))
end
"""


def listen(url: str, engine: Engine, subscribers: int, seconds: float) -> Heard:
    """A process of subscribers hears what is written here."""
    host, port = url.removeprefix("http://").split(":")
    command = [
        sys.executable,
        "-m",
        "tests.sim.listeners",
        host,
        port,
        str(subscribers),
        str(seconds + _SETTLE + _LATE),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        time.sleep(_SETTLE)
        end, pieces = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            _tell(engine, pieces)
            pieces += 1
            time.sleep(_PIECE)
        out, _ = process.communicate()
    told = json.loads(out)
    lags = sorted(1000 * lag for lag in told["lags"])
    missing = subscribers * pieces - len(lags)
    p50, p99, most = (lags[min(len(lags) - 1, int(len(lags) * share))] for share in (0.5, 0.99, 1))
    return Heard(told["connected"], pieces, len(lags), p50, p99, most, told["wrong"] + missing)


def _tell(engine: Engine, number: int) -> None:
    row = {
        "chain_id": CHAIN,
        "kind": "verified",
        "inference_id": name("news", number),
        "model_id": name("model", 0),
        "block_number": number,
        "block_hash": name("block", number),
        "log_index": 0,
        "row": 0,
    }
    with writing(engine) as connection:
        connection.execute(insert(index.feed).values(at=time.time(), **row))


@contextmanager
def served(database: Path, workers: int) -> Iterator[tuple[str, int]]:
    """The command itself: its address and its process."""
    command = [sys.executable, "-m", "bridge.cli.app", "serve", "--port", "0", "--workers", str(workers), "--json"]
    environment = {**os.environ, "PROOFBRIDGE_DATABASE": f"sqlite:///{database}"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        told = ""
        while not told.endswith("}\n"):
            told += process.stdout.readline() if process.stdout else "}\n"
        url = json.loads(told)["url"]
        for _ in range(50 * workers):  # each on a connection of its own: every worker has begun
            requests.get(f"{url}/readyz", timeout=60).raise_for_status()
        yield url, process.pid
        process.send_signal(signal.SIGTERM)


def measure(arguments: argparse.Namespace) -> Figures:
    """The whole run."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
        database = arguments.database or Path(folder) / "index.db"
        load = os.getloadavg()[0]
        started = time.monotonic()
        is_new = not database.exists()
        engine = fill(database, arguments.records) if is_new else open_database(f"sqlite:///{database}")
        filled = time.monotonic() - started
        with served(database, arguments.workers) as (url, server):
            asked = []
            for what, several in paths(arguments.records).items():
                connections = arguments.connections if what == "get by id" else arguments.readers
                ask(url, server, what, several, connections, 2)  # warm
                asked.append(ask(url, server, what, several, connections, arguments.seconds))
            heard = listen(url, engine, arguments.subscribers, arguments.seconds)
        engine.dispose()
        machine = (
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
        )
        size = database.stat().st_size
    return Figures(arguments.records, arguments.workers, machine, load, size, filled, tuple(asked), heard)


def markdown(figures: Figures) -> str:
    """For people."""
    rows = [
        f"| {each.what} | {each.connections} | {each.per_second:,.0f} | {each.per_cpu_second:,.0f} | {each.p50:.1f} | {each.p99:.1f} | {each.most:.0f} | {each.failed} |"
        for each in figures.asked
    ]
    heard = figures.heard
    about = (
        f"Written by `python -m tests.sim.serving --records {figures.records}`. {figures.machine}, load {figures.load:.1f} before it; the server in {figures.workers} "
        "processes, wrk and the subscribers on the same cores. SQLite, "
        f"{figures.database_bytes / 2**20:,.0f} MB. Pages hold 50 inferences. Times in milliseconds."
    )
    head = "| question | connections | answers a second | for a second of computing | p50 | p99 | most | failed |\n| --- | --: | --: | --: | --: | --: | --: | --: |"
    news = (
        f"{heard.subscribers:,} subscribers heard {heard.pieces} pieces of news each, {heard.told:,} in all: half of them within "
        f"{heard.p50:.0f} ms of the writing, 99 of 100 within {heard.p99:.0f} ms, all within {heard.most:.0f} ms; {heard.wrong} were "
        "missed or told twice."
    )
    return "\n\n".join(["# The API over many inferences", about, "\n".join([head, *rows]), news]) + "\n"


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--connections", type=int, default=16, help="that get by id")
    parser.add_argument("--readers", type=int, default=4, help="that read pages")
    parser.add_argument("--subscribers", type=int, default=2_000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--scratch", type=Path, default=None, help="folder for the database")
    parser.add_argument("--database", type=Path, default=None, help="a file that is filled once and kept")
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        parser.error("wrk is not installed")
    figures = measure(arguments)
    text = markdown(figures)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "serving.json").write_text(json.dumps(asdict(figures), indent=2) + "\n")
        (arguments.out / "serving.md").write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
