"""Records read back from a chain."""

from __future__ import annotations

from bridge.connection import Connection
from bridge.core.inference import VerifiedInference
from bridge.core.word import Hex32, parse_hex32
from bridge.errors import NotDeployed
from bridge.query.results import Filter
from bridge.query.results import results as read_results


def results(connection: Connection, chosen: Filter | None = None) -> tuple[VerifiedInference, ...]:
    """Verified inferences read back from the chain, oldest first."""
    return read_results(connection.core(), chosen or Filter(), span=connection.preset.log_range)


def find_model(connection: Connection, text: str) -> Hex32:
    """The id of a model by id, start of an id, or name in the book. Raises `NotDeployed`."""
    entry = connection.book().find_model(text)
    if entry is not None:
        return entry.model_id
    try:
        return parse_hex32(text)
    except ValueError:
        command = "proofbridge deploy model DIR"
        raise NotDeployed(thing=f"a model {text!r}", chain_id=connection.rpc.chain_id, command=command) from None
