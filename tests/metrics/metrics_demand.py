"""Failures by hand as the columns that triage reads, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from metrics_walk import Failure

from kbsearch.index.arrays import hash_texts
from kbsearch.metrics.columns import hash_client
from kbsearch.metrics.content import NOTHING
from kbsearch.metrics.demand import ESCALATED, PRINTABLE, Demand, keys_of

Dated = tuple[str, Failure]


def demand_of(failures: Sequence[Dated], asked: Mapping[tuple[str, str], int] | None = None) -> Demand:
    """Return failures by column; searches are those that failed, unless others are given."""
    if asked is None:
        asked = Counter((one.lang, one.text) for _, one in failures)
    days = tuple(dict.fromkeys(day for day, _ in failures))
    texts = tuple(dict.fromkeys([*(one.text for _, one in failures), *(text for _, text in asked)]))
    languages = tuple(dict.fromkeys([*(one.lang for _, one in failures), *(lang for lang, _ in asked)]))
    named = [article for _, one in failures for article in (one.unhelpful, *one.found_later) if article]
    articles = tuple(dict.fromkeys(named))
    found = [(row, articles.index(name)) for row, (_, one) in enumerate(failures) for name in one.found_later]
    ones = [one for _, one in failures]
    journeys = list(dict.fromkeys((day, one.client) for day, one in failures))
    return Demand(
        days=days,
        texts=texts,
        text_hash=hash_texts(texts),
        text_key=keys_of(texts),
        languages=languages,
        articles=articles,
        asked_text=_integers([texts.index(text) for _, text in asked]),
        asked_language=_integers([languages.index(lang) for lang, _ in asked]),
        asked_count=_integers([*asked.values()]),
        failed_day=_integers([days.index(day) for day, _ in failures]),
        failed_text=_integers([texts.index(one.text) for one in ones]),
        failed_language=_integers([languages.index(one.lang) for one in ones]),
        failed_client=np.array([hash_client(one.client) for one in ones], np.uint64),
        failed_journey=_integers([journeys.index((day, one.client)) for day, one in failures]),
        failed_network=_integers([one.network for one in ones]),
        failed_flags=_integers([PRINTABLE * one.public | ESCALATED * one.escalated for one in ones]),
        failed_article=_integers([articles.index(one.unhelpful) if one.unhelpful else NOTHING for one in ones]),
        found_row=_integers([row for row, _ in found]),
        found_article=_integers([article for _, article in found]),
    )


def failures_in(demand: Demand) -> list[tuple[object, ...]]:
    """Return (day, query, language, client, network, printable, escalated, what did not help, what helped later)."""
    found: dict[int, list[str]] = {}
    for row, article in zip(demand.found_row.tolist(), demand.found_article.tolist(), strict=True):
        found.setdefault(row, []).append(demand.articles[article])
    return [
        (
            demand.days[demand.failed_day[row]],
            demand.texts[demand.failed_text[row]],
            demand.languages[demand.failed_language[row]],
            int(demand.failed_client[row]),
            int(demand.failed_network[row]),
            bool(demand.failed_flags[row] & PRINTABLE),
            bool(demand.failed_flags[row] & ESCALATED),
            demand.articles[demand.failed_article[row]] if demand.failed_article[row] != NOTHING else "",
            tuple(found.get(row, ())),
        )
        for row in range(len(demand.failed_day))
    ]


def asked_in(demand: Demand) -> Counter[tuple[str, str]]:
    """Return (language, query) → searches."""
    found: Counter[tuple[str, str]] = Counter()
    rows = zip(demand.asked_text.tolist(), demand.asked_language.tolist(), demand.asked_count.tolist(), strict=True)
    for text, language, count in rows:
        found[demand.languages[language], demand.texts[text]] += count
    return found


def as_row(day: str, failure: Failure) -> tuple[object, ...]:
    """Return a failure as `failures_in` does."""
    client = hash_client(failure.client)
    later = tuple(dict.fromkeys(failure.found_later))
    return (
        *(day, failure.text, failure.lang, client, failure.network, failure.public, failure.escalated),
        *(failure.unhelpful, later),
    )


def _integers(values: Sequence[int]) -> np.ndarray:
    return np.array(values, np.int64)
