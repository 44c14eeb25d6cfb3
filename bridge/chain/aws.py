"""A key in AWS KMS. The only file that imports boto3, which is an extra.

Credentials come from where the AWS SDK finds them (its environment, files, or the machine's role), and are never seen here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

from bridge.chain.remote import said
from bridge.chain.rpc import CONNECT_SECONDS, REQUEST_SECONDS
from bridge.errors import AccountRefused, ExtraMissing, SignerDeclined, SignerUnreachable

_NAME = re.compile(r"[A-Za-z0-9:/_-]{1,2048}")
"""What `KeyId` may be: a key's id or ARN, or an alias' name or ARN."""
_ARN = re.compile(r"arn:[a-z-]+:kms:(?P<region>[a-z0-9-]+):\d+:.+")

_MALFORMED = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What the SDK raises on an answer of another form than the operation's."""


@dataclass(frozen=True, slots=True)
class AwsKey:
    """An asymmetric key of the spec ECC_SECG_P256K1; make one with `aws_key`."""

    extra: ClassVar[str] = "aws"

    name: str
    _client: Any = field(repr=False)

    @property
    def place(self) -> str:
        """As it is given to --account."""
        return f"aws-kms:{self.name}"

    def public_key(self) -> bytes:
        """GetPublicKey: https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html ."""
        answer = self._ask("get_public_key")
        if answer.get("KeyUsage") != "SIGN_VERIFY":
            raise AccountRefused(name=self.place, reason="it is not a key for signing (SIGN_VERIFY)")
        return bytes(answer.get("PublicKey", b""))

    def sign(self, digest: bytes) -> bytes:
        """Sign, of a DIGEST, or it would be hashed once more: https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html ."""
        answer = self._ask("sign", Message=digest, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256")
        return bytes(answer.get("Signature", b""))

    def _ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - an extra, and `aws_key` found it

        try:
            answer: dict[str, Any] = getattr(self._client, operation)(KeyId=self.name, **arguments)
        except ClientError as error:
            problem = error.response.get("Error", {})
            words = f"{problem.get('Code', 'no code')}: {problem.get('Message', 'no message')}"
            raise SignerDeclined(self.place, said(words)) from None
        except (BotoCoreError, *_MALFORMED) as error:
            raise SignerUnreachable(self.place, type(error).__name__) from None
        return answer


def aws_key(name: str) -> AwsKey:
    """A key by its id, alias or ARN; an ARN says its region, for the rest it is the SDK's.

    Raises `AccountRefused`, `ExtraMissing`, `SignerUnreachable` (without a region).
    """
    if not _NAME.fullmatch(name):
        raise AccountRefused(name="aws-kms:…", reason="write aws-kms: and a key's id, alias/NAME, or an ARN")
    try:
        import boto3  # noqa: PLC0415 - an extra, and 0.5 s
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415
    except ImportError:
        raise ExtraMissing(package="boto3", extra="aws") from None
    arn = _ARN.fullmatch(name)
    # A signature is asked for once: whoever audits the key's use should not find more than was wanted.
    bounds = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=REQUEST_SECONDS,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    try:
        client = boto3.client("kms", region_name=arn["region"] if arn else None, config=bounds)
    except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint in the SDK's settings that is no URL
        raise SignerUnreachable(f"aws-kms:{name}", type(error).__name__) from None
    return AwsKey(name, client)
