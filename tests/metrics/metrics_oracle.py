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
        _count_said(journey, counts)
        _count_form(journey, facts, as_of, counts)
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
            opened = any(f.action_name in ("click", "view") for f in about)
            counts["searches_no_words"] += not fact.words_found
            counts["searches_abstained"] += fact.decision == "hand_over"
            counts["searches_unopened"] += fact.decision != "hand_over" and not opened
            if clicks:
                counts[f"click_position={min(clicks, key=_order).position}"] += 1
            later = journey[list(journey).index(fact) + 1 :]
            for number, following in enumerate(later):
                if isinstance(following, SearchRecord):
                    counts["searches_reformulated"] += not opened and not any(map(_is_reading, later[:number]))
                    break
    asked = [fact for fact in journey if isinstance(fact, SearchRecord)]
    read = [fact for fact in journey[list(journey).index(asked[0]) :] if _is_reading(fact)] if asked else []
    counts["answer_ms"] += round(1000 * (_moment(read[0]) - _moment(asked[0]))) if read else 0


def _is_reading(fact: Fact) -> bool:
    return isinstance(fact, Event) and fact.action_name in ("click", "view", "answer_shown")


def _count_said(journey: Sequence[Fact], counts: Counter[str]) -> None:
    """Of what was said of one thing more than once, the last counts."""
    feedback = [fact for fact in journey if isinstance(fact, Event) and fact.action_name == "feedback"]
    votes = {fact.object_id: fact.attributes["helpful"] for fact in feedback if "helpful" in fact.attributes}
    counts["votes"] += len(votes)
    counts["votes_helpful"] += sum(map(bool, votes.values()))
    for survey in ("csat", "ces", "nps"):
        answers = {fact.object_id: fact.attributes[survey] for fact in feedback if survey in fact.attributes}
        counts.update(f"{survey}={value}" for value in answers.values())


def _count_form(journey: Sequence[Fact], facts: Sequence[Fact], as_of: float, counts: Counter[str]) -> None:
    """Started a ticket, saw suggestions, did not file; and who filed of those who were held out, and of the others."""
    started = [fact for fact in journey if isinstance(fact, Event) and fact.action_name == "ticket_started"]
    begin, end = _moment(journey[0]), _moment(journey[-1])
    if not started or as_of < end + 86400:
        return
    filed = any(
        isinstance(fact, Event)
        and fact.action_name in ("ticket_created", "handover")
        and fact.client_id == journey[0].client_id
        and begin <= _moment(fact) <= end + 86400
        for fact in facts
    )
    saw = any(fact.attributes.get("suggestions_shown") for fact in started)
    counts["form_saw"] += saw
    counts["form_saw_unfiled"] += saw and not filed
    if "holdout" in started[0].attributes:
        arm = "held_out" if started[0].attributes["holdout"] else "treated"
        counts[f"form_{arm}"] += 1
        counts[f"form_{arm}_filed"] += filed
