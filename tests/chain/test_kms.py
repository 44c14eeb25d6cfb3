from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import grpc
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from eth_account import Account
from google.cloud.kms_v1 import CryptoKeyVersion, KeyManagementServiceClient
from google.cloud.kms_v1.services.key_management_service.transports import KeyManagementServiceGrpcTransport
from google.cloud.kms_v1.types import resources, service
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws
from moto.kms.models import kms_backends
from moto.kms.utils import ECDSAPrivateKey

from bridge.chain import aws, gcp
from bridge.chain.account import Signer, open_signer
from bridge.chain.anvil import Anvil, local_chain
from bridge.chain.gcp import crc32c, gcp_key
from bridge.chain.kms import KmsSigner, ServiceKey, open_key
from bridge.chain.signature import ORDER, Signed
from bridge.connection import Connection, connect
from bridge.core.word import Address
from bridge.errors import AccountRefused, BridgeError, ExtraMissing, SignatureRefused, SignerDeclined, SignerUnreachable
from tests.chain.proxy import Proxy, Request, Rule, Server, body, proxied, serving

TARGET = Address("0x" + "77" * 20)
REGION = "eu-central-1"
VERSION = "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"
ASKED: dict[str, Any] = {
    "to": TARGET,
    "value": 0,
    "data": b"\x01\x02",
    "nonce": 0,
    "gas": 30_000,
    "chainId": 31337,
    "maxFeePerGas": 2 * 10**9,
    "maxPriorityFeePerGas": 10**9,
}
LEGACY = {name: value for name, value in ASKED.items() if not name.startswith("max")} | {"gasPrice": 10**9}
PREHASHED = ec.ECDSA(utils.Prehashed(hashes.SHA256()))

OwnKey = ec.EllipticCurvePrivateKey


def opened(spec: str) -> Signer:
    return open_signer(spec, lambda: "", is_local=False, unlocked=lambda: ())


def mirrored(signature: bytes) -> bytes:
    """The other of the two signatures that a curve allows."""
    r, s = utils.decode_dss_signature(signature)
    return utils.encode_dss_signature(r, ORDER - s)


# --- AWS, by moto ----------------------------------------------------------------------------------------------------


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """AWS KMS in this process. moto hashes a DIGEST once more (getmoto/moto#10202); this takes it as the service does."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(variable, str(tmp_path / "none"))
    with mock_aws():
        yield


@pytest.fixture
def as_it_is(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ECDSAPrivateKey, "sign", lambda self, message, _: self.private_key.sign(message, PREHASHED))


def made_key(spec: str = "ECC_SECG_P256K1", usage: str = "SIGN_VERIFY") -> dict[str, Any]:
    made: dict[str, Any] = boto3.client("kms").create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]
    return made


def key_behind(key_id: str) -> Any:
    """moto's own record of a key."""
    (backend,) = (regions[REGION] for regions in kms_backends.values() if key_id in regions[REGION].keys)
    return backend.keys[key_id]


def address_of(private: OwnKey) -> str:
    return str(Account.from_key(private.private_numbers().private_value.to_bytes(32, "big")).address)


@pytest.mark.usefixtures("as_it_is")
def test_a_key_in_aws_signs_as_the_account_of_its_public_key() -> None:
    made = made_key()
    boto3.client("kms").create_alias(AliasName="alias/prover", TargetKeyId=made["KeyId"])
    for name in (made["KeyId"], made["Arn"], "alias/prover", made["Arn"].rpartition(":")[0] + ":alias/prover"):
        signer = opened(f"aws-kms:{name}")
        assert signer.address == address_of(key_behind(made["KeyId"]).private_key.private_key)
        for asked in (ASKED, LEGACY):
            signed = signer.sign(asked)
            assert signed is not None
            assert Account.recover_transaction(signed.raw) == signer.address


@pytest.mark.usefixtures("as_it_is")
def test_an_arn_says_its_region_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    made = made_key()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    assert opened(f"aws-kms:{made['Arn']}").address
    with pytest.raises(SignerDeclined, match="NotFoundException"):
        opened(f"aws-kms:{made['KeyId']}")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert opened(f"aws-kms:{made['Arn']}").address
    with pytest.raises(SignerUnreachable, match="NoRegionError"):
        opened(f"aws-kms:{made['KeyId']}")


