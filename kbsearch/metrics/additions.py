"""Which facts of a day are new, and whose journeys they may change. Pure.

A day of a hundred thousand facts is not read again for a few that came since: what depends on one fact are the journeys
of its client, and of every client that shares a session, a query or a name with it (see `acts.py`). All of these are
read anew, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from kbsearch.events.schema import Event, SearchRecord
from kbsearch.events.store import Name
from kbsearch.index.arrays import find_hashes, hash_texts

MOST_CLIENTS = 4096
"""With more, the whole day is read."""

Hashes = NDArray[np.uint64]


def hash_names(names: Sequence[Name]) -> Hashes:
    """Return a number for each fact of a day."""
    return hash_texts(_called(event_id, query_id) for event_id, query_id, _, _ in names)


def among(hashes: Hashes, known: Hashes) -> NDArray[np.bool_]:
    """Return which numbers are among others that are in order."""
    return find_hashes(known, hashes) >= 0


def hash_facts(facts: Iterable[SearchRecord | Event]) -> Hashes:
    """Return the same numbers of whole facts."""
    return hash_texts(_called(fact.event_id if isinstance(fact, Event) else "", fact.query_id) for fact in facts)


def _called(event_id: str, query_id: str) -> str:
    """A fact's name, which no other has; a search has no event id."""
    return event_id or f"search {query_id}"


def changed_clients(names: Sequence[Name], hashes: Hashes, known: Hashes) -> set[str] | None:
    """Return the clients whose journeys facts that are not `known` (in order) may change; `hashes` are those of names.

    None where the whole day must be read: some facts are gone, or too much is new.
    """
    new = ~among(hashes, known)
    if len(names) - new.sum() != len(known):
        return None
    queries: set[str] = set()
    sessions: set[str] = set()
    clients: set[str] = set()
    found = [names[place] for place in np.flatnonzero(new).tolist()]
    left = [names[place] for place in np.flatnonzero(~new).tolist()]
    while found and len(clients) <= MOST_CLIENTS:
        for _, query_id, session_id, client_id in found:
            queries.add(query_id)
            sessions.add(session_id)
            clients.add(client_id)
        queries.discard("")
        sessions.discard("")
        tied = [name[1] in queries or name[2] in sessions or name[3] in clients for name in left]
        found = [name for name, is_tied in zip(left, tied, strict=True) if is_tied]
        left = [name for name, is_tied in zip(left, tied, strict=True) if not is_tied] if found else left
    return clients if len(clients) <= MOST_CLIENTS else None
