"""The only file that imports ezkl. It runs as a child process: a job on standard input, events on standard output.

A job is {"calls": [[name, arguments], ...]}. Each call is answered by one JSON line {"ok": result, "seconds": s,
"peak_memory_bytes": m} or {"error": message}. ezkl prints to standard output, so the real one is moved out of its way first.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any

import ezkl

from bridge.toolchain import leash

_MAX_LOGROWS = 26
_LEGS = 2
_MAX_BITS = 64
"""More than any number has that ezkl computes with."""


def trial(model: str, run_args: dict[str, Any], rows: list[str], scratch: str) -> dict[str, Any]:
    """One choice of settings, run forward on each row: {"settings": …, "outputs": …, "lookups": [least, greatest]}.

    The settings before anything is calibrated, the outputs as little-endian hex by row and tensor, and how far the inputs of lookup
    tables reach.
    """
    settings, circuit, made = (f"{scratch}/{name}" for name in ("settings.json", "circuit.ezkl", "witness.json"))
    document = layout(model, run_args, settings)
    ezkl.compile_circuit(model, circuit, settings)
    witnesses = [ezkl.gen_witness(path, circuit, made) for path in rows]
    lookups = [
        min(witness["min_lookup_inputs"] for witness in witnesses),
        max(witness["max_lookup_inputs"] for witness in witnesses),
    ]
    return {"settings": document, "outputs": [witness["outputs"] for witness in witnesses], "lookups": lookups}


def layout(model: str, run_args: dict[str, Any], output: str) -> dict[str, Any]:
    """The settings of a circuit that is laid out and not run: how many cells it takes, and which tables."""
    ezkl.gen_settings(model, output, py_run_args=_run_args(run_args))
    document: dict[str, Any] = json.loads(Path(output).read_bytes())
    return document


def reach(model: str, run_args: dict[str, Any], rows: list[str], scratch: str, guess: int | None) -> dict[str, Any]:
    """How far the numbers of a circuit reach on all rows: {"bits": …, "lookups": [least, greatest]}.

    `bits` are the binary digits of the largest number that is cut into digits. ezkl does not say, but refuses a row with a number
    that the legs do not hold. `guess` is where they are looked for first; it does not change the answer.
    """
    settings, circuit, made = (f"{scratch}/{name}" for name in ("settings.json", "circuit.ezkl", "witness.json"))
    document = layout(model, {**run_args, "decomp_legs": _LEGS}, settings)

    def hold(bits: int) -> None:
        document["run_args"]["decomp_base"] = ceil(2 ** (bits / _LEGS))  # nothing else of a layout decides a number
        Path(settings).write_text(json.dumps(document))
        ezkl.compile_circuit(model, circuit, settings)

    def lookups(row: str) -> tuple[int, int] | None:
        try:
            witness = ezkl.gen_witness(row, circuit, made)
        except RuntimeError:
            return None
        return witness["min_lookup_inputs"], witness["max_lookup_inputs"]

    def holds(bits: int) -> bool:
        hold(bits)
        return lookups(rows[0]) is not None

    bits = _least(holds, guess or 0)
    hold(bits)
    reached = []
    for row in rows:
        while (found := lookups(row)) is None:
            if bits == _MAX_BITS:
                raise RuntimeError(f"a number needs more than {_MAX_BITS} bits")
            bits += 1
            hold(bits)
        reached.append(found)
    return {"bits": bits, "lookups": [min(low for low, _ in reached), max(high for _, high in reached)]}


def _least(holds: Callable[[int], bool], guess: int) -> int:
    """The least of 1 to `_MAX_BITS` that holds, where all above it do: in growing strides from the guess, and then by halves."""
    too_few, enough = 0, _MAX_BITS
    stride = 1
    while too_few < guess < enough and (too_few == 0 or enough == _MAX_BITS):
        if holds(guess):
            enough, guess = guess, guess - stride
        else:
            too_few, guess = guess, guess + stride
        stride *= 2
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if holds(middle):
            enough = middle
        else:
            too_few = middle
    return enough


def calibrated(model: str, run_args: dict[str, Any], data: str, output: str) -> dict[str, Any]:
    """The settings that ezkl chooses by itself: its default, calibrated for few resources."""
    layout(model, run_args, output)
    ezkl.calibrate_settings(data, model, output, "resources")
    document: dict[str, Any] = json.loads(Path(output).read_bytes())
    return document


def _run_args(chosen: dict[str, Any]) -> ezkl.PyRunArgs:
    """ezkl's own defaults, but for what was chosen."""
    arguments = ezkl.PyRunArgs()
    for name, value in chosen.items():
        setattr(arguments, name, [tuple(item) for item in value] if name == "variables" else value)
    return arguments


def compile_circuit(model: str, circuit: str, settings: str) -> None:
    """ONNX and settings to a compiled circuit."""
    ezkl.compile_circuit(model, circuit, settings)


def setup(circuit: str, vk: str, pk: str, srs: str) -> None:
    """Proving and verifying key of a compiled circuit."""
    ezkl.setup(circuit, vk, pk, srs)


