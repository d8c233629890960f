"""Where searches lead, what is missing, and how articles do: what a report says beyond its figures.

Reads the store day by day through `traces.py`; needs the knowledge base (`library.py`) for titles and meaning.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from kbsearch.metrics.articles import Articles, add_counts, table
from kbsearch.metrics.gaps import Dated, Triage, triage
from kbsearch.metrics.library import Library
from kbsearch.metrics.moments import HOUR, day_of, days_between, moment_of
from kbsearch.metrics.report import Report
from kbsearch.metrics.rollup import Facts, Shelf
from kbsearch.metrics.traces import READ, read_traces


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
    asked: Counter[tuple[str, str]] = Counter()
    failures: list[Dated] = []
    for trace in read_traces(facts, since, until, as_of=as_of, window=round(made.window_hours * HOUR), shelf=shelf):
        flow.update(trace.flow)
        asked.update(trace.asked)
        add_counts(counts, trace.articles)
        failures += [(trace.day, failure) for failure in trace.failures]
    readers = {article: mine[READ] for article, mine in counts.items()}
    # A day that has only begun belongs to the period; one that has not, does not.
    days = days_between(day_of(since), day_of(max(since, min(until, as_of) - 1)))
    found = triage(failures, asked, readers, library, days, made.experiment.costs.ticket)
    return Insight(dict(flow), table(counts, library), found, tuple(days))
