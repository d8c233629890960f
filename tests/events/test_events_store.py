"""The contract of event stores, for each of them: facts come back as they were, once each, and go for good."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Barrier, BrokenBarrierError, Thread

import pytest
from event_facts import TIME, event, search

from kbsearch.errors import StoreError, UsageError
from kbsearch.events.connect import open_store
from kbsearch.events.schema import Event
from kbsearch.events.store import EventStore, PopularQuery, Removed


def test_facts_come_back_as_they_were(store: EventStore) -> None:
    """Round trip of both kinds, every field of them."""
    facts = [event("e1"), event("e2", position=None, attributes={}), search("q1"), search("q2", hit_ids=())]
    store.write(facts)
    assert facts[:2] == list(store.events())
    assert facts[2:] == list(store.searches())


def test_facts_come_in_the_order_of_time_then_id(store: EventStore) -> None:
    """Byte by byte, whatever the order of arrival and the database's own idea of the alphabet."""
    late = "2026-11-22T11:00:00.000Z"
    store.write([event("b", timestamp=late), event("Z", timestamp=late), event("a", timestamp=late), event("x")])
    store.write([search("b"), search("Z"), search("a"), search("x", timestamp="2026-11-21T00:00:00.000Z")])
    assert [fact.event_id for fact in store.events()] == ["x", "Z", "a", "b"]
    assert [fact.query_id for fact in store.searches()] == ["x", "Z", "a", "b"]


def test_a_span_holds_its_beginning_and_not_its_end(store: EventStore) -> None:
    """Days and moments alike; an empty bound is none."""
    times = ["2026-11-21T23:59:59.999Z", "2026-11-22T00:00:00.000Z", "2026-11-22T12:00:00.000Z"]
    store.write([event(time, timestamp=time) for time in times] + [search(time, timestamp=time) for time in times])
    spans = {
        ("", ""): times,
        ("2026-11-22", ""): times[1:],
        ("", "2026-11-22"): times[:1],
        ("2026-11-22", "2026-11-22T12:00:00.000Z"): times[1:2],
        ("2026-11-23", ""): [],
    }
    for (since, until), expected in spans.items():
        assert expected == [fact.timestamp for fact in store.events(since, until)]
        assert expected == [fact.timestamp for fact in store.searches(since=since, until=until)]
        named = [("", time, "s1", "c1") for time in expected] + [(time, "q1", "s1", "c1") for time in expected]
        assert sorted(store.names(since, until)) == sorted(named)


def test_a_fact_is_kept_once(store: EventStore) -> None:
    """The first one counts, within a batch and between batches."""
    store.write([event("e1"), event("e1", object_id="other")])
    store.write([event("e1", object_id="third"), search("q1")])
    store.write([search("q1", found=99)])
    assert [event("e1")] == list(store.events())
    assert [search("q1")] == list(store.searches())


def test_strange_text_is_storable(store: EventStore) -> None:
    """Quotes, NUL and lone surrogates neither break a statement nor a file; the same text comes back from both."""
    strange = "'); DROP TABLE events; -- \x00 \ud800 %s ?"
    store.write([search("q1", user_query=strange, hit_ids=(strange,)), event("e1", attributes={strange: strange})])
    (found,) = store.searches()
    assert found.user_query == "'); DROP TABLE events; -- � ? %s ?"
    assert found.hit_ids == (found.user_query,)
    assert [fact.attributes for fact in store.events()] == [{strange: strange}]


def test_reading_does_not_wait_for_writing(store: EventStore) -> None:
    """A reader in the middle of its rows holds nobody up, and sees what was there when it began."""
    store.write([event(str(number)) for number in range(20)])
    reader = store.events()
    next(reader)
    store.write([event("new")])
    assert len(list(reader)) == 19
    assert len(list(store.events())) == 21


def test_writers_with_the_same_facts_do_not_wait_for_each_other_forever(store: EventStore) -> None:
    """Four at once, in different orders: no deadlock, every fact once."""
    facts = [event(f"{number:05}") for number in range(12_000)]
    failures: list[Exception] = []
    together = Barrier(4)

    def write(step: int) -> None:
        try:
            for start in range(0, len(facts), 3000):
                together.wait()
                store.write(facts[start : start + 3000][::step])
        except (StoreError, BrokenBarrierError) as error:
            failures.append(error)
            together.abort()

    threads = [Thread(target=write, args=(step,)) for step in (1, -1) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failures, list(store.events())) == ([], facts)


