"""An answer of a server, and what a chain says of it."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors.root import BridgeError


class ClientError(BridgeError):
    """A record that cannot be used as it was answered."""


@dataclass(eq=False)
class OutputOfAnotherModel(ClientError):
    """A reader that was generated for one model was given a record of another."""

    expected: str
    got: str

    @property
    def what(self) -> str:
        return f"the record is of model {self.got}, and this reads model {self.expected}"

    @property
    def fix(self) -> str:
        return "Generate a reader from that model's bundle: proofbridge model codegen DIR --out FOLDER"


@dataclass(eq=False)
class OutputMisshapen(ClientError):
    """The output of a record is not as many words as the model gives."""

    model_id: str
    expected: int
    reason: str

    @property
    def what(self) -> str:
        return f"the output is not {self.expected} words, as one row of model {self.model_id} gives: {self.reason}"

    @property
    def fix(self) -> str:
        return "Hold the record against the chain; all rows of a batch as one statement are read row by row"


@dataclass(eq=False)
class ServerUnreachable(ClientError):
    """No answer of a server in time."""

    url: str
    reason: str

    @property
    def what(self) -> str:
        return f"the server at {self.url} does not answer: {self.reason}"

    @property
    def fix(self) -> str:
        return "Check the URL and that the server runs (proofbridge serve); what is on the chain can be read without it"


@dataclass(eq=False)
class ServerRefused(ClientError):
    """A server answered with a problem (RFC 9457)."""

    url: str
    status: int
    title: str
    reason: str

    @property
    def what(self) -> str:
        return f"{self.url} answered {self.status} {self.title}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Mend the request as the answer says"


@dataclass(eq=False)
class AnswerMalformed(ClientError):
    """An answer that is not of the form that the API describes."""

    url: str
    reason: str

    @property
    def what(self) -> str:
        return f"{self.url} answered with something else than its API describes: {self.reason}"

    @property
    def fix(self) -> str:
        return "Check that the server and this client are of one version; ask another server"


@dataclass(eq=False)
class AnswerDiffers(ClientError):
    """A server says one thing and the chain another."""

    inference_id: str
    thing: str
    answered: str
    found: str

    @property
    def what(self) -> str:
        return f"of inference {self.inference_id} the server says {self.thing} {self.answered}, and it is {self.found}"

    @property
    def fix(self) -> str:
        return "Do not use the answer; ask again, and if it stays, do not use the server"


@dataclass(eq=False)
class AnswerUnconfirmed(ClientError):
    """The chain does not hold what a server says that it holds."""

    inference_id: str
    chain_id: int
    ledger: str
    reason: str

    @property
    def what(self) -> str:
        return f"chain {self.chain_id}, ledger {self.ledger}, does not confirm inference {self.inference_id}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Do not use the answer; ask again after some blocks, as a reorganisation may have taken it, and ask another node"
