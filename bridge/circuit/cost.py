"""What a circuit costs, estimated from its settings: how long a proof takes, how large it is, what its verification takes.

The columns of a circuit follow from its settings by ezkl's own rules; the formulas below were fitted to circuits of 2^7 to 2^15
rows, on two cores. `scripts/cost_model.py` makes circuits and prints how far off they are: over nine small models, estimate by
measured was 0.97 to 1.08 for gas, 0.99 to 1.14 for the length of a proof, 0.83 to 1.00 for code, 0.71 to 1.59 for seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, log2, sqrt

from bridge.circuit.settings import Candidate, Objective, capacity

_WORD_BYTES = 32


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a circuit decides its costs."""

    logrows: int
    lanes: int
    """Cells of the computation that lie side by side in a row: inner columns times the blocks that all cells need."""
    arguments: int
    """Tables: one for every kind of lookup and of range check."""
    tables: int
    """Columns of these tables; a table that is longer than a column takes several."""
    widest: int
    """Columns of the largest table."""
    dynamic: bool
    """Whether values are looked up in tables that are part of the witness."""
    shuffles: bool
    freivalds: bool
    """Whether there are products of matrices that are checked on a random combination."""
    instances: int

    @classmethod
    def of(cls, candidate: Candidate) -> Shape:
        """The shape that ezkl gives a circuit of these settings."""
        document, rows = candidate.parsed, capacity(candidate.logrows)
        low, high = candidate.lookup_range
        lookups = [high - low + 1] * len(document["required_lookups"])
        ranges = [end - start + 1 for start, end in document["required_range_checks"]]
        columns = [-(-length // rows) for length in lookups + ranges]
        inner = candidate.layout.num_inner_cols
        return cls(
            logrows=candidate.logrows,
            lanes=inner * (document["total_assignments"] // (rows * inner) + 1),
            arguments=len(columns),
            tables=sum(columns),
            widest=max(columns, default=1),
            dynamic=document["num_dynamic_lookups"] > 0,
            shuffles=document["num_shuffles"] > 0,
            freivalds=candidate.layout.freivalds and document["einsum_params"]["total_einsum_col_size"] > 0,
            instances=candidate.instances,
        )

    @property
    def extension(self) -> int:
        """By how much the domain of the quotient is larger than the circuit: a power of two above the degree of its gates."""
        degree = self.lanes + 1 + (self.widest + 1 if self.widest > 1 else 0)
        if self.dynamic or self.shuffles:
            degree = max(degree, 5)
        return max(4, int(2 ** ceil(log2(degree))))

    @property
    def proof_words(self) -> float:
        """Words of 32 bytes in a proof. Beyond four lanes a lookup argument takes several at once."""
        lanes = min(self.lanes, 4)
        words = 25 + 17 * lanes + self.tables * (2 + 8 * lanes) + 13.5 * (self.lanes - lanes)
        if self.dynamic or self.shuffles:
            words += 12 + 9 * lanes
        if self.dynamic and self.shuffles:
            words += 8 * lanes
        return words + (52 if self.freivalds else 0)

    @property
    def key_bytes(self) -> float:
        """Of the proving key: fixed and permutation columns as values, as polynomials, and on the domain of the quotient."""
        lanes = self.lanes
        columns = 3.4 + 3.9 * lanes + self.arguments * (2 + lanes) + 1.5 * (self.tables - self.arguments)
        columns += (2.5 + 1.2 * lanes) * self.shuffles + (1 + 1.2 * lanes) * self.dynamic + 12 * self.freivalds
        extension = self.extension
        return float(2**self.logrows) * _WORD_BYTES * (3 * extension + (2 + extension) * columns)


@dataclass(frozen=True, slots=True)
class Cost:
    """What proving and verifying one proof costs."""

    seconds: float
    """To prove, on two cores."""
    gas: float
    """Of a transaction that calls the verifier alone."""
    proof_bytes: float
    runtime_bytes: float
    """Of the verifier contract."""
    memory_bytes: float
    """At the prover's peak."""

    @classmethod
    def of(cls, shape: Shape) -> Cost:
        """The estimate."""
        words, key = shape.proof_words, shape.key_bytes
        return cls(
            seconds=0.037 + 4.2e-7 * 2**shape.logrows * words + 2.1e-8 * key + 1.05e-4 * words,
            gas=_gas(words, shape.instances),
            proof_bytes=words * _WORD_BYTES,
            runtime_bytes=5_400 + 84 * words,
            memory_bytes=120e6 + 2.2 * key,
        )

    def with_proof(self, proof_bytes: int, instances: int) -> Cost:
        """The same for a proof whose length is known, which is the same for every proof of a circuit."""
        return replace(self, gas=_gas(proof_bytes / _WORD_BYTES, instances), proof_bytes=proof_bytes)

    def weight(self, objective: Objective) -> float:
        """What the objective makes small."""
        match objective:
            case Objective.GAS:
                return self.gas + self.seconds * 1e-3
            case Objective.LATENCY:
                return self.seconds + self.gas * 1e-9
            case Objective.BALANCED:
                return sqrt(self.seconds) * self.gas


def _gas(words: float, instances: int) -> float:
    return 181_000 + 3_710 * words + 860 * instances
