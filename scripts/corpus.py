"""Build and prove every model of a corpus folder and print a table; a model that fails must fail by name.

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

from bridge import BridgeError, Order, build_model, prove, read_input

COLUMNS = "| model | result | seconds | logrows | prove s | proof bytes | verifier bytes | max error |"


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


def attempt(folder: Path, out: Path, max_logrows: int) -> tuple[str, ...]:
    """The cells of one model: built, then proved (which checks the proof) on its own sample."""
    order = Order(folder / "network.onnx", folder / "input.json", out, name=folder.name, max_logrows=max_logrows)
    bundle = build_model(order).bundle
    proof = prove(bundle, read_input(bundle, folder / "input.json")[0])
    measured = bundle.manifest.measurements
    return (
        "proved",
        f"{bundle.manifest.settings.logrows}",
        f"{proof.seconds:.2f}",
        f"{measured.proof_bytes}",
        f"{measured.verifier_runtime_bytes}",
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
    for folder in sorted(path.parent for path in chosen.corpus.glob("*/network.onnx")):
        if chosen.only and folder.name not in chosen.only:
            continue
        started = time.monotonic()
        with TemporaryDirectory() as out:
            try:
                with time_limit(chosen.seconds):
                    result, *cells = attempt(folder, Path(out), chosen.max_logrows)
            except BridgeError as error:
                result, cells = f"{type(error).__name__}: {error.what}", [""] * 5
            except OutOfTimeError:
                result, cells = f"not done in {chosen.seconds} s", [""] * 5
        print("|", " | ".join((folder.name, result, f"{time.monotonic() - started:.1f}", *cells)), "|", flush=True)


if __name__ == "__main__":
    main()
