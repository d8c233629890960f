"""What a day leaves for the flow, the article table and the gap list, so that a month is not read again each time.

A trace is used for as long as the facts that it was made from do not change. It holds query texts and shortened client
hashes, so its name ends with the day: the store forgets it with the day's facts (see `EventStore.keep`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from kbsearch.events.schema import Event
from kbsearch.metrics.failures import Failure, is_judged, language_of, read_failures
from kbsearch.metrics.journeys import HANDOVERS, helpful_vote, is_opening
from kbsearch.metrics.moments import day_of, start_of
from kbsearch.metrics.outcomes import WINDOW, Outcome
from kbsearch.metrics.rollup import Facts, Shelf
from kbsearch.metrics.walk import Walk, Walked

FORMAT = 1
"""Raise it when the form or the meaning of traces changes."""

OPENED, ANSWERED, LISTED, NOTHING = "opened", "answered", "listed", "nothing"
STEPS = (OPENED, ANSWERED, LISTED, NOTHING)
"""How far a journey's searches led, best first: an article was opened, an answer shown, results shown, nothing."""
VIEWS, VOTES, HELPFUL, READ, TICKETS = range(5)
"""Columns of an article's counts: openings, votes, votes yes, journeys that read it, of these with a ticket after."""


@dataclass(slots=True)
class Trace:
    """What one day left."""

    day: str
    flow: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(step, outcome) → journeys that searched."""
    articles: dict[str, list[int]] = field(default_factory=dict)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(language, query) → searches, of journeys that failures are taken from."""
    failures: list[Failure] = field(default_factory=list)


def read_traces(
    facts: Facts, since: int, until: int, *, as_of: int, window: int = WINDOW, shelf: Shelf | None = None
) -> Iterator[Trace]:
    """Yield the trace of each day with facts from one midnight to the other, of the journeys that began on it.

    Moments and `window` are in milliseconds, as `report` takes them.
    """
    counters = facts.days()
    days = [day for day in sorted(counters) if since <= start_of(day) < until]
    kept = shelf.kept([f"trace/{day}" for day in days]) if shelf else {}
    walk = Walk(facts, as_of, window)
    for day in days:
        # Once all days that it looks at are over, it changes only when facts come late or go.
        settled = day_of(as_of) > walk.touched(day)[-1]
        mark = {
            "format": FORMAT,
            "window": window,
            "days": {other: counters[other] for other in walk.touched(day) if other in counters},
        }
        trace = _unpack(day, kept.get(f"trace/{day}"), mark) if settled else None
        if trace is None:
            trace = trace_of(day, walk.on(day))
            if shelf and settled:
                shelf.keep(f"trace/{day}", orjson.dumps({**mark, "trace": _pack(trace)}))
        yield trace


def trace_of(day: str, journeys: Iterable[Walked]) -> Trace:
    """Return what journeys leave."""
    trace = Trace(day)
    for walked in journeys:
        if walked.journey.searched:
            trace.flow[_step(walked), str(walked.outcome)] += 1
        if is_judged(walked):
            trace.asked.update((language_of(search), search.final.user_query) for search in walked.searches)
            trace.failures += read_failures(walked)
        _count_articles(walked, trace.articles)
    return trace


def _step(walked: Walked) -> str:
    events = [act.fact for act in walked.acts if isinstance(act.fact, Event)]
    if any(is_opening(event) for event in events):
        return OPENED
    if any(event.action_name == "answer_shown" for event in events):
        return ANSWERED
    found = any(search.final.found and search.final.decision != "hand_over" for search in walked.searches)
    return LISTED if found else NOTHING


def _count_articles(walked: Walked, articles: dict[str, list[int]]) -> None:
    """Count openings and votes; and of journeys that read an article, those with a ticket after the first reading."""
    first: dict[str, int] = {}
    votes: dict[str, bool] = {}
    for act in walked.acts:
        event = act.fact
        if not isinstance(event, Event) or not event.object_id:
            continue
        vote = helpful_vote(event)
        if vote is not None:
            votes[event.object_id] = vote
        elif is_opening(event):
            articles.setdefault(event.object_id, [0] * 5)[VIEWS] += 1
            first.setdefault(event.object_id, act.moment)
    for article, vote in votes.items():
        counts = articles.setdefault(article, [0] * 5)
        counts[VOTES] += 1
        counts[HELPFUL] += vote
    if walked.closed:
        handovers = [act.moment for act in walked.later if getattr(act.fact, "action_name", "") in HANDOVERS]
        handovers += walked.journey.handovers
        escalated = walked.outcome == Outcome.ESCALATED
        for article, moment in first.items():
            articles[article][READ] += 1
            articles[article][TICKETS] += escalated and any(other > moment for other in handovers)


def _pack(trace: Trace) -> dict[str, Any]:
    return {
        "flow": [[*ends, count] for ends, count in trace.flow.items()],
        "articles": trace.articles,
        "asked": [[*asked, count] for asked, count in trace.asked.items()],
        "failures": [list(failure) for failure in trace.failures],
    }


def _unpack(day: str, kept: bytes | None, mark: Mapping[str, object]) -> Trace | None:
    """Return a kept trace, if it was made from the same facts in the same way."""
    if kept is None:
        return None
    found = orjson.loads(kept)
    values = found.pop("trace")
    if found != mark:
        return None
    return Trace(
        day,
        Counter({(step, outcome): count for step, outcome, count in values["flow"]}),
        values["articles"],
        Counter({(lang, text): count for lang, text, count in values["asked"]}),
        [Failure._make([*row[:-1], tuple(row[-1])]) for row in values["failures"]],
    )
