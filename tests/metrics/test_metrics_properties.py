"""What holds for any facts: shares, sums, independence, order; and rollups that equal the plain computation."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import metrics_oracle
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics_facts import Fact, MemoryShelf, MemoryStore, event, search

from kbsearch.events.schema import Event, SearchRecord
from kbsearch.metrics.columns import columns_of
from kbsearch.metrics.definitions import BY_ID
from kbsearch.metrics.journeys import Journey, Labels
from kbsearch.metrics.moments import DAY, HOUR, MINUTE, moment_of, start_of, timestamp_of
from kbsearch.metrics.outcomes import decide_outcome
from kbsearch.metrics.present import as_json
from kbsearch.metrics.report import SPLITS, Report, report
from kbsearch.metrics.rollup import DayCounts
from kbsearch.metrics.settle import outcomes

FIRST = start_of("2026-11-01")
WORDS = ("parole", "rēķins", "преступление")
"""Too different to be edits of each other."""
ACTIONS = ("click", "view", "answer_shown", "ticket_started", "ticket_created", "handover", "resolved_declared", "vote")


@st.composite
def fact_lists(draw: st.DrawFn, most: int = 40) -> list[Fact]:
    """Facts of a few clients over ten days, close to each other and to midnight more often than not."""
    facts: list[Fact] = []
    asked: dict[str, SearchRecord] = {}
    steps = st.sampled_from([MINUTE, 7 * MINUTE, 29 * MINUTE, 30 * MINUTE, HOUR, 23 * HOUR, DAY, 3 * DAY])
    clocks = {client: FIRST + draw(st.sampled_from([0, 23 * HOUR + 50 * MINUTE, 12 * HOUR])) for client in "abc"}
    for number in range(draw(st.integers(0, most))):
        client = draw(st.sampled_from("abc"))
        clocks[client] += draw(steps)
        time = timestamp_of(clocks[client])
        kind = draw(st.sampled_from(["search", "search", "helpful", "survey", "event", "form"]))
        if kind == "search":
            word = draw(st.sampled_from(range(len(WORDS))))
            asked[client] = search(
                client,
                time,
                WORDS[word],
                query_id=f"q{number}",
                hit_ids=(f"article{word}.lv",),
                device=draw(st.sampled_from(["mobile", "desktop"])),
                decision=draw(st.sampled_from(["list", "answer", "hand_over"])),
                words_found=draw(st.booleans()),
            )
            facts.append(asked[client])
            continue
        about = asked.get(client) if draw(st.booleans()) else None
        actions = ("ticket_started", "ticket_created") if kind == "form" else ACTIONS
        found = event(client, time, draw(st.sampled_from(actions)), about, event_id=f"e{number}")
        if kind == "helpful":
            found = replace(found, action_name="feedback", object_id="", attributes={"helpful": draw(st.booleans())})
        elif kind == "survey":
            answers = st.sampled_from([{"csat": 4}, {"csat": 1}, {"ces": 3}, {"nps": 10}, {"nps": 2}])
            found = replace(found, action_name="feedback", object_id="", attributes=draw(answers))
        elif found.object_id:
            place = draw(st.integers(1, 4))
            found = replace(found, object_id=f"article{place % 3}.en", position=place)
        elif found.action_name == "ticket_started":
            held = draw(st.booleans())
            found = replace(found, attributes={"suggestions_shown": not held, "holdout": held})
        facts.append(found)
    return facts


@st.composite
def tied_facts(draw: st.DrawFn) -> list[Fact]:
    """Facts of three days around their midnights, whose clients gave an id or none, tied by sessions and queries."""
    facts: list[Fact] = []
    for number in range(draw(st.integers(0, 14))):
        minutes = st.sampled_from([-40, -20, -5, 0, 5, 20, 40, 12 * 60])
        time = timestamp_of(FIRST + draw(st.integers(1, 3)) * DAY + draw(minutes) * MINUTE)
        session = draw(st.sampled_from(["s1", "s2", ""]))
        client = draw(st.sampled_from(["anna", f"~{session or 'address'}", f"~{session or 'address'}"]))
        query = draw(st.sampled_from(["q1", "q2", "q3", ""]))
        if draw(st.booleans()):
            facts.append(search(f"~{session or 'address'}", time, query_id=f"q{number}", session_id=session))
        else:
            action = draw(st.sampled_from(ACTIONS))
            facts.append(event(client, time, action, session_id=session, query_id=query, event_id=f"e{number}"))
    return facts


moments = st.integers(0, 20).map(lambda days: FIRST + days * DAY)


def values(found: Report) -> Mapping[str, object]:
    """Return everything a report says."""
    return as_json(found)


@settings(max_examples=150, deadline=None)
@given(fact_lists(), moments)
def test_the_plain_computation_agrees(facts: Sequence[Fact], as_of: int) -> None:
    """Days, edges and look-ahead change nothing against reading the definitions over all facts at once."""
    expected = metrics_oracle.count(facts, as_of / 1000)
    counts = report(MemoryStore(facts), as_of=as_of).counts
    journeys = ("journeys", "outcome:", "searched:", "durable", "seasoned_confirmed", "form_")
    known = (*journeys, "searches", "click_position=", "answer_ms", "votes", "csat=", "ces=", "nps=")
    skipped = ("durable_searched", "seasoned_confirmed_seen_again", "searches_with_hits")
    ours = {
        name: number for name, number in counts.items() if name.startswith(known) and name not in skipped and number
    }
    assert ours == dict(expected)


@settings(max_examples=60, deadline=None)
@given(fact_lists(), moments)
def test_shares_and_sums(facts: Sequence[Fact], as_of: int) -> None:
    """Shares and intervals lie in 0..1, outcomes add up to journeys, rates of outcomes to 1."""
    found = report(MemoryStore(facts), as_of=as_of, splits=SPLITS)
    for figures in (found.metrics, *(each for labels in found.by.values() for each in labels.values())):
        for name, figure in figures.items():
            assert (figure.value is None) == (figure.reason is not None)
            if BY_ID[name].kind == "share" and figure.value is not None:
                assert figure.interval is not None
                assert 0 <= figure.interval[0] <= figure.value <= figure.interval[1] <= 1
            if figure.response_rate is not None:
                assert 0 <= figure.response_rate <= 1
    for counted in (found.outcomes, found.outcomes_searched, *found.outcomes_by_day.values()):
        assert sum(counted.values()) == 2 * counted["journeys"]
    rates = [found.metrics[f"{name}_rate"].value for name in ("confirmed_success", "assumed", "escalated", "abandoned")]
    assert None in rates or abs(sum(rate for rate in rates if rate is not None) - 1) < 1e-9


@settings(max_examples=60, deadline=None)
@given(fact_lists(), moments, st.randoms(use_true_random=False))
def test_order_of_arrival_and_duplicates_change_nothing(facts: list[Fact], as_of: int, shuffler: random.Random) -> None:
    """Facts shuffled, and some of them twice."""
    arrived = [*facts, *facts[::2]]
    shuffler.shuffle(arrived)
    until = FIRST + 30 * DAY
    assert values(report(MemoryStore(arrived), FIRST, until, SPLITS, as_of=as_of)) == values(
        report(MemoryStore(facts), FIRST, until, SPLITS, as_of=as_of)
    )


@settings(max_examples=60, deadline=None)
@given(fact_lists(), fact_lists(15), moments)
def test_an_unrelated_client_changes_no_outcome(facts: list[Fact], others: list[Fact], as_of: int) -> None:
    """Counts of journeys add up: those of both equal those of each."""
    strangers = [_stranger(fact) for fact in others]
    both, mine, theirs = (
        report(MemoryStore(some), as_of=as_of).outcomes for some in ([*facts, *strangers], facts, strangers)
    )
    assert both == {name: mine[name] + theirs[name] for name in both}
    assert _decided(facts, as_of) <= _decided([*facts, *strangers], as_of)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(fact_lists(), fact_lists(10), moments, moments, st.sampled_from("abc"))
def test_what_is_kept_equals_what_is_computed(
    facts: list[Fact], late: list[Fact], first: int, second: int, erased: str
) -> None:
    """After a first report, late facts, another day and an erasure, with a shelf and without."""
    store, shelf = MemoryStore(facts), MemoryShelf()
    bounds = (FIRST, FIRST + 40 * DAY, SPLITS)
    strangers = [_stranger(fact) for fact in late]
    as_of = min(first, second)
    for change in (
        lambda: None,
        lambda: store.add(*late[::2], *strangers[::2]),
        lambda: store.add(*strangers[1::2]),
        lambda: store.erase(erased),
    ):
        change()
        assert values(report(store, *bounds, as_of=as_of, shelf=shelf)) == values(report(store, *bounds, as_of=as_of))
        as_of = max(first, second)
    once = report(store, *bounds, as_of=FIRST + 40 * DAY, shelf=shelf)
    store.reads = 0
    again = report(store, *bounds, as_of=FIRST + 40 * DAY, shelf=shelf)
    assert store.reads == 0
    assert values(once) == values(again) == values(report(store, *bounds, as_of=FIRST + 40 * DAY))


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(tied_facts(), st.randoms())
def test_what_is_kept_of_tied_days_equals_what_is_computed(facts: list[Fact], shuffler: random.Random) -> None:
    """Whichever facts come late; and no fact is in two journeys, or in none."""
    shuffler.shuffle(facts)
    store, shelf = MemoryStore(), MemoryShelf()
    bounds = (FIRST, FIRST + 10 * DAY, SPLITS)
    for start in range(0, len(facts), 5):
        store.add(*facts[start : start + 5])
        kept = report(store, *bounds, as_of=FIRST + 30 * DAY, shelf=shelf)
        assert values(kept) == values(report(store, *bounds, as_of=FIRST + 30 * DAY))
        assert kept.counts["facts"] == len(store.facts)


@settings(max_examples=40, deadline=None)
@given(fact_lists(), st.integers(0, 12), st.integers(0, 12))
def test_periods_add_up(facts: list[Fact], first: int, second: int) -> None:
    """A period cut between any two days counts every journey once."""
    store, end = MemoryStore(facts), FIRST + 40 * DAY
    cuts = [FIRST, *sorted([FIRST + first * DAY, FIRST + second * DAY]), end]
    parts = [report(store, *pair, as_of=end).counts for pair in pairwise(cuts)]
    whole = report(store, FIRST, end, as_of=end).counts
    assert {name: sum(part[name] for part in parts) for name in whole} == dict(whole)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(*[st.booleans()] * 4, st.booleans(), st.booleans()), min_size=1, max_size=8))
def test_whole_columns_end_as_single_journeys_do(rows: list[tuple[bool, ...]]) -> None:
    """Every combination of what an outcome depends on."""
    made = [
        Journey(
            "c", 0, 0, Labels(), searched, opened, said, (1,) * handed, (), False, False, "", 1, False, opened, True
        )
        for searched, opened, said, handed, _, _ in rows
    ]
    later, closed = (np.array([row[place] for row in rows]) for place in (4, 5))
    ended = outcomes(columns_of(made), later, closed)
    for place, journey in enumerate(made):
        expected = decide_outcome(journey, handed_over_later=bool(later[place]), closed=bool(closed[place]))
        assert [outcome for outcome, marks in ended.items() if marks[place]] == [expected]


def _stranger(fact: Fact) -> Fact:
    """Return the fact of another client with the same name."""
    changed = {"client_id": "x" + fact.client_id, "session_id": "x" + fact.session_id}
    if isinstance(fact, Event):
        return replace(fact, event_id="x" + fact.event_id, query_id=fact.query_id and "x" + fact.query_id, **changed)
    return replace(fact, query_id="x" + fact.query_id, **changed)


def _decided(facts: Sequence[Fact], as_of: int) -> set[tuple[int, ...]]:
    """Return journeys as they are before their windows are looked at."""
    days = DayCounts(MemoryStore(facts), as_of)
    found = [days._start(day).columns for day in days.days()]
    return {
        row for c in found for row in zip(*map(np.ndarray.tolist, (c.client, c.start, c.end, c.flags)), strict=True)
    }


def test_moments_of_the_strategy_are_days() -> None:
    """The ten days begin on a midnight, else nothing here would lie near one."""
    assert moment_of(timestamp_of(FIRST)) % DAY == 0