def test_a_days_number_changes_whenever_its_facts_do(store: EventStore) -> None:
    """What a report has computed for a day is good as long as the number is the same."""
    assert store.days() == {}
    store.write([event("e1"), search("q1", timestamp="2026-11-21T10:00:00.000Z")])
    first = store.days()
    assert list(first) == ["2026-11-21", "2026-11-22"]
    store.write([event("e1")])
    assert first == store.days(), "a duplicate changes nothing"
    store.write([event("e2")])
    second = store.days()
    assert second["2026-11-21"] == first["2026-11-21"]
    assert second["2026-11-22"] != first["2026-11-22"]
    store.erase(["c1"], "2026-11-23")
    assert store.days() == {}
    store.write([event("e1", client_id="c2")])
    assert store.days()["2026-11-22"] not in (first["2026-11-22"], second["2026-11-22"]), "no number comes twice"


def test_salts_are_kept_by_the_store(store: EventStore, store_url: str) -> None:
    """So that a client is the same client after a restart; one salt a period."""
    first = store.salt("2026-11-01")
    assert len(first) == 32
    again = open_store(store_url)
    assert again.salt("2026-11-01") == first != again.salt("2026-12-01")
    assert again.salts() == store.salts() == {"2026-11-01": first, "2026-12-01": again.salt("2026-12-01")}
    again.close()


def clicks(query_id: str, number: int = 1, **changes: object) -> Iterable[Event]:
    """Return clicks of so many made-up clients on the first hit of a search."""
    return [event(f"{query_id}-{n}", **{"query_id": query_id, "client_id": f"x{n}", **changes}) for n in range(number)]


def test_popular_queries_need_five_networks_and_real_clicks(store: EventStore) -> None:
    """Nothing that one person typed, nothing private, nothing that was not shown; invented clients do not count."""

    def asked(name: str, networks: int, action: str = "click", hit: str = "a", **changes: object) -> None:
        for n in range(networks):
            made = search(f"{name}{n}", **{"user_query": name, "voucher": f"{name}-{n}", **changes})
            store.write([made, *clicks(made.query_id, action_name=action, object_id=hit)])

    asked("Reset  Password", 3)
    asked("reset password", 2, voucher="other")
    asked("reset password ", 2)
    asked("few", 4)
    asked("private", 9, public=False)
    asked("call [phone]", 9)
    asked("unshown", 9, hit="z")
    asked("viewed", 9, action="view")
    asked("no network known", 9, voucher="")
    asked("robots", 9, device="bot")
    asked("none", 9, decision="hand_over")
    asked("l" * 81, 9)
    store.write([search("crowd", user_query="crowd", voucher="one"), *clicks("crowd", 50)])
    assert [PopularQuery("Reset  Password", "en", 6)] == store.popular_queries(min_clients=5, limit=10)
    assert store.popular_queries(min_clients=5, limit=10, since="2026-11-23") == []
    assert store.popular_queries(min_clients=5, limit=10, until="2026-11-22") == []
    assert len(store.popular_queries(min_clients=1, limit=2)) == 2


def test_drops_are_added_up_by_day(store: EventStore) -> None:
    """So that a report can say what it does not know."""
    for day, count in (("2026-11-21", 2), ("2026-11-22", 3), ("2026-11-22", 4)):
        store.add_dropped(day, count)
    assert store.dropped() == {"2026-11-21": 2, "2026-11-22": 7}
    assert store.dropped("2026-11-22", "2026-11-23") == {"2026-11-22": 7}


def test_related_finds_a_person_under_every_id(store: EventStore) -> None:
    """By client, by session and by user."""
    store.write([
        event("e1", client_id="c1", session_id="s1"),
        event("e2", client_id="c2", session_id="s1", attributes={"user": "0af"}),
        event("e3", client_id="c3", session_id="s3", attributes={"note": 'a "user": of ours'}),
        event("e4", client_id="c6", session_id="", attributes={"context": {"user": "1"}, "note": "\0", "user": "0af"}),
        event("e5", client_id="c7", session_id="", attributes={"context": {"user": "0af"}}),
        search("q1", client_id="c4", session_id="s4"),
        search("q2", client_id="c5", session_id=""),
    ])  # fmt: skip
    assert store.related(["c1"]) == ({"c1"}, {"s1"})
    assert store.related(["s1", "c5"]) == ({"c1", "c2", "c5"}, {"s1"})
    assert store.related({"0af", "s4"}) == ({"c2", "c4", "c6"}, {"s1", "s4"})
    assert store.related(["nobody"]) == (set(), set())


