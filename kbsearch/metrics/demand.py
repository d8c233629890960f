"""What customers asked for in a period, and which searches did not help, by column. Pure.

A search failed when nothing was opened from it and no answer was shown for it, or when the article opened from it was
no help: the customer said so, or opened it last and then filed a ticket or asked for a human.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.arrays import hash_texts
from kbsearch.metrics.content import joined
from kbsearch.metrics.searches import query_key

Integers = NDArray[np.int64]
Hashes = NDArray[np.uint64]

PRINTABLE, ESCALATED = 1, 2
"""Bits of `failed_flags`. ESCALATED: the journey ended with a ticket or a human."""


@dataclass(frozen=True)
class Demand:
    """Searches of journeys that failures are taken from; `…_text` and such are places in the tables."""

    days: tuple[str, ...]
    """UTC days."""
    texts: tuple[str, ...]
    """Queries, each once a day."""
    text_hash: Hashes
    """What stands for each query as it is written."""
    text_key: Hashes
    """What stands for each query without case and diacritics."""
    languages: tuple[str, ...]
    articles: tuple[str, ...]
    asked_text: Integers
    asked_language: Integers
    asked_count: Integers
    """How often each query was searched for in each language."""
    failed_day: Integers
    failed_text: Integers
    failed_language: Integers
    failed_client: Hashes
    failed_journey: Integers
    """Which journey it belongs to: a number for each."""
    failed_network: Integers
    """See `queries.network_of`."""
    failed_flags: Integers
    failed_article: Integers
    """The article that was opened and did not help; NOTHING where nothing was opened."""
    found_row: Integers
    """The failure after which articles helped: opened from a later search, or sent by an agent."""
    found_article: Integers


ARRAYS = tuple(
    name for name in Demand.__dataclass_fields__ if name.startswith(("text_", "asked_", "failed_", "found_"))
)
TABLES = ("texts", "languages", "articles")
_TEXTS, _LANGUAGES = ("asked_text", "failed_text"), ("asked_language", "failed_language")
_ARTICLES = ("failed_article", "found_article")


def keys_of(texts: Sequence[str]) -> Hashes:
    """Return what stands for each query without case and diacritics."""
    return hash_texts(map(query_key, texts))


def join_demand(demands: Sequence[Demand]) -> Demand:
    """Return what was asked in all of these periods."""
    if len(demands) == 1:
        return demands[0]
    arrays: dict[str, list[NDArray[Any]]] = {name: [] for name in ARRAYS}
    languages: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    texts = days = failures = journeys = 0
    for demand in demands:
        languages, language_places = joined(languages, demand.languages)
        articles, article_places = joined(articles, demand.articles)
        for name in ARRAYS:
            array = getattr(demand, name)
            if name in _LANGUAGES:
                array = language_places[array]
            elif name in _ARTICLES:
                array = article_places[array]
            elif name in _TEXTS:
                array = array + texts
            elif name == "failed_day":
                array = array + days
            elif name == "failed_journey":
                array = array + journeys
            elif name == "found_row":
                array = array + failures
            arrays[name].append(array)
        texts, days, failures = texts + len(demand.texts), days + len(demand.days), failures + len(demand.failed_day)
        journeys += int(demand.failed_journey.max(initial=-1)) + 1
    whole: dict[str, NDArray[Any]] = {name: _concatenated(name, some) for name, some in arrays.items()}
    every_text, every_day = (
        tuple(chain.from_iterable(getattr(demand, name) for demand in demands)) for name in ("texts", "days")
    )
    return Demand(every_day, every_text, languages=languages, articles=articles, **whole)


def _concatenated(name: str, arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    hashed = name.startswith("text_") or name == "failed_client"
    return np.concatenate(arrays) if arrays else np.zeros(0, np.uint64 if hashed else np.int64)
