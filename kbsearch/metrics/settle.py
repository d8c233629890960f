"""What became of journeys: outcomes and durability of a whole day at once, as counts by label. Pure.

The same rules as `outcomes.decide_outcome`, by column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from kbsearch.metrics.columns import (
    FORM,
    HANDED,
    OPENED,
    SAID,
    SAW,
    SEARCHED,
    WAS_HELD_OUT,
    WAS_TREATED,
    Columns,
    Integers,
    Marks,
)
from kbsearch.metrics.outcomes import RETURN_WINDOW, Outcome
from kbsearch.metrics.tally import DIMENSIONS, EVERYTHING, Tallies


def later_handovers(columns: Columns, days: Iterable[Columns], window: int) -> tuple[Integers, Integers]:
    """Return when the first and the last ticket or hand-over of the same client came within the window after each
    journey; 0 where none did."""
    first, last = np.zeros(len(columns), np.int64), np.zeros(len(columns), np.int64)
    for day in days:
        for place, row in columns.pairs(day.client[day.handover_row]):
            moment = day.handover[place]
            if columns.end[row] < moment <= columns.end[row] + window:
                first[row] = min(first[row], moment) if first[row] else moment
                last[row] = max(last[row], moment)
    return first, last


def came_back(columns: Columns, rows: Marks, days: Iterable[Columns]) -> tuple[Marks, Marks]:
    """Return whose client came back within the return window: to one of the row's topics, and at all."""
    to_topic, at_all = np.zeros(len(columns), np.bool_), np.zeros(len(columns), np.bool_)
    chosen = np.flatnonzero(rows)
    for day in days:
        for place, other in day.pairs(columns.client[chosen]):
            row = int(chosen[place])
            end = columns.end[row]
            if end < day.start[other] <= end + RETURN_WINDOW:
                at_all[row] = True
                to_topic[row] |= not columns.topics(row).isdisjoint(day.topics(other))
    return to_topic, at_all


def seen_whole(columns: Columns, salt_changes: Integers) -> Marks:
    """Return whose time to return lies under one salt: under the next one the same client is another."""
    later = np.append(salt_changes, np.iinfo(np.int64).max)
    following = later[np.searchsorted(salt_changes, columns.start, "right")]
    whole: Marks = columns.end + RETURN_WINDOW < following
    return whole


def outcomes(columns: Columns, later: Marks, closed: Marks) -> dict[Outcome, Marks]:
    """Return which rows ended how; each row has one outcome."""
    handed = columns.marked(HANDED) | later
    confirmed = closed & columns.marked(SAID) & ~later
    escalated = closed & ~confirmed & handed
    rest = closed & ~confirmed & ~escalated
    assumed = rest & columns.marked(OPENED)
    abandoned = rest & ~assumed & columns.marked(SEARCHED)
    return {
        Outcome.CONFIRMED: confirmed,
        Outcome.ASSUMED: assumed,
        Outcome.ESCALATED: escalated,
        Outcome.ABANDONED: abandoned,
        Outcome.UNKNOWN: ~(confirmed | assumed | escalated | abandoned),
    }


def count_outcomes(
    columns: Columns,
    ended: Mapping[Outcome, Marks],
    later: Marks,
    closed: Marks,
    seasoned: Marks,
    returned: tuple[Marks, Marks],
) -> Tallies:
    """Count outcomes by label: `closed` rows have their window behind them, `seasoned` ones the time to return in,
    under one salt; `returned` is what `came_back` gives."""
    searched, form = columns.marked(SEARCHED), columns.marked(FORM) & closed
    filed = columns.marked(HANDED) | later
    to_topic, at_all = returned
    durable = seasoned & ended[Outcome.CONFIRMED] & ~to_topic
    counters = {
        "journeys": np.ones(len(columns), np.bool_),
        "searched": searched,
        "decided": closed,
        "handed_over": closed & filed,
        "searched_decided": closed & searched,
        "seasoned_searched": seasoned & searched,
        "seasoned_confirmed": seasoned & ended[Outcome.CONFIRMED],
        "seasoned_confirmed_seen_again": seasoned & ended[Outcome.CONFIRMED] & at_all,
        "durable": durable,
        "durable_searched": durable & searched,
        "form_saw": form & columns.marked(SAW),
        "form_saw_unfiled": form & columns.marked(SAW) & ~filed,
    }
    for arm, flag in (("treated", WAS_TREATED), ("held_out", WAS_HELD_OUT)):
        counters[f"form_{arm}"] = form & columns.marked(flag)
        counters[f"form_{arm}_filed"] = form & columns.marked(flag) & filed
    for outcome, rows in ended.items():
        counters[f"outcome:{outcome}"] = rows
        counters[f"searched:{outcome}"] = rows & searched
    return _by_label(columns, counters)


def busiest(columns: Columns) -> int:
    """Return how many facts the client with the most has."""
    if not len(columns):
        return 0
    _, place = np.unique(columns.client, return_inverse=True)
    return int(np.bincount(place, columns.facts).max())


def _by_label(columns: Columns, counters: Mapping[str, Marks]) -> Tallies:
    tallies: Tallies = {EVERYTHING: {EVERYTHING: Counter()}, **{dimension: {} for dimension in DIMENSIONS}}
    by_combination = {
        name: np.bincount(columns.label[rows], minlength=len(columns.labels)) for name, rows in counters.items()
    }
    for name, counts in by_combination.items():
        _put(tallies[EVERYTHING], (EVERYTHING,), [int(counts.sum())], name)
    for column, dimension in enumerate(DIMENSIONS):
        places: dict[str, int] = {}
        of = np.array([places.setdefault(label[column], len(places)) for label in columns.labels], np.int64)
        for name, counts in by_combination.items():
            _put(tallies[dimension], places, np.bincount(of, counts, len(places)).astype(int).tolist(), name)
    return tallies


def _put(into: dict[str, Counter[str]], labels: Iterable[str], counts: Iterable[int], name: str) -> None:
    for label, count in zip(labels, counts, strict=True):
        if count:
            into.setdefault(label, Counter())[name] = count
