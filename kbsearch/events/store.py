"""What an event store must be able to do; `sqlite.py` and `postgres.py` are the two that can.

Raw facts in, raw facts out. The only question it answers itself is which queries are popular, because the search
box asks that every minute.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from kbsearch.events.schema import Event, SearchRecord

Fact = SearchRecord | Event
Name = tuple[str, str, str, str]
"""Event id ("" for a search), query id, session id and client of a fact."""


@dataclass(frozen=True, slots=True)
class PopularQuery:
    """A query after which customers of so many networks opened something."""

    text: str
    lang: str
    clients: int


@dataclass(frozen=True, slots=True)
class Removed:
    """How many facts are gone."""

    searches: int
    events: int


class EventStore(Protocol):
    """A place that keeps facts. Every method may be called by any thread.

    `since` and `until` are ISO 8601 in UTC (a day alone is its first moment), half-open; "" is unbounded.
    """

    def write(self, facts: Sequence[Fact]) -> None:
        """Keep all of them in one transaction; a fact whose id is known already is ignored.

        :raises StoreError: the store cannot take them now; nothing of them is kept.
        """

    def events(
        self, since: str = "", until: str = "", clients: Collection[str] = (), queries: Collection[str] = ()
    ) -> Iterator[Event]:
        """Yield events by time, then id, as they are read; those of some clients only, where any are given.

        With these come the facts that bear neither client nor session and name one of these `queries`.
        """

    def searches(
        self, since: str = "", until: str = "", clients: Collection[str] = (), queries: Collection[str] = ()
    ) -> Iterator[SearchRecord]:
        """Yield searches, likewise."""

    def names(self, since: str = "", until: str = "") -> Iterator[Name]:
        """Yield what every fact is called and whose it is, in any order: much quicker than whole facts."""

    def days(self) -> dict[str, int]:
        """Return for every UTC day with facts a number that changes whenever one is added or erased."""

    def popular_queries(self, *, min_clients: int, limit: int, since: str = "", until: str = "") -> list[PopularQuery]:
        """Return public queries with a click, asked from at least so many networks, most popular first."""

    def add_dropped(self, day: str, count: int) -> None:
        """Remember that so many facts of a UTC day were lost before they could be written."""

    def dropped(self, since: str = "", until: str = "") -> dict[str, int]:
        """Return how many facts were lost, by UTC day."""

    def salt(self, period: str) -> bytes:
        """Return the secret that hashes ids in the period that begins on this day, drawing it when it is new."""

    def salts(self) -> Mapping[str, bytes]:
        """Return every secret that has not been destroyed, by the first day of its period."""

    def related(self, ids: Collection[str]) -> tuple[set[str], set[str]]:
        """Return the client hashes and session ids of all facts with one of these as client, session or user."""

    def erase(self, client_ids: Collection[str], at: str, queries: Collection[str] = ()) -> Removed:
        """Remove every fact of these clients, and for good: `expire` removes what arrives later from before `at`.

        With them go the facts that bear neither client nor session and name one of these `queries`.
        """

    def erased(self) -> Mapping[str, str]:
        """Return every client whose facts were erased, and when, for as long as facts are kept."""

    def expire(self, before: str) -> Removed:
        """Remove facts older than `before`, secrets that hash no younger ones, and late facts of erased clients."""

    def kept(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """Return what metrics derived from facts and kept under these names, where there is anything."""

    def keep(self, name: str, value: bytes, made_from: Mapping[str, int]) -> None:
        """Keep something derived from facts; what is named `…/DAY` goes when facts of that day go.

        `made_from` gives the days that it was made from, with their numbers in `days` before they were read. Where
        facts of one of them are gone since, nothing is kept: it may tell of them.
        """

    def close(self) -> None:
        """Let go of the place; what was written stays."""
