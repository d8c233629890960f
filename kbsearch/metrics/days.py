"""One UTC day of facts, read once: journeys that lie inside it, and the edges that may belong to its neighbours.

Takes the acts of a day, gives a `DayPart` that depends on that day alone, so it can be kept for as long as the day's
facts do not change. `started_on` joins the edges of neighbouring days: a journey counts, with all that is in it, on the
day on which it began; that can be kept as well, for as long as none of the days it was made from changes. Pure.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from dataclasses import fields as fields_of
from typing import Any

import numpy as np

from kbsearch.events.schema import Event, SearchRecord
from kbsearch.metrics.acts import SEARCH, Act, by_client
from kbsearch.metrics.columns import ARRAYS, Columns, Hashes, columns_of, join
from kbsearch.metrics.content import ARRAYS as CONTENT_ARRAYS
from kbsearch.metrics.content import Content, Reader, join_content, nothing
from kbsearch.metrics.journeys import GAP, Journey, Labels, read_journey, split_journeys
from kbsearch.metrics.kept import Arrays
from kbsearch.metrics.moments import DAY, day_after, start_of
from kbsearch.metrics.tally import Cells, Tallies, count_now, spread

Run = list[Act]
PackedRun = list[list[Any]]
"""As JSON values: most edges are read by no other day."""


@dataclass(slots=True)
class DayPart:
    """What the facts of one day give without looking at another."""

    day: str
    inner: Columns = field(default_factory=lambda: columns_of(()))
    """Journeys that surely begin and end on this day."""
    content: Content = field(default_factory=nothing)
    """What these journeys searched and read."""
    cells: Cells = field(default_factory=dict)
    """Counts of these journeys."""
    edges: dict[str, list[PackedRun]] = field(default_factory=dict)
    """By client: runs within GAP of midnight, which a neighbouring day may continue, with all their facts."""
    known: Hashes = field(default_factory=lambda: np.zeros(0, np.uint64))
    """What stands for the facts that it was made from, in order (see `additions.py`)."""


@dataclass(slots=True)
class Started:
    """All journeys that began on one day, wherever they ended, and what of their counts depends on nothing later."""

    columns: Columns
    content: Content
    tallies: Tallies


Part = Callable[[str], DayPart]


def read_day(day: str, acts: Iterable[Act]) -> DayPart:
    """Read the acts of one day, sorted."""
    taken = _Taken()
    edges: dict[str, list[PackedRun]] = {}
    first = start_of(day)
    for client, mine in by_client(acts).items():
        for run in split_journeys(mine):
            if run[0].moment - first < GAP or first + DAY - run[-1].moment <= GAP:
                edges.setdefault(client, []).append([_pack_act(act) for act in run])
            else:
                taken.take(run)
    return DayPart(day, columns_of(taken.journeys), taken.reader.content(), taken.cells, edges)


def replaced(part: DayPart, before: DayPart, after: DayPart) -> DayPart:
    """Put what all facts of some clients give now in place of what they gave before; parts of the same day."""
    stay = ~np.isin(part.inner.client, before.inner.client)
    cells: Cells = {labels: Counter(counts) for labels, counts in part.cells.items()}
    for labels, counts in before.cells.items():
        cells[labels].subtract(counts)
    for labels, counts in after.cells.items():
        cells.setdefault(labels, Counter()).update(counts)
    return DayPart(
        part.day,
        join(part.inner.rows(stay), after.inner),
        join_content(part.content.rows(stay), after.content, int(stay.sum())),
        {labels: left for labels, counts in cells.items() if (left := +counts)},
        {client: runs for client, runs in part.edges.items() if client not in before.edges} | after.edges,
    )


def started_on(day: str, part: Part) -> Started:
    """Return the journeys that began on `day`; `part` gives the parts of other days."""
    today = part(day)
    outer = _Taken({labels: Counter(counts) for labels, counts in today.cells.items()})
    before = part(day_after(day, -1)).edges
    for client, runs in today.edges.items():
        for run in map(_unpack_run, runs):
            if not _continues(run, before.get(client, ())):
                outer.take(_whole(client, run, day, part))
    return Started(
        join(today.inner, columns_of(outer.journeys)),
        join_content(today.content, outer.reader.content(), len(today.inner)),
        spread(outer.cells),
    )


def pack_part(part: DayPart) -> tuple[dict[str, Any], Arrays]:
    """Return a part as JSON values and arrays."""
    tables, arrays = _pack(part.inner, part.content)
    values = {
        "day": part.day,
        **tables,
        "cells": [[list(label), dict(counts)] for label, counts in part.cells.items()],
        "edges": part.edges,
    }
    return values, {**arrays, "known": part.known}


def unpack_part(values: dict[str, Any], arrays: Arrays) -> DayPart:
    """Return the part that `pack_part` was given."""
    return DayPart(
        values["day"],
        *_unpack(values, arrays),
        {Labels(*label): Counter(counts) for label, counts in values["cells"]},
        values["edges"],
        arrays["known"],
    )


def pack_started(started: Started) -> tuple[dict[str, Any], Arrays]:
    """Return what began on a day as JSON values and arrays."""
    tables, arrays = _pack(started.columns, started.content)
    return {**tables, "tallies": started.tallies}, arrays


def unpack_started(values: dict[str, Any], arrays: Arrays) -> Started:
    """Return what `pack_started` was given."""
    return Started(*_unpack(values, arrays), values["tallies"])


def _pack(columns: Columns, content: Content) -> tuple[dict[str, Any], Arrays]:
    tables = {name: list(getattr(content, name)) for name in _TABLES}
    arrays = {name: getattr(columns, name) for name in ARRAYS}
    arrays |= {name: getattr(content, name) for name in CONTENT_ARRAYS}
    return {"labels": [list(label) for label in columns.labels], **tables}, arrays


def _unpack(values: dict[str, Any], arrays: Arrays) -> tuple[Columns, Content]:
    labels = tuple(Labels(*label) for label in values["labels"])
    tables: dict[str, Any] = {name: tuple(values[name]) for name in _TABLES}
    columns: dict[str, Any] = {name: arrays[name] for name in ARRAYS}
    content: dict[str, Any] = {name: arrays[name] for name in CONTENT_ARRAYS}
    return Columns(labels=labels, **columns), Content(**tables, **content)


_TABLES = ("texts", "languages", "articles")


class _Taken:
    """Journeys that are read one after the other."""

    def __init__(self, cells: Cells | None = None) -> None:
        self.journeys: list[Journey] = []
        self.reader = Reader()
        self.cells: Cells = {} if cells is None else cells

    def take(self, run: Run) -> None:
        journey, searches = read_journey(run)
        self.journeys.append(journey)
        self.reader.add(run, searches)
        count_now(run, journey, searches, self.cells)


def _continues(run: Run, before: Sequence[PackedRun]) -> bool:
    """Tell whether a run began on the day before."""
    return bool(before) and run[0].moment - _unpack_act(before[-1][-1]).moment < GAP


def _whole(client: str, run: Run, day: str, part: Part) -> Run:
    """Return a run with what continues it on the days after."""
    whole = list(run)
    for following in _following(client, day, part):
        if following[0].moment - whole[-1].moment >= GAP:
            break
        whole += following
    return whole


def _following(client: str, day: str, part: Part) -> Iterator[Run]:
    """Yield the client's edge runs after `day`, as long as one may continue the one before."""
    while True:
        end = start_of(day) + DAY
        day = day_after(day)
        runs = part(day).edges.get(client)
        if not runs:
            return
        run = _unpack_run(runs[0])
        yield run
        if len(runs) > 1 or end + DAY - run[-1].moment > GAP:
            return


def _pack_act(act: Act) -> list[Any]:
    fields = {field.name: getattr(act.fact, field.name) for field in fields_of(act.fact)}
    if act.rank != SEARCH:
        # As text: attributes may hold what is no Unicode, or integers of any size.
        fields["attributes"] = json.dumps(fields["attributes"])
    return [act.moment, act.rank, act.id, act.client, fields]


def _unpack_run(run: PackedRun) -> Run:
    return [_unpack_act(act) for act in run]


def _unpack_act(values: list[Any]) -> Act:
    moment, rank, fact_id, client, fields = values
    if rank == SEARCH:
        fact = SearchRecord(**{**fields, "hit_ids": tuple(fields["hit_ids"])})
        return Act(moment, SEARCH, fact_id, client, fact)
    attributes = {} if fields["attributes"] == "{}" else json.loads(fields["attributes"])
    return Act(moment, rank, fact_id, client, Event(**{**fields, "attributes": attributes}))
