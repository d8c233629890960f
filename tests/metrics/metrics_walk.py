"""Traces as they are defined: journey by journey, from all facts, with nothing kept. What `traces.py` must equal."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kbsearch.events.schema import Event
from kbsearch.metrics.acts import Act, by_client, read_acts
from kbsearch.metrics.journeys import (
    BOT_SEARCHES,
    HANDOVERS,
    HELD_OUT,
    UNKNOWN,
    Journey,
    helpful_vote,
    is_opening,
    read_journey,
    split_journeys,
)
from kbsearch.metrics.moments import DAY, day_after, day_of, days_between, start_of, timestamp_of
from kbsearch.metrics.outcomes import Outcome, decide_outcome
from kbsearch.metrics.queries import UNKNOWN_NETWORK, network_of
from kbsearch.metrics.rollup import Facts
from kbsearch.metrics.searches import Search, query_key
from kbsearch.metrics.traces import (
    HELPFUL,
    READERS,
    STEP_ANSWERED,
    STEP_LISTED,
    STEP_NOTHING,
    STEP_OPENED,
    TICKETS,
    VIEWS,
    VOTES,
)

_SAY_ARTICLE = HANDOVERS | {"resolved_declared"}


class Walked(NamedTuple):
    """One journey, whole."""

    acts: list[Act]
    later: list[Act]
    """What the same client did after it, within the window."""
    journey: Journey
    searches: list[Search]
    outcome: Outcome
    closed: bool
    """Its window has passed, so that its outcome is final."""


class Walk:
    """The journeys of any day, as of one moment."""

    def __init__(self, facts: Facts, as_of: int, window: int) -> None:
        """Take moments and the window in milliseconds, as `rollup.DayCounts` does."""
        self._facts = facts
        self._as_of = as_of
        self._window = window
        self._known = facts.days()
        self._read: OrderedDict[str, dict[str, list[Act]]] = OrderedDict()

    def touched(self, day: str) -> list[str]:
        """Return the days whose facts may change what became of journeys that began on `day`."""
        # A journey may end on the next day, and its window a day or more later.
        return days_between(day_after(day, -1), day_of(start_of(day) + 2 * DAY + self._window - 1))

    def on(self, day: str) -> Iterator[Walked]:
        """Yield the journeys that began on a UTC day."""
        days = [other for other in self.touched(day) if other in self._known]
        by_day = {other: self._acts(other) for other in days}
        while len(self._read) > len(self.touched(day)):
            self._read.popitem(last=False)
        for client in by_day.get(day, {}):
            mine = [act for other in days for act in by_day[other].get(client, ())]
            for run in split_journeys(mine):
                if day_of(run[0].moment) == day:
                    yield self._walked(run, mine)

    def _walked(self, run: list[Act], mine: list[Act]) -> Walked:
        journey, searches = read_journey(run)
        closes = journey.end + self._window
        later = [act for act in mine if journey.end < act.moment <= closes]
        handed_over = any(getattr(act.fact, "action_name", "") in HANDOVERS for act in later)
        closed = self._as_of >= closes
        outcome = decide_outcome(journey, handed_over_later=handed_over, closed=closed)
        return Walked(run, later, journey, searches, outcome, closed)

    def _acts(self, day: str) -> dict[str, list[Act]]:
        if day not in self._read:
            bounds = timestamp_of(start_of(day)), timestamp_of(start_of(day) + DAY)
            self._read[day] = by_client(read_acts(self._facts.searches(*bounds), self._facts.events(*bounds)))
        return self._read[day]


class Failure(NamedTuple):
    """One search that did not help."""

    key: str
    """The query without case and diacritics."""
    text: str
    public: bool
    """It may be printed, if enough clients asked it: asked without a key, and nothing personal was taken out."""
    lang: str
    client: str
    escalated: bool
    """The journey ended with a ticket or a human."""
    unhelpful: str
    """The article that was opened and did not help; "" where nothing was opened."""
    found_later: tuple[str, ...]
    network: int = UNKNOWN_NETWORK
    """Articles that helped afterwards: opened from a later search, or after the hand-over (an agent's link)."""


def is_judged(walked: Walked) -> bool:
    """Tell whether failures of a journey say anything: its window has closed, and it is neither a program's nor in the
    hold-out, which is shown nothing on purpose."""
    program = walked.journey.labels.device == "bot" or len(walked.searches) > BOT_SEARCHES
    return walked.closed and not program and walked.journey.arm != HELD_OUT


def read_failures(walked: Walked) -> Iterator[Failure]:
    """Yield the failed searches of a journey that `is_judged`."""
    events = [act.fact for act in walked.acts if isinstance(act.fact, Event)]
    opened = [_opened(search, events) for search in walked.searches]
    escalated = walked.outcome == Outcome.ESCALATED
    disliked = _disliked(events)
    last = next((place for place in range(len(opened) - 1, -1, -1) if opened[place]), -1)
    for place, search in enumerate(walked.searches):
        if opened[place]:
            bad = opened[place][-1]
            if bad in disliked or (escalated and place == last):
                yield _failure(walked, search, bad, _agents(walked))
        elif not _answered(search, events):
            helped = [] if escalated else [one for later in opened[place + 1 :] for one in later if one not in disliked]
            yield _failure(walked, search, "", tuple(dict.fromkeys([*helped[:1], *_agents(walked)])))


def language_of(search: Search) -> str:
    """Return the language of a query, else that of the page it was typed on."""
    return search.final.detected_lang or search.final.lang or UNKNOWN


def _failure(walked: Walked, search: Search, unhelpful: str, found_later: Sequence[str]) -> Failure:
    final = search.final
    return Failure(
        key=query_key(final.user_query),
        text=final.user_query,
        public=final.public and "[" not in final.user_query,
        lang=language_of(search),
        client=walked.journey.client,
        escalated=walked.outcome == Outcome.ESCALATED,
        unhelpful=unhelpful,
        found_later=tuple(one for one in found_later if one != unhelpful),
        network=network_of(final),
    )


def _opened(search: Search, events: Sequence[Event]) -> list[str]:
    return [event.object_id for event in events if is_opening(event) and event.query_id in search.query_ids]


def _answered(search: Search, events: Sequence[Event]) -> bool:
    return any(event.action_name == "answer_shown" and event.query_id in search.query_ids for event in events)


def _disliked(events: Sequence[Event]) -> set[str]:
    """Return the articles of which the last vote is that they did not help."""
    votes = {event.object_id: vote for event in events if (vote := helpful_vote(event)) is not None}
    return {article for article, vote in votes.items() if not vote}


def _agents(walked: Walked) -> tuple[str, ...]:
    """Return the articles that an agent answered with: named by the hand-over once it is solved (see
    `handover/facts.py`) or as the solution, or opened after it."""
    facts = [act.fact for act in (*walked.acts, *walked.later) if isinstance(act.fact, Event)]
    start = next((place for place, event in enumerate(facts) if event.action_name in HANDOVERS), len(facts))
    return tuple(
        event.object_id
        for event in facts[start:]
        if event.object_id and (is_opening(event) or event.action_name in _SAY_ARTICLE)
    )


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
        return STEP_OPENED
    if any(event.action_name == "answer_shown" for event in events):
        return STEP_ANSWERED
    found = any(search.final.found and search.final.decision != "hand_over" for search in walked.searches)
    return STEP_LISTED if found else STEP_NOTHING


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
            articles[article][READERS] += 1
            articles[article][TICKETS] += escalated and any(other > moment for other in handovers)
