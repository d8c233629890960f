"""Whole journeys, with all that happened in them and what became of them, a day at a time.

Takes the facts of a store; for what the counters of `tally.py` cannot say: which search failed, and which article was
read before a ticket. The same journeys and outcomes as `rollup.py`, which keeps counts only. Each day is read once
while days are asked for in order.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from kbsearch.metrics.acts import Act, by_client, read_acts
from kbsearch.metrics.journeys import HANDOVERS, Journey, read_journey, split_journeys
from kbsearch.metrics.moments import DAY, day_after, day_of, days_between, start_of, timestamp_of
from kbsearch.metrics.outcomes import Outcome, decide_outcome
from kbsearch.metrics.rollup import Facts
from kbsearch.metrics.searches import Search


class Walked(NamedTuple):
    """One journey, whole."""

    acts: list[Act]
    later: list[Act]
    """What the same client did after it, within the window."""
    journey: Journey
    searches: list[Search]
    outcome: Outcome
    closed: bool
    """Its window has passed, so that its outcome is final."""


class Walk:
    """The journeys of any day, as of one moment."""

    def __init__(self, facts: Facts, as_of: int, window: int) -> None:
        """Take moments and the window in milliseconds, as `rollup.DayCounts` does."""
        self._facts = facts
        self._as_of = as_of
        self._window = window
        self._known = facts.days()
        self._read: OrderedDict[str, dict[str, list[Act]]] = OrderedDict()

    def touched(self, day: str) -> list[str]:
        """Return the days whose facts may change what became of journeys that began on `day`."""
        # A journey may end on the next day, and its window a day or more later.
        return days_between(day_after(day, -1), day_of(start_of(day) + 2 * DAY + self._window - 1))

    def on(self, day: str) -> Iterator[Walked]:
        """Yield the journeys that began on a UTC day."""
        days = [other for other in self.touched(day) if other in self._known]
        by_day = {other: self._acts(other) for other in days}
        while len(self._read) > len(self.touched(day)):
            self._read.popitem(last=False)
        for client in by_day.get(day, {}):
            mine = [act for other in days for act in by_day[other].get(client, ())]
            for run in split_journeys(mine):
                if day_of(run[0].moment) == day:
                    yield self._walked(run, mine)

    def _walked(self, run: list[Act], mine: list[Act]) -> Walked:
        journey, searches = read_journey(run)
        closes = journey.end + self._window
        later = [act for act in mine if journey.end < act.moment <= closes]
        handed_over = any(getattr(act.fact, "action_name", "") in HANDOVERS for act in later)
        closed = self._as_of >= closes
        outcome = decide_outcome(journey, handed_over_later=handed_over, closed=closed)
        return Walked(run, later, journey, searches, outcome, closed)

    def _acts(self, day: str) -> dict[str, list[Act]]:
        if day not in self._read:
            bounds = timestamp_of(start_of(day)), timestamp_of(start_of(day) + DAY)
            self._read[day] = by_client(read_acts(self._facts.searches(*bounds), self._facts.events(*bounds)))
        return self._read[day]
