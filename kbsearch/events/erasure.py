"""One person's facts: found under every pseudonym, handed out, or removed with a receipt.

Takes the id that a company's page gave its customer (client, session or user id) and a store. Used by `command.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from kbsearch.events.identity import UNSURE, digests_of, session_digests
from kbsearch.events.store import EventStore, Fact

REMAINS = (
    "Counts by day are made anew without these facts the next time a report is read; reports that were printed or "
    "saved before keep their figures.",
    "Facts that were recorded without any id (a visitor known by address and browser for one day) cannot be linked "
    "to anybody, so they cannot be found; unless they name a search that was known to be the customer's.",
    "What is still on its way to the store from before this moment is removed within an hour of its arrival; not what "
    "arrives when the salt of pseudonyms has changed (KBSEARCH_SALT_DAYS), since nobody can tell whose it is.",
    "Tickets and suggestions with the customer's e-mail address are found by that: kbsearch handover erase EMAIL, "
    "kbsearch suggestions --forget EMAIL. Texts and votes in suggestions.db stay.",
    "What a help desk was sent, and backups of the database, are kept elsewhere and are not touched.",
)
"""What a receipt must say beside what was removed."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was removed of one person."""

    client: str
    """The id as it was given; printed, never stored."""
    erased_at: str
    pseudonyms: int
    """Salted hashes under which facts were found."""
    searches: int
    events: int
    by_action: dict[str, int]
    """Events by `action_name`."""
    first: str
    """Time of the oldest and of the youngest fact; "" where there was none."""
    last: str
    tickets: int | None = None
    """Tickets of these sessions that were removed; None where it is not known here where tickets are."""
    remains: tuple[str, ...] = REMAINS


def pseudonyms(store: EventStore, client: str) -> set[str]:
    """Return the client hashes under which facts of one person are stored.

    Salts are kept for as long as facts hashed with them, so every period is found.
    """
    salts = list(store.salts().values())
    named, _ = store.related({client, *digests_of(client, salts)})
    if not named:
        return set()
    # Searches know their session only. A session id that was personal stands as a hash of its own, so that whose it is
    # is not computed from it but read.
    clients, sessions = store.related(named)
    unsure = {one for one in store.related(sessions)[0] if one.startswith(UNSURE)}
    return clients | unsure | session_digests(sessions, salts)


def facts_of(store: EventStore, clients: set[str]) -> Iterator[Fact]:
    """Yield everything that is stored of these clients; nothing for no clients."""
    if clients:
        queries = _queries(store, clients)
        yield from store.searches(clients=clients, queries=queries)
        yield from store.events(clients=clients, queries=queries)


def erase(store: EventStore, client: str, at: str) -> Receipt:
    """Remove everything that is stored of one person up to the moment `at`, and say what it was."""
    # Also the pseudonyms that no fact bears so far: what is on its way may.
    clients = pseudonyms(store, client) | digests_of(client, store.salts().values())
    times: list[str] = []
    kinds: Counter[str] = Counter()
    found: set[str] = set()
    for fact in facts_of(store, clients):
        times.append(fact.timestamp)
        kinds[getattr(fact, "action_name", "")] += 1
        found.add(fact.client_id)
    removed = store.erase(clients, at, _queries(store, clients))
    del kinds[""]
    return Receipt(
        client=client,
        erased_at=at,
        pseudonyms=len(found),
        searches=removed.searches,
        events=removed.events,
        by_action=dict(sorted(kinds.items())),
        first=min(times, default=""),
        last=max(times, default=""),
    )


def _queries(store: EventStore, clients: set[str]) -> set[str]:
    """Return the searches that these clients name, those too that were made without any id; none for no clients."""
    if not clients:
        return set()
    facts: Iterator[Fact] = chain(store.searches(clients=clients), store.events(clients=clients))
    return {fact.query_id for fact in facts if fact.query_id}
