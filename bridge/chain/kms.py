"""A key that never leaves a cloud's key service. The only file that imports cryptography, to read DER and nothing else.

A service signs 32 bytes and cannot tell what they mean. Which account signs follows from the public key that it shows when the
signer is opened; a signature that is not of that account is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from eth_keys.datatypes import PublicKey

from bridge.chain.signature import Signed, recheck, settled, unsigned
from bridge.core.word import Address
from bridge.errors import AccountRefused, ExtraMissing, SignatureRefused

_PEM = b"-----BEGIN"


class ServiceKey(Protocol):
    """One key of one service. Raises `SignerUnreachable` and `SignerDeclined` from every method."""

    extra: ClassVar[str]
    """The extra of proofbridge that holds what it needs."""

    @property
    def place(self) -> str:
        """For errors: the service and the key's name there."""

    def public_key(self) -> bytes:
        """A SubjectPublicKeyInfo (RFC 5280), as DER or PEM. Raises `AccountRefused` where the key is not for signing."""

    def sign(self, digest: bytes) -> bytes:
        """An ECDSA signature of 32 bytes, not hashed again, as DER (Ecdsa-Sig-Value, RFC 3279)."""


@dataclass(frozen=True, slots=True)
class KmsSigner:
    """Make one with `open_key`."""

    address: Address
    _key: ServiceKey = field(repr=False)

    def sign(self, transaction: Mapping[str, Any]) -> Signed:
        """Raises `SignerUnreachable`, `SignerDeclined`, `SignatureRefused`."""
        asked = unsigned(transaction)
        place = self._key.place
        r, s = _numbers(self._key.sign(asked.digest), place)
        signature = settled(asked.digest, r, s, self.address, place)
        return recheck(asked.signed(signature), transaction, self.address, place)


def open_key(key: ServiceKey) -> KmsSigner:
    """The signer of a key, once the service has shown which account it is.

    Raises `AccountRefused` for a key of another curve, `ExtraMissing`, `SignerUnreachable`, `SignerDeclined`.
    """
    return KmsSigner(_address(key), key)


def _address(key: ServiceKey) -> Address:
    shown = key.public_key()
    try:
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - an extra
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    except ImportError:
        raise ExtraMissing(package="cryptography", extra=key.extra) from None
    load = serialization.load_pem_public_key if shown.startswith(_PEM) else serialization.load_der_public_key
    try:
        public = load(shown)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise AccountRefused(name=key.place, reason="the service shows no public key for it") from None
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256K1):
        raise AccountRefused(name=key.place, reason="it is not a key of the curve secp256k1")
    point = public.public_numbers()
    both = point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")
    return Address(str(PublicKey(both).to_checksum_address()))


def _numbers(signature: bytes, place: str) -> tuple[int, int]:
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature  # noqa: PLC0415 - see `_address`

    try:
        return decode_dss_signature(signature)
    except ValueError:
        raise SignatureRefused(
            place, "the signature", "two numbers in DER", f"{len(signature)} bytes that are none"
        ) from None
