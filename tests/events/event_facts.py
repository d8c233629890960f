"""Facts for tests of the event log."""

from __future__ import annotations

from dataclasses import replace

from kbsearch.events.schema import Event, SearchRecord

TIME = "2026-11-22T10:00:00.000Z"


def event(event_id: str, **changes: object) -> Event:
    """Return a click with this id."""
    made = Event(
        event_id, "click", "q1", "s1", "c1", TIME, TIME, "a", "document", 1, {"k": ["ā", 1]}, "mobile", "widget"
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def search(query_id: str, **changes: object) -> SearchRecord:
    """Return a search with this id."""
    made = SearchRecord(
        query_id,
        "reset password",
        "lv",
        "en",
        2,
        "list",
        0.5,
        ("a", "b"),
        0,
        1.5,
        "v1",
        "s1",
        "c1",
        TIME,
        True,
        "desktop",
        "portal",
        "faq",
        "Konts",
        False,
        "v1",
    )
    return replace(made, **changes)  # type: ignore[arg-type]
