"""One report: every figure of a period, split as asked, with outcomes, the hold-out's result and the health verdict.

The only module that services, commands and dashboards need. Reads the store through `rollup.py`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from kbsearch.errors import UsageError
from kbsearch.metrics.costs import Costs
from kbsearch.metrics.definitions import BY_ID
from kbsearch.metrics.figures import Figure, figures
from kbsearch.metrics.health import Health, examine
from kbsearch.metrics.incremental import HOLDOUT_SHARE, Experiment, compare
from kbsearch.metrics.journeys import UNKNOWN
from kbsearch.metrics.moments import DAY, HOUR, day_of, start_of, timestamp_of
from kbsearch.metrics.outcomes import WINDOW, Outcome
from kbsearch.metrics.rollup import DayCounts, Facts, Shelf
from kbsearch.metrics.tally import DIMENSIONS, EVERYTHING, Tallies, Tally, merge_counts, merge_tallies

SPLITS = (*DIMENSIONS, "day")
CATEGORY, OTHER = "category", "(other)"
"""OTHER: categories that no search of the period met; no article is filed so."""
Figures = dict[str, Figure]


class Source(Facts, Protocol):
    """What a report asks of an event store."""

    def dropped(self, since: str = "", until: str = "") -> Mapping[str, int]:
        """Return how many facts were lost, by UTC day."""


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of the journeys that began in [since, until), judged as of `as_of` (all ISO 8601, UTC)."""

    since: str
    until: str
    as_of: str
    window_hours: float
    metrics: Figures
    by: dict[str, dict[str, Figures]]
    """Dimension → label → figures, for the splits that were asked for."""
    outcomes: dict[str, int]
    """Outcome → journeys, and "journeys": their sum."""
    outcomes_searched: dict[str, int]
    """The same for journeys that searched."""
    outcomes_by_day: dict[str, dict[str, int]]
    experiment: Experiment
    health: Health
    dropped: int
    counts: Mapping[str, int]
    """The counters that all figures were made from (see `tally.py`)."""
    counts_by_day: Mapping[str, Mapping[str, int]]
    dropped_by_day: Mapping[str, int]
    holdout_share: float


def report(
    source: Source,
    since: int | None = None,
    until: int | None = None,
    splits: Iterable[str] = (),
    *,
    as_of: int | None = None,
    window: int = WINDOW,
    shelf: Shelf | None = None,
    costs: Costs | None = None,
    holdout_share: float = HOLDOUT_SHARE,
) -> Report:
    """Make a report; moments are milliseconds since 1970, `since` and `until` those of midnights (UTC).

    Without bounds it covers everything that is stored. `as_of` (default: now) is the moment at which windows are
    judged to be open or closed, `window` how long after a journey a ticket counts against it.

    :raises UsageError: an unknown split, a period that ends before it begins, or not at midnight.
    """
    splits = tuple(splits)
    for split in splits:
        if split not in SPLITS:
            raise UsageError(f"unknown split {split!r}; use any of: {', '.join(SPLITS)}", "by")
    now = time.time_ns() // 1_000_000
    as_of = now if as_of is None else as_of
    days = DayCounts(source, as_of, window, shelf)
    known = days.days() or [day_of(now)]
    since = start_of(known[0]) if since is None else since
    until = max(start_of(max(known[-1], day_of(now))) + DAY, since) if until is None else until
    for moment, name in ((since, "from"), (until, "to")):
        if moment % DAY:
            day = f"a period is of whole days, such as {day_of(moment)}"
            raise UsageError(f"{name} {timestamp_of(moment)} is no midnight UTC; {day}", name)
    if until < since:
        ends, begins = timestamp_of(until), timestamp_of(since)
        raise UsageError(f"the period ends ({ends}) before it begins ({begins}); give a later end", "to")
    first, last = day_of(since), day_of(until - DAY)
    total: Tallies = {EVERYTHING: {EVERYTHING: Counter()}}
    by_day: dict[str, Tally] = {}
    for day, tallies in days.tallies(first, last):
        merge_tallies(total, {name: tallies[name] for name in (EVERYTHING, *splits) if name in tallies})
        by_day[day] = Counter(tallies[EVERYTHING][EVERYTHING])
    counts = total[EVERYTHING][EVERYTHING]
    lost = source.dropped(first, day_of(until))
    dropped = sum(lost.values())
    health = examine(counts, dropped, holdout_share)
    costs = costs or Costs()

    def judged(found: Tally) -> Figures:
        return _figures(found, costs, holdout_share, health)

    labels = {name: by_day if name == "day" else total.get(name, {}) for name in splits}
    if CATEGORY in labels:
        labels[CATEGORY] = _known_categories(labels[CATEGORY])
    return Report(
        since=timestamp_of(since),
        until=timestamp_of(until),
        as_of=timestamp_of(as_of),
        window_hours=window / HOUR,
        metrics=judged(counts),
        by={name: {label: judged(found[label]) for label in sorted(found)} for name, found in labels.items()},
        outcomes=_outcomes(counts, "outcome", "journeys"),
        outcomes_searched=_outcomes(counts, "searched", "searched"),
        outcomes_by_day={day: _outcomes(found, "outcome", "journeys") for day, found in by_day.items()},
        experiment=_experiment(counts, costs, holdout_share, health),
        health=health,
        dropped=dropped,
        counts=counts,
        counts_by_day=by_day,
        dropped_by_day=lost,
        holdout_share=holdout_share,
    )


def part_of(made: Report, days: Iterable[str]) -> Figures:
    """Return the figures of some days of a report, judged by the health of these days."""
    counts: Tally = Counter()
    dropped = 0
    for day in days:
        merge_counts(counts, made.counts_by_day.get(day, {}))
        dropped += made.dropped_by_day.get(day, 0)
    health = examine(counts, dropped, made.holdout_share)
    return _figures(counts, made.experiment.costs, made.holdout_share, health)


def _known_categories(found: Mapping[str, Tally]) -> dict[str, Tally]:
    """Return the categories that searches met, all others as OTHER: events name their article's category, and anybody
    can send events with any text as one, and with thousands."""
    known: dict[str, Tally] = {}
    for label, counts in found.items():
        is_known = label == UNKNOWN or counts.get("searches", 0) > 0
        merge_counts(known.setdefault(label if is_known else OTHER, Counter()), counts)
    return known


def _figures(counts: Tally, costs: Costs, holdout_share: float, health: Health) -> Figures:
    """Return every figure in the order of the definitions; those whose inputs are sick are marked."""
    experiment = _experiment(counts, costs, holdout_share, health)
    made = figures(counts)
    made |= {figure.id: figure for figure in (experiment.deflection, experiment.saved)}
    return {
        name: made[name] if made[name].value is None else replace(made[name], unreliable=health.trouble(defined.sick))
        for name, defined in BY_ID.items()
    }


def _experiment(counts: Mapping[str, int], costs: Costs, holdout_share: float, health: Health) -> Experiment:
    """Compare both sides of the hold-out, in figures and in a sentence that say what is wrong with the facts."""
    trouble = health.trouble(BY_ID["incremental_deflection"].sick)
    return compare(counts, costs, share=holdout_share, trouble=trouble)


def _outcomes(counts: Mapping[str, int], prefix: str, total: str) -> dict[str, int]:
    found = {str(outcome): counts.get(f"{prefix}:{outcome}", 0) for outcome in Outcome}
    return {**found, "journeys": counts.get(total, 0)}
