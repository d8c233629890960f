"""Searches that did not help, with what else the journey tells about them. Pure.

A search failed when nothing was opened from it and no answer was shown for it, or when the article opened from it was
no help: the customer said so, or opened it last and then filed a ticket or asked for a human.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kbsearch.events.schema import Event
from kbsearch.metrics.journeys import HANDOVERS, HELD_OUT, UNKNOWN, helpful_vote, is_opening
from kbsearch.metrics.outcomes import Outcome
from kbsearch.metrics.searches import Search, query_key
from kbsearch.metrics.tally import BOT_SEARCHES
from kbsearch.metrics.walk import Walked

_SAY_ARTICLE = HANDOVERS | {"resolved_declared"}
CLIENT_LETTERS = 12
"""Of a client's hash that are kept: enough to tell one client from another, in less space."""


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
        client=walked.journey.client[:CLIENT_LETTERS],
        escalated=walked.outcome == Outcome.ESCALATED,
        unhelpful=unhelpful,
        found_later=tuple(one for one in found_later if one != unhelpful),
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
