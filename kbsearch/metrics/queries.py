"""Queries that may be printed: only those that several clients asked (k-anonymity). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from kbsearch.events.schema import SearchRecord
from kbsearch.metrics.searches import query_key

LEAST_CLIENTS = 5


@dataclass(frozen=True, slots=True)
class SharedQuery:
    """A query that enough clients asked."""

    text: str
    """In its most frequent spelling, of those that were asked in public."""
    clients: int
    searches: int


def shared_queries(searches: Iterable[SearchRecord], least: int = LEAST_CLIENTS) -> list[SharedQuery]:
    """Return queries of at least `least` clients, most clients first; case and diacritics do not count.

    Queries asked with a key and those from which something personal was taken out are left out. Where networks are
    known (see `SearchRecord.voucher`), as many networks must have asked: one person on many visits is not many.
    """
    clients: dict[str, set[str]] = {}
    networks: dict[str, set[str]] = {}
    spellings: dict[str, Counter[str]] = {}
    for search in searches:
        if search.public and "[" not in search.user_query:
            key = query_key(search.user_query)
            clients.setdefault(key, set()).add(search.client_id)
            networks.setdefault(key, set()).add(search.voucher or search.client_id)
            spellings.setdefault(key, Counter())[search.user_query] += 1
    found = [
        SharedQuery(max(sorted(spellings[key]), key=spellings[key].__getitem__), len(mine), spellings[key].total())
        for key, mine in clients.items()
        if min(len(mine), len(networks[key])) >= least
    ]
    return sorted(found, key=lambda query: (-query.clients, -query.searches, query.text))
