"""Who signs: an encrypted V3 keystore, an environment variable, on a local chain the node itself, or a signer elsewhere.

A secret enters by a keystore's password or a variable, and leaves only as a signature. Nothing here prints, logs, or puts a
secret into an error. What any signer but the node gives back has passed `recheck`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils import to_checksum_address

from bridge.chain.aws import aws_key
from bridge.chain.gcp import gcp_key
from bridge.chain.kms import open_key
from bridge.chain.remote import CLEF, WEB3SIGNER, open_remote
from bridge.chain.signature import Signed, recheck
from bridge.core.storage import home, write_atomic
from bridge.core.word import Address
from bridge.errors import AccountExists, AccountMissing, AccountRefused, WrongPassword

UNLOCKED = "unlocked"
ENVIRONMENT = "env:"
ELSEWHERE: dict[str, Callable[[str], Signer]] = {
    "web3signer:": lambda where: open_remote(WEB3SIGNER, where),
    "clef:": lambda where: open_remote(CLEF, where),
    "aws-kms:": lambda name: open_key(aws_key(name)),
    "gcp-kms:": lambda name: open_key(gcp_key(name)),
}
"""How a spec begins whose key is in another process, and who opens the rest of it."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEY = re.compile(r"(0x)?[0-9A-Fa-f]{64}")
"""eth-account would fill a key that lost digits with zeros, which makes it another key."""

_WITH_URL = ("web3signer:", "clef:")

Password = Callable[[], str]


class Signer(Protocol):
    """Signs transactions for one address."""

    @property
    def address(self) -> Address:
        """Who pays."""

    def sign(self, transaction: Mapping[str, Any]) -> Signed | None:
        """The signed transaction, re-checked; None where only the node can sign, in sending it."""


@dataclass(frozen=True, slots=True)
class KeySigner:
    """A key held in this process."""

    _account: LocalAccount = field(repr=False)

    @property
    def address(self) -> Address:
        """Who pays."""
        return Address(str(self._account.address))

    def sign(self, transaction: Mapping[str, Any]) -> Signed:
        """EIP-155 or EIP-1559, by the fields given."""
        signed = self._account.sign_transaction(dict(transaction))
        return recheck(bytes(signed.raw_transaction), transaction, self.address, "in this process")


@dataclass(frozen=True, slots=True)
class NodeSigner:
    """An account that a local node holds unlocked."""

    address: Address

    def sign(self, _transaction: Mapping[str, Any]) -> None:
        """The node signs when it sends."""


@dataclass(frozen=True, slots=True)
class Keystore:
    """An encrypted key on disk."""

    name: str
    address: Address
    path: Path


def open_signer(
    spec: str, password: Password, *, is_local: bool, unlocked: Callable[[], tuple[Address, ...]]
) -> Signer:
    """The signer that `spec` names.

    A keystore's name or its path, `env:VARIABLE`, `unlocked`, `unlocked:ADDRESS`, `web3signer:URL#ADDRESS`, `clef:URL#ADDRESS`,
    `aws-kms:KEY` (an id, alias/NAME or an ARN), or `gcp-kms:VERSION` (a key version's whole resource name).

    Raises `AccountMissing`, `AccountRefused`, `WrongPassword`; from a key service also `ExtraMissing`, `SignerUnreachable`,
    `SignerDeclined`, `SignatureRefused`.
    """
    if spec == UNLOCKED or spec.startswith(f"{UNLOCKED}:"):
        return _node_signer(spec, is_local, unlocked)
    if spec.startswith(ENVIRONMENT):
        return _environment_signer(spec.removeprefix(ENVIRONMENT))
    for prefix, open_elsewhere in ELSEWHERE.items():
        if spec.startswith(prefix):
            return open_elsewhere(spec.removeprefix(prefix))
    return _keystore_signer(spec, password)


def create(name: str, password: str) -> Keystore:
    """A new key in a new keystore. Raises `AccountExists`, `AccountRefused`."""
    return _store(name, Account.create(), password)


def import_key(name: str, private_key: str, password: str) -> Keystore:
    """A key from outside in a new keystore. Raises `AccountExists`, `AccountRefused` (without repeating the key)."""
    return _store(name, _account_of(name, private_key), password)


def keystores() -> tuple[Keystore, ...]:
    """Every keystore in the folder of proofbridge, by name."""
    found = []
    for path in sorted(home("keystore").glob("*.json")):
        address = _address_in(path)
        if address is not None:
            found.append(Keystore(path.stem, address, path))
    return tuple(found)


def _store(name: str, account: LocalAccount, password: str) -> Keystore:
    if not _NAME.fullmatch(name):
        raise AccountRefused(name=name, reason="a name has letters, digits, dots, dashes and underscores only")
    if not password:
        raise AccountRefused(name=name, reason="an empty password protects nothing")
    path = home("keystore") / f"{name}.json"
    if path.exists():
        raise AccountExists(name=name, path=path)
    encrypted = Account.encrypt(account.key, password)
    write_atomic(path, json.dumps(encrypted), mode=0o600)
    return Keystore(name, Address(str(account.address)), path)


def _node_signer(spec: str, is_local: bool, unlocked: Callable[[], tuple[Address, ...]]) -> Signer:
    if not is_local:
        raise AccountRefused(name=spec, reason="a node's unlocked account is for a local chain only")
    accounts = unlocked()
    _, _, wanted = spec.partition(":")
    chosen = next((account for account in accounts if not wanted or account.lower() == wanted.lower()), None)
    if chosen is None:
        raise AccountMissing(name=spec, known=accounts)
    return NodeSigner(chosen)


def _environment_signer(variable: str) -> Signer:
    secret = os.environ.get(variable)
    if not secret:
        raise AccountRefused(name=f"{ENVIRONMENT}{variable}", reason="the variable is not set")
    return KeySigner(_account_of(f"{ENVIRONMENT}{variable}", secret))


def _keystore_signer(spec: str, password: Password) -> Signer:
    path = Path(spec) if spec.endswith(".json") else home("keystore") / f"{spec}.json"
    if not path.is_file():
        if "://" in spec:  # a URL of a kind of signer that there is not, perhaps with a password in it
            raise AccountRefused(name="…://…", reason=f"a signer with a URL begins with {' or '.join(_WITH_URL)}")
        raise AccountMissing(name=spec, known=tuple(keystore.name for keystore in keystores()))
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, OSError, RecursionError):
        raise AccountRefused(name=spec, reason=f"{path} is not a V3 keystore") from None
    secret = password()
    try:
        signer = KeySigner(Account.from_key(Account.decrypt(document, secret)))
    except Exception as error:  # eth-keyfile has no tree of errors of its own
        if "MAC" in str(error):  # its only sign of a wrong password
            raise WrongPassword(name=spec) from None
        raise AccountRefused(name=spec, reason=f"{path} is not a V3 keystore") from None
    if _address_in(path) not in {None, signer.address}:  # the MAC does not cover everything that a key comes from
        raise AccountRefused(name=spec, reason=f"the key in {path} is not that of its address")
    return signer


def _account_of(name: str, private_key: str) -> LocalAccount:
    try:
        if not _KEY.fullmatch(private_key.strip()):
            raise ValueError("wrong length")
        account: LocalAccount = Account.from_key(private_key.strip())
    except Exception:  # eth-account's own messages may repeat the key
        raise AccountRefused(name=name, reason="it does not hold a 32-byte private key in hex") from None
    return account


def _address_in(path: Path) -> Address | None:
    try:
        return Address(to_checksum_address(str(json.loads(path.read_bytes())["address"])))
    except (ValueError, KeyError, TypeError, OSError, RecursionError):
        return None
