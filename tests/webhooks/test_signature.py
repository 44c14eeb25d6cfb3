"""Messages are signed as Standard Webhooks says, and what was changed on the way is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import MessageRefused
from bridge.webhooks.signature import TOLERANCE_SECONDS, check, headers, new_secret

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'


def test_the_example_of_the_standard_has_its_signature() -> None:
    told = headers(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, BODY)
    assert told == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.text(min_size=1), st.binary(), st.integers(0, 2**33))
def test_what_is_signed_is_accepted(message_id: str, body: bytes, at: int) -> None:
    secret = new_secret()
    told = headers(secret, message_id, at, body)
    assert check(secret, {name.title(): value for name, value in told.items()}, body, now=at) == message_id


def test_a_second_signature_of_an_older_secret_does_no_harm() -> None:
    told = headers(SECRET, "one", 1000, BODY)
    told["webhook-signature"] = f"v1,{'A' * 44} v1a,other {told['webhook-signature']}"
    assert check(SECRET, told, BODY, now=1000) == "one"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("webhook-id", "two", "not signed"),
        ("webhook-timestamp", "1001", "not signed"),
        ("webhook-timestamp", "soon", "no number"),
        ("webhook-timestamp", "٣", "no number"),
        ("webhook-timestamp", "1" * 4000, "not within"),
        ("webhook-signature", "", "not signed"),
        ("webhook-signature", "v1,ümlaut", "not signed"),
        ("webhook-signature", None, "no header webhook-signature"),
    ],
)
def test_a_changed_header_is_refused(name: str, value: str | None, said: str) -> None:
    told = headers(SECRET, "one", 1000, BODY)
    told = {**told, name: value} if value is not None else {key: told[key] for key in told if key != name}
    with pytest.raises(MessageRefused, match=said):
        check(SECRET, told, BODY, now=1000)


def test_another_body_and_another_secret_are_refused() -> None:
    told = headers(SECRET, "one", 1000, BODY)
    for secret, body in ((SECRET, BODY + b" "), (new_secret(), BODY)):
        with pytest.raises(MessageRefused, match="not signed"):
            check(secret, told, body, now=1000)


@pytest.mark.parametrize(("late", "refused"), [(TOLERANCE_SECONDS, False), (TOLERANCE_SECONDS + 1, True)])
def test_a_message_that_somebody_kept_is_refused(late: float, *, refused: bool) -> None:
    told = headers(SECRET, "one", 1000, BODY)
    if not refused:
        assert check(SECRET, told, BODY, now=1000 + late) == "one"
        return
    with pytest.raises(MessageRefused, match="not within"):
        check(SECRET, told, BODY, now=1000 + late)


@pytest.mark.parametrize("secret", ["whsec_c2hvcnQ=", "whsec_%%%", ""])
def test_a_secret_that_is_none_signs_nothing(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        headers(secret, "one", 1000, BODY)


def test_no_two_secrets_are_the_same() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
