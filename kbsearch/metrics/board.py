"""All that the dashboard and the HTML report show of one period. Reads the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kbsearch.metrics.insight import Insight, insight
from kbsearch.metrics.library import Library
from kbsearch.metrics.moments import day_after, day_of, days_between, moment_of
from kbsearch.metrics.report import Figures, Report, Source, part_of, report
from kbsearch.metrics.rollup import Shelf

MOST_DAYS = 35
"""Longest period that is drawn day by day; longer ones by week."""
_WEEK = 7
_SPLITS = ("language", "device")


@dataclass(frozen=True, slots=True)
class Point:
    """Figures of a day or of a week."""

    day: str
    """UTC day, or the first day of seven."""
    figures: Figures


@dataclass(frozen=True, slots=True)
class Board:
    """One period."""

    report: Report
    insight: Insight | None
    """None without a knowledge base to ask."""
    trend: tuple[Point, ...]
    """By time; days without facts have no value, never 0."""
    step: str
    """day or week."""


def board(source: Source, library: Library | None, *, shelf: Shelf | None = None, **given: Any) -> Board:
    """Make the board of a period; `given` as `report` takes it."""
    made = report(source, splits=(*_SPLITS, "day"), shelf=shelf, **given)
    since, as_of = moment_of(made.since), moment_of(made.as_of)
    until = max(since + 1, min(moment_of(made.until), as_of))
    days = days_between(day_of(since), day_of(until - 1))
    if len(days) <= MOST_DAYS:
        found = made.by["day"]
        trend = tuple(Point(day, found.get(day, {})) for day in days)
        step = "day"
    else:
        # Whole weeks, counted back from the end: a week that has only begun would look like a fall.
        starts = [day_after(days[-1], -_WEEK * count + 1) for count in range(len(days) // _WEEK, 0, -1)]
        trend = tuple(Point(day, part_of(made, days_between(day, day_after(day, _WEEK - 1)))) for day in starts)
        step = "week"
    more = insight(source, made, library, shelf=shelf) if library else None
    return Board(made, more, trend, step)
