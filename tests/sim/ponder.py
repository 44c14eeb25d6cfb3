"""Ponder (npm) over the same chain: its own project in a folder outside the repository, which depends on it in no way."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from bridge.solidity.abi import contract_abi
from tests.sim.stage import Code
from tests.sim.world import CHAIN_ID

_PORT = 42_169
_SECONDS = 1200

_CONFIG = """
import {{ createConfig }} from "ponder";
export default createConfig({{
  chains: {{ anvil: {{ id: {chain_id}, rpc: "{url}" }} }},
  contracts: {{ Ledger: {{ abi: {abi}, chain: "anvil", address: "{ledger}", startBlock: 1 }} }},
}});
"""
_SCHEMA = """
import { onchainTable } from "ponder";
export const verification = onchainTable("verification", (t) => ({
  id: t.text().primaryKey(), modelId: t.bigint().notNull(), inputCommitment: t.hex().notNull(), output: t.hex().notNull(),
  caller: t.hex().notNull(), submitter: t.hex().notNull(), txHash: t.hex().notNull(), blockNumber: t.bigint().notNull(),
  blockTime: t.bigint().notNull(),
}));
"""
_INDEXING = """
import { ponder } from "ponder:registry";
import { verification } from "ponder:schema";
ponder.on("Ledger:InferenceVerified", async ({ event, context }) => {
  await context.db.insert(verification).values({
    id: event.id, ...event.args, submitter: event.transaction.from, txHash: event.transaction.hash,
    blockNumber: event.block.number, blockTime: event.block.timestamp,
  });
});
"""
_API = """
import { Hono } from "hono";
import { count } from "ponder";
import { db } from "ponder:api";
import { verification } from "ponder:schema";
const app = new Hono();
app.get("/count", async (c) => c.json((await db.select({ count: count() }).from(verification))[0]));
export default app;
"""


@dataclass(frozen=True)
class Figures:
    """What it came to."""

    version: str
    events: int
    seconds: float
    """Of the backfill, as it says."""
    per_second: float
    wall_seconds: float
    """With the start of the process."""
    stored: str


def measure(folder: Path, url: str, code: Code, expected: int) -> Figures:
    """Index the chain from an empty database. `folder` has Ponder in its node_modules."""
    version = json.loads((folder / "node_modules/ponder/package.json").read_bytes())["version"]
    ledger = code.addresses["InferenceLedger"]
    abi = json.dumps(
        [each for each in contract_abi("InferenceLedger").entries if each.get("name") == "InferenceVerified"]
    )
    wall, found = _timed(folder, _CONFIG.format(chain_id=CHAIN_ID, url=url, abi=abi, ledger=ledger))
    if found != expected:
        raise RuntimeError(f"Ponder has {found} events of {expected}")
    seconds = _said(folder)
    return Figures(version, found, seconds, found / seconds, wall, "PGlite, one table, without receipts")


def _said(folder: Path) -> float:
    """What its log says of the backfill."""
    log = re.sub(r"\x1b\[[0-9;]*m", "", (folder / "ponder.log").read_text(errors="replace"))
    found = re.search(r"Completed backfill indexing across all chains \((?:(\d+)m ?)?(?:([\d.]+)s)?(?:(\d+)ms)?\)", log)
    if found is None:
        raise RuntimeError(log[-2000:])
    minutes, seconds, thousandths = (float(each or 0) for each in found.groups())
    return 60 * minutes + seconds + thousandths / 1000


def _timed(folder: Path, config: str) -> tuple[float, int]:
    """Seconds until it is ready, and how many events it has then."""
    (folder / "src/api").mkdir(parents=True, exist_ok=True)
    files = {
        "ponder.config.ts": config,
        "ponder.schema.ts": _SCHEMA,
        "src/index.ts": _INDEXING,
        "src/api/index.ts": _API,
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    subprocess.run(["rm", "-rf", str(folder / ".ponder")], check=True)
    log = folder / "ponder.log"
    environment = {**os.environ, "DATABASE_SCHEMA": "public", "PONDER_TELEMETRY_DISABLED": "1"}
    environment.pop("DATABASE_URL", None)
    started = time.monotonic()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [str(folder / "node_modules/.bin/ponder"), "start", "--port", str(_PORT)],
            cwd=folder,
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        while _get("/ready") is None:
            if process.poll() is not None or time.monotonic() - started > _SECONDS:
                raise RuntimeError(re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(errors="replace"))[-2000:])
            time.sleep(0.05)
        seconds = time.monotonic() - started
        return seconds, int(json.loads(_get("/count") or "{}").get("count", 0))
    finally:
        process.terminate()
        process.wait(30)


def _get(path: str) -> str | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{_PORT}{path}", timeout=10) as answer:
            return str(answer.read().decode())
    except (urllib.error.URLError, OSError):
        return None