def run(circuit: str, data: str, output: str) -> dict[str, list[list[str]]]:
    """One forward pass: the field elements that go in and come out, by tensor, before anything is hashed."""
    made = ezkl.gen_witness(data, circuit, output)
    return {"inputs": made["inputs"], "outputs": made["outputs"]}


def rehearse(circuit: str, settings: str, data: list[str], output: str) -> list[dict[str, Any]]:
    """As `forward`, and whether each file could be proved: {"outputs": …, "refusal": None or ezkl's words, or ours}."""
    answers = []
    for path in data:
        try:
            outputs = ezkl.gen_witness(path, circuit, output)["outputs"]
            answers.append({"outputs": outputs, "refusal": _off_the_table(settings, output)})
        except RuntimeError as error:
            answers.append({"outputs": [], "refusal": f"{error}"})
    return answers


def witness(circuit: str, settings: str, data: str, output: str, vk: str, srs: str) -> None:
    """The witness of one input, refused where a lookup leaves its table.

    ezkl does not look at that before it proves; its prover then logs from a second thread, which waits for the interpreter
    lock that the prover holds: it never ends.
    """
    ezkl.gen_witness(data, circuit, output, vk, srs)
    message = _off_the_table(settings, output)
    if message is not None:
        print(message, file=sys.stderr)
        raise RuntimeError(message)


def _off_the_table(settings: str, witness: str) -> str | None:
    """Which lookup of a witness leaves its table, in words."""
    reached = json.loads(Path(witness).read_bytes())
    document = json.loads(Path(settings).read_bytes())
    low, high = document["run_args"]["lookup_range"]
    for value in (reached["min_lookup_inputs"], reached["max_lookup_inputs"]):
        if document["required_lookups"] and not low <= value <= high:
            return f"a lookup of {value} leaves its table [{low}, {high}]"
    return None


def prove(witness: str, circuit: str, pk: str, output: str, srs: str) -> None:
    """A proof of one witness."""
    ezkl.prove(witness, circuit, pk, output, srs)


def verify(proof: str, settings: str, vk: str, srs: str) -> bool:
    """Whether a proof holds. False covers ezkl's own refusal, which it raises."""
    try:
        return bool(ezkl.verify(proof, settings, vk, srs, True))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return False


def solidity_verifier(vk: str, settings: str, output: str, srs: str) -> None:
    """The generated Solidity verifier of one circuit."""
    _write_solidity(vk, settings, output, srs, reusable=False)


def reusable_verifier(vk: str, settings: str, output: str, srs: str) -> None:
    """The generated Solidity verifier of many circuits. What is one circuit's own is in its `vka`; see there."""
    _write_solidity(vk, settings, output, srs, reusable=True)


def vka(vk: str, settings: str, output: str, srs: str, decimals: int) -> None:
    """The verifying key artifact: what makes the reusable verifier check one circuit.

    The file is eight bytes of length and then whole words. `decimals` are those of the numbers that the verifier returns.
    """

    async def generate() -> None:
        await ezkl.create_evm_vka(vk, settings, output, srs, decimals)

    asyncio.run(generate())


def _write_solidity(vk: str, settings: str, output: str, srs: str, *, reusable: bool) -> None:
    """Let ezkl write a verifier.

    ezkl writes the source and then asks its own solc installer for a compiler, only to derive an ABI that nobody needs.
    The parent shuts the network off for that; what counts is the source, which must be whole.
    """

    async def generate() -> None:
        await ezkl.create_evm_verifier(vk, settings, output, os.devnull, srs, reusable)

    said = ""
    try:
        asyncio.run(generate())
    except RuntimeError as error:
        said = str(error)
    if not Path(output).read_text().rstrip().endswith("}"):
        raise RuntimeError(f"ezkl did not write a whole Solidity verifier: {said}")


def development_srs(path: str, logrows: int) -> None:
    """A setup whose secret this very process knew: good for a local chain only."""
    if not 1 <= logrows <= _MAX_LOGROWS:
        raise ValueError(f"logrows {logrows} is not between 1 and {_MAX_LOGROWS}")
    ezkl.gen_srs(path, logrows)


def version() -> str:
    """ezkl's version."""
    return str(ezkl.__version__)


CALLS: dict[str, Callable[..., Any]] = {
    call.__name__: call
    for call in (
        trial,
        layout,
        reach,
        calibrated,
        compile_circuit,
        setup,
        rehearse,
        run,
        witness,
        prove,
        verify,
        solidity_verifier,
        reusable_verifier,
        vka,
        development_srs,
        version,
    )
}


def _peak_memory_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Run the job on standard input; the argument is the process id of the parent, without which there is no point."""
    leash.attach(int(sys.argv[1]))
    events = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    job = json.loads(sys.stdin.read())
    for name, arguments in job["calls"]:
        started = time.monotonic()
        try:
            result = CALLS[name](**arguments)
        except BaseException as error:  # a Rust panic arrives as a BaseException of pyo3
            print(json.dumps({"error": f"{error}"}), file=events, flush=True)
            continue
        seconds = time.monotonic() - started
        answer = {"ok": result, "seconds": seconds, "peak_memory_bytes": _peak_memory_bytes()}
        print(json.dumps(answer), file=events, flush=True)
    os._exit(0)  # a failed coroutine of ezkl can abort an orderly shutdown


if __name__ == "__main__":
    main()
