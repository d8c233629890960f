"""What the journeys of a day searched and read, by column: for the flow, the article table and the gap list.

Takes journeys with their acts, gives arrays beside those of `columns.py`: a row there is a journey, and the rows here
name it by its place. Texts and articles stand once, as tables. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kbsearch.events.schema import Event
from kbsearch.metrics.acts import HANDOVERS, Act
from kbsearch.metrics.journeys import UNKNOWN, helpful_vote, is_opening
from kbsearch.metrics.queries import is_printable, network_of
from kbsearch.metrics.searches import Search

Integers = NDArray[np.int64]
Marks = NDArray[np.bool_]

PRINTABLE, ANSWERED, DISLIKED, LAST = (1 << bit for bit in range(4))
"""Bits of `search_flags`. PRINTABLE: asked without a key, and nothing personal was taken out. ANSWERED: an answer was
shown for it. DISLIKED: the last vote on the article opened from it is no. LAST: nothing was opened from a later one."""
OPENING, SENT, HANDED = range(3)
"""Of `read_kind`: an article was opened; named as the solution; named by a ticket or hand-over."""
_KINDS = {"resolved_declared": SENT, **dict.fromkeys(HANDOVERS, HANDED)}
NOTHING = -1
"""Where no article is meant."""


@dataclass(frozen=True)
class Content:
    """Searches, readings and votes; `…_row` is the journey's row, `…_text` and such the place in a table."""

    texts: tuple[str, ...]
    languages: tuple[str, ...]
    articles: tuple[str, ...]
    search_row: Integers
    """Searches stand in the order of rows, and within each by time."""
    search_text: Integers
    search_language: Integers
    """Of the query, else that of the page it was typed on."""
    search_network: Integers
    """See `queries.network_of`."""
    search_flags: Integers
    search_opened: Integers
    """The article opened last from it, or NOTHING."""
    search_helped: Integers
    """The first article that was opened from a later search and not disliked, or NOTHING."""
    read_row: Integers
    """Likewise in the order of rows and time."""
    read_article: Integers
    read_moment: Integers
    read_kind: Integers
    vote_row: Integers
    vote_article: Integers
    vote_helpful: Integers
    """The last vote of each journey on each article: 1 or 0."""

    def rows(self, wanted: Marks) -> Content:
        """Return what belongs to some of the journeys, which are then numbered anew."""
        place = np.cumsum(wanted) - 1
        changed: dict[str, Any] = {}
        for kind, names in _COLUMNS.items():
            row = getattr(self, f"{kind}_row")
            kept = wanted[row] if len(row) else np.zeros(0, np.bool_)
            changed |= {name: getattr(self, name)[kept] for name in names}
            changed[f"{kind}_row"] = place[row[kept]]
        return replace(self, **changed)


_COLUMNS = {
    kind: tuple(name for name in Content.__dataclass_fields__ if name.startswith(f"{kind}_"))
    for kind in ("search", "read", "vote")
}
ARRAYS = tuple(chain.from_iterable(_COLUMNS.values()))
TABLES = {"texts": ("search_text",), "languages": ("search_language",)}
_ARTICLES = ("search_opened", "search_helped", "read_article", "vote_article")


