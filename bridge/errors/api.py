"""A request over HTTP that is not served."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors.root import BridgeError


class ApiError(BridgeError):
    """A request over HTTP that is not served."""


@dataclass(eq=False)
class RouteUnknown(ApiError):
    """Nothing is at this path."""

    path: str

    @property
    def what(self) -> str:
        return f"there is nothing at {self.path[:200]!r}"

    @property
    def fix(self) -> str:
        return "Look the paths up in /openapi.json"


@dataclass(eq=False)
class MethodRefused(ApiError):
    """The path is there and does not take this method."""

    method: str
    allowed: str

    @property
    def what(self) -> str:
        return f"the method {self.method[:20]} is not for this path, which takes {self.allowed}"

    @property
    def fix(self) -> str:
        return "Look the path up in /openapi.json"


@dataclass(eq=False)
class ParametersRefused(ApiError):
    """Parameters that are missing, unknown or not what they have to be."""

    name: str
    """Of the first that is refused."""
    reason: str

    @property
    def what(self) -> str:
        return f"the parameter {self.name} is refused: {self.reason}"

    @property
    def fix(self) -> str:
        return "Compare the request with /openapi.json"


@dataclass(eq=False)
class BodyTooLarge(ApiError):
    """A body over the limit."""

    most: int

    @property
    def what(self) -> str:
        return f"the body is longer than {self.most} bytes"

    @property
    def fix(self) -> str:
        return "Send less: one row a request"


@dataclass(eq=False)
class BodyMalformed(ApiError):
    """A body that is not the JSON that was asked for."""

    reason: str

    @property
    def what(self) -> str:
        return f"cannot read the body: {self.reason}"

    @property
    def fix(self) -> str:
        return "Send JSON in UTF-8 as /openapi.json describes it: no NaN, no nesting beyond the tensor's own"


@dataclass(eq=False)
class MediaTypeRefused(ApiError):
    """A body of another kind."""

    got: str

    @property
    def what(self) -> str:
        return f"the body is of type {self.got[:80]!r}, expected application/json"

    @property
    def fix(self) -> str:
        return "Send JSON with Content-Type: application/json"


@dataclass(eq=False)
class BodyTooSlow(ApiError):
    """A body that does not arrive."""

    seconds: float

    @property
    def what(self) -> str:
        return f"the body was not there after {self.seconds:g} seconds"

    @property
    def fix(self) -> str:
        return "Send the request in one go"


@dataclass(eq=False)
class ApiKeyMissing(ApiError):
    """What costs the operator gas is not for everybody."""

    header: str

    @property
    def what(self) -> str:
        return f"this needs an API key in the header {self.header}"

    @property
    def fix(self) -> str:
        return "Send Authorization: Bearer KEY; an operator makes one with proofbridge apikey new NAME"


@dataclass(eq=False)
class ApiKeyRefused(ApiError):
    """A key that nobody has, or has any more."""

    key_id: str

    @property
    def what(self) -> str:
        return f"the API key {self.key_id[:12]!r} is not known or was revoked"

    @property
    def fix(self) -> str:
        return "Ask the operator for another: proofbridge apikey new NAME"


@dataclass(eq=False)
class ApiKeyUnknown(ApiError):
    """There is no key to revoke."""

    key_id: str

    @property
    def what(self) -> str:
        return f"there is no API key {self.key_id[:40]!r}"

    @property
    def fix(self) -> str:
        return "List them with: proofbridge apikey list"


@dataclass(eq=False)
class RateExceeded(ApiError):
    """More requests than the server takes from one key or address."""

    limit: str
    seconds: int

    @property
    def what(self) -> str:
        return f"more than {self.limit} requests"

    @property
    def fix(self) -> str:
        return f"Try again in {self.seconds} seconds"


@dataclass(eq=False)
class ModelNotServed(ApiError):
    """The server has no bundle of this model."""

    model_id: str
    served: tuple[str, ...]

    @property
    def what(self) -> str:
        return f"inferences of {self.model_id} are not taken here; those of {', '.join(self.served) or 'no model'} are"

    @property
    def fix(self) -> str:
        return "Ask for one of these, or start the server with --model DIR"


@dataclass(eq=False)
class StreamFull(ApiError):
    """As many subscribers as the server takes."""

    most: int

    @property
    def what(self) -> str:
        return f"{self.most} subscribers are connected already"

    @property
    def fix(self) -> str:
        return "Try again later, or read GET /v1/feed in turns"


@dataclass(eq=False)
class ServerFailed(ApiError):
    """A failure of the server, which is no business of who asked."""

    kind: str

    @property
    def what(self) -> str:
        return f"the server could not answer ({self.kind})"

    @property
    def fix(self) -> str:
        return "Try again; the operator finds the reason in the log of the server"
