"""Facts in the order of time, each with the client it belongs to.

Takes the searches and events of one UTC day, gives acts. Pure. A search knows only its session, and a ticket system
often knows only a query id; so the facts of one day that share a session or a query id belong to one client: the one
that the earliest event names that bears a client id, else that of the earliest fact. Facts that name a query whose
search is not among them are a client of their own, where nobody gave an id, until the day before tells whose it is (see
`ties.py`). A fact without either keeps its own client.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kbsearch.events.identity import UNSURE
from kbsearch.events.schema import ACTION_NAMES, Event, SearchRecord
from kbsearch.metrics.moments import moment_of

HANDOVERS = frozenset({"ticket_created", "handover"})
SEARCH = 0
_RANKS = {name: rank for rank, name in enumerate(ACTION_NAMES, SEARCH + 1)}
"""Of events in one millisecond, as those of one batch are: what was shown, opened, said of it, and done after."""


class Act(NamedTuple):
    """One fact of one client; acts sort by time, at the same time by rank."""

    moment: int
    """Milliseconds since 1970."""
    rank: int
    """SEARCH, or the place of the event's action in a journey."""
    id: str
    client: str
    fact: SearchRecord | Event


def read_acts(searches: Iterable[SearchRecord], events: Iterable[Event]) -> list[Act]:
    """Return the acts of a day, sorted; a fact that comes twice counts once, the order of arrival does not matter."""
    groups = _Groups()
    rows: list[tuple[int, int, str, SearchRecord | Event]] = []
    known: set[str] = set()
    for search in searches:
        if search.query_id not in known:
            known.add(search.query_id)
            rows.append((moment_of(search.timestamp), SEARCH, search.query_id, search))
            groups.tie(search)
    known = set()
    for event in events:
        if event.event_id not in known:
            known.add(event.event_id)
            rows.append((moment_of(event.timestamp), _RANKS[event.action_name], event.event_id, event))
            groups.tie(event)
    # Names differ, so that facts themselves are never compared.
    rows.sort()
    of = [groups.of(row[3]) for row in rows]
    named = _named(zip(of, (row[3] for row in rows), strict=True))
    return [
        Act(moment, rank, fact_id, named[group] if group else fact.client_id, fact)
        for group, (moment, rank, fact_id, fact) in zip(of, rows, strict=True)
    ]


def _named(facts: Iterable[tuple[str, SearchRecord | Event]]) -> dict[str, str]:
    """Return the client of each group; facts come by time."""
    best: dict[str, tuple[int, str]] = {}
    for group, fact in facts:
        found = best.get(group)
        if group and (found is None or found[0] > _SURE):
            doubt = _doubt(fact)
            if found is None or doubt < found[0]:
                best[group] = doubt, fact.client_id
    return {
        # Whoever sent it may send as much for others.
        group: UNSURE + group[1:] if doubt == _LONE and client.startswith(UNSURE) else client
        for group, (doubt, client) in best.items()
    }


_SURE, _SESSION, _LONE = range(3)


def _doubt(fact: SearchRecord | Event) -> int:
    """Return how little a fact tells of whose its group is. What a service notes itself knows a session only; and the
    sender of a ticket that names no session is a ticket system, not its customer."""
    if isinstance(fact, SearchRecord):
        return _SESSION
    if not fact.client_id.startswith(UNSURE) and (fact.session_id or fact.action_name not in HANDOVERS):
        return _SURE
    return _SESSION if fact.session_id else _LONE


def by_client(acts: Iterable[Act]) -> dict[str, list[Act]]:
    """Group acts by client, keeping their order."""
    groups: dict[str, list[Act]] = {}
    for act in acts:
        groups.setdefault(act.client, []).append(act)
    return groups


class _Groups:
    """Sessions that share a query id, as disjoint sets; nearly always each stands alone."""

    def __init__(self) -> None:
        self._session_of: dict[str, str] = {}
        self._parent: dict[str, str] = {}

    def tie(self, fact: SearchRecord | Event) -> None:
        """Tie a fact's session to other sessions that name its query."""
        session, query = fact.session_id, fact.query_id
        if session and query:
            other = self._session_of.setdefault(query, session)
            if other != session:
                first, second = self._find(other), self._find(session)
                if first != second:
                    self._parent[second] = first

    def of(self, fact: SearchRecord | Event) -> str:
        """Return what stands for a fact's group once all facts are tied; "" where it has neither session nor query."""
        session = fact.session_id or self._session_of.get(fact.query_id, "")
        if session:
            return "s" + (self._find(session) if self._parent else session)
        return fact.query_id and "q" + fact.query_id

    def _find(self, session: str) -> str:
        parent = self._parent
        while (above := parent.get(session)) is not None:
            # Halves the way of the next look, so that a chain of sessions takes no square of its length.
            parent[session] = parent.get(above, above)
            session = parent[session]
        return session
