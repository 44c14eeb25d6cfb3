"""News for others, and where they are sent."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors.root import BridgeError


class WebhookError(BridgeError):
    """Messages to subscribers."""


@dataclass(eq=False)
class WebhookUrlRefused(WebhookError):
    """Nothing is sent there."""

    host: str
    """Alone: the rest of a URL may be a secret."""
    reason: str

    @property
    def what(self) -> str:
        return f"a webhook at {self.host or '(no host)'} is refused: {self.reason}"

    @property
    def fix(self) -> str:
        return "Give a public https:// URL; a receiver of your own network needs a server with --private-webhooks"


@dataclass(eq=False)
class WebhookUnknown(WebhookError):
    """No webhook has this id, or it is somebody else's."""

    webhook_id: str

    @property
    def what(self) -> str:
        return f"there is no webhook {self.webhook_id}"

    @property
    def fix(self) -> str:
        return "List them with: proofbridge webhook list"


@dataclass(eq=False)
class WebhookConflict(WebhookError):
    """One idempotency key, two webhooks."""

    key: str
    webhook_id: str

    @property
    def what(self) -> str:
        return f"the idempotency key {self.key!r} belongs to webhook {self.webhook_id}, which is another one"

    @property
    def fix(self) -> str:
        return "Use another key for another webhook, or ask again for exactly what that one asked for"


@dataclass(eq=False)
class DeliveryUnknown(WebhookError):
    """A webhook has no message of this number."""

    webhook_id: str
    number: int

    @property
    def what(self) -> str:
        return f"webhook {self.webhook_id} has no message {self.number}"

    @property
    def fix(self) -> str:
        return "See its messages with: proofbridge webhook log ID"


@dataclass(eq=False)
class MessageRefused(WebhookError):
    """A message that came is not what the sender signed, or not new."""

    reason: str

    @property
    def what(self) -> str:
        return f"the message is refused: {self.reason}"

    @property
    def fix(self) -> str:
        return "Compare the secret with the webhook's, and hand over the body as it came, byte for byte"
