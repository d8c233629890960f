"""From counts to figures: value, n and interval of each definition. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from kbsearch.metrics.definitions import DEFINITIONS, Definition
from kbsearch.metrics.intervals import bootstrap_mean, mean_of_equals, wilson
from kbsearch.metrics.moments import SECOND
from kbsearch.metrics.tally import histogram


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `value` is None where there is no data, and `reason` then says why."""

    id: str
    version: int
    unit: str
    value: float | None
    n: int
    """The denominator's count: cases, never percent."""
    numerator: float
    denominator: int
    interval: tuple[float, float] | None
    """95 %; None where there is no value, a single one, or equal times."""
    reason: str | None = None
    response_rate: float | None = None
    """Of journeys that were asked, the share that answered; None where nobody was asked, or nothing is asked."""
    asked: int | None = None
    unreliable: str | None = None
    """Why the inputs are not to be trusted."""


def figures(counts: Mapping[str, int]) -> dict[str, Figure]:
    """Return every share and mean, by id; differences need `incremental.py`."""
    made = {}
    for definition in DEFINITIONS:
        if definition.kind == "share":
            made[definition.id] = _share(definition, counts)
        elif definition.kind == "mean":
            made[definition.id] = _mean(definition, counts)
    return made


def nothing(definition: Definition, reason: str | None = None) -> Figure:
    """Return the figure of no data."""
    return Figure(definition.id, definition.version, definition.unit, None, 0, 0, 0, None, reason or definition.empty)


def _share(definition: Definition, counts: Mapping[str, int]) -> Figure:
    top = sum(counts.get(name, 0) for name in definition.top)
    n = sum(counts.get(name, 0) for name in definition.bottom)
    empty = nothing(definition)
    figure = empty if n == 0 else replace(
        empty, value=top / n, n=n, numerator=top, denominator=n, interval=wilson(top, n), reason=None
    )  # fmt: skip
    return _with_responses(definition, figure, counts)


def _mean(definition: Definition, counts: Mapping[str, int]) -> Figure:
    values = _values(definition.histogram, counts)
    n = sum(values.values())
    figure = nothing(definition)
    if n:
        total = math.fsum(value * count for value, count in values.items())
        exact = counts["answer_ms"] / SECOND if definition.histogram == "answer_s" else total
        interval = _interval_of_mean(definition, values, n, exact / total if total else 1) if n > 1 else None
        figure = replace(
            figure, value=exact / n, n=n, numerator=exact, denominator=n, interval=interval, reason=None
        )  # fmt: skip
    return _with_responses(definition, figure, counts)


def _interval_of_mean(
    definition: Definition, values: Mapping[float, int], n: int, stretch: float
) -> tuple[float, float] | None:
    """Return the interval; times are kept in buckets and their sum exactly, so it is stretched to that sum: moved, it
    could begin below 0. None where all values are equal on a scale without an end."""
    if len(values) > 1:
        low, high = bootstrap_mean(values)
        return low * stretch, high * stretch
    if definition.scale is None:
        return None
    return mean_of_equals(next(iter(values)), n, *definition.scale)


def _values(name: str, counts: Mapping[str, int]) -> dict[float, int]:
    """Return the values whose mean is wanted, from the ones that were counted."""
    found = histogram(counts, name)
    if name == "click_position":
        return {1 / position: count for position, count in found.items()}
    if name == "nps":
        merged: dict[float, int] = {}
        for answer, count in found.items():
            points = 100.0 if answer >= 9 else -100.0 if answer <= 6 else 0.0
            merged[points] = merged.get(points, 0) + count
        return merged
    return found


def _with_responses(definition: Definition, figure: Figure, counts: Mapping[str, int]) -> Figure:
    if not definition.asked:
        return figure
    asked = counts.get(definition.asked, 0)
    rate = counts.get(f"{definition.asked}_answered", 0) / asked if asked else None
    return replace(figure, response_rate=rate, asked=asked)
