"""Which queries mean the same, and how often each meaning was asked for and failed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kbsearch.metrics.clusters import cluster, distinct, nearest_groups
from kbsearch.metrics.demand import Demand, Integers
from kbsearch.metrics.library import Library
from kbsearch.metrics.queries import count_different

MOST_QUERIES = 2000
"""Distinct failed queries that are grouped, most customers first; the rest is counted as not examined."""
MOST_OTHERS = 10_000
"""Distinct other queries that are asked what they mean, most frequent first, to know how often a meaning succeeds."""
NONE = -1


@dataclass(frozen=True)
class Meanings:
    """Failed searches by meaning."""

    rows: Integers
    """The failures that were examined."""
    number: Integers
    """Meaning of each of them, from 0."""
    searches: Integers
    """Searches of each meaning in each language: a table of meanings and of the demand's languages."""
    spelling: dict[int, str]
    """Query without case and diacritics, as its place in `key_of_text`, → how most wrote it."""
    key_of_text: Integers


def group_by_meaning(demand: Demand, failures: Integers, library: Library) -> Meanings:
    """Group failures by what their queries mean."""
    _, key_of_text = np.unique(demand.text_key, return_inverse=True)
    size = int(key_of_text.max(initial=NONE)) + 1
    key = key_of_text[demand.failed_text[failures]]
    clients = count_different(key, demand.failed_client[failures], size)
    chosen = _most(clients, MOST_QUERIES)
    examined = np.isin(key, chosen)
    rows, key = failures[examined], key[examined]
    asked_key = key_of_text[demand.asked_text]
    asked = np.bincount(asked_key, demand.asked_count, size).astype(np.int64)
    asked[chosen] = 0
    others = _most(asked, MOST_OTHERS)
    spelling = _spellings(demand, key, demand.failed_text[rows], np.ones(len(rows), np.int64))
    of_others = np.isin(asked_key, others)
    spelling |= _spellings(demand, asked_key[of_others], demand.asked_text[of_others], demand.asked_count[of_others])
    vectors = distinct(library.encode([spelling[place] for place in [*chosen.tolist(), *others.tolist()]]))
    numbers = cluster(vectors[: len(chosen)])
    near = nearest_groups(vectors[len(chosen) :], vectors[: len(chosen)], numbers)
    meaning = np.full(size, NONE, np.int64)
    meaning[chosen] = numbers
    meaning[others] = [NONE if number is None else number for number in near]
    return Meanings(rows, meaning[key], _searches(demand, meaning[asked_key]), spelling, key_of_text)


def _most(counts: Integers, most: int) -> Integers:
    """Return the places with the highest counts above 0, in order of places."""
    places = np.flatnonzero(counts)
    order = np.argsort(-counts[places], kind="stable")[:most]
    return np.sort(places[order])


def _searches(demand: Demand, meaning: Integers) -> Integers:
    known = meaning != NONE
    size, languages = int(meaning.max(initial=NONE)) + 1, len(demand.languages)
    cells = meaning[known] * languages + demand.asked_language[known]
    counts = np.bincount(cells, demand.asked_count[known], size * languages)
    return counts.astype(np.int64).reshape(size, languages)


def _spellings(demand: Demand, key: Integers, text: Integers, count: Integers) -> dict[int, str]:
    """Return how most wrote each query; of equals, the first in alphabetical order."""
    size = max(len(demand.texts), 1)
    both, place = np.unique(key * size + text, return_inverse=True)
    counts: NDArray[np.int64] = np.bincount(place, count, len(both)).astype(np.int64)
    best: dict[int, tuple[int, str]] = {}
    for (at, written), often in zip((divmod(one, size) for one in both.tolist()), counts.tolist(), strict=True):
        found = (-often, demand.texts[written])
        best[at] = min(best.get(at, found), found)
    return {at: written for at, (_, written) in best.items()}
