"""Facts by hand, and a store of them in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from kbsearch.events.schema import Event, SearchRecord
from kbsearch.events.store import Name
from kbsearch.metrics.moments import moment_of
from kbsearch.metrics.report import Report, report

Fact = SearchRecord | Event

DAY = "2026-11-10"
LATER = moment_of("2026-12-01T00:00:00Z")
"""When all windows of facts in November are closed."""

_numbers = count()


def at(clock: str, day: str = DAY) -> str:
    """Write 10:00, 10:00:05 or 10:00:05.250 of a day as the event log does."""
    clock += ":00" * (2 - clock.count(":"))
    return f"{day}T{clock if '.' in clock else clock + '.000'}Z"


def search(client: str, time: str, text: str = "reset password", **changes: Any) -> SearchRecord:
    """Return a search of a client in a session of its own."""
    values: dict[str, Any] = {
        "query_id": f"q{next(_numbers)}",
        "user_query": text,
        "lang": "lv",
        "detected_lang": "lv",
        "found": 3,
        "decision": "list",
        "confidence": 0.5,
        "hit_ids": ("reset-password.lv", "hub.lv"),
        "offset": 0,
        "took_ms": 1.0,
        "snapshot": "v1",
        "session_id": f"session-{client}",
        "client_id": client,
        "timestamp": time,
        "public": True,
    }
    return SearchRecord(**{**values, **changes})


def event(client: str, time: str, action: str, about: SearchRecord | None = None, **changes: Any) -> Event:
    """Return an event of a client, about a search where one is given."""
    values: dict[str, Any] = {
        "event_id": f"e{next(_numbers)}",
        "action_name": action,
        "query_id": about.query_id if about else "",
        "session_id": f"session-{client}",
        "client_id": client,
        "timestamp": time,
        "received_at": time,
        "object_id": "reset-password.lv" if action in ("click", "view", "impression") else "",
    }
    return Event(**{**values, **changes})


def said(client: str, time: str, **attributes: object) -> Event:
    """Return feedback."""
    return event(client, time, "feedback", attributes=attributes)


class MemoryStore:
    """What a report asks of a store, over lists."""

    def __init__(self, facts: Iterable[Fact] = (), dropped: Mapping[str, int] | None = None) -> None:
        self.facts = list(facts)
        self.reads = 0
        self.salt_days: Collection[str] = ()
        self.asked_for: list[Collection[str]] = []
        """Whose facts were asked for, question by question."""
        self._dropped = dict(dropped or {})
        self._changes: dict[str, int] = {}
        for fact in self.facts:
            self._touch(fact)

    def add(self, *facts: Fact) -> None:
        """Take facts; one whose id is known already is ignored."""
        known = {_id(fact) for fact in self.facts}
        for fact in facts:
            if _id(fact) not in known:
                self.facts.append(fact)
                self._touch(fact)

    def erase(self, client: str) -> None:
        for fact in self.facts:
            if fact.client_id == client:
                self._touch(fact)
        self.facts = [fact for fact in self.facts if fact.client_id != client]
        left = {fact.timestamp[:10] for fact in self.facts}
        self._changes = {day: change for day, change in self._changes.items() if day in left}

    def searches(self, since: str = "", until: str = "", clients: Collection[str] = ()) -> Iterator[SearchRecord]:
        self.reads += 1
        return (fact for fact in self._between(since, until, clients) if isinstance(fact, SearchRecord))

    def events(self, since: str = "", until: str = "", clients: Collection[str] = ()) -> Iterator[Event]:
        return (fact for fact in self._between(since, until, clients) if isinstance(fact, Event))

    def names(self, since: str = "", until: str = "") -> Iterator[Name]:
        for fact in (fact for fact in self.facts if since <= fact.timestamp < (until or "~")):
            event_id = fact.event_id if isinstance(fact, Event) else ""
            yield event_id, fact.query_id, fact.session_id, fact.client_id

    def days(self) -> dict[str, int]:
        return dict(self._changes)

    def salts(self) -> Collection[str]:
        return self.salt_days

    def dropped(self, since: str = "", until: str = "") -> Mapping[str, int]:
        return {day: number for day, number in self._dropped.items() if since <= day < (until or "~")}

    def _touch(self, fact: Fact) -> None:
        self._changes[fact.timestamp[:10]] = next(_numbers) + 1

    def _between(self, since: str, until: str, clients: Collection[str] = ()) -> list[Fact]:
        self.asked_for.append(clients)
        return [
            fact
            for fact in self.facts
            if since <= fact.timestamp < (until or "~") and (not clients or fact.client_id in clients)
        ]


def _id(fact: Fact) -> tuple[type[Fact], str]:
    return type(fact), fact.event_id if isinstance(fact, Event) else fact.query_id


class MemoryShelf:
    """A shelf in a dictionary."""

    def __init__(self) -> None:
        self.things: dict[str, bytes] = {}

    def kept(self, names: Sequence[str]) -> Mapping[str, bytes]:
        return {name: self.things[name] for name in names if name in self.things}

    def keep(self, name: str, value: bytes, made_from: Mapping[str, int]) -> None:
        self.things[name] = value


def measured(*facts: Fact, **options: Any) -> Report:
    """Return a report of facts, as of a moment when all windows are closed."""
    return report(MemoryStore(facts), **{"as_of": LATER, **options})
