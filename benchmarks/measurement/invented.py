"""Facts of invented customers, journey by journey, as many as are wanted: what `speed.py` fills its stores with.

They ask the questions of sample_kb, few of them often and many seldom, and a quarter of all queries has a wording of
its own, as real ones do. Journeys cross midnight as they happen to.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from benchmarks.traffic import SAMPLE
from kbsearch.events.schema import Event, SearchRecord
from kbsearch.events.store import Fact
from kbsearch.metrics.moments import DAY, SECOND, start_of, timestamp_of

DAYS = 90
FIRST = start_of("2026-08-01")
_CLIENTS = 600_000
_CLIENTS_A_NETWORK = 2
_TYPES = ("article", "faq", "tutorial", "video")
_CATEGORIES = tuple(f"category {number}" for number in range(12))
_DEVICES = ("desktop", "desktop", "desktop", "mobile", "mobile", "tablet")
_OWN_WORDS = 0.25
"""Share of queries with a word that hardly anybody else types: 20,000 of them."""
_HITS = 10
_MOST_JOURNEYS = 1_000_000_000
"""Of one seed, so that those of another have other names."""


class Question(NamedTuple):
    """A question, and the articles found for it, best first."""

    text: str
    lang: str
    hits: tuple[str, ...]
    answered: bool


def journeys(events: int, span: int = DAYS * DAY, first: int = FIRST, seed: int = 1) -> Iterator[list[Fact]]:
    """Yield journeys in the order of time, spread over so many milliseconds, until they hold so many facts."""
    rng = random.Random(seed)
    questions = _questions()
    often = list(accumulate(1 / (place + 5) for place in range(len(questions))))
    made, number = 0, (seed - 1) * _MOST_JOURNEYS
    while made < events:
        moment = first + span * made // events
        facts = _journey(rng, number, moment, rng.choices(questions, cum_weights=often, k=3))
        number += 1
        made += len(facts)
        yield facts


def _questions() -> list[Question]:
    asked = [json.loads(line) for line in (SAMPLE / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    articles = sorted({article for question in asked for article in question["relevant"]})
    found = []
    for place, question in enumerate(asked):
        relevant = list(question["relevant"])
        others = [articles[(place + step) % len(articles)] for step in range(_HITS)]
        hits = tuple(dict.fromkeys([*relevant, *others]))[:_HITS]
        found.append(Question(question["query"], question["lang"], hits, bool(relevant)))
    random.Random(1).shuffle(found)
    return found


def _journey(rng: random.Random, number: int, moment: int, questions: Sequence[Question]) -> list[Fact]:
    person = rng.randrange(_CLIENTS)
    client, session, device = f"{person:032x}", f"s{number:x}", rng.choice(_DEVICES)
    facts: list[Fact] = []
    article = ""

    def add(action: str, query_id: str = "", object_id: str = "", kind: str = "", **attributes: object) -> None:
        nonlocal moment
        moment += rng.randrange(2, 60) * SECOND
        time = timestamp_of(moment)
        position = rng.randrange(1, 8) if action == "click" else None
        values = (f"{number:x}-{len(facts)}", action, query_id, session, client, time, time, object_id, kind, position)
        facts.append(Event(*values, attributes=attributes, device=device, surface="portal"))

    for attempt in range(rng.choice((1, 1, 1, 2, 3))):
        moment += 45 * SECOND
        query_id, question = f"q{number:x}-{attempt}", questions[attempt]
        text = question.text + (f" kr{rng.randrange(20_000):05}" if rng.random() < _OWN_WORDS else "")
        topic = len(question.text)
        network = person // _CLIENTS_A_NETWORK
        asked_there = hashlib.blake2b(f"{text}/{network}".encode(), digest_size=8).hexdigest()
        facts.append(
            SearchRecord(
                query_id=query_id,
                user_query=text,
                lang=question.lang,
                detected_lang=question.lang,
                found=rng.randrange(0, 40),
                decision=rng.choice(("answer", "list", "list", "hand_over")),
                confidence=0.5,
                hit_ids=question.hits,
                offset=0,
                took_ms=2.0,
                snapshot=f"v{moment // (30 * DAY)}",
                session_id=session,
                client_id=client,
                timestamp=timestamp_of(moment),
                public=True,
                device=device,
                surface="portal",
                top_type=_TYPES[topic % len(_TYPES)],
                top_category=_CATEGORIES[topic % len(_CATEGORIES)],
                voucher=f"{network % 256:02x}{asked_there}",
            )
        )
        for place in range(3):
            add("impression", query_id, question.hits[place], "document")
        if rng.random() < (0.65 if question.answered else 0.2):
            article = question.hits[0 if question.answered else rng.randrange(_HITS)]
            add("click", query_id, article, "document")
    end = rng.random()
    if end < 0.15 and article:
        add("feedback", "", article, "document", helpful=rng.random() < 0.7)
    elif end < 0.2:
        held = rng.random() < 0.05
        add("ticket_started", suggestions_shown=not held, holdout=held)
        if rng.random() < 0.6:
            add("ticket_created")
    elif end < 0.25:
        add("impression", "", "csat", "survey")
        add("feedback", csat=rng.randrange(1, 6))
    return facts
