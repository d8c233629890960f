"""How often articles at the ticket form were enough, for the form to say. Read from metrics, seldom, off the loop."""

from __future__ import annotations

import asyncio
import logging
import time

from anyio import to_thread

from kbsearch.errors import StoreError
from kbsearch.events.store import EventStore
from kbsearch.metrics.report import report

FEWEST = 50
"""Visits below which a share says too little to be shown to anybody."""
_KEEP_SECONDS = 900.0
_LOG = logging.getLogger(__name__)


class Helped:
    """The last figure. No form waits for it: one that is older than a quarter of an hour is read anew meanwhile."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._until = 0.0
        self._figure: tuple[int, int] | None = None
        self._reading: asyncio.Task[None] | None = None

    def figure(self) -> tuple[int, int] | None:
        """Return how many saw articles and which whole percentage of them filed nothing; None with too few, and
        before it was read first. Called from the event loop only."""
        if time.monotonic() >= self._until:
            self._until = time.monotonic() + _KEEP_SECONDS
            self._reading = asyncio.get_running_loop().create_task(self._refresh())
        return self._figure

    async def _refresh(self) -> None:
        try:
            self._figure = await to_thread.run_sync(self._read)
        except StoreError:
            _LOG.exception("cannot read how often articles helped; the old figure stays")

    def _read(self) -> tuple[int, int] | None:
        found = report(self._store, shelf=self._store).metrics["ticket_form_deflection"]
        if found.value is None or found.unreliable or found.n < FEWEST:
            return None
        return found.n, round(100 * found.value)
