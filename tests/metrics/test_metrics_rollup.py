"""What is kept is used, and only while it is true; on the real store as on the one in memory."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from metrics_facts import DAY, LATER, MemoryShelf, MemoryStore, at, event, search

from kbsearch.events.sqlite import SqliteStore
from kbsearch.metrics.kept import FORMAT
from kbsearch.metrics.moments import day_after, moment_of
from kbsearch.metrics.present import as_json
from kbsearch.metrics.report import SPLITS, report


def test_a_late_fact_of_the_day_before_takes_a_journey_away() -> None:
    """At 00:10 a journey seems to begin; then it turns out to have begun at 23:55."""
    store, shelf = MemoryStore([search("c", at("00:10", "2026-11-11"))]), MemoryShelf()
    assert set(report(store, as_of=LATER, shelf=shelf).outcomes_by_day) == {"2026-11-11"}
    store.add(search("c", at("23:55", "2026-11-10"), "other words"))
    found = report(store, as_of=LATER, shelf=shelf)
    assert [day for day, outcomes in found.outcomes_by_day.items() if outcomes["journeys"]] == ["2026-11-10"]
    assert found.outcomes["journeys"] == 1


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_fact_at_the_end_of_the_calendar_breaks_no_report(day: str) -> None:
    """Stores of older versions may hold one, of a clock that was wrong; it is in no report."""
    store = MemoryStore([search("c", at("10:00")), event("d", at("12:00", day), "view")])
    found = report(store, as_of=LATER, shelf=MemoryShelf())
    assert (found.outcomes["journeys"], found.since[:10]) == (1, "2026-11-10")


def test_a_late_fact_of_the_day_after_continues_a_journey() -> None:
    """The ticket filed at 00:10 belongs to the journey that began at 23:50."""
    store, shelf = MemoryStore([search("c", at("23:50"))]), MemoryShelf()
    assert report(store, as_of=LATER, shelf=shelf).outcomes["abandoned"] == 1
    store.add(event("c", at("00:10", "2026-11-11"), "ticket_created"))
    assert report(store, as_of=LATER, shelf=shelf).outcomes == {
        **dict.fromkeys(["confirmed", "assumed", "abandoned", "unknown"], 0),
        "escalated": 1,
        "journeys": 1,
    }


def test_a_journey_may_last_for_days() -> None:
    """A program that never pauses is one journey, counted once, on its first day."""
    minutes = range(0, 3 * 24 * 60, 25)
    facts = [
        search("bot", at(f"{m // 60 % 24:02}:{m % 60:02}", f"2026-11-{10 + m // 1440}"), f"q {m}") for m in minutes
    ]
    store, shelf = MemoryStore(facts), MemoryShelf()
    for _ in range(2):
        found = report(store, as_of=LATER, shelf=shelf)
        assert (found.outcomes["journeys"], found.counts["searches"]) == (1, len(facts))
        assert found.outcomes_by_day["2026-11-11"]["journeys"] == 0


def test_windows_have_counts_of_their_own() -> None:
    """What was kept for 24 hours is not given for one."""
    facts = [search("c", at("10:00")), event("c", at("15:00"), "ticket_created")]
    store, shelf = MemoryStore(facts), MemoryShelf()
    day = report(store, as_of=LATER, shelf=shelf).outcomes_searched
    hour = report(store, as_of=LATER, shelf=shelf, window=3_600_000).outcomes_searched
    assert (day["escalated"], hour["escalated"], hour["abandoned"]) == (1, 0, 1)


def test_nothing_is_kept_of_what_may_still_change() -> None:
    """Counts of a day wait for its last window; an earlier look does not get later counts."""
    store, shelf = MemoryStore([search("c", at("10:00"))]), MemoryShelf()
    report(store, as_of=moment_of(at("09:59", "2026-11-17")), shelf=shelf)
    assert sorted(shelf.things) == ["part/2026-11-10", "started/2026-11-10"]
    report(store, as_of=LATER, shelf=shelf)
    assert sorted(shelf.things) == ["counts/86400000/2026-11-10", "part/2026-11-10", "started/2026-11-10"]
    assert report(store, as_of=moment_of(at("11:00")), shelf=shelf).outcomes["unknown"] == 1


@pytest.mark.parametrize(("asked_at", "filed_at"), [("23:30", "00:10"), ("23:55", "00:10"), ("12:00", "11:00")])
@pytest.mark.parametrize("given", [True, False])
def test_a_ticket_after_midnight_is_that_of_the_query_it_names(asked_at: str, filed_at: str, given: bool) -> None:
    """A ticket system knows nothing else; also where it says so only after a first report."""
    asked = search("~s1", at(asked_at), session_id="s1")
    read = event("anna" if given else "~s1", at(asked_at), "click", asked, session_id="s1")
    others = [search("~s2", at(asked_at), session_id="s2"), search("~s3", at(filed_at, "2026-11-11"), session_id="s3")]
    ticket = event("~desk", at(filed_at, "2026-11-11"), "ticket_created", asked, session_id="")
    other = event("~desk", at(filed_at, "2026-11-11"), "ticket_created", session_id="", query_id="of last week")
    store, shelf = MemoryStore([asked, read, *others]), MemoryShelf()
    assert report(store, as_of=LATER, shelf=shelf).outcomes["escalated"] == 0
    store.add(other, ticket)
    found = report(store, as_of=LATER, shelf=shelf)
    assert found.outcomes["escalated"] == 2 + (filed_at == "11:00" or asked_at == "23:30")
    assert found.outcomes_by_day[DAY]["escalated"] == 1
    assert as_json(found) == as_json(report(store, as_of=LATER))


def test_a_form_that_is_sent_after_midnight_is_one_visit() -> None:
    """The service notes a hand-over by session only; the page gave a client id before. No deflection."""
    asked = search("~s1", at("23:50"), session_id="s1")
    started = event(
        "anna", at("23:52"), "ticket_started", asked, session_id="s1", attributes={"suggestions_shown": True}
    )
    store, shelf = MemoryStore([asked, started]), MemoryShelf()
    assert report(store, as_of=LATER, shelf=shelf).metrics["ticket_form_deflection"].numerator == 1
    elsewhere = event("anna", at("00:01", "2026-11-11"), "view", session_id="s9")
    store.add(elsewhere, event("~s1", at("00:03", "2026-11-11"), "ticket_created", session_id="s1"))
    found = report(store, as_of=LATER, shelf=shelf)
    assert (found.outcomes["journeys"], found.outcomes_by_day[DAY]["escalated"]) == (1, 1)
    figure = found.metrics["ticket_form_deflection"]
    assert (figure.numerator, figure.n) == (0, 1)
    assert as_json(found) == as_json(report(store, as_of=LATER))


@pytest.fixture
def store(tmp_path: Path):
    opened = SqliteStore(tmp_path / "events.db")
    yield opened
    opened.close()


def test_the_store_keeps_what_a_report_derives(store: SqliteStore) -> None:
    """On its own shelf; an erased client is in neither figures nor shelf."""
    as_of = moment_of(at("10:00", "2026-11-12"))
    store.write([search("a" * 32, at("00:10")), search("b" * 32, at("12:00"))])
    first = report(store, as_of=as_of, shelf=store)
    assert first.outcomes["abandoned"] == 2
    names = ["part/2026-11-10", "started/2026-11-10"]
    kept = zlib.decompress(store.kept(names)["part/2026-11-10"].removeprefix(FORMAT))
    assert b"a" * 32 in kept, "near midnight with all its facts"
    assert report(store, as_of=as_of, shelf=store).outcomes == first.outcomes
    store.erase(["a" * 32], "2026-11-13T00:00:00.000Z")
    assert store.kept(names) == {}
    assert report(store, as_of=as_of, shelf=store).outcomes["abandoned"] == 1


def test_edges_are_kept_whatever_is_in_them(store: SqliteStore) -> None:
    """Text that is no Unicode, integers beyond 64 bits."""
    strange = {"comment": "\ud800\x00", "number": 2**70, "helpful": True}
    store.write([search("c", at("23:50")), event("c", at("23:55"), "feedback", attributes=strange)])
    as_of = moment_of(at("10:00", "2026-11-12"))
    assert report(store, as_of=as_of, shelf=store).outcomes["confirmed"] == 1
    store.write([search("c", at("00:05", "2026-11-11"), "other words")])
    found = report(store, as_of=as_of, shelf=store)
    assert (found.outcomes["confirmed"], found.outcomes["journeys"], found.counts["searches"]) == (1, 1, 2)


def test_a_new_fact_costs_the_reading_of_its_day() -> None:
    """Ninety days of facts; then one more of today, and a late one of weeks ago. All other days are kept."""
    days = [day_after("2026-08-12", number) for number in range(91)]
    store, shelf = MemoryStore([search(f"c{day}", at("10:00", day)) for day in days]), MemoryShelf()
    as_of = moment_of(at("12:00"))
    report(store, as_of=as_of, shelf=shelf)
    for extra, day in enumerate((DAY, DAY, days[40])):
        store.add(search(f"new{extra}", at("11:00", day)))
        store.reads = 0
        assert report(store, as_of=as_of, shelf=shelf).outcomes["journeys"] == 92 + extra
        assert store.reads == 1


def test_of_a_day_that_grew_those_are_read_whom_the_new_facts_may_concern() -> None:
    """By a shared session, by a query that another session names, by name; and nobody else."""
    base = [search(name, at("10:00"), session_id=f"s{name}", query_id=f"q{name}") for name in "abcdef"]
    tie = event("b", at("10:05"), "click", session_id="sc", query_id="qb")
    store, shelf = MemoryStore([*base, tie]), MemoryShelf()
    report(store, as_of=LATER, shelf=shelf)
    for new, concerned in (
        (event("x", at("11:00"), "click", session_id="sa", query_id=""), {"a", "x"}),
        (event("y", at("11:00"), "ticket_created", session_id="", query_id="qc"), {"b", "c", "y"}),
        (search("d", at("11:00"), session_id="another"), {"d"}),
        (event("z", at("11:00"), "handover", session_id="", query_id=""), {"z"}),
    ):
        store.add(new)
        store.asked_for.clear()
        grown = report(store, as_of=LATER, shelf=shelf, splits=SPLITS)
        assert [set(clients) for clients in store.asked_for] == [concerned, concerned]
        assert as_json(grown) == as_json(report(store, as_of=LATER, splits=SPLITS))


def test_a_day_of_which_facts_are_gone_is_read_whole() -> None:
    """Whatever the shelf still holds of it."""
    store, shelf = MemoryStore([search(name, at("10:00")) for name in "ab"]), MemoryShelf()
    report(store, as_of=LATER, shelf=shelf)
    store.erase("a")
    store.add(search("c", at("10:00")))
    store.asked_for.clear()
    assert report(store, as_of=LATER, shelf=shelf).outcomes["journeys"] == 2
    assert store.asked_for == [(), ()]


def test_what_another_version_kept_is_made_anew() -> None:
    """Whatever its form was."""
    store, shelf = MemoryStore([search("c", at("10:00"))]), MemoryShelf()
    first = report(store, as_of=LATER, shelf=shelf)
    shelf.things = dict.fromkeys(shelf.things, b'{"format":1,"values":{}}')
    assert report(store, as_of=LATER, shelf=shelf) == first
    assert all(value.startswith(FORMAT) for value in shelf.things.values())
