"""Queries folded into searches: what is typed letter by letter, or corrected at once, is one search.

Takes the searches of one journey, gives `Search`es. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kbsearch.events.schema import SearchRecord
from kbsearch.metrics.acts import Act
from kbsearch.metrics.moments import SECOND
from kbsearch.text.normalise import fold

FOLD_WINDOW = 30 * SECOND
"""Longest time between two queries of one search."""
_LETTERS_AN_EDIT = 4
"""Two queries edit each other when at most one letter in so many differs (at least one letter may)."""


@dataclass(slots=True)
class Search:
    """One search: its last query, and the ids of all."""

    final: SearchRecord
    """The last query's record; of a search whose further pages were read, that of the first page."""
    query_ids: set[str]
    start: int
    end: int


def fold_searches(acts: Iterable[Act]) -> list[Search]:
    """Fold queries of one session that extend or edit each other within 30 s; given and returned by time.

    A further page (offset above 0) of the same text belongs to its search however late it is read.
    """
    found: list[Search] = []
    latest: dict[str, Search] = {}
    for act in acts:
        record = act.fact
        if not isinstance(record, SearchRecord):
            continue
        search = latest.get(record.session_id)
        if search and _is_page(search.final, record):
            search.query_ids.add(record.query_id)
            search.end = act.moment
        elif search and act.moment - search.end <= FOLD_WINDOW and same_intent(search.final, record):
            search.query_ids.add(record.query_id)
            search.final, search.end = record, act.moment
        else:
            search = latest[record.session_id] = Search(record, {record.query_id}, act.moment, act.moment)
            found.append(search)
    return found


def same_intent(first: SearchRecord, second: SearchRecord) -> bool:
    """Tell whether one query extends or edits the other, case and diacritics aside.

    One extends what it begins with, though that ends within a word, and what stands in it in whole words.
    """
    a, b = query_key(first.user_query), query_key(second.user_query)
    if a.startswith(b) or b.startswith(a) or f" {a} " in f" {b} " or f" {b} " in f" {a} ":
        return True
    return _within(a, b, max(1, max(len(a), len(b)) // _LETTERS_AN_EDIT))


def query_key(text: str) -> str:
    """Return a query without case, diacritics and extra spaces: what makes two askings of it the same."""
    return " ".join(fold(text).split())


def _is_page(first: SearchRecord, second: SearchRecord) -> bool:
    return second.offset > 0 and query_key(first.user_query) == query_key(second.user_query)


def _within(a: str, b: str, most: int) -> bool:
    """Tell whether at most so many letters must be put in, taken out or replaced to make `b` of `a` (Levenshtein)."""
    if abs(len(a) - len(b)) > most:
        return False
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        previous, row = row, [i]
        for j, other in enumerate(b, 1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (letter != other)))
        if min(row) > most:
            return False
    return row[-1] <= most
