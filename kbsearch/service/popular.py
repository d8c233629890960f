"""Past queries that helped several customers, for the search box. Refreshed by a background thread from the store.

Only queries asked without a key, redacted, from at least five networks, each of which then opened a hit: nothing that
one person typed can be read by another, and nobody gets a query in by calling himself five names. Networks are told
apart by `SearchRecord.voucher`, which holds for one period of the salt: periods are counted apart.
"""

from __future__ import annotations

import logging
from itertools import pairwise
from threading import Event, Thread

from kbsearch.events.store import EventStore, PopularQuery
from kbsearch.text.normalise import fold, normalise
from kbsearch.types import Suggestion

_LOG = logging.getLogger(__name__)

MIN_CLIENTS = 5
_PERIODS = 2
_MOST = 5000
_REFRESH_SECONDS = 60.0


class PopularQueries:
    """Popular queries in memory, most popular first."""

    def __init__(self, store: EventStore, refresh_seconds: float = _REFRESH_SECONDS) -> None:
        self._store = store
        self._refresh_seconds = refresh_seconds
        self._queries: tuple[tuple[str, PopularQuery], ...] = ()
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="kbsearch-popular", daemon=True)

    def start(self) -> None:
        """Begin to refresh."""
        self._thread.start()

    def stop(self) -> None:
        """Stop refreshing."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def refresh(self) -> None:
        """Read the popular queries anew."""
        starts = sorted(self._store.salts())[-_PERIODS:]
        best: dict[str, PopularQuery] = {}
        for since, until in pairwise([*starts, ""]):
            for query in self._store.popular_queries(min_clients=MIN_CLIENTS, limit=_MOST, since=since, until=until):
                folded = fold(normalise(query.text))
                if folded not in best or best[folded].clients < query.clients:
                    best[folded] = query
        self._queries = tuple(sorted(best.items(), key=lambda item: -item[1].clients)[:_MOST])

    def matching(self, q: str, lang: str, limit: int) -> list[Suggestion]:
        """Return the most popular queries that begin with what is typed; those in `lang` first."""
        typed = fold(normalise(q))
        found = [query for folded, query in self._queries if folded.startswith(typed) and folded != typed]
        found.sort(key=lambda query: query.lang != lang)
        return [Suggestion(text=query.text, kind="query", lang=query.lang) for query in found[:limit]]

    def _run(self) -> None:
        while True:
            try:
                self.refresh()
            except Exception:
                _LOG.exception("cannot read popular queries; the old ones stay")
            if self._stopping.wait(self._refresh_seconds):
                return