@pytest.mark.usefixtures("cloud")
def test_a_service_that_hashes_the_digest_once_more_is_refused() -> None:
    signer = opened(f"aws-kms:{made_key()['KeyId']}")
    with pytest.raises(SignatureRefused, match="from is the key of another account, or of another digest"):
        signer.sign(ASKED)


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    ("spec", "usage", "reason"),
    [
        ("ECC_NIST_P256", "SIGN_VERIFY", "not a key of the curve secp256k1"),
        ("RSA_2048", "SIGN_VERIFY", "not a key of the curve secp256k1"),
        ("RSA_2048", "ENCRYPT_DECRYPT", "not a key for signing"),
    ],
)
def test_a_key_of_another_kind_is_refused_when_it_is_opened(spec: str, usage: str, reason: str) -> None:
    with pytest.raises(AccountRefused, match=reason):
        opened(f"aws-kms:{made_key(spec, usage)['KeyId']}")


@pytest.mark.usefixtures("as_it_is")
def test_a_key_that_is_not_there_or_no_longer_signs_declines() -> None:
    with pytest.raises(SignerDeclined, match="NotFoundException"):
        opened("aws-kms:11111111-2222-3333-4444-555555555555")
    made = made_key()
    signer = opened(f"aws-kms:{made['KeyId']}")
    assert signer.sign(ASKED) is not None
    key_behind(made["KeyId"]).key_usage = "ENCRYPT_DECRYPT"
    with pytest.raises(SignerDeclined, match="ValidationException"):
        signer.sign(ASKED)


def test_aws_without_credentials_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(variable, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with pytest.raises(SignerUnreachable, match=r"NoCredentialsError.*credentials and region"):
        opened("aws-kms:alias/prover")


SECRET = "wJalrXUtnFEMI"


@pytest.fixture
def own_endpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Send the AWS SDK to a server of ours, with credentials that must not be shown."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(variable, str(tmp_path / "none"))
    monkeypatch.setattr(aws, "REQUEST_SECONDS", 0.5)
    return lambda url: monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", url)


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        (body(b"", 500), SignerDeclined),
        (body(b"<html>", 503), SignerDeclined),
        (body(b"not JSON"), AccountRefused),
        (body(b"[1]"), SignerUnreachable),
        (body(b"5"), SignerUnreachable),
        (body(b"[" * 200_000), SignerUnreachable),
        (body(b'{"KeyUsage": "SIGN_VERIFY", "PublicKey": 5}'), SignerUnreachable),
        (body(b'{"KeyUsage": "SIGN_VERIFY", "PublicKey": "!"}'), AccountRefused),
        (body(b"{}"), AccountRefused),
        (body(b'{"KeyUsage": "SIGN_VERIFY"}'), AccountRefused),
        (body(b'{"KeyUsage": "SIGN_VERIFY", "PublicKey": "AAAA"}'), AccountRefused),
        (lambda _request: None, SignerUnreachable),
    ],
    ids=[
        "HTTP 500",
        "HTTP 503",
        "not JSON",
        "a list",
        "a number",
        "brackets without end",
        "a number as key",
        "no base64 as key",
        "nothing inside",
        "no key inside",
        "a key that is none",
        "a dropped connection",
    ],
)
def test_an_aws_that_misbehaves_is_named_once_and_no_secret_with_it(
    rule: Rule, error: type[BridgeError], own_endpoint: Callable[[str], None]
) -> None:
    with serving(Server(rule)) as server:
        own_endpoint(server.url)
        with pytest.raises(error) as caught:
            opened("aws-kms:alias/prover")
        assert len(server.requests) == 1
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert "AKIA" not in str(caught.value)


def test_an_aws_that_does_not_answer_in_time_is_given_up(own_endpoint: Callable[[str], None]) -> None:
    done = threading.Event()

    def silent(_request: Request) -> None:
        done.wait(5)

    with serving(Server(silent)) as server:
        own_endpoint(server.url)
        with pytest.raises(SignerUnreachable, match="ReadTimeoutError"):
            opened("aws-kms:alias/prover")
        done.set()


# --- Google Cloud, by a gRPC server of the same protocol -----------------------------------------------------------------


