"""Where the files lie that are not Python: in a checkout beside the package, in a wheel inside it."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_CHECKOUT = _PACKAGE.parent


def contracts() -> Path:
    """The folder with src/, abi/ and the solc executable."""
    inside = _PACKAGE / "_contracts"
    return inside if inside.is_dir() else _CHECKOUT / "contracts"


def npm_manifest() -> Path:
    """The folder with package.json and package-lock.json."""
    inside = _PACKAGE / "_npm"
    return inside if inside.is_dir() else _CHECKOUT


def checkout() -> Path | None:
    """The root of the checkout that this package runs from, if it does."""
    return _CHECKOUT if (_CHECKOUT / "pyproject.toml").is_file() and (_CHECKOUT / "package.json").is_file() else None


def examples() -> Path:
    """The folder of the example models."""
    return _PACKAGE / "examples"
