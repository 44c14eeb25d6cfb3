from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from bridge.chain import account
from bridge.chain.account import KeySigner, Keystore, NodeSigner, Signer
from bridge.core.word import Address
from bridge.errors import AccountError, AccountExists, AccountMissing, AccountRefused, WrongPassword

PASSWORD = "a horse that is correct"
KEY = "0x" + "4c" * 32
FIRST, SECOND = Address("0x" + "11" * 20), Address("0x" + "22" * 20)


@pytest.fixture(scope="module")
def keystore() -> Keystore:
    """A keystore that holds a known key (scrypt takes most of a second)."""
    return account.import_key("shared", KEY, PASSWORD)


def opened(spec: str, password: str = PASSWORD, *, is_local: bool = False) -> Signer:
    return account.open_signer(spec, lambda: password, is_local=is_local, unlocked=lambda: (FIRST, SECOND))


def test_a_new_keystore_is_private_encrypted_and_opens_with_its_password_only() -> None:
    made = account.create("fresh", PASSWORD)
    assert made.path.stat().st_mode & 0o777 == 0o600
    document = json.loads(made.path.read_bytes())
    assert document["version"] == 3
    assert set(document["crypto"]) >= {"ciphertext", "kdf", "mac"}
    assert opened("fresh").address == made.address
    with pytest.raises(WrongPassword):
        opened("fresh", "a horse that is wrong")
    with pytest.raises(WrongPassword):
        opened("fresh", "")


def test_a_keystore_is_never_overwritten(keystore: Keystore) -> None:
    before = keystore.path.read_bytes()
    for again in (lambda: account.create("shared", "x"), lambda: account.import_key("shared", KEY, "x")):
        with pytest.raises(AccountExists, match=r"shared\.json"):
            again()
    assert keystore.path.read_bytes() == before


def test_an_imported_key_signs_for_its_own_address(keystore: Keystore) -> None:
    signer = opened("shared")
    assert keystore.address == signer.address == Account.from_key(KEY).address
    fields = {"to": FIRST, "value": 0, "gas": 21000, "gasPrice": 1, "nonce": 7, "chainId": 31337}
    signed = signer.sign(fields)
    assert signed is not None
    assert signed.nonce == 7
    assert Account.recover_transaction(signed.raw) == signer.address


def test_a_keystore_opens_by_its_path_too(keystore: Keystore) -> None:
    assert opened(str(keystore.path)).address == keystore.address
    with pytest.raises(AccountMissing):
        opened(str(keystore.path.with_name("elsewhere.json")))


def test_a_missing_keystore_is_named_with_those_that_are_there(keystore: Keystore) -> None:
    with pytest.raises(AccountMissing, match=f"keystores found: .*{keystore.name}"):
        opened("nobody")


@pytest.mark.parametrize("name", ["../up", "a/b", "/abs", "..", ".hidden", "", " ", "a b", "x" * 65, "line\n", "nul\0"])
def test_a_name_that_could_leave_the_folder_is_refused(name: str, own_home: Path) -> None:
    before = sorted(own_home.rglob("*.json"))
    with pytest.raises(AccountRefused, match="letters, digits"):
        account.create(name, PASSWORD)
    with pytest.raises(AccountRefused, match="letters, digits"):
        account.import_key(name, KEY, PASSWORD)
    assert sorted(own_home.rglob("*.json")) == before


def test_an_empty_password_is_refused() -> None:
    with pytest.raises(AccountRefused, match="protects nothing"):
        account.create("bare", "")


def test_a_variable_that_holds_a_key_is_taken_and_an_unset_one_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", f" {KEY}\n")
    assert opened("env:A_KEY").address == Account.from_key(KEY).address
    monkeypatch.delenv("A_KEY")
    with pytest.raises(AccountRefused, match=r"env:A_KEY.*is not set"):
        opened("env:A_KEY")
    with pytest.raises(AccountRefused, match="is not set"):
        opened("env:")


