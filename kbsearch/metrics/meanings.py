"""Which queries mean the same, and how often each meaning was asked for and failed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kbsearch.metrics.clusters import cluster, distinct, nearest_groups
from kbsearch.metrics.demand import Demand, Integers
from kbsearch.metrics.library import Library
from kbsearch.metrics.queries import count_different

MOST_QUERIES = 2000
"""Distinct failed queries that are grouped, most customers first; the rest is counted as not examined."""
MOST_OTHERS = 5000
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
    chosen = _most(count_different(key, demand.failed_client[failures], size), MOST_QUERIES)
    is_chosen = np.zeros(size, np.bool_)
    is_chosen[chosen] = True
    rows, key = failures[is_chosen[key]], key[is_chosen[key]]
    asked_key = key_of_text[demand.asked_text]
    asked = np.bincount(asked_key, demand.asked_count, size).astype(np.int64)
    asked[chosen] = 0
    others = _most(asked, MOST_OTHERS)
    failed = np.bincount(demand.failed_text[rows], minlength=len(demand.texts))
    spelling = _spellings(demand, key_of_text, failed, chosen)
    searches = np.bincount(demand.asked_text, demand.asked_count, len(demand.texts)).astype(np.int64)
    spelling |= _spellings(demand, key_of_text, searches, others)
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


def _spellings(demand: Demand, key_of_text: Integers, counts: Integers, keys: Integers) -> dict[int, str]:
    """Return how most wrote each of these queries; of equals, the first in alphabetical order."""
    wanted = np.zeros(int(key_of_text.max(initial=NONE)) + 1, np.bool_)
    wanted[keys] = True
    texts = np.flatnonzero(wanted[key_of_text] & (counts > 0))
    _, first, place = np.unique(demand.text_hash[texts], return_index=True, return_inverse=True)
    often = np.bincount(place, counts[texts], len(first)).astype(np.int64).tolist()
    best: dict[int, tuple[int, str]] = {}
    for text, count in zip(texts[first].tolist(), often, strict=True):
        found, key = (-count, demand.texts[text]), int(key_of_text[text])
        best[key] = min(best.get(key, found), found)
    return {key: written for key, (_, written) in best.items()}
