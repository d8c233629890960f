"""What an event store must be able to do; SQLite is one, PostgreSQL will be another.

Raw facts in, raw facts out; the only question it answers itself is which queries are popular, because the search
box asks that every minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from kbsearch.events.schema import Event, SearchRecord

Fact = SearchRecord | Event


@dataclass(frozen=True, slots=True)
class PopularQuery:
    """A query after which several clients opened something."""

    text: str
    lang: str
    clients: int


class EventStore(Protocol):
    """A place that keeps facts. `write` is called by one thread; the rest may be called by any."""

    def write(self, facts: Sequence[Fact]) -> None:
        """Keep all of them in one transaction; a fact whose id is known already is ignored."""

    def events(self) -> Iterator[Event]:
        """Yield every event in the order of time."""

    def searches(self) -> Iterator[SearchRecord]:
        """Yield every search in the order of time."""

    def popular_queries(self, *, min_clients: int, limit: int) -> list[PopularQuery]:
        """Return public queries with a click from at least so many clients, most popular first."""

    def salt(self) -> bytes:
        """Return the secret that hashes client ids in this store."""

    def close(self) -> None:
        """Let go of the place; what was written stays."""
