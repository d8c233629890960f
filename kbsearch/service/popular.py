"""Past queries that helped several customers, for the search box. Refreshed by a background thread from the store.

Only queries asked without a key, redacted, from at least five networks, each of which then opened a hit: nothing that
one person typed can be read by another, and nobody gets a query in by calling himself five names. Networks are told
apart by `SearchRecord.voucher`, which holds for one period of the salt: periods are counted apart.
"""

from __future__ import annotations

from itertools import pairwise

from kbsearch.events.store import EventStore, PopularQuery
from kbsearch.periodic import Periodic
from kbsearch.text.normalise import fold, normalise
from kbsearch.types import Suggestion

MIN_CLIENTS = 5
_PERIODS = 2
_MOST = 5000
_REFRESH_SECONDS = 60.0


class PopularQueries:
    """Popular queries in memory, most popular first."""

    def __init__(self, store: EventStore, refresh_seconds: float = _REFRESH_SECONDS) -> None:
        self._store = store
        self._queries: tuple[tuple[str, PopularQuery], ...] = ()
        self._rounds = Periodic("reading popular queries", self.refresh, refresh_seconds)

    def start(self) -> None:
        """Begin to refresh."""
        self._rounds.start()

    def stop(self) -> None:
        """Stop refreshing."""
        self._rounds.stop()

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
