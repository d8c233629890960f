"""What a day leaves for the flow, the article table and the gap list, so that a month need not be read again. Pure.

A trace holds query texts and client hashes, so what it is kept under ends with the day: the store forgets it with the
day's facts (see `EventStore.keep`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kbsearch.index.arrays import hash_texts
from kbsearch.metrics import content as of
from kbsearch.metrics.columns import LISTED, OPENED, PROGRAM, READ, SEARCHED, WAS_HELD_OUT, Columns, Integers, Marks
from kbsearch.metrics.content import HANDED, NOTHING, OPENING, Content
from kbsearch.metrics.demand import ARRAYS, ESCALATED, PRINTABLE, TABLES, Demand, keys_of
from kbsearch.metrics.kept import Arrays
from kbsearch.metrics.outcomes import Outcome

STEP_OPENED, STEP_ANSWERED, STEP_LISTED, STEP_NOTHING = "opened", "answered", "listed", "nothing"
STEPS = (STEP_OPENED, STEP_ANSWERED, STEP_LISTED, STEP_NOTHING)
"""How far a journey's searches led, best first: an article was opened, an answer shown, results shown, nothing."""
VIEWS, VOTES, HELPFUL, READERS, TICKETS = range(5)
"""Columns of an article's counts: openings, votes, votes yes, journeys that read it, of these with a ticket after."""

Outcomes = Mapping[Outcome, Marks]
Handovers = tuple[Integers, Integers]
"""First and last that came after each journey, within the window; 0 for none."""


@dataclass(frozen=True)
class Trace:
    """What one day left."""

    day: str
    flow: dict[tuple[str, str], int]
    """(step, outcome) → journeys that searched."""
    articles: dict[str, list[int]]
    demand: Demand


def trace_of(
    day: str,
    columns: Columns,
    content: Content,
    ended: Outcomes,
    closed: Marks,
    later: Handovers,
    following: Sequence[tuple[Columns, Content]],
    window: int,
) -> Trace:
    """Return what the journeys of a day leave, whose outcomes are known; `closed` have their window behind them.

    `following` are the journeys of the days on which something may come within the window, `day` included.
    """
    first, last = _handovers(columns, later)
    return Trace(
        day,
        _flow(columns, ended),
        _articles(content, ended, closed, last),
        _demand(day, columns, content, ended, closed, _Agents(columns, content, first, following, window)),
    )


def pack_trace(trace: Trace) -> tuple[dict[str, Any], Arrays]:
    """Return a trace as JSON values and arrays."""
    values = {
        "flow": [[*ends, count] for ends, count in trace.flow.items()],
        "counts": trace.articles,
        **{name: list(getattr(trace.demand, name)) for name in TABLES},
    }
    return values, {name: getattr(trace.demand, name) for name in ARRAYS}


def unpack_trace(day: str, values: dict[str, Any], arrays: Arrays) -> Trace:
    """Return the trace that `pack_trace` was given."""
    tables: dict[str, Any] = {name: tuple(values[name]) for name in TABLES}
    columns: dict[str, Any] = {name: arrays[name] for name in ARRAYS}
    flow = {(step, outcome): count for step, outcome, count in values["flow"]}
    return Trace(day, flow, values["counts"], Demand(days=(day,), **tables, **columns))


def _handovers(columns: Columns, later: Handovers) -> Handovers:
    """Return the first and last ticket or hand-over of each journey, in it or after it; 0 for none."""
    first, last = later[0].copy(), np.zeros(len(columns), np.int64)
    own = np.full(len(columns), np.iinfo(np.int64).max)
    np.minimum.at(own, columns.handover_row, columns.handover)
    np.maximum.at(last, columns.handover_row, columns.handover)
    inside = last > 0
    first[inside] = own[inside]
    return first, np.maximum(last, later[1])


def _flow(columns: Columns, ended: Outcomes) -> dict[tuple[str, str], int]:
    searched = columns.marked(SEARCHED)
    read, opened, listed = (columns.marked(flag) for flag in (READ, OPENED, LISTED))
    steps = (read, opened & ~read, ~opened & listed, ~opened & ~listed)
    found = {
        (step, str(outcome)): int((rows & searched & which).sum())
        for step, rows in zip(STEPS, steps, strict=True)
        for outcome, which in ended.items()
    }
    return {ends: count for ends, count in found.items() if count}


def _articles(content: Content, ended: Outcomes, closed: Marks, last: Integers) -> dict[str, list[int]]:
    """Count openings and votes; and of journeys that read an article, those with a ticket after the first reading."""
    size = len(content.articles)
    openings = content.read_kind == OPENING
    row, article, moment = (array[openings] for array in (content.read_row, content.read_article, content.read_moment))
    counts = np.zeros((size, 5), np.int64)
    counts[:, VIEWS] = np.bincount(article, minlength=size)
    counts[:, VOTES] = np.bincount(content.vote_article, minlength=size)
    counts[:, HELPFUL] = np.bincount(content.vote_article[content.vote_helpful == 1], minlength=size)
    _, earliest = np.unique(row * max(size, 1) + article, return_index=True)
    earliest = earliest[closed[row[earliest]]]
    row, article, moment = row[earliest], article[earliest], moment[earliest]
    counts[:, READERS] = np.bincount(article, minlength=size)
    followed = ended[Outcome.ESCALATED][row] & (last[row] > moment)
    counts[:, TICKETS] = np.bincount(article[followed], minlength=size)
    return {name: mine for name, mine in zip(content.articles, counts.tolist(), strict=True) if any(mine)}


