"""Where searches lead, what is missing, and how articles do: what a report says beyond its figures.

Reads the store day by day through `rollup.py`; needs the knowledge base (`library.py`) for titles and meaning.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from kbsearch.metrics.articles import Articles, add_counts, table
from kbsearch.metrics.demand import join_demand
from kbsearch.metrics.gaps import Triage, triage
from kbsearch.metrics.library import Library
from kbsearch.metrics.moments import DAY, HOUR, day_of, days_between, moment_of
from kbsearch.metrics.report import Report
from kbsearch.metrics.rollup import DayCounts, Facts, Shelf
from kbsearch.metrics.traces import READERS


@dataclass(frozen=True, slots=True)
class Insight:
    """What belongs to a report."""

    flow: dict[tuple[str, str], int]
    """(how far the searches led, outcome) → journeys that searched; their sum is the report's."""
    articles: Articles
    triage: Triage
    days: tuple[str, ...]
    """UTC days of the period, up to the moment of the report."""


def insight(facts: Facts, made: Report, library: Library, *, shelf: Shelf | None = None) -> Insight:
    """Look into the period of a report."""
    since, until, as_of = (moment_of(text) for text in (made.since, made.until, made.as_of))
    flow: Counter[tuple[str, str]] = Counter()
    counts: dict[str, list[int]] = {}
    demands = []
    counted = DayCounts(facts, as_of, round(made.window_hours * HOUR), shelf)
    for trace in counted.traces(day_of(since), day_of(until - DAY)):
        flow.update(trace.flow)
        add_counts(counts, trace.articles)
        demands.append(trace.demand)
    readers = {article: mine[READERS] for article, mine in counts.items()}
    # A day that has only begun belongs to the period; one that has not, does not.
    days = days_between(day_of(since), day_of(max(since, min(until, as_of) - 1)))
    found = triage(join_demand(demands), readers, library, days, made.experiment.costs.ticket)
    return Insight(dict(flow), table(counts, library), found, tuple(days))
