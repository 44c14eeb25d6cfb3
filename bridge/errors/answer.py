"""A question that the index has no answer to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.errors.root import BridgeError


class AnswerError(BridgeError):
    """A question that the index has no answer to."""


@dataclass(eq=False)
class ChainNotFollowed(AnswerError):
    """The database holds nothing of the chain, or of several and it was not said which."""

    chain: str
    found: tuple[int, ...]

    @property
    def what(self) -> str:
        return f"the index has not followed {self.chain}; it holds {list(self.found) or 'no chain'}"

    @property
    def fix(self) -> str:
        return "Follow the chain first: proofbridge serve --follow --chain NAME, or name one that is there with --chain"


@dataclass(eq=False)
class InferenceUnknown(AnswerError):
    """Nothing verified has this id, or a reorganisation took it."""

    inference_id: str
    chain_id: int

    @property
    def what(self) -> str:
        return f"chain {self.chain_id} has no verified inference {self.inference_id}"

    @property
    def fix(self) -> str:
        return "Check the id and the chain; what was mined just now may not be in the index yet"


@dataclass(eq=False)
class ModelUnknown(AnswerError):
    """Nobody registered this model on the chain."""

    model_id: str
    chain_id: int

    @property
    def what(self) -> str:
        return f"chain {self.chain_id} has no model {self.model_id}"

    @property
    def fix(self) -> str:
        return "List the models that it has with GET /v1/models"


@dataclass(eq=False)
class LineUnknown(AnswerError):
    """Nobody created this line of versions."""

    line_id: str
    chain_id: int

    @property
    def what(self) -> str:
        return f"chain {self.chain_id} has no line of versions {self.line_id}"

    @property
    def fix(self) -> str:
        return "Check the id; models name the lines that they are versions of"


@dataclass(eq=False)
class ConditionMalformed(AnswerError):
    """A condition on numbers that does not follow the grammar."""

    text: str
    reason: str

    @property
    def what(self) -> str:
        return f"cannot read the condition {self.text[:80]!r}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Write it as output.NAME>=NUMBER, input.NAME[INDEX]<NUMBER or output[PLACE]=NUMBER"


@dataclass(eq=False)
class ConditionNeedsModel(AnswerError):
    """Numbers have names only within one model."""

    text: str

    @property
    def what(self) -> str:
        return f"the condition {self.text[:80]!r} is on numbers of no model"

    @property
    def fix(self) -> str:
        return "Say which model is meant with model=ID"


@dataclass(eq=False)
class TensorUnknown(AnswerError):
    """The model has no tensor of this name."""

    name: str
    known: tuple[str, ...]

    @property
    def what(self) -> str:
        return f"the model has no {self.name[:80]}; it has {', '.join(self.known) or 'none that is known'}"

    @property
    def fix(self) -> str:
        return "Use one of these names, or a place as in output[3]"


@dataclass(eq=False)
class PlaceNotKept(AnswerError):
    """A number that filters do not know, or that is not there."""

    place: int
    kept: int

    @property
    def what(self) -> str:
        return f"place {self.place} cannot be filtered by: the first {self.kept} numbers of the side are"

    @property
    def fix(self) -> str:
        return "Filter by one of those, and by the others where the answers arrive"


@dataclass(eq=False)
class CursorMalformed(AnswerError):
    """A cursor that this API did not make."""

    cursor: str

    @property
    def what(self) -> str:
        return f"{self.cursor[:80]!r} is no cursor"

    @property
    def fix(self) -> str:
        return "Hand in `next` of the page before, whole and unchanged, or nothing for the first page"


@dataclass(eq=False)
class CursorOfAnotherQuery(AnswerError):
    """A cursor goes on with the query that it is of, and with no other."""

    cursor: str

    @property
    def what(self) -> str:
        return f"the cursor {self.cursor[:80]!r} is of a query with other filters"

    @property
    def fix(self) -> str:
        return "Keep every filter as it was on the page before; only limit may change"


@dataclass(eq=False)
class SchemaRefused(AnswerError):
    """A bundle that is not of the model as the chain has it."""

    path: Path
    expected: str
    got: str

    @property
    def what(self) -> str:
        return f"{self.path} has the circuit hash {self.got}, the chain has {self.expected} for its model"

    @property
    def fix(self) -> str:
        return "Serve the bundle that the model was registered from"
