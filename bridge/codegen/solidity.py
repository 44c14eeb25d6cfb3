"""A Solidity library for the contracts that act on a model: its outputs as a struct, and the one call that says they are verified.

It imports from `contracts/src` and adds nothing to trust: what it says of a record is what the ledger says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bridge.codegen.identifier import unreserved
from bridge.codegen.schema import Field, Schema
from bridge.codegen.source import WARNING, Source, lines
from bridge.core.circuit import Visibility

IMPORT_FROM = "@proofbridge/contracts/"
"""Where the generated file looks for `contracts/src`, unless it is told otherwise: a name for a remapping."""

_KEYWORDS = """
    abstract address anonymous as assembly bool break bytes calldata case catch constant constructor continue contract default
    delete do else emit enum error event external fallback false final fixed for from function global hex if immutable import
    indexed interface internal is layout let library mapping memory modifier new override payable pragma private public pure
    receive return returns revert storage string struct super switch this throw transient true try type ufixed unchecked
    unicode using var view virtual while int uint byte at
    after alias apply auto copyof define implements in inline macro match mutable null of partial promise reference relocatable
    sealed sizeof static supports typedef typeof
    wei gwei ether seconds minutes hours days weeks years
"""
"""Those in use, those kept for later, and units."""
_SIZES = (
    *(f"{kind}{bits}" for kind in ("int", "uint") for bits in range(8, 257, 8)),
    *(f"bytes{size}" for size in range(1, 33)),
)
RESERVED = frozenset((*_KEYWORDS.split(), *_SIZES))

_Number = Callable[[Field, str], str]
"""The expression of one number, by its tensor and the place of its word."""


def solidity(schema: Schema, import_from: str = IMPORT_FROM) -> Source:
    """The library of a model. `import_from` is a path or the name of a remapping, with its slash."""
    name = f"{schema.name.pascal}Model"
    text = _FILE.format(
        warning=WARNING,
        title=schema.title,
        imports=import_from,
        name=name,
        model_id=schema.model_id,
        words=schema.output_words,
        scales=lines(_scales("OUTPUT", schema.outputs), 4),
        members=lines(_members(schema.outputs), 8),
        signed=lines(_reading(schema.outputs, _signed), 8),
        wads=lines(_reading(schema.outputs, _wad), 8),
        batch=_BATCH if schema.rows > 1 else "",
        commitment=_commitment(schema),
    )
    return Source(f"{name}.sol", text)


def _scales(side: str, fields: tuple[Field, ...]) -> Iterator[str]:
    for field in fields:
        yield f"/// @dev A number of `{_member(field)}` is its integer over 2**this."
        yield f"int8 internal constant {_scale(side, field)} = {field.tensor.scale};"


def _members(fields: tuple[Field, ...]) -> Iterator[str]:
    for field in fields:
        kind = "int256" if field.words == 1 else f"int256[{field.words}]"
        yield f"{kind} {_member(field)}; // {field.about}"


def _reading(fields: tuple[Field, ...], number: _Number) -> Iterator[str]:
    """Statements that fill `decoded` from `output`, member by member."""
    for field in fields:
        member = f"decoded.{_member(field)}"
        if field.words == 1:
            yield f"{member} = {number(field, str(field.start))};"
        else:
            place = f"{field.start} + i" if field.start else "i"
            yield f"for (uint256 i = 0; i < {field.words}; ++i) {{"
            yield f"    {member}[i] = {number(field, place)};"
            yield "}"


def _signed(_: Field, place: str) -> str:
    return f"FixedPoint.toSigned(_word(output, {place}))"


def _wad(field: Field, place: str) -> str:
    return f"FixedPoint.toWad(_word(output, {place}), {_scale('OUTPUT', field)})"


def _commitment(schema: Schema) -> str:
    match schema.visibility:
        case Visibility.PUBLIC:
            return _PUBLIC.format(
                words=schema.input_words,
                scales=lines(_scales("INPUT", schema.inputs), 4),
                members=lines(_members(schema.inputs), 8),
                packed=lines(_packing(schema.inputs), 8),
            )
        case Visibility.HASHED:
            return _HASHED.format(words=len(schema.inputs))
        case Visibility.PRIVATE:
            return _PRIVATE


def _packing(fields: tuple[Field, ...]) -> Iterator[str]:
    for field in fields:
        member = f"input.{_member(field)}"
        if field.words == 1:
            yield f"words[{field.start}] = FixedPoint.toInstance({member});"
        else:
            place = f"{field.start} + i" if field.start else "i"
            yield f"for (uint256 i = 0; i < {field.words}; ++i) {{"
            yield f"    words[{place}] = FixedPoint.toInstance({member}[i]);"
            yield "}"


def _member(field: Field) -> str:
    return unreserved(field.name.camel, RESERVED)


def _scale(side: str, field: Field) -> str:
    return f"{side}_{field.name.screaming}_SCALE"


_FILE = """\
// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

