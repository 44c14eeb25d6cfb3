"""One message to a URL that a stranger chose: no redirects, no proxies, bounded in time and size, and never into our own network.

The name is looked up once, and the connection goes to the address that was looked at: a name that changes its mind between
the two gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.exceptions import HTTPError

from bridge.errors import WebhookUrlRefused

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 15.0
_PORTS = {"http": 80, "https": 443}
_LONGEST_URL = 2000
_SAID = 200
"""Characters of a failure's words that are kept."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int | None
    """Of HTTP; None where there was no answer."""
    said: str
    """What went wrong; empty where the message was taken."""
    seconds: float

    @property
    def is_taken(self) -> bool:
        """Whether the subscriber has it now."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Post:
    """How messages are posted."""

    may_be_private: bool = False
    """Whether plain HTTP and addresses of private networks are allowed: for a receiver of one's own."""

    def check(self, url: str) -> SplitResult:
        """A URL that messages may go to, as far as one can tell without looking it up. Raises `WebhookUrlRefused`."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise WebhookUrlRefused(host="(no readable URL)", reason="it is no URL") from None
        host = parts.hostname or ""
        schemes = ("http", "https") if self.may_be_private else ("https",)
        if parts.scheme not in schemes:
            raise WebhookUrlRefused(host=host, reason=f"it has to begin with {' or '.join(schemes)}://")
        if not host or len(url) > _LONGEST_URL or not url.isascii() or any(sign.isspace() for sign in url):
            raise WebhookUrlRefused(
                host=host, reason=f"expected a host, ASCII, no spaces, at most {_LONGEST_URL} characters"
            )
        if parts.username is not None or parts.fragment or port == 0:
            raise WebhookUrlRefused(host=host, reason="a user, a password, a fragment or port 0 is in it")
        return parts

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post it once. Whatever happens is an `Answer`."""
        started = time.monotonic()
        try:
            status = self._send(url, headers, body)
        except WebhookUrlRefused as error:
            return Answer(None, error.reason[:_SAID], time.monotonic() - started)
        except (HTTPError, OSError, ValueError) as error:
            return Answer(None, type(error).__name__[:_SAID], time.monotonic() - started)
        answer = Answer(status, "", time.monotonic() - started)
        return answer if answer.is_taken else Answer(status, f"HTTP {status}", answer.seconds)

    def _send(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        parts = self.check(url)
        host, port = str(parts.hostname), parts.port or _PORTS[parts.scheme]
        address = self._address(host, port)
        timeout = Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS)
        pool = (
            HTTPSConnectionPool(address, port, timeout=timeout, server_hostname=host, assert_hostname=host)
            if parts.scheme == "https"
            else HTTPConnectionPool(address, port, timeout=timeout)
        )
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = {**headers, "host": parts.netloc, "content-type": "application/json", "user-agent": "proofbridge"}
        with pool:
            response = pool.urlopen(
                "POST", target, body=body, headers=sent, redirect=False, retries=False, preload_content=False
            )
            response.close()  # what it says besides its status is nobody's business
            return response.status

    def _address(self, host: str, port: int) -> str:
        """Where a host is. Raises `WebhookUrlRefused` where any of its addresses is none of the public internet."""
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        for address in sorted(found):
            if not self.may_be_private and not _is_public(address):
                raise WebhookUrlRefused(host=host, reason="it is in a private network")
        return min(found, key=lambda address: (":" in address, address))


def _is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    inner = getattr(parsed, "ipv4_mapped", None) or parsed
    return inner.is_global and not inner.is_multicast
