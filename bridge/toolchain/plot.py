"""The door to matplotlib, which is an extra: only what draws needs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bridge.core.storage import disk_errors
from bridge.errors import ExtraMissing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> Figure:
    """An empty figure; inches. Raises `ExtraMissing`."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra, and 0.3 s
    except ImportError:
        raise ExtraMissing(package="matplotlib", extra="plot") from None
    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, path: Path) -> None:
    """Write a figure; the ending of `path` says as what. The same figure gives the same SVG. Raises `DiskFull`, `NotWritable`."""
    from matplotlib import rc_context  # noqa: PLC0415 - see above

    with rc_context({"svg.hashsalt": "proofbridge"}), disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
