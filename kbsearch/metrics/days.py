"""One UTC day of facts, read once: journeys that lie inside it, and the edges that may belong to its neighbours.

Takes the acts of a day, gives a `DayPart` that depends on that day alone, so it can be kept for as long as the day's
facts do not change. `started_on` joins the edges of neighbouring days, once the day before has told whose sessions and
queries they are: a journey counts, with all that is in it, on the day on which it began; that can be kept as well, for
as long as none of the days it was made from changes. Pure.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from dataclasses import fields as fields_of
from functools import cache, partial
from itertools import chain
from typing import Any

import numpy as np

from kbsearch.events.schema import Event, SearchRecord
from kbsearch.metrics.acts import SEARCH, Act, by_client
from kbsearch.metrics.columns import ARRAYS, Columns, Hashes, columns_of, hash_client, join
from kbsearch.metrics.content import ARRAYS as CONTENT_ARRAYS
from kbsearch.metrics.content import Content, Reader, join_content, nothing
from kbsearch.metrics.journeys import GAP, Journey, Labels, read_journey, split_journeys
from kbsearch.metrics.kept import Arrays
from kbsearch.metrics.moments import DAY, day_after, start_of
from kbsearch.metrics.tally import Cells, Tallies, count_now, spread
from kbsearch.metrics.ties import Ties, new_names, no_ties, replaced_ties, ties_of

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
    told: Ties = field(default_factory=no_ties)
    """Whose sessions and queries the next day may ask for."""
    asked: Ties = field(default_factory=no_ties)
    """Those for which this day asks the one before."""
    known: Hashes = field(default_factory=lambda: np.zeros(0, np.uint64))
    """What stands for the facts that it was made from, in order (see `additions.py`)."""


@dataclass(slots=True)
class Started:
    """All journeys that began on one day, wherever they ended, and what of their counts depends on nothing later."""

    columns: Columns
    content: Content
    tallies: Tallies


Part = Callable[[str], DayPart]
Edges = Callable[[str], dict[int, list[PackedRun]]]


def read_day(day: str, acts: Sequence[Act]) -> DayPart:
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
    return DayPart(day, columns_of(taken.journeys), taken.reader.content(), taken.cells, edges, *ties_of(acts))


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
        replaced_ties(part.told, before.told, after.told),
        replaced_ties(part.asked, before.asked, after.asked),
    )


def started_on(day: str, part: Part) -> Started:
    """Return the journeys that began on `day`; `part` gives the parts of other days."""
    today = part(day)
    outer = _Taken({labels: Counter(counts) for labels, counts in today.cells.items()})
    edges_on = cache(partial(_edges_on, part))
    before = edges_on(day_after(day, -1))
    for client, runs in edges_on(day).items():
        for run in map(_unpack_run, runs):
            if not _continues(run, before.get(client, ())):
                outer.take(_whole(client, run, day, edges_on))
    columns = join(today.inner, columns_of(outer.journeys))
    return Started(
        columns.renamed(_names_on(day, part)),
        join_content(today.content, outer.reader.content(), len(today.inner)),
        spread(outer.cells),
    )


def _names_on(day: str, part: Part) -> dict[int, int]:
    """Return how the day before calls clients of a day."""
    return new_names(part(day).asked, part(day_after(day, -1)).told)


def _edges_on(part: Part, day: str) -> dict[int, list[PackedRun]]:
    """Return the runs near the midnights of a day, by what stands for the client as the day before calls it."""
    names = _names_on(day, part)
    edges: dict[int, list[PackedRun]] = {}
    for name, runs in part(day).edges.items():
        client = hash_client(name)
        client = names.get(client, client)
        edges[client] = _merged(edges[client], runs) if client in edges else runs
    return edges


def _merged(first: Sequence[PackedRun], second: Sequence[PackedRun]) -> list[PackedRun]:
    """Return the runs of one client that had two names."""
    acts = sorted(chain.from_iterable(map(_unpack_run, [*first, *second])), key=lambda act: act[:3])
    return [[_pack_act(act) for act in run] for run in split_journeys(acts)]


def pack_part(part: DayPart) -> tuple[dict[str, Any], Arrays]:
    """Return a part as JSON values and arrays."""
    tables, arrays = _pack(part.inner, part.content)
    values = {
        "day": part.day,
        **tables,
        "cells": [[list(label), dict(counts)] for label, counts in part.cells.items()],
        "edges": part.edges,
    }
    ties = {
        **{"told_key": part.told.key, "told_client": part.told.client},
        **{"asked_key": part.asked.key, "asked_client": part.asked.client},
    }
    return values, {**arrays, **ties, "known": part.known}


def unpack_part(values: dict[str, Any], arrays: Arrays) -> DayPart:
    """Return the part that `pack_part` was given."""
    return DayPart(
        values["day"],
        *_unpack(values, arrays),
        {Labels(*label): Counter(counts) for label, counts in values["cells"]},
        values["edges"],
        Ties(arrays["told_key"], arrays["told_client"]),
        Ties(arrays["asked_key"], arrays["asked_client"]),
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


def _whole(client: int, run: Run, day: str, edges_on: Edges) -> Run:
    """Return a run with what continues it on the days after."""
    whole = list(run)
    for following in _following(client, day, edges_on):
        if following[0].moment - whole[-1].moment >= GAP:
            break
        whole += following
    return whole


def _following(client: int, day: str, edges_on: Edges) -> Iterator[Run]:
    """Yield the client's edge runs after `day`, as long as one may continue the one before."""
    while True:
        end = start_of(day) + DAY
        day = day_after(day)
        runs = edges_on(day).get(client)
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
