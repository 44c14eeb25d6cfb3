"""What a server answers, typed, and held against a chain of the caller's choice: `from bridge.client import Anchor, Client`."""

from __future__ import annotations

from bridge.client.anchor import Anchor
from bridge.client.client import Client, InferenceQuery, RequestQuery
from bridge.client.confirm import Confirmation, confirm

__all__ = ["Anchor", "Client", "Confirmation", "InferenceQuery", "RequestQuery", "confirm"]
