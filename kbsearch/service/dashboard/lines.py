"""Geometry of line charts and interval marks. Pure.

Charts are drawn on a grid of 1000 × 300 that the page stretches to its width: lines keep their width, and all text
stands beside it as HTML, so that it stays readable on a phone and on paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 1000, 300
_TICKS = 4
_LABELS = 6

Value = float | None
Interval = tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Series:
    """One line with its band; None where there is no figure."""

    name: str
    css: str
    values: Sequence[Value]
    intervals: Sequence[Interval]
    counts: Sequence[int]
    whole: Value
    """Of all days together, which is no mean of theirs."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One line, drawn."""

    name: str
    css: str
    band: str
    line: str
    dots: str
    """Places of values that have no neighbour to be joined with."""
    whole: str
    """The value of the whole period in words, for the legend."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of shares by day or week."""

    title: str
    words: str
    series: tuple[Drawn, ...]
    grid: tuple[float, ...]
    """Heights of the lines, from the top."""
    scale: tuple[str, ...]
    """What they mean, from the top."""
    labels: tuple[str, ...]
    """Under each place, "" where there is no room for one."""
    rows: tuple[tuple[str, ...], ...]
    """The numbers behind it: day, then each series."""
    meanings: tuple[tuple[str, str], ...]
    """What lines mean that are explained nowhere else."""


def chart(
    title: str,
    words: str,
    days: Sequence[str],
    series: Sequence[Series],
    meanings: Sequence[tuple[str, str]] = (),
) -> Chart:
    """Draw shares (0..1) over days; the scale ends at a round number above the highest interval."""
    highs = [high for one in series for _, high in filter(None, one.intervals)]
    top = _round_up(max(highs, default=1.0))
    every = math.ceil(len(days) / _LABELS)
    x = [WIDTH * (place + 0.5) / len(days) for place in range(len(days))]
    rows = [
        (day, *(_cell(one.values[place], one.intervals[place], one.counts[place]) for one in series))
        for place, day in enumerate(days)
    ]
    return Chart(
        title,
        words,
        tuple(_draw(one, x, top) for one in series),
        tuple(HEIGHT * tick / _TICKS for tick in range(_TICKS + 1)),
        tuple(f"{100 * top * (_TICKS - tick) / _TICKS:g} %" for tick in range(_TICKS + 1)),
        tuple("" if place % every else short_day(day) for place, day in enumerate(days)),
        tuple(rows),
        tuple(meanings),
    )


def percent(value: float) -> str:
    """Write a share."""
    return f"{100 * value:.1f} %"


def spark(values: Sequence[float], width: int = 120, height: int = 28) -> str:
    """Return the path of a small line from the left to the right; one value is a level line."""
    top = max(values, default=0) or 1
    step = width / max(1, len(values) - 1)
    points = [f"{place * step:.1f} {height - 2 - (height - 4) * value / top:.1f}" for place, value in enumerate(values)]
    return f"M{' L'.join(points)}" + (f" H{width}" if len(points) == 1 else "")


def _draw(one: Series, x: Sequence[float], top: float) -> Drawn:
    band, line, dots = [], [], []
    for start, stop in _runs(one.values):
        places = range(start, stop)
        high = [f"{x[p]:.1f} {_y(one.intervals[p][1], top)}" for p in places if one.intervals[p]]  # type: ignore[index]
        low = [f"{x[p]:.1f} {_y(one.intervals[p][0], top)}" for p in places if one.intervals[p]]  # type: ignore[index]
        points = [f"{x[p]:.1f} {_y(one.values[p] or 0.0, top)}" for p in places]
        if len(points) == 1:
            dots.append(f"M{points[0]}h0")
            continue
        line.append("M" + " L".join(points))
        if high:
            band.append("M" + " L".join([*high, *reversed(low)]) + "Z")
    whole = "–" if one.whole is None else percent(one.whole)
    return Drawn(one.name, one.css, "".join(band), "".join(line), "".join(dots), whole)


def _runs(values: Sequence[Value]) -> list[tuple[int, int]]:
    """Return the stretches without a hole."""
    runs: list[tuple[int, int]] = []
    for place, value in enumerate(values):
        if value is None:
            continue
        if runs and runs[-1][1] == place:
            runs[-1] = (runs[-1][0], place + 1)
        else:
            runs.append((place, place + 1))
    return runs


def _y(value: float, top: float) -> str:
    return f"{HEIGHT * (1 - min(value, top) / top):.1f}"


def _round_up(high: float) -> float:
    """Return the end of the scale: a tenth, or a fifth part of it for small shares, at most 1."""
    step = 0.2 if high > 0.4 else 0.1 if high > 0.1 else 0.02
    return min(1.0, max(step, math.ceil(round(high / step, 9)) * step))


def short_day(day: str) -> str:
    """Write a day without its year: 24 Nov."""
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{int(day[8:10])} {months[int(day[5:7]) - 1]}"


def _cell(value: Value, interval: Interval, n: int) -> str:
    if value is None or interval is None:
        return "–"
    return f"{percent(value)} ({100 * interval[0]:.1f}–{100 * interval[1]:.1f}), n = {n:,}"