def _demand(day: str, columns: Columns, content: Content, ended: Outcomes, closed: Marks, agents: _Agents) -> Demand:
    """Return what was asked and what failed in journeys that say anything: their window has closed, and they are
    neither a program's nor in the hold-out, which is shown nothing on purpose."""
    judged = closed & ~columns.marked(PROGRAM) & ~columns.marked(WAS_HELD_OUT)
    wanted = judged[content.search_row]
    row, text, language = (
        array[wanted] for array in (content.search_row, content.search_text, content.search_language)
    )
    flags, opened = content.search_flags[wanted], content.search_opened[wanted]
    escalated = ended[Outcome.ESCALATED][row]
    blamed = (flags & of.DISLIKED != 0) | escalated & (flags & of.LAST != 0)
    failed = np.where(opened != NOTHING, blamed, flags & of.ANSWERED == 0)
    helped = np.where((opened == NOTHING) & ~escalated, content.search_helped[wanted], NOTHING)[failed]
    articles = {name: place for place, name in enumerate(content.articles)}
    found = _found(row[failed], opened[failed], helped, agents, articles)
    both, counts = np.unique(text * max(len(content.languages), 1) + language, return_counts=True)
    texts, languages = np.divmod(both, max(len(content.languages), 1))
    used, place = np.unique(texts, return_inverse=True)
    places = np.zeros(len(content.texts), np.int64)
    places[used] = np.arange(len(used))
    named = tuple(content.texts[at] for at in used.tolist())
    return Demand(
        days=(day,),
        texts=named,
        text_hash=hash_texts(named),
        text_key=keys_of(named),
        languages=content.languages,
        articles=tuple(articles),
        asked_text=place,
        asked_language=languages,
        asked_count=counts,
        failed_day=np.zeros(int(failed.sum()), np.int64),
        failed_text=places[text[failed]],
        failed_language=language[failed],
        failed_client=columns.client[row[failed]],
        failed_journey=row[failed],
        failed_network=content.search_network[wanted][failed],
        failed_flags=PRINTABLE * (flags[failed] & of.PRINTABLE != 0) + ESCALATED * escalated[failed],
        failed_article=opened[failed],
        found_row=np.array([at for at, _ in found], np.int64),
        found_article=np.array([article for _, article in found], np.int64),
    )


def _found(
    rows: Integers, opened: Integers, helped: Integers, agents: _Agents, articles: dict[str, int]
) -> list[tuple[int, int]]:
    """Return (failure, article that helped afterwards), each once; new articles are added to the table."""
    by_row: dict[int, list[int]] = {}
    for row, names in agents.of(np.unique(rows)).items():
        by_row[row] = [articles.setdefault(name, len(articles)) for name in names]
    found = []
    for at in np.flatnonzero((helped != NOTHING) | np.isin(rows, list(by_row))).tolist():
        mine = [int(helped[at])] if helped[at] != NOTHING else []
        mine += by_row.get(int(rows[at]), [])
        found += [(at, article) for article in dict.fromkeys(mine) if article != opened[at]]
    return found


class _Agents:
    """The articles that agents answered with: named by the hand-over once it is solved (see `handover/facts.py`) or as
    the solution, or opened after it."""

    def __init__(
        self,
        columns: Columns,
        content: Content,
        first: Integers,
        following: Sequence[tuple[Columns, Content]],
        window: int,
    ) -> None:
        self._columns = columns
        self._content = content
        self._first = first
        self._following = following
        self._window = window

    def of(self, rows: Integers) -> dict[int, list[str]]:
        """Return for each of these journeys with a ticket or hand-over what came after it, by time."""
        chosen = rows[self._first[rows] > 0]
        found: dict[int, list[tuple[int, str]]] = {}
        for row in chosen.tolist():
            self._take(found, row, self._content, row, int(self._columns.end[row]))
        for columns, content in self._following:
            for place, other in columns.pairs(self._columns.client[chosen]):
                row = int(chosen[place])
                if columns.start[other] > self._columns.end[row]:
                    self._take(found, row, content, other, int(self._columns.end[row]) + self._window)
        return {row: [name for _, name in sorted(named, key=lambda one: one[0])] for row, named in found.items()}

    def _take(
        self, found: dict[int, list[tuple[int, str]]], row: int, content: Content, other: int, until: int
    ) -> None:
        """Take what another journey (or the same) read after the hand-over, up to a moment."""
        start, stop = np.searchsorted(content.read_row, [other, other + 1]).tolist()
        since = int(self._first[row])
        for at in range(start, stop):
            moment = int(content.read_moment[at])
            # In one millisecond, what a ticket names comes after it, and all else before.
            if since < moment <= until or (moment == since and content.read_kind[at] == HANDED):
                found.setdefault(row, []).append((moment, content.articles[content.read_article[at]]))
