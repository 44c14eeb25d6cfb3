"""Contracts and verifiers put on a chain, held against it, and published."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.connection import Connection
from bridge.core.bundle import Bundle
from bridge.core.progress import Progress, silent
from bridge.core.word import Address
from bridge.deploy.core import CoreDeployment
from bridge.deploy.core import deploy_core as put_core
from bridge.deploy.explorer import Patience, Published, open_explorer, publish
from bridge.deploy.model import ModelDeployment
from bridge.deploy.model import deploy_model as put_model
from bridge.deploy.source import SourceBundle, bundle_sources
from bridge.deploy.verify import Verification
from bridge.deploy.verify import verify_deployment as compare
from bridge.errors import ExplorerRefused


@dataclass(frozen=True, slots=True)
class Publication:
    """What became of every source that was handed in."""

    published: tuple[Published, ...]
    refused: tuple[ExplorerRefused, ...]
    """Those that the service does not accept; a refusal of one does not hold up the others."""


def deploy_core(
    connection: Connection, *, guardian: Address | None = None, progress: Progress = silent
) -> CoreDeployment:
    """Put the core contracts on a chain; twice does nothing. A `guardian` may stop the verifiers, one way; without one it is
    that of the book, or nobody.
    """
    return put_core(connection.wallet(), connection.deployments, guardian=guardian, progress=progress)


def deploy_model(
    bundle: Bundle,
    connection: Connection,
    *,
    uri: str = "",
    metadata: bool = False,
    carry: bool = False,
    progress: Progress = silent,
) -> ModelDeployment:
    """Deploy a model's verifier, register it, bind it; with `metadata` say on the chain how to read it. Twice does nothing.

    The artifact of a shared verifier is stored on the chain, unless the proofs are to `carry` it.
    """
    wallet, folder = connection.wallet(), connection.deployments
    return put_model(bundle, wallet, folder, uri=uri, metadata=metadata, carry=carry, progress=progress)


def verify_deployment(connection: Connection, progress: Progress = silent) -> Verification:
    """Compare every contract and model of the book with the chain and with its source; see `Verification.require`."""
    return compare(connection.rpc, connection.deployments, connection.book(), progress)


def sources(connection: Connection, progress: Progress = silent) -> tuple[SourceBundle, ...]:
    """What explorers need to verify each contract of the book; every source is proven by its address first."""
    return bundle_sources(connection.deployments, connection.book(), progress)


def publish_sources(
    connection: Connection,
    to: str,
    *,
    url: str | None = None,
    patience: Patience | None = None,
    progress: Progress = silent,
) -> Publication:
    """Hand every source to `sourcify` or `etherscan` and wait for the verdicts; twice does nothing."""
    explorer = open_explorer(to, url)
    published, refused = [], []
    for bundle in sources(connection, progress):
        try:
            published.append(publish(bundle, explorer, patience, progress))
        except ExplorerRefused as error:
            refused.append(error)
    return Publication(tuple(published), tuple(refused))
