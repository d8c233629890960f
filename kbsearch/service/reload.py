"""Which snapshot serves: a background thread follows CURRENT and swaps engines without a request noticing.

A request takes `engine()` once and keeps it to its end. A new engine is opened beside the old one, off the request
path, and takes its place in one assignment; where it cannot be opened, the old one goes on and the error is shown. The
one before stays open, so that going back to it takes no longer than looking.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Protocol

from kbsearch.editing import Synonym
from kbsearch.errors import KbsearchError
from kbsearch.periodic import Periodic
from kbsearch.service.errors import NotReady
from kbsearch.types import SearchOutcome, SearchRequest, StoredDocument, Suggestion

_LOG = logging.getLogger(__name__)

_RETRY_SECONDS = 30.0
"""A version that could not be opened is tried again after so long: a full memory or disk may pass."""


class SearchEngine(Protocol):
    """What the service needs of `kbsearch.engine.Engine`."""

    snapshot: str

    @property
    def may_wait(self) -> bool:
        """Whether its model is waited for: no work for an event loop."""

    def languages_for(self, audiences: frozenset[str] | None) -> tuple[str, ...]:
        """Return the languages of what somebody may see who belongs to these audiences."""

    def search(self, request: SearchRequest) -> SearchOutcome:
        """Answer one query."""

    def suggest(self, q: str, *, lang: str, limit: int, audiences: frozenset[str] | None) -> list[Suggestion]:
        """Complete what is being typed."""

    def document(self, document_id: str, *, audiences: frozenset[str] | None) -> StoredDocument | None:
        """Return one article, or None where there is none for this caller."""

    def with_synonym(self, synonym: Synonym) -> SearchEngine:
        """Return the same with one more of the editor's synonyms, to try it."""


@dataclass(frozen=True, slots=True)
class SnapshotSource:
    """Where snapshots come from; tests bring their own."""

    published: Callable[[Path], str]
    """The version that CURRENT names; a cheap read."""
    open: Callable[[Path], SearchEngine]
    """Open that version; slow."""


class SnapshotHolder:
    """Holds the engine that serves."""

    def __init__(
        self,
        directory: Path,
        source: SnapshotSource,
        *,
        poll_seconds: float,
        on_reload: Callable[[bool], None] = lambda _succeeded: None,
        engine: SearchEngine | None = None,
    ) -> None:
        """Hold `engine`, where one is open already, until `start` finds a newer one."""
        self._directory = directory
        self._source = source
        self._on_reload = on_reload
        self._engine = engine
        self._before: SearchEngine | None = None
        self._error: str | None = None
        self._refused: str | None = None
        self._retry_at = 0.0
        self._looks = Periodic("following CURRENT", self._look, poll_seconds)

    @property
    def error(self) -> str | None:
        """That the published snapshot is not the one that serves; None when all is well.

        Why is for the log only: it names places on this machine, and this is read by everybody.
        """
        if self._error is None:
            return None
        failed = "no version of the index could" if self._engine is None else "a newer version of the index could not"
        return f"{failed} be opened; the service's log says why"

    @property
    def snapshot(self) -> str | None:
        """The version that serves; None before the first is open."""
        engine = self._engine
        return None if engine is None else engine.snapshot

    def engine(self) -> SearchEngine:
        """Return the engine for one request.

        :raises NotReady: none is open yet.
        """
        engine = self._engine
        if engine is None:
            raise NotReady(self.error or "the index is being opened; try again in a second")
        return engine

    def start(self) -> None:
        """Begin to follow CURRENT."""
        self._looks.start()

    def stop(self) -> None:
        """Stop following; the engine stays usable for requests that still run."""
        self._looks.stop()

    def _look(self) -> None:
        version: str | None = None
        try:
            version = self._source.published(self._directory)
            if version == self.snapshot:
                self._error = self._refused = None
            elif version != self._refused or monotonic() >= self._retry_at:
                self._swap(version)
        except Exception as error:
            self._refuse(version, error)

    def _swap(self, version: str) -> None:
        kept = self._before
        engine = kept if kept and kept.snapshot == version else self._source.open(self._directory)
        self._before, self._engine = self._engine, engine
        self._error = self._refused = None
        self._on_reload(True)
        before = self._before and self._before.snapshot
        _LOG.info("now serving snapshot %s (before: %s; published: %s)", engine.snapshot, before, version)

    def _refuse(self, version: str | None, error: Exception) -> None:
        """Show the error and go on; opening costs too much to try it at every look."""
        message = str(error) if isinstance(error, KbsearchError) else f"{type(error).__name__}: {error}"
        if message != self._error or version != self._refused:
            _LOG.error("cannot serve the published snapshot: %s", message)
            self._on_reload(False)
        self._error = message
        self._refused = version
        self._retry_at = monotonic() + _RETRY_SECONDS
