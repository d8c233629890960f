"""Counts by name and by label: what figures are made of, and all that is kept of a day that is over.

Takes journeys with their acts and outcomes, gives counters that add up over days and labels. Pure. A name with `=`
counts how often a value occurred ("ces=6"), so that a mean and its interval need no list of values.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from kbsearch.events.ids import made_at
from kbsearch.events.schema import Event
from kbsearch.metrics.acts import Act
from kbsearch.metrics.journeys import (
    SURVEY,
    UNKNOWN,
    Journey,
    Labels,
    article_labels,
    helpful_vote,
    is_opening,
    search_labels,
)
from kbsearch.metrics.moments import MINUTE, SECOND, moment_of
from kbsearch.metrics.searches import Search

DIMENSIONS = Labels._fields
EVERYTHING = "all"

Cells = dict[Labels, Counter[str]]
"""Counts by every combination of labels that occurred."""
Tally = Counter[str]
Tallies = dict[str, dict[str, Tally]]
"""Dimension → label → counts; the dimension EVERYTHING has the one label EVERYTHING."""

SURVEYS = {"csat": (("csat", "rating"), 1, 5), "ces": (("ces", "effort"), 1, 7), "nps": (("nps",), 0, 10)}
"""Survey → attributes that may hold its answer, lowest and highest value."""
SECONDS_GROWTH = 1.15
"""Seconds to an answer are kept in buckets, each so much wider than the one before; their sum is kept exactly."""
SKEW = 5 * MINUTE
REPEAT = SECOND


def count_now(acts: Sequence[Act], journey: Journey, searches: Sequence[Search], cells: Cells) -> None:
    """Add what does not depend on anything later: searches, votes, survey answers, and signs of ill health."""
    events = [(act.moment, act.fact) for act in acts if isinstance(act.fact, Event)]
    _count_searches(events, journey, searches, cells)
    _count_votes(events, journey.labels, cells)
    counts = _cell(cells, journey.labels)
    if any(event.action_name == "feedback" or event.object_id_type == SURVEY for _, event in events):
        for survey in SURVEYS:
            _count_survey(survey, [event for _, event in events], counts)
    _count_health(acts, journey, searches, counts)


def spread(cells: Mapping[Labels, Counter[str]]) -> Tallies:
    """Add up cells by each dimension."""
    tallies: Tallies = {EVERYTHING: {EVERYTHING: Counter()}, **{dimension: {} for dimension in DIMENSIONS}}
    for labels, counts in cells.items():
        merge_counts(tallies[EVERYTHING][EVERYTHING], counts)
        for dimension, label in zip(DIMENSIONS, labels, strict=True):
            merge_counts(tallies[dimension].setdefault(label, Counter()), counts)
    return tallies


def merge_counts(into: Counter[str], counts: Mapping[str, int]) -> None:
    """Add counts, leaving out zeros."""
    for name, count in counts.items():
        if count:
            into[name] += count


def merge_tallies(into: Tallies, tallies: Mapping[str, Mapping[str, Mapping[str, int]]]) -> None:
    """Add the tallies of another day."""
    for dimension, labels in tallies.items():
        mine = into.setdefault(dimension, {})
        for label, counts in labels.items():
            merge_counts(mine.setdefault(label, Counter()), counts)


def histogram(counts: Mapping[str, int], name: str) -> dict[float, int]:
    """Return value → how often, of the counters `name=value`."""
    prefix = name + "="
    return {float(key.removeprefix(prefix)): count for key, count in counts.items() if key.startswith(prefix)}


def seconds_bucket(seconds: float) -> float:
    """Return the middle of the bucket that a time falls into; buckets grow by SECONDS_GROWTH."""
    step = math.floor(math.log(1 + seconds) / math.log(SECONDS_GROWTH))
    low, high = SECONDS_GROWTH**step - 1, SECONDS_GROWTH ** (step + 1) - 1
    return round((low + high) / 2, 3)


def _cell(cells: Cells, labels: Labels) -> Counter[str]:
    """Return the counts of a combination of labels; a counter that is there already costs nothing."""
    found = cells.get(labels)
    if found is None:
        found = cells[labels] = Counter()
    return found


def _count_searches(
    events: Sequence[tuple[int, Event]], journey: Journey, searches: Sequence[Search], cells: Cells
) -> None:
    opened_by_query: dict[str, list[Event]] = {}
    for _, event in events:
        if is_opening(event) and event.query_id:
            opened_by_query.setdefault(event.query_id, []).append(event)
    read = [m for m, event in events if is_opening(event) or event.action_name == "answer_shown"]
    for place, search in enumerate(searches):
        counts = _cell(cells, search_labels(search, journey.labels.device))
        opened = [event for query_id in search.query_ids for event in opened_by_query.get(query_id, ())]
        clicks = [event for event in opened if event.action_name == "click"]
        following = searches[place + 1].start if place + 1 < len(searches) else None
        abstained = search.final.decision == "hand_over"
        counts["searches"] += 1
        counts["searches_clicked"] += bool(clicks)
        counts["searches_no_words"] += not search.final.words_found
        counts["searches_abstained"] += abstained
        counts["searches_unopened"] += search.final.found > 0 and not abstained and not opened
        counts["searches_reformulated"] += (
            following is not None and not opened and not any(search.start <= m < following for m in read)
        )
        placed = [(event.timestamp, event.event_id, event.position) for event in clicks if event.position]
        if placed:
            counts[f"click_position={min(placed)[2]}"] += 1
    if searches:
        answered = next((m for m in read if m >= searches[0].start), None)
        if answered is not None:
            waited = answered - searches[0].start
            counts = _cell(cells, journey.labels)
            counts["answer_ms"] += waited
            counts[f"answer_s={seconds_bucket(waited / SECOND)}"] += 1


def _count_votes(events: Sequence[tuple[int, Event]], labels: Labels, cells: Cells) -> None:
    """Count the last vote on each article; the article's own type and category come before the journey's."""
    votes: dict[str, tuple[bool, Event]] = {}
    for _, event in events:
        vote = helpful_vote(event)
        if vote is not None:
            votes[event.object_id] = (vote, event)
    for vote, event in votes.values():
        own = article_labels(event)
        where = labels._replace(
            type=own.type if own.type != UNKNOWN else labels.type,
            category=own.category if own.category != UNKNOWN else labels.category,
        )
        counts = _cell(cells, where)
        counts["votes"] += 1
        counts["votes_helpful"] += vote


def _count_survey(survey: str, events: Iterable[Event], counts: Tally) -> None:
    """Count the last answer to a survey on each thing, and of those asked the journeys that answered."""
    names, low, high = SURVEYS[survey]
    answers: dict[str, int] = {}
    asked = False
    for event in events:
        if event.action_name == "impression" and event.object_id_type == SURVEY and event.object_id == survey:
            asked = True
        if event.action_name == "feedback":
            value = next((event.attributes[name] for name in names if name in event.attributes), None)
            if isinstance(value, int | float) and not isinstance(value, bool) and value in range(low, high + 1):
                answers[event.object_id] = int(value)
    counts.update(f"{survey}={value}" for value in answers.values())
    if asked:
        counts[f"{survey}_asked"] += 1
        counts[f"{survey}_asked_answered"] += bool(answers)


def _count_health(acts: Sequence[Act], journey: Journey, searches: Sequence[Search], counts: Tally) -> None:
    """Count signs that the facts themselves are not to be trusted."""
    asked = {query_id: search.start for search in searches for query_id in search.query_ids}
    latest: dict[tuple[str, ...], int] = {}
    if journey.program:
        counts["bot_facts"] += len(acts)
        counts["bot_searched"] += journey.searched
    counts["facts"] += len(acts)
    counts["searches_with_hits"] += sum(search.final.found > 0 for search in searches)
    for act in acts:
        event = act.fact
        if not isinstance(event, Event):
            continue
        counts["events"] += 1
        counts["openings"] += is_opening(event)
        # Times are written in one form, so that text order is time order; few need reading.
        ahead = event.timestamp > event.received_at and act.moment > moment_of(event.received_at) + SKEW
        before = act.moment < asked.get(event.query_id, act.moment)
        # A search in another journey: its id says when it was made.
        before |= event.query_id not in asked and event.timestamp < made_at(event.query_id) <= event.received_at
        counts["events_skewed"] += ahead or before
        what = (event.action_name, event.object_id, event.query_id, str(event.attributes) if event.attributes else "")
        counts["events_repeated"] += act.moment - latest.get(what, -REPEAT - 1) <= REPEAT
        latest[what] = act.moment
        if event.action_name == "impression" and event.object_id_type != SURVEY:
            counts["impressions"] += 1
            counts["impressions_orphaned"] += event.query_id not in asked