@dataclass
class GoogleCloud:
    """Cloud KMS for one key version, on loopback."""

    private: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256K1()))
    algorithm: str = "EC_SIGN_SECP256K1_SHA256"
    sign: Callable[[OwnKey, bytes], bytes] = lambda private, digest: private.sign(digest, PREHASHED)
    spoil_key: Callable[[resources.PublicKey], None] = lambda _answer: None
    spoil_signature: Callable[[service.AsymmetricSignResponse], None] = lambda _answer: None
    status: grpc.StatusCode | None = None
    asked: list[str] = field(default_factory=list)

    def get_public_key(
        self, request: service.GetPublicKeyRequest, context: grpc.ServicerContext
    ) -> resources.PublicKey:
        self._arrive(request, context)
        pem = self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        algorithm = CryptoKeyVersion.CryptoKeyVersionAlgorithm[self.algorithm]
        answer = resources.PublicKey(pem=pem.decode(), pem_crc32c=crc32c(pem), name=request.name, algorithm=algorithm)
        self.spoil_key(answer)
        return answer

    def asymmetric_sign(
        self, request: service.AsymmetricSignRequest, context: grpc.ServicerContext
    ) -> service.AsymmetricSignResponse:
        self._arrive(request, context)
        digest = request.digest.sha256
        assert request.digest_crc32c == crc32c(digest)
        signature = self.sign(self.private, digest)
        answer = service.AsymmetricSignResponse(
            signature=signature, signature_crc32c=crc32c(signature), verified_digest_crc32c=True, name=request.name
        )
        self.spoil_signature(answer)
        return answer

    def _arrive(self, request: Any, context: grpc.ServicerContext) -> None:
        self.asked.append(type(request).__name__)
        if self.status is not None:
            context.abort(self.status, "no\x1b[2J, not\nhere")

    @contextmanager
    def key(self) -> Iterator[ServiceKey]:
        """A key whose client really speaks with the server."""
        methods = {
            "GetPublicKey": (self.get_public_key, service.GetPublicKeyRequest, resources.PublicKey),
            "AsymmetricSign": (self.asymmetric_sign, service.AsymmetricSignRequest, service.AsymmetricSignResponse),
        }
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(method, asked.deserialize, answer.serialize)
            for name, (method, asked, answer) in methods.items()
        }
        server = grpc.server(ThreadPoolExecutor(2))
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("google.cloud.kms.v1.KeyManagementService", handlers),)
        )
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                transport = KeyManagementServiceGrpcTransport(channel=channel)
                yield gcp_key(VERSION, lambda: KeyManagementServiceClient(transport=transport))
        finally:
            server.stop(None).wait()

    @contextmanager
    def signer(self) -> Iterator[KmsSigner]:
        with self.key() as key:
            yield open_key(key)


def test_a_key_in_google_cloud_signs_as_the_account_of_its_public_key() -> None:
    cloud = GoogleCloud()
    with cloud.signer() as signer:
        assert signer.address == address_of(cloud.private)
        for asked in (ASKED, LEGACY):
            assert Account.recover_transaction(signer.sign(asked).raw) == signer.address
    assert cloud.asked == ["GetPublicKeyRequest", "AsymmetricSignRequest", "AsymmetricSignRequest"]


def test_the_checksum_is_that_of_the_standard() -> None:
    assert crc32c(b"123456789") == 0xE3069283  # the usual check value of CRC-32C
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, appendix B.4
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert crc32c(b"") == 0


SPOILED_KEYS: dict[str, tuple[Callable[[Any], None], type[BridgeError], str]] = {
    "another name": (lambda answer: setattr(answer, "name", VERSION[:-1] + "2"), SignatureRefused, "name is"),
    "a damaged key": (lambda answer: setattr(answer, "pem", answer.pem[:-30]), SignatureRefused, "public key's CRC32C"),
    "no checksum": (
        lambda answer: setattr(answer, "pem_crc32c", None),
        SignatureRefused,
        "public key's CRC32C is None",
    ),
}


@pytest.mark.parametrize("how", SPOILED_KEYS)
def test_a_public_key_that_was_damaged_on_its_way_is_refused(how: str) -> None:
    spoil, error, words = SPOILED_KEYS[how]
    with GoogleCloud(spoil_key=spoil).key() as key, pytest.raises(error, match=words):
        open_key(key)


def empty_key(answer: resources.PublicKey) -> None:
    answer.pem, answer.pem_crc32c = "", 0


def test_a_version_of_another_algorithm_or_curve_is_refused() -> None:
    with GoogleCloud(algorithm="EC_SIGN_P256_SHA256").key() as key, pytest.raises(AccountRefused, match="EC_SIGN_P256"):
        open_key(key)
    unknown = GoogleCloud(spoil_key=lambda answer: setattr(resources.PublicKey.pb(answer), "algorithm", 9999))
    with unknown.key() as key, pytest.raises(AccountRefused, match="it is for algorithm 9999"):
        open_key(key)
    for private in (ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)):
        with GoogleCloud(private).key() as key, pytest.raises(AccountRefused, match="curve secp256k1"):
            open_key(key)
    with GoogleCloud(spoil_key=empty_key).key() as key, pytest.raises(AccountRefused, match="no public key"):
        open_key(key)


