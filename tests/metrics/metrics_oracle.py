"""The definitions again, written as slowly and plainly as they read: over all facts at once, day by day nowhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from metrics_facts import Fact

from kbsearch.events.schema import Event, SearchRecord


def _moment(fact: Fact) -> float:
    return datetime.fromisoformat(fact.timestamp).timestamp()


def _order(fact: Fact) -> tuple[float, int, str]:
    if isinstance(fact, Event):
        return _moment(fact), 1, fact.event_id
    return _moment(fact), 0, fact.query_id


def journeys_of(facts: Sequence[Fact]) -> list[list[Fact]]:
    """Events of one client with gaps under 30 minutes; clients and sessions agree in these facts."""
    found = []
    for client in sorted({fact.client_id for fact in facts}):
        mine = sorted((fact for fact in facts if fact.client_id == client), key=_order)
        for fact in mine:
            if found and found[-1][-1].client_id == client and _moment(fact) - _moment(found[-1][-1]) < 1800:
                found[-1].append(fact)
            else:
                found.append([fact])
    return found


def count(facts: Sequence[Fact], as_of: float) -> Counter[str]:
    """Return the counters of `tally.py` that this oracle knows."""
    journeys = journeys_of(facts)
    counts: Counter[str] = Counter()
    for journey in journeys:
        _count_journey(journey, journeys, facts, as_of, counts)
        _count_searches(journey, counts)
    return +counts


def _count_journey(
    journey: Sequence[Fact],
    journeys: Sequence[Sequence[Fact]],
    facts: Sequence[Fact],
    as_of: float,
    counts: Counter[str],
) -> None:
    end = _moment(journey[-1])
    outcome = _outcome(journey, facts, as_of)
    searched = any(isinstance(fact, SearchRecord) or fact.query_id for fact in journey)
    counts["journeys"] += 1
    counts[f"outcome:{outcome}"] += 1
    counts[f"searched:{outcome}"] += searched
    if as_of >= end + 7 * 86400 and outcome == "confirmed":
        counts["seasoned_confirmed"] += 1
        mine = [other for other in journeys if other[0].client_id == journey[0].client_id]
        back = [other for other in mine if end < _moment(other[0]) <= end + 7 * 86400]
        counts["durable"] += not any(_topics(journey) & _topics(other) for other in back)


def _outcome(journey: Sequence[Fact], facts: Sequence[Fact], as_of: float) -> str:
    end = _moment(journey[-1])
    if as_of < end + 86400:
        return "unknown"
    client = journey[0].client_id
    handovers = [f for f in facts if isinstance(f, Event) and f.action_name in ("ticket_created", "handover")]
    mine = [_moment(f) for f in handovers if f.client_id == client and _moment(journey[0]) <= _moment(f) <= end + 86400]
    words = [
        f
        for f in journey
        if isinstance(f, Event) and (f.action_name == "resolved_declared" or "helpful" in f.attributes)
    ]
    if words and words[-1].attributes.get("helpful", True) and not any(moment >= _moment(words[-1]) for moment in mine):
        return "confirmed"
    if mine:
        return "escalated"
    if any(isinstance(f, Event) and f.action_name in ("click", "view", "answer_shown") for f in journey):
        return "assumed"
    return "abandoned" if any(isinstance(f, SearchRecord) or f.query_id for f in journey) else "unknown"


def _topics(journey: Sequence[Fact]) -> set[str]:
    """Queries here are one word, articles end in a language, and no query folds into another."""
    topics = set()
    for fact in journey:
        if isinstance(fact, SearchRecord):
            topics |= {"query " + fact.user_query, "article " + fact.hit_ids[0].split(".")[0]}
        elif fact.action_name in ("click", "view", "answer_shown", "return_visit") and fact.object_id:
            topics.add("article " + fact.object_id.split(".")[0])
    return topics


def _count_searches(journey: Sequence[Fact], counts: Counter[str]) -> None:
    for fact in journey:
        if isinstance(fact, SearchRecord):
            about = [f for f in journey if isinstance(f, Event) and f.query_id == fact.query_id]
            clicks = [f for f in about if f.action_name == "click"]
            counts["searches"] += 1
            counts["searches_clicked"] += bool(clicks)
            counts["searches_unopened"] += not any(f.action_name in ("click", "view") for f in about)
            if clicks:
                counts[f"click_position={min(clicks, key=_order).position}"] += 1
