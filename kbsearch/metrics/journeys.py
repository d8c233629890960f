"""Journeys: what one client did without a pause of half an hour.

Takes the acts of one client, gives `Journey`s with what their outcome depends on, and `Count`s of what is settled at
once (searches, votes, survey answers). Pure. The outcome itself, which also depends on what comes later, is decided in
`outcomes.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kbsearch.events.ids import made_at
from kbsearch.events.schema import Event
from kbsearch.metrics.acts import HANDOVERS, Act
from kbsearch.metrics.moments import MINUTE, moment_of
from kbsearch.metrics.searches import Search, fold_searches, query_key
from kbsearch.types import DOCUMENT_TYPES

GAP = 30 * MINUTE
"""A pause this long, or longer, ends a journey."""
OPENINGS = frozenset({"click", "view"})
SURVEY = "survey"
"""The `object_id_type` of impressions that ask for a rating; their `object_id` is csat, ces or nps."""
UNKNOWN = "unknown"

TREATED, HELD_OUT = "treated", "held_out"
BOT_SEARCHES = 100
"""A client with more searches in one journey is taken for a program."""

_LANGUAGE_ENDING = re.compile(r"\.[a-z]{2,3}(-[a-z0-9]+)?$", re.IGNORECASE)


class Labels(NamedTuple):
    """By what a figure may be split; "unknown" where the facts do not say."""

    language: str = UNKNOWN
    type: str = UNKNOWN
    device: str = UNKNOWN
    category: str = UNKNOWN
    snapshot: str = UNKNOWN


class Journey(NamedTuple):
    """What the outcome of a journey depends on. Moments are milliseconds since 1970."""

    client: str
    start: int
    end: int
    labels: Labels
    searched: bool
    opened: bool
    """Opened an article, or was shown an answer."""
    said: bool
    """The last thing said was that it helped, and no ticket or hand-over came after it."""
    handovers: tuple[int, ...]
    """When tickets were created or a human was asked for."""
    topics: tuple[str, ...]
    """What it was about: articles opened or found first, and queries; for returns on the same topic."""
    form: bool
    """Started a ticket."""
    saw: bool
    """Was shown suggestions on the ticket form."""
    arm: str
    """TREATED or HELD_OUT where the experiment at the ticket form was on, else ""."""
    facts: int
    program: bool
    """By its own words, or by the number of its searches."""
    read: bool
    """Opened an article."""
    listed: bool
    """Was shown results that were not handed over."""


def split_journeys(acts: Sequence[Act]) -> list[list[Act]]:
    """Cut the sorted acts of one client where GAP or more passes between two."""
    runs: list[list[Act]] = []
    for act in acts:
        if runs and act.moment - runs[-1][-1].moment < GAP:
            runs[-1].append(act)
        else:
            runs.append([act])
    return runs


def read_journey(acts: Sequence[Act]) -> tuple[Journey, list[Search]]:
    """Read one run of acts as a journey and its searches."""
    searches = fold_searches(acts)
    events = [(act.moment, act.fact) for act in acts if isinstance(act.fact, Event)]
    opened = [event for _, event in events if is_opening(event)]
    answered = [event for _, event in events if event.action_name == "answer_shown"]
    returned = [event for _, event in events if event.action_name == "return_visit"]
    handovers = tuple(moment for moment, event in events if event.action_name in HANDOVERS)
    forms = [event for _, event in events if event.action_name == "ticket_started"]
    said = _last_word(events)
    holdout = forms[0].attributes.get("holdout") if forms else None
    labels = _labels(acts, searches, opened or answered)
    journey = Journey(
        client=acts[0].client,
        start=acts[0].moment,
        end=acts[-1].moment,
        labels=labels,
        searched=bool(searches) or any(_tells_of_search(event, acts[0].moment) for _, event in events),
        opened=bool(opened or answered),
        said=said is not None and not any(moment >= said for moment in handovers),
        handovers=handovers,
        topics=tuple(sorted(_topics(searches, [*opened, *answered, *returned]))),
        form=bool(forms),
        saw=any(form.attributes.get("suggestions_shown") is True for form in forms),
        arm={True: HELD_OUT, False: TREATED}[holdout] if isinstance(holdout, bool) else "",
        facts=len(acts),
        program=labels.device == "bot" or len(searches) > BOT_SEARCHES,
        read=bool(opened),
        listed=any(search.final.found and search.final.decision != "hand_over" for search in searches),
    )
    return journey, searches


def is_opening(event: Event) -> bool:
    """Tell whether an article was opened."""
    return event.action_name in OPENINGS and event.object_id_type != SURVEY


def helpful_vote(event: Event) -> bool | None:
    """Return what a piece of feedback says about helpfulness; None where it says nothing."""
    value = event.attributes.get("helpful") if event.action_name == "feedback" else None
    return value if isinstance(value, bool) else None


def article_key(object_id: str) -> str:
    """Return an article's id without the language that ends it: translations are one topic.

    >>> article_key("reset-password.lv")
    'reset-password'
    """
    return _LANGUAGE_ENDING.sub("", object_id)


def search_labels(search: Search, device: str) -> Labels:
    """Return the labels of a search: what its last query was about, by its first hit."""
    final = search.final
    return Labels(
        language=final.detected_lang or final.lang or UNKNOWN,
        type=final.top_type or UNKNOWN,
        device=device,
        category=final.top_category or UNKNOWN,
        snapshot=final.snapshot or UNKNOWN,
    )


def device_of(acts: Iterable[Act]) -> str:
    """Return the first device that a journey's facts name."""
    return next((act.fact.device for act in acts if act.fact.device), UNKNOWN)


def _tells_of_search(event: Event, start: int) -> bool:
    """Tell whether an event says that a journey which began then has searched: the query that it names may be another
    journey's, as a ticket that is filed an hour later names it. Our own ids say when they were made."""
    made = made_at(event.query_id)
    return event.query_id != "" and (made == "" or start - moment_of(made) < GAP)


def _labels(acts: Sequence[Act], searches: Sequence[Search], read: Sequence[Event]) -> Labels:
    """Label a journey by its last search, and by the last article read where the event says what it is."""
    device = device_of(acts)
    labels = search_labels(searches[-1], device) if searches else Labels(device=device)
    if not read:
        return labels
    article = article_labels(read[-1])
    return labels._replace(
        type=article.type if article.type != UNKNOWN else labels.type,
        category=article.category if article.category != UNKNOWN else labels.category,
    )


def article_labels(event: Event) -> Labels:
    """Return the type and category of an event's article, where the event names them."""
    extra = event.attributes.get("object")
    category = extra.get("category") if isinstance(extra, dict) else None
    return Labels(
        type=event.object_id_type if event.object_id_type in DOCUMENT_TYPES else UNKNOWN,
        category=category if isinstance(category, str) and category else UNKNOWN,
    )


def _last_word(events: Sequence[tuple[int, Event]]) -> int | None:
    """Return when the client last said that it is solved; None where the last word is another, or there is none."""
    solved: int | None = None
    for moment, event in events:
        vote = True if event.action_name == "resolved_declared" else helpful_vote(event)
        if vote is not None:
            solved = moment if vote else None
    return solved


def _topics(searches: Iterable[Search], events: Iterable[Event]) -> set[str]:
    topics = {"article:" + article_key(event.object_id) for event in events if event.object_id}
    for search in searches:
        topics.add("query:" + query_key(search.final.user_query))
        if search.final.hit_ids and search.final.decision != "hand_over":
            topics.add("article:" + article_key(search.final.hit_ids[0]))
    return topics