SPOILED_SIGNATURES: dict[str, tuple[Callable[[Any], None], str]] = {
    "another name": (lambda answer: setattr(answer, "name", ""), "name"),
    "a digest that it did not check": (
        lambda answer: setattr(answer, "verified_digest_crc32c", False),
        "verified_digest_crc32c",
    ),
    "a damaged signature": (
        lambda answer: setattr(answer, "signature", answer.signature[:-1]),
        "the signature's CRC32C",
    ),
    "no checksum": (lambda answer: setattr(answer, "signature_crc32c", None), "the signature's CRC32C"),
}


@pytest.mark.parametrize("how", SPOILED_SIGNATURES)
def test_a_signature_that_was_damaged_on_its_way_is_refused(how: str) -> None:
    spoil, name = SPOILED_SIGNATURES[how]
    with GoogleCloud(spoil_signature=spoil).signer() as signer, pytest.raises(SignatureRefused) as caught:
        signer.sign(ASKED)
    assert caught.value.field == name


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (grpc.StatusCode.UNAVAILABLE, SignerUnreachable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, SignerUnreachable),
        (grpc.StatusCode.PERMISSION_DENIED, SignerDeclined),
        (grpc.StatusCode.NOT_FOUND, SignerDeclined),
        (grpc.StatusCode.INTERNAL, SignerDeclined),
    ],
)
def test_a_google_cloud_that_fails_is_named_and_asked_once(status: grpc.StatusCode, error: type[BridgeError]) -> None:
    cloud = GoogleCloud()
    with cloud.signer() as signer:
        cloud.status = status
        with pytest.raises(error) as caught:
            signer.sign(ASKED)
    assert cloud.asked == ["GetPublicKeyRequest", "AsymmetricSignRequest"]
    assert "\x1b" not in str(caught.value)


def test_a_google_cloud_that_does_not_answer_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()
    cloud = GoogleCloud()
    with cloud.signer() as signer:
        monkeypatch.setattr(gcp, "REQUEST_SECONDS", 0.3)
        cloud.sign = lambda private, digest: private.sign(digest, PREHASHED) if done.wait(5) else b""
        with pytest.raises(SignerUnreachable, match="DeadlineExceeded"):
            signer.sign(ASKED)
        done.set()


def test_google_cloud_without_credentials_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(SignerUnreachable, match="DefaultCredentialsError"):
        opened(f"gcp-kms:{VERSION}")


# --- both ------------------------------------------------------------------------------------------------------------


@given(st.integers(1, ORDER - 1), st.booleans(), st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_service_may_give_either_s_and_the_transaction_is_that_of_the_lower(
    secret: int, flipped: bool, legacy: bool
) -> None:
    private = ec.derive_private_key(secret, ec.SECP256K1())
    asked = LEGACY if legacy else ASKED

    @dataclass
    class Service:
        extra = "aws"
        place = "a service"

        def public_key(self) -> bytes:
            return private.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )

        def sign(self, digest: bytes) -> bytes:
            signature = private.sign(digest, PREHASHED)
            return mirrored(signature) if flipped else signature

    signer = open_key(Service())
    assert signer.address == address_of(private)
    assert Account.recover_transaction(signer.sign(asked).raw) == signer.address


OTHER = ec.generate_private_key(ec.SECP256K1())

LIES: dict[str, tuple[Callable[[OwnKey, bytes], bytes], str]] = {
    "another key": (lambda _private, digest: OTHER.sign(digest, PREHASHED), "from"),
    "another digest": (lambda private, digest: private.sign(digest[::-1], PREHASHED), "from"),
    "the digest hashed once more": (lambda private, digest: private.sign(digest, ec.ECDSA(hashes.SHA256())), "from"),
    "zeros": (lambda _private, _digest: utils.encode_dss_signature(0, 0), "from"),
    "ones": (lambda _private, _digest: utils.encode_dss_signature(1, 1), "from"),
    "numbers below zero": (lambda _private, _digest: bytes.fromhex("30060201ff0201ff"), "the signature"),
    "numbers beyond the curve": (lambda _private, _digest: utils.encode_dss_signature(ORDER, ORDER), "from"),
    "nothing": (lambda _private, _digest: b"", "the signature"),
    "64 bytes and no DER": (lambda _private, _digest: b"\x11" * 64, "the signature"),
    "DER cut short": (lambda private, digest: private.sign(digest, PREHASHED)[:-1], "the signature"),
    "a byte after the DER": (lambda private, digest: private.sign(digest, PREHASHED) + b"\0", "the signature"),
    "DER with a leading zero": (lambda _private, _digest: bytes.fromhex("3008020200010202000a"), "the signature"),
    "6000 bytes": (lambda _private, _digest: bytes(6000), "the signature"),
}


