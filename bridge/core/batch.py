"""The rows of a batch and the root over them, word for word those of `contracts/src/Rows.sol`.

Every tensor of a batch holds its share of row 0, then that of row 1, and so on. A leaf is the hash of an inference id; nodes are
paired from the left and hashed in ascending order, and one that is left over goes up as it is: the tree that OpenZeppelin's
`MerkleProof` checks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.core.circuit import Circuit, Visibility
from bridge.core.commitment import inference_id, input_commitment, packed
from bridge.core.tensor import CircuitTensor
from bridge.core.word import Hex32, HexBytes, hex32, hex_bytes, keccak256, to_bytes


@dataclass(frozen=True, slots=True)
class BatchRow:
    """What was proven of one row, and how that is shown to be in its batch."""

    inference_id: Hex32
    input_commitment: Hex32
    output: HexBytes
    """The row's output instances as 32-byte words."""
    path: tuple[Hex32, ...]
    """The siblings on the way from the leaf to the root."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that one proof covers, under the root that the ledger holds."""

    model_id: Hex32
    root: Hex32
    rows: tuple[BatchRow, ...]


def batch_of(model_id: Hex32, circuit: Circuit, words: Sequence[int], tag: Hex32) -> Batch:
    """The batch that a proof with these instances is of, in the domain `tag`. Raises ValueError if it is of none."""
    told = [(input_commitment(tag, inputs), packed(outputs)) for inputs, outputs in split(circuit, words)]
    ids = [inference_id(model_id, commitment, output) for commitment, output in told]
    levels = _levels([_leaf(each) for each in ids])
    rows = tuple(
        BatchRow(each, commitment, hex_bytes(output), _path(levels, number))
        for number, (each, (commitment, output)) in enumerate(zip(ids, told, strict=True))
    )
    return Batch(model_id, hex32(levels[-1][0]), rows)


def paths(ids: Sequence[Hex32]) -> tuple[tuple[Hex32, ...], ...]:
    """Of each inference id of a batch, in the order of its rows, the siblings on the way to the root."""
    levels = _levels([_leaf(each) for each in ids])
    return tuple(_path(levels, position) for position in range(len(ids)))


def split(circuit: Circuit, words: Sequence[int]) -> Iterator[tuple[list[int], list[int]]]:
    """The input and the output words of each row. Raises ValueError where the instances are not those of public rows."""
    if circuit.input_visibility is not Visibility.PUBLIC:
        raise ValueError(f"the input is {circuit.input_visibility.label}, so its rows cannot be told apart")
    expected = circuit.input_instances + circuit.output_instances
    if len(words) != expected:
        raise ValueError(f"{len(words)} instances, expected {expected}")
    inputs, outputs = words[: circuit.input_instances], words[circuit.input_instances :]
    for row in range(circuit.rows):
        yield _shares(circuit.inputs, circuit.rows, row, inputs), _shares(circuit.outputs, circuit.rows, row, outputs)


def is_in(root: Hex32, path: Sequence[Hex32], identity: Hex32) -> bool:
    """Whether the path leads from an inference id to the root."""
    node = _leaf(identity)
    for sibling in path:
        node = _parent(node, to_bytes(sibling))
    return hex32(node) == root


def _shares(tensors: Sequence[CircuitTensor], rows: int, row: int, words: Sequence[int]) -> list[int]:
    picked: list[int] = []
    start = 0
    for tensor in tensors:
        share, rest = divmod(tensor.elements, rows)
        if rest:
            raise ValueError(f"the {tensor.elements} elements of {tensor.name} are not those of {rows} rows")
        picked += words[start + row * share : start + (row + 1) * share]
        start += tensor.elements
    return picked


def _leaf(identity: Hex32) -> bytes:
    return keccak256(to_bytes(identity))


def _parent(one: bytes, other: bytes) -> bytes:
    return keccak256(min(one, other) + max(one, other))


def _levels(leaves: list[bytes]) -> list[list[bytes]]:
    """The leaves, their parents, and so on to the root alone."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        nodes = levels[-1]
        parents = [_parent(*nodes[at : at + 2]) for at in range(0, len(nodes) - 1, 2)]
        levels.append(parents + nodes[2 * len(parents) :])
    return levels


def _path(levels: list[list[bytes]], position: int) -> tuple[Hex32, ...]:
    path = []
    for nodes in levels[:-1]:
        if position ^ 1 < len(nodes):
            path.append(hex32(nodes[position ^ 1]))
        position //= 2
    return tuple(path)