// {warning}

import {{Commitments}} from "{imports}Commitments.sol";
import {{FixedPoint}} from "{imports}FixedPoint.sol";
import {{Grade}} from "{imports}Grade.sol";
import {{IInferenceLedger}} from "{imports}interfaces/IInferenceLedger.sol";

/// @title Reads what one model says, and whether that is verified
/// @notice The model is pinned: its id is the hash of its file, its circuit and its key, so no other model can stand in for it.
library {name} {{
    // {title}
    uint256 internal constant MODEL_ID = {model_id};

    /// @dev Of one row's output; each has 32 bytes.
    uint256 internal constant OUTPUT_WORDS = {words};

{scales}

    /// @notice One row's outputs, row-major: integers at the scales above, or numbers with 18 decimals, see the functions.
    struct Output {{
{members}
    }}

    /// @notice The output has more or fewer words than the model gives. Likely cause: another model's, or all rows of a batch.
    error OutputMisshapen(uint256 expectedBytes, uint256 gotBytes);

    /// @notice The ledger does not hold this inference with so much behind it. Says nothing about the output: it may be true.
    error NotVerified(bytes32 inferenceId, Grade minGrade);

    /// @notice The outputs as integers at their scales, exact. Reverts with `FixedPointOutOfField` on a word that is no number.
    function decode(bytes calldata output) internal pure returns (Output memory decoded) {{
        _requireShape(output);
{signed}
    }}

    /// @notice The outputs as numbers with 18 decimals, cut toward zero.
    function decodeWad(bytes calldata output) internal pure returns (Output memory decoded) {{
        _requireShape(output);
{wads}
    }}

    /// @notice The outputs with 18 decimals, if the ledger holds that the model gives them for this input, with `minGrade` or more
    /// behind it. Reverts by name otherwise.
    function requireVerified(IInferenceLedger ledger, bytes32 inputCommitment_, bytes calldata output, Grade minGrade)
        internal
        view
        returns (Output memory)
    {{
        if (!ledger.isVerified(MODEL_ID, inputCommitment_, output, minGrade)) {{
            bytes32 inferenceId = Commitments.inferenceId(MODEL_ID, inputCommitment_, output);
            revert NotVerified({{inferenceId: inferenceId, minGrade: minGrade}});
        }}
        return decodeWad(output);
    }}
{batch}{commitment}
    function _requireShape(bytes calldata output) private pure {{
        if (output.length != 32 * OUTPUT_WORDS) {{
            revert OutputMisshapen({{expectedBytes: 32 * OUTPUT_WORDS, gotBytes: output.length}});
        }}
    }}

    function _word(bytes calldata output, uint256 place) private pure returns (uint256) {{
        return uint256(bytes32(output[32 * place:32 * place + 32]));
    }}
}}
"""

_BATCH = """
    /// @notice The same for a row of a recorded batch, by its path to the root.
    function requireVerifiedInBatch(
        IInferenceLedger ledger,
        bytes32 root,
        bytes32[] calldata path,
        bytes32 inputCommitment_,
        bytes calldata output,
        Grade minGrade
    ) internal view returns (Output memory) {
        if (!ledger.isVerifiedInBatch(root, path, MODEL_ID, inputCommitment_, output, minGrade)) {
            bytes32 inferenceId = Commitments.inferenceId(MODEL_ID, inputCommitment_, output);
            revert NotVerified({inferenceId: inferenceId, minGrade: minGrade});
        }
        return decodeWad(output);
    }
"""

_PUBLIC = """
    /// @dev Of one row's input.
    uint256 internal constant INPUT_WORDS = {words};

{scales}

    /// @notice One row's inputs, row-major: integers at the scales above.
    struct Input {{
{members}
    }}

    /// @notice The commitment to an input, for a ledger of this chain.
    function inputCommitment(IInferenceLedger ledger, Input memory input) internal view returns (bytes32) {{
        uint256[] memory words = new uint256[](INPUT_WORDS);
{packed}
        return keccak256(abi.encodePacked(Commitments.domain(block.chainid, address(ledger)), words));
    }}
"""

_HASHED = """
    /// @notice The commitment to a hidden input, by the hash of each of its tensors, for a ledger of this chain.
    function inputCommitment(IInferenceLedger ledger, uint256[{words}] memory hashes) internal view returns (bytes32) {{
        return keccak256(abi.encodePacked(Commitments.domain(block.chainid, address(ledger)), hashes));
    }}
"""

_PRIVATE = """
    /// @notice The commitment to an input that nothing is shown of: the same for every input, for a ledger of this chain.
    function inputCommitment(IInferenceLedger ledger) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(Commitments.domain(block.chainid, address(ledger))));
    }
"""
