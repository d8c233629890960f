"""Traces hold query texts and client hashes: they go with the facts that they were made from."""

from __future__ import annotations

from dataclasses import replace

from event_facts import TIME, event, search

from kbsearch.events.store import EventStore

LATER = TIME.replace("22", "23")


def test_a_trace_goes_when_facts_of_its_day_go(store: EventStore) -> None:
    """By erasure of one client, and by age; other days keep theirs."""
    store.write([search("q1"), event("e1"), replace(search("q2"), timestamp=LATER, client_id="c2")])
    names = ["trace/2026-11-22", "trace/2026-11-23"]
    for name in names:
        store.keep(name, b"x")
    store.erase(["c1"], LATER)
    assert set(store.kept(names)) == {"trace/2026-11-23"}
    store.expire("2026-11-24")
    assert set(store.kept(names)) == set()
