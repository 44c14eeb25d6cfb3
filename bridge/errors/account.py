"""Who signs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.errors.root import BridgeError


class AccountError(BridgeError):
    """Keys. No message of this family ever holds a secret."""


@dataclass(eq=False)
class AccountMissing(AccountError):
    """No account of that name, or none given at all."""

    name: str
    known: tuple[str, ...]

    @property
    def what(self) -> str:
        known = ", ".join(self.known) or "none"
        return f"there is no account {self.name!r} (keystores found: {known})"

    @property
    def fix(self) -> str:
        return (
            "Run: proofbridge account new NAME, or give --account env:VARIABLE or, on a local chain, --account unlocked"
        )


@dataclass(eq=False)
class AccountExists(AccountError):
    """A keystore of that name is there already and is never overwritten."""

    name: str
    path: Path

    @property
    def what(self) -> str:
        return f"the keystore {self.path} exists already and is not overwritten"

    @property
    def fix(self) -> str:
        return f"Choose another name than {self.name!r}, or move the file away"


@dataclass(eq=False)
class AccountRefused(AccountError):
    """A key source that must not be used here, or holds no key."""

    name: str
    reason: str

    @property
    def what(self) -> str:
        return f"the account {self.name!r} cannot be used: {self.reason}"

    @property
    def fix(self) -> str:
        return "Use an encrypted keystore: proofbridge account new NAME"


@dataclass(eq=False)
class WrongPassword(AccountError):
    """The keystore does not open."""

    name: str

    @property
    def what(self) -> str:
        return f"the password does not open the keystore {self.name!r}"

    @property
    def fix(self) -> str:
        return "Type the password again, or set PROOFBRIDGE_PASSWORD or --password-file"


@dataclass(eq=False)
class SignerUnreachable(AccountError):
    """A signer outside this process does not answer."""

    signer: str
    reason: str

    @property
    def what(self) -> str:
        return f"the signer {self.signer} does not answer: {self.reason}"

    @property
    def fix(self) -> str:
        return "Nothing was sent; check that it runs, the network, and for a cloud's key its credentials and region"


@dataclass(eq=False)
class SignerDeclined(AccountError):
    """A signer answered that it does not sign."""

    signer: str
    reason: str

    @property
    def what(self) -> str:
        return f"the signer {self.signer} does not sign: {self.reason}"

    @property
    def fix(self) -> str:
        return "Nothing was sent; the reason is the signer's own: see its rules, and who may use the key"


@dataclass(eq=False)
class SignatureRefused(AccountError):
    """What a signer gave back is not the transaction that was asked for, signed by the account that was asked."""

    signer: str
    field: str
    expected: str
    got: str

    @property
    def what(self) -> str:
        return (
            f"the signer {self.signer} gave back something else: {self.field} is {self.got}, expected {self.expected}"
        )

    @property
    def fix(self) -> str:
        return "Nothing was sent; do not use this signer before the difference is explained"
