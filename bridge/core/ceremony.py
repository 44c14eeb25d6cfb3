"""Public trusted-setup ceremonies, recognised by the point [s]G2 that every key carries.

Whoever knows s can forge any proof. A public ceremony's s is unknown as long as one of its many contributors was honest;
a development setup's s was known to the machine that made it. The x coordinate of [s]G2 (the same as that of -[s]G2, which
verifiers hold) tells which one is inside a file or a contract.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bridge.core.field import BASE_MODULUS

_G2_X = (
    0x198E9393920D483A7260BFB731FB5D25F1AA493335A9E71297E485B7AEF312C2,
    0x1800DEEF121F1E76426A00665E5C4479674322D4F75EDADD46DEBD5CD992F6ED,
)
"""The x coordinate of the generator of G2 (EIP-197), which stands beside [s]G2 wherever a pairing is checked."""

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_WORD = re.compile(r"\b0x([0-9a-fA-F]{64})\b")

_MONTGOMERY_INVERSE = pow(2**256, -1, BASE_MODULUS)
_G2_BYTES = 128


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A public ceremony and the files that carry it."""

    name: str
    s_g2_x: tuple[int, int]
    """The two coefficients (c0, c1) of the x coordinate of [s]G2."""
    sha256: dict[int, str] = field(default_factory=dict, hash=False)
    """sha256 of the raw file for each logrows."""
    url: str | None = None
    """Where the file for {logrows} is published."""


HERMEZ = Ceremony(
    name="hermez",
    s_g2_x=(
        0x30441FD1B5D3370482C42152A8899027716989A6996C2535BC9F7FEE8AAEF79E,
        0x26186A2D65EE4D2F9C9A5B91F86597D35F192CD120CAF7E935D8443D1938E23D,
    ),
    sha256={11: "c8edbefe1562c50ea105f79d9d49989bcfbf1e6a335b3858d44260e71972b8ee"},
)
"""powersOfTau28_hez_final; the same coordinates stand in every deployed Hermez PLONK verifier as X2x1 and X2x2."""

PERPETUAL = Ceremony(
    name="perpetual-powers-of-tau",
    s_g2_x=(
        0x17944351223333F260DDC3B4AF45191B856689EDA9EAB5CBCDDBBE570CE860D2,
        0x186282957DB913ABD99F91DB59FE69922E95040603EF44C0BD7AA3ADEEF8F5AC,
    ),
    sha256={
        1: "cafb2aa72c200ddc4e28aacabb8066e829207e2484b8d17059a566232f8a297b",
        2: "8194ec51da5d332d2e17283ade34920644774452c2fadf33742e8c739e275d8e",
        3: "0729e815bce2ac4dfad7819982c6479c3b22c32b71f64dca05e8fdd90e8535ef",
        4: "2c0785da20217fcafd3b12cc363a95eb2529037cc8a9bddf8fb15025cbc8cdc9",
        5: "5b950e3b76e7a9923d69f6d6585ce6b5f9458e5ec57a71c9de5005d32d544692",
        6: "85030b2924111fc60acaf4fb8a7bad89531fbe0271aeab0c21e545f71eee273d",
        7: "e65f95150519fe01c2bedf8f832f5249822ef84c9c017307419e10374ff9eeb1",
        8: "446092fd1d6030e5bb2f2a8368267d5ed0fbdb6a766f6c5e4a4841827ad3106f",
        9: "493d088951882ad81af11e08c791a38a37c0ffff14578cf2c7fb9b7bca654d8b",
        10: "9705d450e5dfd06adb673705f7bc34418ec86339203198beceb2ae7f1ffefedb",
        11: "257fa566ed9bc0767d3e63e92b5e966829fa3347d320a32055dc31ee7d33f8a4",
        12: "28b151069f41abc121baa6d2eaa8f9e4c4d8326ddbefee2bd9c0776b80ac6fad",
        13: "d5d94bb25bdc024f649213593027d861042ee807cafd94b49b54f1663f8f267d",
        14: "c09129f064c08ecb07ea3689a2247dcc177de6837e7d2f5f946e30453abbccef",
        15: "90807800a1c3b248a452e1732c45ee5099f38b737356f5542c0584ec9c3ebb45",
        16: "2a1a494630e71bc026dd5c0eab4c1b9a5dbc656228c1f0d48f5dbd3909b161d3",
        17: "41509f380362a8d14401c5ae92073154922fe23e45459ce6f696f58607655db7",
        18: "d0148475717a2ba269784a178cb0ab617bc77f16c58d4a3cbdfe785b591c7034",
        19: "d1a1655b4366a766d1578beb257849a92bf91cb1358c1a2c37ab180c5d3a204d",
        20: "54ef75911da76d7a6b7ea341998aaf66cb06c679c53e0a88a4fe070dd3add963",
        21: "486e044cf98704e07f41137d2b89698dc03d1fbf34d13b60902fea19a6013b4b",
        22: "1ee9b4396db3e4e2516ac5016626ab6ba967f091d5d23afbdb7df122a0bb9d0c",
        23: "748e48b9b6d06f9c82d26bf551d0af43ee2e801e4be56d7ccb20312e267fd1d6",
        24: "f94fa4afa2f5147680f907d4dd96a8826206c26bd3328cd379feaed614b234de",
        25: "dec49a69893fbcd66cd06296b2d936a6aceb431c130b2e52675fe4274b504f57",
        26: "b198a51d48b88181508d8e4ea9dea39db285e4585663b29b7e4ded0c22a94875",
    },
    url="https://kzg.ezkl.xyz/kzg{logrows}.srs",
)
"""Perpetual Powers of Tau; the hashes are those that ezkl 23 pins in its srs_sha.rs."""

CEREMONIES = (HERMEZ, PERPETUAL)


def in_srs(tail: bytes) -> Ceremony | None:
    """The ceremony of a raw SRS file, from its last 128 bytes ([s]G2: four little-endian Montgomery words)."""
    if len(tail) != _G2_BYTES:
        raise ValueError(f"expected {_G2_BYTES} bytes, got {len(tail)}")
    words = [int.from_bytes(tail[at : at + 32], "little") for at in (0, 32)]
    c0, c1 = (word * _MONTGOMERY_INVERSE % BASE_MODULUS for word in words)
    return next((ceremony for ceremony in CEREMONIES if ceremony.s_g2_x == (c0, c1)), None)


def in_code(runtime: bytes) -> Ceremony | None:
    """The ceremony inside a generated verifier: both coefficients of -[s]G2's x stand in its code as constants.

    A code that holds the constants of two ceremonies is of neither. This protects an owner from a mistake; only a rebuild
    from the ONNX file proves where in the code the constants are used.
    """
    found = [
        ceremony
        for ceremony in CEREMONIES
        if all(coefficient.to_bytes(32, "big") in runtime for coefficient in ceremony.s_g2_x)
    ]
    return found[0] if len(found) == 1 else None


def has_setup(code: bytes) -> bool:
    """Whether a code or an artifact checks pairings at all: whether any setup, known or not, can be in it."""
    return all(coefficient.to_bytes(32, "big") in code for coefficient in _G2_X)


def constants(source: str) -> bytes:
    """The words that stand in a Solidity source outside of its comments, for `has_setup` and `in_code`.

    A source is what somebody says that a code was made of; only the code itself tells what a chain runs.
    """
    return b"".join(bytes.fromhex(word) for word in _WORD.findall(_COMMENT.sub(" ", source)))