def test_what_is_erased_is_gone_for_good(store: EventStore) -> None:
    """Also what arrives afterwards from before, such as out of a journal; not what the client does later."""
    store.write([event("e1"), event("e2", client_id="c2"), search("q1"), search("q2", client_id="c2")])
    assert store.erase(["c1", "nobody"], "2026-11-22T12:00:00.000Z") == Removed(searches=1, events=1)
    later, ahead = "2026-11-22T13:00:00.000Z", "2026-11-23T13:00:00.000Z"
    store.write([event("e3"), event("e4", timestamp=later, received_at=later), event("e5", timestamp=ahead)])
    assert store.expire("2026-01-01") == Removed(searches=0, events=2), "e3 and e5, of a clock that is ahead"
    assert [fact.event_id for fact in store.events()] == ["e2", "e4"]
    assert [fact.query_id for fact in store.searches()] == ["q2"]


def test_who_was_erased_is_remembered_for_as_long_as_facts_are_kept(store: EventStore) -> None:
    """What arrives later from before is too old by then; again erased, the last time counts."""
    for client, day in (("c1", "2026-11-21"), ("c2", "2026-11-22"), ("c1", "2026-11-23")):
        store.erase([client], f"{day}T12:00:00.000Z")
    assert store.erased() == {"c1": "2026-11-23T12:00:00.000Z", "c2": "2026-11-22T12:00:00.000Z"}
    store.expire("2026-11-22T12:00:00.001Z")
    assert store.erased() == {"c1": "2026-11-23T12:00:00.000Z"}


def test_what_is_too_old_goes(store: EventStore) -> None:
    """By its own time; by the time of receipt where the client's clock was days ahead. Salts of the time go too."""
    for period in ("2026-09-01", "2026-10-01", "2026-11-01"):
        store.salt(period)
    store.add_dropped("2026-10-14", 5)
    store.write([
        event("old", timestamp="2026-10-14T23:59:59.999Z"),
        event("young", timestamp="2026-10-15T00:00:00.000Z"),
        event("ahead", timestamp="9999-01-01T00:00:00.000Z", received_at="2026-10-14T00:00:00.000Z"),
        event("skewed", timestamp="9999-01-01T00:00:00.000Z", received_at=TIME),
        search("old", timestamp="2026-10-14T23:59:59.999Z"),
        search("young"),
    ])  # fmt: skip
    assert store.expire("2026-10-15T00:00:00.000Z") == Removed(searches=1, events=2)
    assert [fact.event_id for fact in store.events()] == ["young", "skewed"]
    assert [fact.query_id for fact in store.searches()] == ["young"]
    assert list(store.days()) == ["2026-10-15", "2026-11-22", "9999-01-01"]
    assert sorted(store.salts()) == ["2026-10-01", "2026-11-01"], "a young fact may be hashed with October's"
    assert store.dropped() == {}
    assert store.expire("2026-10-15T00:00:00.000Z") == Removed(0, 0)


def test_more_than_one_transaction_of_old_facts_goes(store: EventStore) -> None:
    """Removal works in pieces."""
    old = "2026-01-01T00:00:00.000Z"
    store.write([event(str(number), timestamp=old, received_at=old, attributes={}) for number in range(5001)])
    assert store.expire("2026-02-01") == Removed(searches=0, events=5001)
    assert store.days() == {}


def test_two_processes_may_open_a_new_store_at_once(store_url: str) -> None:
    """Workers start together; the schema is made once."""
    opened: list[EventStore] = []
    threads = [Thread(target=lambda: opened.append(open_store(store_url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    opened[0].write([event("e1")])
    assert [event("e1")] == list(opened[3].events())
    for store in opened:
        store.close()


@pytest.mark.parametrize("url", ["events.db", "mysql://x", "sqlite:///", ""])
def test_an_url_that_names_no_store_is_a_sentence(url: str) -> None:
    """With the forms to use."""
    with pytest.raises(UsageError, match="sqlite:///PATH or postgresql://"):
        open_store(url)
