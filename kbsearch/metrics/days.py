"""One UTC day of facts, read once: journeys that lie inside it, and the edges that may belong to its neighbours.

Takes the acts of a day, gives a `DayPart` that depends on that day alone, so it can be kept for as long as the day's
facts do not change. `started_on` joins the edges of neighbouring days: a journey counts, with all that is in it, on the
day on which it began. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from kbsearch.events.schema import Event, SearchRecord
from kbsearch.metrics.acts import EVENT, SEARCH, Act, by_client
from kbsearch.metrics.journeys import GAP, Journey, Labels, read_journey, split_journeys
from kbsearch.metrics.moments import DAY, day_after, start_of
from kbsearch.metrics.tally import Cells, count_now, merge_counts

Run = list[Act]


@dataclass(slots=True)
class DayPart:
    """What the facts of one day give without looking at another."""

    day: str
    journeys: list[Journey] = field(default_factory=list)
    """Those that surely begin and end on this day."""
    cells: Cells = field(default_factory=dict)
    """Counts of these journeys."""
    edges: dict[str, list[Run]] = field(default_factory=dict)
    """By client: runs within GAP of midnight, which a neighbouring day may continue, with all their facts."""


@dataclass(slots=True)
class Started:
    """All journeys that began on one day, wherever they ended."""

    journeys: list[Journey]
    cells: Cells


Part = Callable[[str], DayPart]


def read_day(day: str, acts: Iterable[Act], window: range | None = None) -> DayPart:
    """Read the acts of one day, sorted; with a window, only what began within it."""
    part = DayPart(day)
    first = start_of(day)
    for client, mine in by_client(acts).items():
        for run in split_journeys(mine):
            if window is not None and run[0].moment not in window:
                continue
            if run[0].moment - first < GAP or first + DAY - run[-1].moment <= GAP:
                part.edges.setdefault(client, []).append(run)
            else:
                _take(run, part.journeys, part.cells)
    return part


def started_on(day: str, part: Part) -> Started:
    """Return the journeys that began on `day`; `part` gives the parts of other days."""
    today = part(day)
    found = Started(list(today.journeys), {labels: Counter(counts) for labels, counts in today.cells.items()})
    for client, runs in today.edges.items():
        for run in runs:
            if not _continues(run, part(day_after(day, -1)).edges.get(client, ())):
                _take(_whole(client, run, day, part), found.journeys, found.cells)
    return found


def pack(part: DayPart) -> dict[str, Any]:
    """Return a part as JSON values; journeys by column, since that is read fastest."""
    labels = {label: number for number, label in enumerate(dict.fromkeys(j.labels for j in part.journeys))}
    columns = [[*column] for column in zip(*part.journeys, strict=True)]
    if columns:
        columns[_LABELS] = [labels[label] for label in columns[_LABELS]]
    return {
        "day": part.day,
        "labels": [list(label) for label in labels],
        "journeys": columns,
        "cells": [[list(label), dict(counts)] for label, counts in part.cells.items()],
        "edges": {client: [[_pack_act(act) for act in run] for run in runs] for client, runs in part.edges.items()},
    }


def unpack(values: dict[str, Any]) -> DayPart:
    """Return the part that `pack` was given."""
    labels = [Labels(*label) for label in values["labels"]]
    columns = values["journeys"]
    if columns:
        columns[_LABELS] = [labels[number] for number in columns[_LABELS]]
        for ragged in _RAGGED:
            columns[ragged] = map(tuple, columns[ragged])
    return DayPart(
        values["day"],
        [Journey._make(row) for row in zip(*columns, strict=True)],
        {Labels(*label): Counter(counts) for label, counts in values["cells"]},
        {client: [[_unpack_act(act) for act in run] for run in runs] for client, runs in values["edges"].items()},
    )


_LABELS = Journey._fields.index("labels")
_RAGGED = (Journey._fields.index("handovers"), Journey._fields.index("topics"))


def _take(run: Run, journeys: list[Journey], cells: Cells) -> None:
    journey, searches = read_journey(run)
    journeys.append(journey)
    count_now(run, journey, searches, cells)


def _continues(run: Run, before: Sequence[Run]) -> bool:
    """Tell whether a run began on the day before."""
    return bool(before) and run[0].moment - before[-1][-1].moment < GAP


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
        yield runs[0]
        if len(runs) > 1 or end + DAY - runs[0][-1].moment > GAP:
            return


def _pack_act(act: Act) -> list[Any]:
    return [act.moment, act.rank, act.id, act.client, asdict(act.fact)]


def _unpack_act(values: list[Any]) -> Act:
    moment, rank, fact_id, client, fields = values
    if rank == SEARCH:
        return Act(moment, SEARCH, fact_id, client, SearchRecord(**{**fields, "hit_ids": tuple(fields["hit_ids"])}))
    return Act(moment, EVENT, fact_id, client, Event(**fields))


def add_cells(into: Cells, cells: Cells) -> None:
    """Add the counts of other journeys."""
    for labels, counts in cells.items():
        merge_counts(into.setdefault(labels, Counter()), counts)
