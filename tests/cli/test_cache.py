"""proofbridge cache: what is kept is shown, and pruned by time, by size, or all of it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.circuit import srs
from bridge.cli.amount import shown
from bridge.cli.app import app
from bridge.core import store
from bridge.core.store import Key
from bridge.errors import OptionInvalid
from tests.cli.conftest import Done, cli


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home of its own, with a day-old entry of 1 MB, a new one of 2 MB, and a setup."""
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(tmp_path / "home"))
    for kind, megabytes, days in (("keys", 1, 1), ("bundles", 2, 0)):
        store.remember(kind, {}, lambda many=megabytes: bytes(many * 10**6))  # type: ignore[misc]
        with store.entry(Key.of(kind, {}), lambda _: None) as folder:
            os.utime(folder / "entry.json", (time.time() - days * 86_400 - 60,) * 2)
    srs.development_setup(1)
    return tmp_path / "home"


def kinds() -> set[str]:
    return {item.kind for item in store.entries()}


def prune(*options: str) -> Done:
    return cli("cache", "prune", *options, "--json")


def test_what_is_kept_is_shown_by_kind(home: Path) -> None:
    document = cli("cache", "show", "--json").document
    assert document["path"] == str(home / "cache")
    assert {kind: found["entries"] for kind, found in document["kinds"].items()} == {"keys": 1, "bundles": 1}
    assert 1_000_000 < document["kinds"]["keys"]["bytes"] < 1_001_000
    assert 3_000_000 < document["bytes"] < 3_002_000
    assert document["kinds"]["bundles"]["last_used"] - document["kinds"]["keys"]["last_used"] in {
        86_399,
        86_400,
        86_401,
    }
    shown = cli("cache", "show")
    assert "3.0 MB on the disk" in shown.out
    assert "24 hours ago" in shown.out


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (("--older-than", "12h"), {"bundles"}),
        (("--older-than", "2d"), {"keys", "bundles"}),
        (("--older-than", "1.5D"), {"keys", "bundles"}),
        (("--max-size", "5G"), {"keys", "bundles"}),
        (("--max-size", "2500k"), {"bundles"}),
        (("--max-size", "2.5MB"), {"bundles"}),
        (("--max-size", "1000"), set()),
        (("--older-than", "2d", "--max-size", "2500K"), {"bundles"}),
        (("--all",), set()),
    ],
)
def test_what_is_old_or_too_much_is_pruned_and_the_setup_stays(
    options: tuple[str, ...], left: set[str], home: Path
) -> None:
    shown = CliRunner().invoke(app, ["cache", "prune", *options])
    assert shown.exit_code == 0
    assert f"{2 - len(left)} entries removed" in shown.output
    assert kinds() == left
    assert (home / "cache" / "srs" / "development-1").is_file()


def test_what_was_freed_and_what_is_left_is_told() -> None:
    document = prune("--older-than", "12h").document
    assert document["removed"] == 1
    assert 1_000_000 < document["bytes_freed"] < 1_001_000
    assert 2_000_000 < document["bytes_left"] < 2_001_000


def test_what_another_process_holds_stays() -> None:
    with store.hold(Key.of("keys", {})):
        assert prune("--all").document["removed"] == 1
    assert kinds() == {"keys"}
    assert prune("--all").document["removed"] == 1


@pytest.mark.parametrize(
    "options",
    [
        ("--older-than", "30"),
        ("--older-than", "-1d"),
        ("--older-than", "5G"),
        ("--max-size", "5X"),
        ("--max-size", "9" * 400),
    ],
)
def test_an_amount_that_is_none_is_named_and_nothing_is_pruned(options: tuple[str, str]) -> None:
    refused = prune(*options)
    assert refused.code == 1
    assert refused.document["error"]["name"] == OptionInvalid.__name__
    assert options[0] in refused.document["error"]["what"]
    assert kinds() == {"keys", "bundles"}


def test_without_a_bound_it_is_wrong_usage() -> None:
    assert prune().code == 2
    assert kinds() == {"keys", "bundles"}


def test_an_empty_cache_is_shown_and_pruned_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(tmp_path / "nothing"))
    assert cli("cache", "show", "--json").document["kinds"] == {}
    assert prune("--all").document == {"removed": 0, "bytes_freed": 0, "bytes_left": 0}


def test_sizes_are_told_in_powers_of_ten() -> None:
    assert [shown(count) for count in (0, 999, 1000, 1_500_000, 2 * 10**9, 3 * 10**12)] == [
        "0 bytes",
        "999 bytes",
        "1.0 kB",
        "1.5 MB",
        "2.0 GB",
        "3.0 TB",
    ]
