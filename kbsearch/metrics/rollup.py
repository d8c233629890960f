"""From the store to counts by day: what is settled is kept on a shelf, everything else is computed on read.

Three things are kept of a day: the part that its own facts give, the journeys that began on it, and its counts once its
last window has closed. All carry the store's change counters of every day they were
made from, and are used only while all of these are still the same: a late event or an erasure changes the counter, and
what depends on it is made again. Without a shelf the same code computes everything from raw facts.
"""

from __future__ import annotations

import gc
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

import orjson

from kbsearch.events.schema import Event, SearchRecord
from kbsearch.metrics.acts import Act, read_acts
from kbsearch.metrics.columns import Columns
from kbsearch.metrics.days import (
    DayPart,
    Started,
    pack_part,
    pack_started,
    read_day,
    started_on,
    unpack_part,
    unpack_started,
)
from kbsearch.metrics.moments import DAY, day_of, days_between, start_of, timestamp_of
from kbsearch.metrics.outcomes import RETURN_WINDOW, WINDOW, Outcome
from kbsearch.metrics.settle import busiest, came_back, count_outcomes, handed_later, outcomes
from kbsearch.metrics.tally import EVERYTHING, Tallies, merge_tallies

FORMAT = b"4:"
"""What kept values begin with. Raise it when definitions or the form of what is kept change: what was kept in another
format is made anew."""
_STARTED_IN_MEMORY = 14
"""Days of which the journeys are in memory: each looks seven days ahead."""
_PARTS_IN_MEMORY = 4
"""Days of which the edges are: each looks at its neighbours."""


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
        self._started: OrderedDict[str, tuple[Started, set[str]]] = OrderedDict()
        """What began on a day, and the days that it was made from."""
        self._looked_at: set[str] = set()
        """Days that the counts being made depend on."""

    def days(self) -> list[str]:
        """Return the days with facts, in order."""
        return sorted(self._counters)

    def tallies(self, first: str, last: str) -> Iterator[tuple[str, Tallies]]:
        """Yield each day with facts from `first` to `last`, with the counts of the journeys that began on it."""
        days = [day for day in self.days() if first <= day <= last]
        kept = self._shelf.kept([self._counts + day for day in days]) if self._shelf else {}
        for day in days:
            settled, _ = self._unwrap(kept.get(self._counts + day))
            usable = settled is not None and settled["settled"] <= self._as_of
            yield day, settled["tallies"] if settled and usable else self._made(day)

    def _made(self, day: str) -> Tallies:
        self._looked_at = set()
        columns, tallies = self._on(day), self._tallies(day)
        settled = int(columns.end.max(initial=start_of(day))) + self._season
        if settled <= self._as_of:
            self._wrap(self._counts + day, self._looked_at, {"settled": settled, "tallies": tallies})
        return tallies

    def _tallies(self, day: str) -> Tallies:
        """Return the counts of journeys that began on a day, outcomes included."""
        columns = self._on(day)
        last = int(columns.end.max(initial=start_of(day)))
        following = (self._on(other) for other in days_between(day, day_of(last + self._window)))
        later = handed_later(columns, following, self._window)
        closed = self._as_of >= columns.end + self._window
        seasoned = self._as_of >= columns.end + self._season
        ended = outcomes(columns, later, closed)
        lasting = seasoned & ended[Outcome.CONFIRMED]
        weeks = days_between(day, day_of(last + RETURN_WINDOW)) if lasting.any() else []
        returned = came_back(columns, lasting, (self._on(other) for other in weeks))
        tallies: Tallies = {}
        merge_tallies(tallies, self._start(day).tallies)
        merge_tallies(tallies, count_outcomes(columns, ended, later, closed, seasoned, returned))
        tallies[EVERYTHING][EVERYTHING]["busiest_client_facts"] = busiest(columns)
        return tallies

    def _on(self, day: str) -> Columns:
        return self._start(day).columns

    def _start(self, day: str) -> Started:
        """Return what began on a day, from memory, the shelf or the parts of days."""
        if day not in self._started:
            name = f"started/{day}"
            values, reads = self._unwrap(self._shelf.kept([name]).get(name) if self._shelf else None)
            if values is not None:
                self._started[day] = unpack_started(values), reads
            else:
                reads = set()
                self._started[day] = started_on(day, partial(self._part, reads)), reads
                if day in self._counters:
                    self._wrap(name, reads, pack_started(self._started[day][0]))
            _forget(self._started, _STARTED_IN_MEMORY)
        found, reads = self._started[day]
        self._looked_at |= reads
        return found

    def _part(self, reads: set[str], day: str) -> DayPart:
        """Return the part of a day, from memory, the shelf or the facts, and note that it was read."""
        reads.add(day)
        if day not in self._counters:
            return DayPart(day)
        if day not in self._parts:
            name = f"part/{day}"
            values, _ = self._unwrap(self._shelf.kept([name]).get(name) if self._shelf else None)
            if values is None:
                with _no_collection():
                    self._parts[day] = read_day(day, self._acts(day))
                self._wrap(name, [day], pack_part(self._parts[day]))
            else:
                self._parts[day] = unpack_part(values)
            _forget(self._parts, _PARTS_IN_MEMORY)
        return self._parts[day]

    def _acts(self, day: str) -> list[Act]:
        bounds = timestamp_of(start_of(day)), timestamp_of(start_of(day) + DAY)
        return read_acts(self._facts.searches(*bounds), self._facts.events(*bounds))

    def _wrap(self, name: str, reads: Iterable[str], values: dict[str, Any]) -> None:
        """Keep values with the counters of the days that they were made from."""
        if self._shelf:
            counters = {day: self._counters.get(day, 0) for day in reads}
            kept = orjson.dumps({"reads": counters, "values": values})
            self._shelf.keep(name, FORMAT + zlib.compress(kept, 1))

    def _unwrap(self, kept: bytes | None) -> tuple[dict[str, Any] | None, set[str]]:
        """Return kept values if nothing that they were made from has changed, and the days that they were made from."""
        if kept is None or not kept.startswith(FORMAT):
            return None, set()
        found = orjson.loads(zlib.decompress(kept.removeprefix(FORMAT)))
        if any(self._counters.get(day, 0) != counter for day, counter in found["reads"].items()):
            return None, set()
        return found["values"], set(found["reads"])


@contextmanager
def _no_collection() -> Iterator[None]:
    """Look for no garbage meanwhile: what a day's facts are read into all stays, and going through it time and again
    costs a sixth of the reading."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _forget(memory: OrderedDict[str, Any], most: int) -> None:
    while len(memory) > most:
        memory.popitem(last=False)
