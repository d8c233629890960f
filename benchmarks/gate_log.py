"""Logged searches that helped, made up: facts as the service would have written them. For the gate's tests as well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kbsearch.events.schema import Event, SearchRecord
from kbsearch.events.store import EventStore, Fact

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Visit:
    """One customer who asked once, and what became of it."""

    query: str
    lang: str
    document: str
    """The article opened, or shown as the answer."""
    answered: bool = False
    """Shown as the answer, and left content; else opened, and said to have helped."""
    helpful: bool = True
    ticket: bool = False
    public: bool = True
    client: str = ""
    """Default: somebody new."""


def facts(visits: Iterable[Visit], begin: datetime = BEGIN) -> Iterator[Fact]:
    """The facts of each visit, a minute after the one before it."""
    for number, visit in enumerate(visits):
        moment = begin + timedelta(minutes=number)
        name = f"{begin:%j}-{number}"
        client = visit.client or f"client-{name}"
        yield SearchRecord(
            query_id=name,
            user_query=visit.query,
            lang=visit.lang,
            detected_lang=visit.lang,
            found=3,
            decision="answer" if visit.answered else "list",
            confidence=0.5,
            hit_ids=(visit.document,),
            offset=0,
            took_ms=1.0,
            snapshot="before",
            session_id=f"session-{client}",
            client_id=client,
            timestamp=_time(moment),
            public=visit.public,
        )
        for seconds, action in _after(visit):
            at = _time(moment + timedelta(seconds=seconds))
            votes = {"helpful": visit.helpful} if action == "feedback" else {}
            yield Event(
                f"{name}-{action}",
                action,
                query_id=name,
                session_id=f"session-{client}",
                client_id=client,
                timestamp=at,
                received_at=at,
                object_id=visit.document,
                attributes=votes,
            )


def _after(visit: Visit) -> Iterator[tuple[int, str]]:
    """Seconds after the search, and what happened."""
    if visit.answered:
        yield 1, "answer_shown"
    else:
        yield 5, "click"
        yield 30, "feedback"
    if visit.ticket:
        yield 60, "ticket_created"


def write(store: EventStore, visits: Iterable[Visit], begin: datetime = BEGIN) -> None:
    """Write the facts of all visits."""
    store.write(list(facts(visits, begin)))


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
