"""What somebody wants built, and within which bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from math import inf
from pathlib import Path

from bridge.circuit.settings import MARGIN, Objective
from bridge.core.circuit import Visibility
from bridge.errors import OptionInvalid
from bridge.solidity import evm as evm_versions
from bridge.solidity.limits import ETHEREUM, Limits

DEFAULT_MAX_LOGROWS = 18

_NAME = re.compile(r"[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,99}")
"""It is the start of the bundle directory's name."""
_NAMELESS = frozenset({"model", "network"})


class Code(Enum):
    """Whose code checks the proofs on a chain."""

    AUTO = "auto"
    """The circuit's own, and where no circuit's fits into a contract, that of many."""
    OWN = "own"
    """Generated for this circuit: the least gas."""
    SHARED = "shared"
    """Generated for many circuits, with an artifact that makes it check this one: as large for every model, and dearer to call."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to build. Paths are read, never changed."""

    model: Path
    sample: Path
    out: Path
    """The folder in which the bundle directory appears."""
    name: str | None = None
    """What people call the model; the file's name, or that of its folder where the file's says nothing."""
    objective: Objective = Objective.BALANCED
    margin: float = MARGIN
    """How many times as far as the sample inputs, lookups and digits may reach, at least: rows beyond are refused. With less, tables
    are shorter; the room that is left in their columns is filled."""
    max_error: float | None = None
    """Largest absolute error against onnxruntime, on calibration rows and on held-out rows."""
    max_gas: int | None = None
    """Gas of a verification transaction."""
    max_prove_seconds: float | None = None
    max_memory: int | None = None
    """Bytes that the prover may take at its peak; None: what the machine has."""
    max_bytecode: int | None = None
    """Bytes of the verifier's runtime code; the chain's own limit holds all the same."""
    visibility: Visibility = Visibility.PUBLIC
    evm: str = evm_versions.UNIVERSAL
    max_logrows: int = DEFAULT_MAX_LOGROWS
    srs: Path | None = None
    verifier: Code = Code.AUTO
    limits: Limits = ETHEREUM
    """Of the chain that the verifier has to fit on."""
    batch: int = 1
    """Rows that one proof covers."""
    held_out: Path | None = None
    """Rows that the finished circuit is compared on and nothing is chosen on; None: a share of the sample, see `split`."""

    @property
    def title(self) -> str:
        """The name to use."""
        if self.name:
            return self.name
        stem = self.model.stem
        return self.model.resolve().parent.name if stem in _NAMELESS else stem

    def check(self) -> None:
        """Refuse what cannot be built whatever the model is. Raises `OptionInvalid`, `EvmVersionUnknown`."""
        if not _NAME.fullmatch(self.title):
            expected = "a name without slashes that starts with no dot"
            raise OptionInvalid(option="--name", got=self.title, expected=expected)
        if self.batch > 1 and self.visibility is not Visibility.PUBLIC:
            expected = f"1 for an input that is {self.visibility.label}: rows that are not shown cannot be told apart"
            raise OptionInvalid(option="--batch", got=str(self.batch), expected=expected)
        if not 1 <= self.margin < inf:
            expected = "1, which is the sample's own range, or more"
            raise OptionInvalid(option="--margin", got=f"{self.margin:g}", expected=expected)
        evm_versions.check_version(self.evm)