@pytest.mark.parametrize(
    "garbage",
    ["hunter2-hunter2-hunter2", KEY[:-1], KEY + "00", "0x" + "zz" * 32, "0x" + "00" * 32, "0x" + "ff" * 32, "é" * 32],
)
def test_a_variable_that_holds_no_key_is_refused_and_never_repeated(
    garbage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", garbage)
    with pytest.raises(AccountRefused, match="32-byte private key") as caught:
        opened("env:A_KEY")
    assert garbage not in _shown(caught.value)
    with pytest.raises(AccountRefused, match="32-byte private key") as caught:
        account.import_key("garbage", garbage, PASSWORD)
    assert garbage not in _shown(caught.value)


def test_an_unlocked_account_is_for_a_local_chain_only() -> None:
    assert opened("unlocked", is_local=True) == NodeSigner(FIRST)
    assert opened(f"unlocked:{SECOND}", is_local=True) == NodeSigner(SECOND)
    for spec in ("unlocked", f"unlocked:{SECOND}"):
        with pytest.raises(AccountRefused, match="local chain only"):
            opened(spec)
    with pytest.raises(AccountMissing):
        opened("unlocked:0x" + "33" * 20, is_local=True)


def test_a_node_without_accounts_unlocks_none() -> None:
    with pytest.raises(AccountMissing):
        account.open_signer("unlocked", str, is_local=True, unlocked=lambda: ())


def test_nothing_that_is_shown_of_a_signer_holds_its_key(keystore: Keystore) -> None:
    signer = opened("shared")
    assert isinstance(signer, KeySigner)
    for text in (repr(signer), str(signer), f"{signer}", repr([signer]), repr(keystore)):
        assert KEY[2:] not in text
        assert PASSWORD not in text


def _changed(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], bytes]:
    def apply(document: dict[str, Any]) -> bytes:
        change(document)
        return json.dumps(document).encode()

    return apply


CORRUPT: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "empty": lambda _: b"",
    "no text": lambda _: b"\xff\xfe\x00",
    "a list": lambda _: b"[]",
    "null": lambda _: b"null",
    "a text": lambda _: b'"abc"',
    "an object without fields": lambda _: b"{}",
    "half of it": lambda document: json.dumps(document).encode()[:-40],
    "deep brackets": lambda _: b"[" * 200_000,
    "version 4": _changed(lambda document: document.update(version=4)),
    "version as text": _changed(lambda document: document.update(version="3")),
    "no mac": _changed(lambda document: document["crypto"].pop("mac")),
    "mac of another type": _changed(lambda document: document["crypto"].update(mac=5)),
    "unknown kdf": _changed(lambda document: document["crypto"].update(kdf="argon2")),
    "kdf out of bounds": _changed(lambda document: document["crypto"]["kdfparams"].update(n=2**40)),
    "kdf of zero": _changed(lambda document: document["crypto"]["kdfparams"].update(r=0)),
    "ciphertext of no hex": _changed(lambda document: document["crypto"].update(ciphertext="zz")),
    "iv that makes another key": _changed(lambda document: document["crypto"]["cipherparams"].update(iv="00" * 16)),
    "another address": _changed(lambda document: document.update(address="11" * 20)),
}


@pytest.mark.parametrize("how", CORRUPT)
def test_a_corrupt_keystore_is_refused_and_a_whole_one_opened(how: str, keystore: Keystore, tmp_path: Path) -> None:
    copy = tmp_path / "copy.json"
    copy.write_bytes(keystore.path.read_bytes())
    if how == "empty":
        assert opened(str(copy)).address == keystore.address
    copy.write_bytes(CORRUPT[how](json.loads(keystore.path.read_bytes())))
    with pytest.raises(AccountRefused) as caught:
        opened(str(copy))
    assert PASSWORD not in _shown(caught.value)


def test_a_keystore_with_a_flipped_byte_of_key_does_not_open(keystore: Keystore, tmp_path: Path) -> None:
    document = json.loads(keystore.path.read_bytes())
    ciphertext = document["crypto"]["ciphertext"]
    document["crypto"]["ciphertext"] = ciphertext[:-1] + ("0" if ciphertext[-1] != "0" else "1")
    copy = tmp_path / "copy.json"
    copy.write_text(json.dumps(document))
    with pytest.raises(AccountError):
        opened(str(copy))


def test_the_list_of_keystores_leaves_out_what_is_none(keystore: Keystore) -> None:
    stray = keystore.path.with_name("stray.json")
    stray.write_text("[]")
    try:
        found = {item.name: item.address for item in account.keystores()}
    finally:
        stray.unlink()
    assert found[keystore.name] == keystore.address
    assert "stray" not in found


def _shown(error: BaseException) -> str:
    return "".join([str(error), repr(error), *traceback.format_exception(error)])
