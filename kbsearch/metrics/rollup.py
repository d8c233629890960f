"""From the store to counts by day: what is settled is kept on a shelf, everything else is computed on read.

Four things are kept of a day: the part that its own facts give, the journeys that began on it, and once its last window
has closed its counts, and its trace. All carry the store's change counters of every day they were made from, and are
used only while all of these are still the same: a late event or an erasure changes the counter, and what depends on it
is made again. Of a part, only what new facts may have changed (`additions.py`). Without a shelf the same code computes
everything from raw facts.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np

from kbsearch.collector import without_collector
from kbsearch.events.schema import Event, SearchRecord
from kbsearch.events.store import Name
from kbsearch.metrics.acts import read_acts
from kbsearch.metrics.additions import Hashes, among, changed_clients, hash_facts, hash_names
from kbsearch.metrics.columns import Columns
from kbsearch.metrics.days import (
    DayPart,
    Started,
    pack_part,
    pack_started,
    read_day,
    replaced,
    started_on,
    unpack_part,
    unpack_started,
)
from kbsearch.metrics.kept import Arrays, pack, unpack
from kbsearch.metrics.moments import DAY, day_of, days_between, start_of, timestamp_of
from kbsearch.metrics.outcomes import RETURN_WINDOW, WINDOW, Outcome
from kbsearch.metrics.settle import busiest, came_back, count_outcomes, later_handovers, outcomes, seen_whole
from kbsearch.metrics.tally import EVERYTHING, Tallies, merge_tallies
from kbsearch.metrics.traces import Trace, pack_trace, trace_of, unpack_trace

_Fact = TypeVar("_Fact", SearchRecord, Event)

_FIRST, _LAST = "0002", "9998"
"""Facts beyond were stored before clocks were looked at (`events/ubi.py`)."""
_STARTED_IN_MEMORY = 14
"""Days of which the journeys are in memory: each looks seven days ahead."""
_PARTS_IN_MEMORY = 5
"""Days of which the edges are: each looks at its neighbours, and these at the day before theirs."""
_AT_ONCE = 30
"""Days that are asked of the shelf at once."""


class Facts(Protocol):
    """What is asked of an event store."""

    def searches(self, since: str = "", until: str = "", clients: Collection[str] = ()) -> Iterator[SearchRecord]:
        """Yield searches from `since` (included) to `until` (excluded); of some clients only, where any are given."""

    def events(self, since: str = "", until: str = "", clients: Collection[str] = ()) -> Iterator[Event]:
        """Yield events, likewise."""

    def names(self, since: str = "", until: str = "") -> Iterator[Name]:
        """Yield what every fact is called and whose it is."""

    def days(self) -> dict[str, int]:
        """Return for every UTC day with facts a number that changes with them."""

    def salts(self) -> Collection[str]:
        """Return the first day of each period in which clients bear the same hashes."""


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
        self._counts, self._traces = f"counts/{window}/", f"trace/{window}/"
        self._shelf = shelf
        self._counters = facts.days()
        # Nothing came before the first of them.
        self._salt_changes = np.array([start_of(day) for day in sorted(facts.salts())[1:]], np.int64)
        self._parts: OrderedDict[str, DayPart] = OrderedDict()
        self._started: OrderedDict[str, tuple[Started, set[str]]] = OrderedDict()
        """What began on a day, and the days that it was made from."""
        self._looked_at: set[str] = set()
        """Days that the counts being made depend on."""

    def days(self) -> list[str]:
        """Return the days with facts, in order; without those at the calendar's ends, which have no neighbours."""
        return sorted(day for day in self._counters if _FIRST < day < _LAST)

    def tallies(self, first: str, last: str) -> Iterator[tuple[str, Tallies]]:
        """Yield each day with facts from `first` to `last`, with the counts of the journeys that began on it."""
        days = [day for day in self.days() if first <= day <= last]
        for day, found in self._settled(self._counts, days):
            yield day, found[0]["tallies"] if found else self._counted(day)

    def traces(self, first: str, last: str) -> Iterator[Trace]:
        """Yield for each of these days what `traces.py` says of the journeys that began on it."""
        days = [day for day in self.days() if first <= day <= last]
        for day, found in self._settled(self._traces, days):
            yield unpack_trace(day, *found) if found else self._traced(day)

    def _settled(self, prefix: str, days: Sequence[str]) -> Iterator[tuple[str, tuple[dict[str, Any], Arrays] | None]]:
        """Yield what was kept of each day, where it was settled at the moment of this report."""
        for start in range(0, len(days), _AT_ONCE):
            some = days[start : start + _AT_ONCE]
            kept = self._shelf.kept([prefix + day for day in some]) if self._shelf else {}
            for day in some:
                found = self._unwrap(kept.get(prefix + day))
                yield day, found[:2] if found and found[0]["settled"] <= self._as_of else None

    def _counted(self, day: str) -> Tallies:
        self._looked_at = set()
        tallies = self._tallies(day)
        self._settle(self._counts, day, self._season, {"tallies": tallies}, {})
        return tallies

    def _traced(self, day: str) -> Trace:
        self._looked_at = set()
        columns, content = self._on(day), self._start(day).content
        closes = columns.end + self._window
        following = [self._start(other) for other in self._within(columns, day, self._window)]
        later = later_handovers(columns, (other.columns for other in following), self._window)
        closed = self._as_of >= closes
        ended = outcomes(columns, later[1] > 0, closed)
        others = [(other.columns, other.content) for other in following]
        trace = trace_of(day, columns, content, ended, closed, later, others, self._window)
        self._settle(self._traces, day, self._window, *pack_trace(trace))
        return trace

    def _settle(self, prefix: str, day: str, season: int, values: dict[str, Any], arrays: Arrays) -> None:
        """Keep what was made of a day if it can change no more, unless facts come late or go."""
        settled = int(self._on(day).end.max(initial=start_of(day))) + season
        if settled <= self._as_of:
            self._wrap(prefix + day, self._looked_at, {"settled": settled, **values}, arrays)

    def _within(self, columns: Columns, day: str, span: int) -> list[str]:
        """Return the days, `day` included, on which something may begin within a span after one of its journeys."""
        return days_between(day, day_of(int(columns.end.max(initial=start_of(day))) + span))

    def _tallies(self, day: str) -> Tallies:
        """Return the counts of journeys that began on a day, outcomes included."""
        columns = self._on(day)
        following = (self._on(other) for other in self._within(columns, day, self._window))
        later = later_handovers(columns, following, self._window)[1] > 0
        closed = self._as_of >= columns.end + self._window
        seasoned = (self._as_of >= columns.end + self._season) & seen_whole(columns, self._salt_changes)
        ended = outcomes(columns, later, closed)
        lasting = seasoned & ended[Outcome.CONFIRMED]
        weeks = self._within(columns, day, RETURN_WINDOW) if lasting.any() else []
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
            kept = self._unwrap(self._shelf.kept([name]).get(name) if self._shelf else None)
            if kept is not None:
                self._started[day] = unpack_started(*kept[:2]), kept[2]
            else:
                reads: set[str] = set()
                self._started[day] = started_on(day, partial(self._part, reads)), reads
                if day in self._counters:
                    self._wrap(name, reads, *pack_started(self._started[day][0]))
            _forget(self._started, _STARTED_IN_MEMORY)
        found, looked_at = self._started[day]
        self._looked_at |= looked_at
        return found

    def _part(self, reads: set[str], day: str) -> DayPart:
        """Return the part of a day, from memory, the shelf or the facts, and note that it was read."""
        reads.add(day)
        if day not in self._counters:
            return DayPart(day)
        if day not in self._parts:
            name = f"part/{day}"
            kept = unpack(self._shelf.kept([name]).get(name) if self._shelf else None)
            old = unpack_part(kept[0]["values"], kept[1]) if kept else None
            if kept and old and self._is_fresh(kept[0]["reads"]):
                self._parts[day] = old
            else:
                self._parts[day] = (old and self._added_to(old)) or self._read(day)
                self._wrap(name, [day], *pack_part(self._parts[day]))
            _forget(self._parts, _PARTS_IN_MEMORY)
        return self._parts[day]

    def _read(self, day: str) -> DayPart:
        """Read a day from its facts."""
        facts = self._facts_of(day)
        with without_collector():
            part = read_day(day, read_acts(*facts))
        part.known = np.sort(hash_facts([*facts[0], *facts[1]]))
        return part

    def _added_to(self, part: DayPart) -> DayPart | None:
        """Return a part with what came since; None where the whole day must be read."""
        bounds = _bounds(part.day)
        names = list(self._facts.names(*bounds))
        hashes = hash_names(names)
        clients = changed_clients(names, hashes, part.known)
        if clients is None:
            return None
        if not clients:
            return part
        # A fact may come between this question and the one before: it is one of the next report.
        there = np.sort(hashes)
        facts = self._facts_of(part.day, clients)
        before, after = (_part_of(part.day, facts, chosen) for chosen in (part.known, there))
        found = replaced(part, before, after)
        found.known = there
        return found

    def _facts_of(self, day: str, clients: Collection[str] = ()) -> tuple[list[SearchRecord], list[Event]]:
        bounds = _bounds(day)
        return list(self._facts.searches(*bounds, clients)), list(self._facts.events(*bounds, clients))

    def _wrap(self, name: str, reads: Iterable[str], values: dict[str, Any], arrays: Arrays) -> None:
        """Keep values with the counters of the days that they were made from."""
        if self._shelf:
            counters = {day: self._counters.get(day, 0) for day in reads}
            self._shelf.keep(name, pack({"reads": counters, "values": values}, arrays))

    def _unwrap(self, kept: bytes | None) -> tuple[dict[str, Any], Arrays, set[str]] | None:
        """Return kept values and arrays if nothing that they were made from has changed, and the days of that."""
        found = unpack(kept)
        if found is None or not self._is_fresh(found[0]["reads"]):
            return None
        return found[0]["values"], found[1], set(found[0]["reads"])

    def _is_fresh(self, reads: Mapping[str, int]) -> bool:
        return all(self._counters.get(day, 0) == counter for day, counter in reads.items())


def _part_of(day: str, facts: tuple[list[SearchRecord], list[Event]], chosen: Hashes) -> DayPart:
    """Return what some of these facts give."""
    searches, events = facts
    return read_day(day, read_acts(_chosen(searches, chosen), _chosen(events, chosen)))


def _chosen(facts: list[_Fact], chosen: Hashes) -> list[_Fact]:
    return [fact for fact, is_one in zip(facts, among(hash_facts(facts), chosen).tolist(), strict=True) if is_one]


def _bounds(day: str) -> tuple[str, str]:
    return timestamp_of(start_of(day)), timestamp_of(start_of(day) + DAY)


def _forget(memory: OrderedDict[str, Any], most: int) -> None:
    while len(memory) > most:
        memory.popitem(last=False)
