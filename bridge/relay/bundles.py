"""The bundles that jobs name, out of the store."""

from __future__ import annotations

from bridge.core.bundle import Bundle
from bridge.errors import ArtifactMissing, BundleError
from bridge.relay.artifacts import Artifacts
from bridge.relay.job import Job
from bridge.relay.journal import Journal


class Bundles:
    """Each is opened once, and kept."""

    def __init__(self, store: Artifacts, journal: Journal) -> None:
        """`journal` is told of jobs whose bundle is not in the store, or is not whole."""
        self._store = store
        self._journal = journal
        self._opened: dict[str, Bundle] = {}

    @property
    def most_rows(self) -> int:
        """Of the largest batch that any of them proves at once."""
        return max((bundle.manifest.circuit.rows for bundle in self._opened.values()), default=1)

    def of(self, job: Job) -> Bundle | None:
        """The bundle of a job; a job without one ends here."""
        digest = job.request.bundle
        if digest not in self._opened:
            try:
                self._opened[digest], _ = self._store.get_bundle(digest)
            except (ArtifactMissing, BundleError) as error:
                self._journal.failed(job, error)
                return None
        return self._opened[digest]
