"""Build, deploy and infer every model of a corpus folder on a local chain, and print a table.

A model that does not succeed must fail by name.

The folder holds one folder for each model, with `network.onnx` and `input.json`.
"""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bridge import BridgeError, Connection, Order, build_model, connect, deploy_core, deploy_model, infer, read_input
from bridge.chain.anvil import local_chain

COLUMNS = "| model | result | seconds | logrows | prove s | gas | verifier bytes | max error |"


class OutOfTimeError(BaseException):
    """The time for one model is over. Not an Exception, so that nothing on the way takes it for a failure of its own."""


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Break off the block after `seconds`; the engine's child process ends with it."""

    def stop(_signal: int, _frame: object) -> None:
        raise OutOfTimeError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def attempt(folder: Path, out: Path, max_logrows: int, connection: Connection) -> tuple[str, ...]:
    """The cells of one model: built, deployed, and its own sample proved and recorded."""
    order = Order(folder / "network.onnx", folder / "input.json", out, name=folder.name, max_logrows=max_logrows)
    bundle = build_model(order).bundle
    deploy_model(bundle, connection)
    inference = infer(bundle, read_input(bundle, folder / "input.json")[0], connection)
    return (
        inference.grade.label,
        f"{bundle.manifest.settings.logrows}",
        f"{inference.seconds['prove_alone']:.2f}",
        f"{inference.gas_used:,}",
        f"{bundle.manifest.measurements.verifier_runtime_bytes:,}",
        f"{bundle.manifest.fidelity.max_abs_error:.3g}",
    )


def main() -> None:
    """One line for each model, as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--seconds", type=int, default=600, help="time limit for one model")
    parser.add_argument("--max-logrows", type=int, default=18)
    parser.add_argument("--only", nargs="*", default=[], help="names of models; without it, all")
    chosen = parser.parse_args()
    print(COLUMNS, "---".join("|" * (COLUMNS.count("|"))), sep="\n", flush=True)
    folders = [path.parent for path in sorted(chosen.corpus.glob("*/network.onnx"))]
    with local_chain() as chain, TemporaryDirectory() as scratch:
        connection = connect(rpc=chain.url, deployments=Path(scratch) / "deployments")
        deploy_core(connection)
        for folder in folders:
            if chosen.only and folder.name not in chosen.only:
                continue
            started = time.monotonic()
            try:
                with time_limit(chosen.seconds), TemporaryDirectory() as out:
                    result, *cells = attempt(folder, Path(out), chosen.max_logrows, connection)
            except BridgeError as error:
                result, cells = f"{type(error).__name__}: {error.what}", [""] * 5
            except OutOfTimeError:
                result, cells = f"not done in {chosen.seconds} s", [""] * 5
            print("|", " | ".join((folder.name, result, f"{time.monotonic() - started:.1f}", *cells)), "|", flush=True)


if __name__ == "__main__":
    main()