@pytest.fixture(scope="module")
def watched() -> Iterator[tuple[Proxy, Connection]]:
    """A chain that tells what it was asked."""
    with local_chain() as chain, proxied(chain.url) as proxy:
        yield proxy, connect(rpc=proxy.url)


def fund(connection: Connection, address: Address) -> None:
    connection.rpc.raw("anvil_setBalance", address, hex(10**18))


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("service_name", ["aws", "gcp"])
def test_a_service_that_signs_something_else_is_refused_and_nothing_is_sent(
    service_name: str,
    lie: str,
    watched: tuple[Proxy, Connection],
    as_it_is: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sign, name = LIES[lie]
    proxy, connection = watched
    kept: list[Signed] = []

    def refused(signer: Signer) -> SignatureRefused:
        fund(connection, signer.address)
        wallet = replace(connection.wallet(), signer=signer)
        with pytest.raises(SignatureRefused) as caught:
            wallet.send(TARGET, b"\x01\x02", label="poke", on_signed=kept.append)
        return caught.value

    if service_name == "aws":
        made = made_key()
        signer = opened(f"aws-kms:{made['KeyId']}")
        monkeypatch.setattr(ECDSAPrivateKey, "sign", lambda self, message, _: sign(self.private_key, message))
        error = refused(signer)
    else:
        with GoogleCloud(sign=sign).signer() as signer:
            error = refused(signer)
    assert error.field == name
    assert kept == []
    assert proxy.asked("eth_sendRawTransaction") == []


def mined(anvil: Anvil, signer: Signer) -> None:
    connection = connect(rpc=anvil.url)
    fund(connection, signer.address)
    wallet = replace(connection.wallet(), signer=signer)
    receipt = wallet.execute(TARGET, b"\x01\x02", label="poke")
    assert receipt.succeeded
    assert receipt.sender == signer.address
    assert wallet.rpc.nonce(signer.address) == 1


@pytest.mark.usefixtures("as_it_is")
def test_a_transaction_signed_in_aws_is_mined_from_its_account(anvil: Anvil) -> None:
    mined(anvil, opened(f"aws-kms:{made_key()['Arn']}"))


def test_a_transaction_signed_in_google_cloud_is_mined_from_its_account(anvil: Anvil) -> None:
    with GoogleCloud().signer() as signer:
        mined(anvil, signer)


@pytest.mark.parametrize(
    "spec",
    [
        "aws-kms:",
        "aws-kms:a b",
        "aws-kms:key\n",
        f"aws-kms:{'k' * 2049}",
        "gcp-kms:",
        "gcp-kms:key",
        f"gcp-kms:/{VERSION}",
        f"gcp-kms:{VERSION}x",
        f"gcp-kms:{VERSION.rpartition('/')[0]}",
        f"gcp-kms:{VERSION.replace('/p/', '//')}",
    ],
)
def test_a_name_that_no_key_has_is_refused_before_anybody_is_asked(spec: str) -> None:
    with pytest.raises(AccountRefused, match=r"write (aws|gcp)-kms:"):
        opened(spec)


@pytest.mark.parametrize(
    ("spec", "package", "module", "extra"),
    [
        ("aws-kms:alias/prover", "boto3", "boto3", "aws"),
        (f"gcp-kms:{VERSION}", "google-cloud-kms", "google.cloud.kms_v1", "gcp"),
    ],
)
def test_an_extra_that_is_not_installed_is_named(
    spec: str, package: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ExtraMissing, match=rf"{package} is not installed.*proofbridge\[{extra}\]"):
        opened(spec)


@pytest.mark.usefixtures("as_it_is")
def test_the_library_that_reads_keys_is_named_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = made_key()
    assert opened(f"aws-kms:{made['KeyId']}").address
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    with pytest.raises(ExtraMissing, match=r"cryptography is not installed.*proofbridge\[aws\]"):
        opened(f"aws-kms:{made['KeyId']}")


@pytest.mark.usefixtures("as_it_is")
def test_a_signer_shows_its_account_and_nothing_of_the_service() -> None:
    made = made_key()
    signer = opened(f"aws-kms:{made['KeyId']}")
    assert repr(signer) == f"KmsSigner(address={signer.address!r})"
