"""Traces hold query texts and client hashes: they go with the facts they were made from, which go when they are old."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from event_facts import TIME, event, search

from kbsearch.events.identity import ClientHasher
from kbsearch.events.store import EventStore
from kbsearch.events.upkeep import Upkeep

LATER = TIME.replace("22", "23")


def test_a_trace_goes_when_facts_of_its_day_go(store: EventStore) -> None:
    """By erasure of one client, and by age; other days keep theirs."""
    store.write([search("q1"), event("e1"), replace(search("q2"), timestamp=LATER, client_id="c2")])
    names = ["trace/2026-11-22", "trace/2026-11-23"]
    for name in names:
        store.keep(name, b"x", store.days())
    store.erase(["c1"], LATER)
    assert set(store.kept(names)) == {"trace/2026-11-23"}
    store.expire("2026-11-24")
    assert set(store.kept(names)) == set()


def test_what_was_read_before_facts_went_is_not_kept(store: EventStore) -> None:
    """A report and an erasure at the same time, in whatever order; also where the day came back. More facts do not
    matter: what is kept of fewer ones helps to read the others."""
    day, name = "2026-11-22", "part/2026-11-22"
    store.write([search("q1"), replace(search("q2"), client_id="c2")])
    read = store.days()
    store.write([replace(search("q3"), client_id="c3")])
    store.keep(name, b"fewer", read)
    assert store.kept([name]) == {name: b"fewer"}
    store.erase(["c1"], LATER)
    for before in (read, {**read, "2026-11-21": 0}):
        store.keep(name, b"stale", before)
        assert store.kept([name]) == {}
    read = store.days()
    store.keep(name, b"of those that stay", {**read, "2026-11-21": 0})
    assert store.kept([name]) == {name: b"of those that stay"}
    store.erase(["c2", "c3"], LATER)
    for comes_back in ([], [replace(search("q4"), client_id="c4")]):
        store.write(comes_back)
        store.keep(name, b"stale", read)
        assert store.kept([name]) == {}
    assert list(store.days()) == [day]


def test_what_was_derived_of_days_without_facts_goes(store: EventStore) -> None:
    """As earlier versions could leave it."""
    store.write([search("q1")])
    names = ["counts/86400000/2026-11-21", "part/2026-11-22"]
    for name in names:
        store.keep(name, b"x", {})
    store.expire("2026-01-01")
    assert list(store.kept(names)) == names[1:]


def test_a_journal_that_cannot_be_read_holds_up_no_retention(tmp_path: Path, store: EventStore) -> None:
    """Nor what is erased elsewhere: both were promised."""
    old = "2026-01-01T00:00:00.000Z"
    store.write([event("old", timestamp=old, received_at=old), event("new")])
    store.erase(["c9"], "2026-11-22T12:00:00.000Z")
    (tmp_path / "journal" / "x.first").mkdir(parents=True)
    erased: list[str] = []
    upkeep = Upkeep(
        store,
        ClientHasher(store.salt),
        retention_days=90,
        journals=tmp_path / "journal",
        on_erased=erased.extend,
        clock=lambda: datetime(2026, 11, 23, tzinfo=UTC),
    )
    with pytest.raises(IsADirectoryError):
        upkeep.once()
    assert [fact.event_id for fact in store.events()] == ["new"]
    assert erased == ["c9"]