class Reader:
    """Collects the content of one journey after the other."""

    def __init__(self) -> None:
        self._rows = 0
        self._texts: dict[str, int] = {}
        self._languages: dict[str, int] = {}
        self._articles: dict[str, int] = {}
        self._searches: list[tuple[int, ...]] = []
        self._reads: list[tuple[int, ...]] = []
        self._votes: list[tuple[int, ...]] = []

    def add(self, acts: Sequence[Act], searches: Sequence[Search]) -> None:
        """Take the next journey."""
        row = self._rows
        self._rows += 1
        votes: dict[str, bool] = {}
        opened: dict[str, list[str]] = {}
        answered: set[str] = set()
        for act in acts:
            event = act.fact
            # Most events are impressions, which say nothing here.
            if not isinstance(event, Event) or event.action_name == "impression":
                continue
            if is_opening(event):
                opened.setdefault(event.query_id, []).append(event.object_id)
            elif event.action_name == "answer_shown":
                answered.add(event.query_id)
            vote = helpful_vote(event)
            if vote is not None:
                votes[event.object_id] = vote
            kind = OPENING if is_opening(event) else _KINDS.get(event.action_name)
            if kind is not None and event.object_id:
                self._reads.append((row, self._article(event.object_id), act.moment, kind))
        disliked = {article for article, vote in votes.items() if not vote}
        for article, vote in votes.items():
            if article:
                self._votes.append((row, self._article(article), int(vote)))
        self._add_searches(row, searches, acts, opened, answered, disliked)

    def _add_searches(
        self,
        row: int,
        searches: Sequence[Search],
        acts: Sequence[Act],
        opened: dict[str, list[str]],
        answered: set[str],
        disliked: set[str],
    ) -> None:
        from_each = [_opened(search, opened, acts) for search in searches]
        helped, is_last = "", True
        made: list[tuple[int, ...]] = []
        # Backwards: what helped later is known by then.
        for search, mine in zip(reversed(searches), reversed(from_each), strict=True):
            final, bad = search.final, mine[-1] if mine else ""
            flags = (
                PRINTABLE * is_printable(final)
                | ANSWERED * (not answered.isdisjoint(search.query_ids))
                | DISLIKED * (bool(mine) and bad in disliked)
                | LAST * (bool(mine) and is_last)
            )
            text = self._texts.setdefault(final.user_query, len(self._texts))
            lang = final.detected_lang or final.lang or UNKNOWN
            language = self._languages.setdefault(lang, len(self._languages))
            made.append((row, text, language, network_of(final), flags, self._article(bad), self._article(helped)))
            helped = next((article for article in mine if article not in disliked), helped)
            is_last = is_last and not mine
        self._searches += reversed(made)

    def _article(self, name: str) -> int:
        return self._articles.setdefault(name, len(self._articles)) if name else NOTHING

    def content(self) -> Content:
        """Return what was taken."""
        columns: dict[str, Integers] = {}
        for kind, rows in (("search", self._searches), ("read", self._reads), ("vote", self._votes)):
            names = _COLUMNS[kind]
            values = np.array(rows, np.int64).reshape(-1, len(names))
            columns |= {name: values[:, place].copy() for place, name in enumerate(names)}
        return Content(tuple(self._texts), tuple(self._languages), tuple(self._articles), **columns)


def _opened(search: Search, opened: dict[str, list[str]], acts: Sequence[Act]) -> list[str]:
    """Return the articles opened from a search, by time."""
    named = [query_id for query_id in search.query_ids if query_id in opened]
    if len(named) < 2:
        return opened[named[0]] if named else []
    events = [act.fact for act in acts if isinstance(act.fact, Event)]
    return [event.object_id for event in events if is_opening(event) and event.query_id in search.query_ids]


def nothing() -> Content:
    """Return the content of no journey."""
    return Reader().content()


def join_content(first: Content, second: Content, rows: int) -> Content:
    """Put the content of other journeys behind that of the first ones, of which there are so many."""
    tables: dict[str, Any] = {}
    moved = {name: getattr(second, name) for name in ARRAYS}
    for table, names in (*TABLES.items(), ("articles", _ARTICLES)):
        mine, theirs = getattr(first, table), getattr(second, table)
        tables[table], places = joined(mine, theirs)
        moved |= {name: places[moved[name]] for name in names}
    for kind in _COLUMNS:
        moved[f"{kind}_row"] = moved[f"{kind}_row"] + rows
    arrays: dict[str, Any] = {name: np.concatenate([getattr(first, name), moved[name]]) for name in ARRAYS}
    return Content(**tables, **arrays)


def joined(mine: tuple[str, ...], theirs: Iterable[str]) -> tuple[tuple[str, ...], Integers]:
    """Return one table of both, and where it has what was in the other; NOTHING stays NOTHING, as the last place."""
    places = {text: place for place, text in enumerate(mine)}
    moved = [places.setdefault(text, len(places)) for text in theirs]
    return tuple(places), np.array([*moved, NOTHING], np.int64)
