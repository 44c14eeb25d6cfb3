"""A key in Google Cloud KMS. The only file that imports google-cloud-kms, which is an extra.

Credentials are the application's default ones, found by Google's library, and are never seen here.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from bridge.chain.remote import said
from bridge.chain.rpc import REQUEST_SECONDS
from bridge.errors import AccountRefused, ExtraMissing, SignatureRefused, SignerDeclined, SignerUnreachable

if TYPE_CHECKING:
    from google.cloud.kms_v1 import KeyManagementServiceClient

_NAME = re.compile(r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+/cryptoKeyVersions/[0-9]+")
_ALGORITHM = "EC_SIGN_SECP256K1_SHA256"
_CASTAGNOLI = 0x82F63B78

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GcpKey:
    """A key version of the algorithm EC_SIGN_SECP256K1_SHA256; make one with `gcp_key`."""

    extra: ClassVar[str] = "gcp"

    name: str
    _client: KeyManagementServiceClient = field(repr=False)

    @property
    def place(self) -> str:
        """As it is given to --account."""
        return f"gcp-kms:{self.name}"

    def public_key(self) -> bytes:
        """GetPublicKey: https://cloud.google.com/kms/docs/retrieve-public-key ."""
        answer = self._ask(lambda bounds: self._client.get_public_key(request={"name": self.name}, **bounds))
        pem = answer.pem.encode()
        self._check("name", self.name, answer.name)
        self._check("the public key's CRC32C", str(crc32c(pem)), str(answer.pem_crc32c))
        with warnings.catch_warnings(action="ignore"):  # of an algorithm that is newer than the library: a bare number
            algorithm = getattr(answer.algorithm, "name", f"algorithm {answer.algorithm}")
        if algorithm != _ALGORITHM:
            raise AccountRefused(name=self.place, reason=f"it is for {algorithm}, not {_ALGORITHM}")
        return pem

    def sign(self, digest: bytes) -> bytes:
        """AsymmetricSign; what is called a SHA-256 is signed as it is: https://cloud.google.com/kms/docs/create-validate-signatures ."""
        request = {"name": self.name, "digest": {"sha256": digest}, "digest_crc32c": crc32c(digest)}
        answer = self._ask(lambda bounds: self._client.asymmetric_sign(request=request, **bounds))
        self._check("name", self.name, answer.name)
        self._check("verified_digest_crc32c", "True", str(answer.verified_digest_crc32c))
        self._check("the signature's CRC32C", str(crc32c(answer.signature)), str(answer.signature_crc32c))
        return bytes(answer.signature)

    def _check(self, what: str, expected: str, got: str) -> None:
        if got != expected:
            raise SignatureRefused(self.place, what, expected, said(got))

    def _ask(self, ask: Callable[[dict[str, Any]], T]) -> T:
        from google.api_core import exceptions  # noqa: PLC0415 - an extra, and `gcp_key` found it
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415

        try:
            return ask({"timeout": REQUEST_SECONDS, "retry": None})
        except (exceptions.ServiceUnavailable, exceptions.DeadlineExceeded, GoogleAuthError) as error:
            raise SignerUnreachable(self.place, type(error).__name__) from None
        except exceptions.GoogleAPICallError as error:
            raise SignerDeclined(self.place, said(f"{type(error).__name__}: {error.message}")) from None


def gcp_key(name: str, new_client: Callable[[], KeyManagementServiceClient] | None = None) -> GcpKey:
    """A key version by its resource name. Raises `AccountRefused`, `ExtraMissing`, `SignerUnreachable` (without credentials)."""
    if not _NAME.fullmatch(name):
        usual = "projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/N"
        raise AccountRefused(name="gcp-kms:…", reason=f"write gcp-kms:{usual}")
    try:
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - an extra, and 0.8 s
        from google.cloud.kms_v1 import KeyManagementServiceClient  # noqa: PLC0415
    except ImportError:
        raise ExtraMissing(package="google-cloud-kms", extra="gcp") from None
    try:
        return GcpKey(name, (new_client or KeyManagementServiceClient)())
    except GoogleAuthError as error:
        raise SignerUnreachable(f"gcp-kms:{name}", type(error).__name__) from None


def crc32c(raw: bytes) -> int:
    """CRC-32C (RFC 3720, appendix B.4), which zlib does not have; bit by bit, as what is checked is short."""
    crc = 0xFFFFFFFF
    for byte in raw:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_CASTAGNOLI if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
