"""From the store to counts by day: what is settled is kept on a shelf, everything else is computed on read.

Two things are kept: the counts of each day whose last window has closed, and, of the days before that, the part that
the day's own facts give. Both carry the store's change counters of every day they were made from, and are used only
while all of these are still the same: a late event or an erasure changes the counter, and the day is read again.
Without a shelf the same code computes everything from raw facts.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import orjson

from kbsearch.events.schema import Event, SearchRecord
from kbsearch.metrics.acts import Act, read_acts
from kbsearch.metrics.days import DayPart, Started, add_cells, pack, read_day, started_on, unpack
from kbsearch.metrics.journeys import Journey
from kbsearch.metrics.moments import DAY, day_of, days_between, start_of, timestamp_of
from kbsearch.metrics.outcomes import RETURN_WINDOW, WINDOW, Outcome, decide_outcome
from kbsearch.metrics.tally import EVERYTHING, Cells, Tallies, count_outcome, spread

FORMAT = 1
"""Raise it when definitions or the form of what is kept change: kept things of another format are made anew."""
_MOST_IN_MEMORY = 14
"""Days kept unpacked; a journey looks seven days ahead, and its neighbours one further."""


class Facts(Protocol):
    """What is asked of an event store."""

    def searches(self, since: str = "", until: str = "") -> Iterator[SearchRecord]:
        """Yield searches from `since` (included) to `until` (excluded)."""

    def events(self, since: str = "", until: str = "") -> Iterator[Event]:
        """Yield events, likewise."""

    def days(self) -> dict[str, int]:
        """Return for every UTC day with facts a number that changes with them."""


class Shelf(Protocol):
    """A place for what can be computed again."""

    def kept(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """Return what was kept under these names, where there is anything."""

    def keep(self, name: str, value: bytes) -> None:
        """Keep a value, in place of an older one of the same name."""

    def discard(self, names: Sequence[str]) -> None:
        """Forget what was kept under these names."""


class DayCounts:
    """The counts of any day, as of one moment."""

    def __init__(self, facts: Facts, as_of: int, window: int = WINDOW, shelf: Shelf | None = None) -> None:
        """Take moments in milliseconds: `as_of` says which windows are closed, `window` how long one is."""
        self._facts = facts
        self._as_of = as_of
        self._window = window
        self._season = max(RETURN_WINDOW, window)
        """Time after which neither outcome nor durability of a journey can change."""
        self._counts = f"counts/{window}/"
        self._shelf = shelf
        self._counters = facts.days()
        self._parts: OrderedDict[str, DayPart] = OrderedDict()
        self._started: OrderedDict[str, _Indexed] = OrderedDict()
        self._kept_something = False
        self._looked_at: set[str] = set()
        """Days that the counts being made depend on."""

    def days(self) -> list[str]:
        """Return the days with facts, in order."""
        return sorted(self._counters)

    def tallies(self, since: int, until: int) -> Iterator[tuple[str, Tallies]]:
        """Yield each day that has facts, with the counts of the journeys that began on it within [since, until)."""
        days = [day for day in self.days() if start_of(day) < until and start_of(day) + DAY > since]
        kept = self._shelf.kept([self._counts + day for day in days]) if self._shelf else {}
        for day in days:
            if since <= start_of(day) and start_of(day) + DAY <= until:
                settled = self._unwrap(kept.get(self._counts + day))
                usable = settled is not None and settled["settled"] <= self._as_of
                yield day, settled["tallies"] if settled and usable else self._whole_day(day)
            else:
                window = range(since, until)
                cut = read_day(day, self._acts(day), window)
                yield day, self._tallies(day, started_on(day, partial(self._part_or, cut)))
        if self._shelf and self._kept_something:
            self._shelf.discard([f"part/{day}" for day in self.days() if self._is_old(day)])

    def _whole_day(self, day: str) -> Tallies:
        self._looked_at = set()
        started = self._started_on(day)
        tallies = self._tallies(day, Started(started.journeys, started.cells))
        last = max((journey.end for journey in started.journeys), default=start_of(day))
        settled = last + self._season
        if settled <= self._as_of:
            self._wrap(self._counts + day, self._looked_at, {"settled": settled, "tallies": tallies})
        return tallies

    def _tallies(self, day: str, started: Started) -> Tallies:
        tallies = spread(self._cells(day, started))
        by_client: Counter[str] = Counter()
        for journey in started.journeys:
            by_client[journey.client] += journey.facts
        tallies[EVERYTHING][EVERYTHING]["busiest_client_facts"] = max(by_client.values(), default=0)
        return tallies

    def _cells(self, day: str, started: Started) -> Cells:
        """Return the counts of journeys that began on a day, outcomes included."""
        cells: Cells = {}
        add_cells(cells, started.cells)
        last = max((journey.end for journey in started.journeys), default=start_of(day))
        handovers: dict[str, list[int]] = {}
        for other in days_between(day, day_of(last + self._window)):
            for client, moments in self._started_on(other).handovers.items():
                handovers.setdefault(client, []).extend(moments)
        for journey in started.journeys:
            moments = handovers.get(journey.client, [])
            closes = journey.end + self._window
            later = any(journey.end < moment <= closes for moment in moments)
            closed = self._as_of >= closes
            outcome = decide_outcome(journey, handed_over_later=later, closed=closed)
            returned: bool | None = None
            if self._as_of >= journey.end + self._season:
                returned = outcome == Outcome.CONFIRMED and self._returned(journey)
            count_outcome(journey, outcome, handed_over_later=later, closed=closed, returned=returned, cells=cells)
        return cells

    def _returned(self, journey: Journey) -> bool:
        """Tell whether the client came back to one of the journey's topics."""
        last = journey.end + RETURN_WINDOW
        return any(
            journey.end < other.start <= last and not set(journey.topics).isdisjoint(other.topics)
            for day in days_between(day_of(journey.start), day_of(last))
            for other in self._started_on(day).by_client.get(journey.client, ())
        )

    def _started_on(self, day: str) -> _Indexed:
        if day not in self._started:
            reads: set[str] = set()

            def part(other: str) -> DayPart:
                reads.add(other)
                return self._part(other)

            self._started[day] = _Indexed(started_on(day, part), reads)
            _forget(self._started)
        found = self._started[day]
        self._looked_at |= found.reads
        return found

    def _part_or(self, cut: DayPart, day: str) -> DayPart:
        return cut if day == cut.day else self._part(day)

    def _part(self, day: str) -> DayPart:
        """Return the part of a day, from memory, the shelf or the facts."""
        if day not in self._counters:
            return DayPart(day)
        if day not in self._parts:
            shelf = self._shelf
            name = f"part/{day}"
            values = self._unwrap(shelf.kept([name]).get(name)) if shelf else None
            if values is None:
                part = read_day(day, self._acts(day))
                if not self._is_old(day):
                    self._wrap(name, [day], pack(part))
            else:
                part = unpack(values)
            self._parts[day] = part
            _forget(self._parts)
        return self._parts[day]

    def _is_old(self, day: str) -> bool:
        """Tell whether a day's part is needed no more: the counts of all days that look at it can be kept."""
        return self._as_of >= start_of(day) + self._season + 3 * DAY

    def _acts(self, day: str) -> list[Act]:
        bounds = timestamp_of(start_of(day)), timestamp_of(start_of(day) + DAY)
        return read_acts(self._facts.searches(*bounds), self._facts.events(*bounds))

    def _wrap(self, name: str, reads: Iterable[str], values: dict[str, Any]) -> None:
        """Keep values with the counters of the days that they were made from."""
        if self._shelf:
            counters = {day: self._counters.get(day, 0) for day in reads}
            self._kept_something = True
            self._shelf.keep(name, orjson.dumps({"format": FORMAT, "reads": counters, "values": values}))

    def _unwrap(self, kept: bytes | None) -> dict[str, Any] | None:
        """Return kept values if nothing that they were made from has changed."""
        if kept is None:
            return None
        found = orjson.loads(kept)
        if found["format"] != FORMAT:
            return None
        if any(self._counters.get(day, 0) != counter for day, counter in found["reads"].items()):
            return None
        values: dict[str, Any] = found["values"]
        return values


class _Indexed:
    """The journeys of a day, and where to find those of one client."""

    def __init__(self, started: Started, reads: set[str]) -> None:
        self.journeys, self.cells, self.reads = started.journeys, started.cells, reads
        self.handovers: dict[str, list[int]] = {}
        self.by_client: dict[str, list[Journey]] = {}
        for journey in started.journeys:
            self.by_client.setdefault(journey.client, []).append(journey)
            if journey.handovers:
                self.handovers.setdefault(journey.client, []).extend(journey.handovers)


def _forget(memory: OrderedDict[str, Any]) -> None:
    while len(memory) > _MOST_IN_MEMORY:
        memory.popitem(last=False)
