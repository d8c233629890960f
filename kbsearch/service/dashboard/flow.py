"""Geometry of the flow from search to outcome (a Sankey diagram of three columns). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_BAR = 12
_GAP = 26
"""Between bars of one column; room for a label of two lines beside the smallest."""
_LEAST = 3.0
_OPEN = "unknown"
"""The outcome of a journey that searched while its window is open."""
_MIDDLE = 0.44
"""Where the second column stands: its labels are longer than those of the first."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A node: journeys that are somewhere."""

    name: str
    css: str
    count: int
    share: str
    """Of all journeys, an outcome's of those that are decided, as the figure of its name is; "" of those still open."""
    x: float
    y: float
    height: float
    label_x: float
    label_y: float


@dataclass(frozen=True, slots=True)
class Stream:
    """Journeys that went from one bar to another."""

    css: str
    path: str
    title: str


@dataclass(frozen=True, slots=True)
class Flow:
    """The diagram, in units of its own width and height."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    streams: tuple[Stream, ...]
    total: int
    open: int
    """Those of them of which the outcome is not decided yet."""


def draw_flow(
    counts: Mapping[tuple[str, str], int],
    steps: Sequence[tuple[str, str]],
    outcomes: Sequence[tuple[str, str]],
    *,
    width: int,
    height: int,
    margin: int,
) -> Flow:
    """Draw journeys from `steps` to `outcomes`, both (id, name) from the top; `margin` is for labels at the right."""
    total = sum(counts.values())
    steps = [step for step in steps if any(counts.get((step[0], outcome), 0) for outcome, _ in outcomes)]
    outcomes = [outcome for outcome in outcomes if any(counts.get((step, outcome[0]), 0) for step, _ in steps)]
    by_step = {step: sum(counts.get((step, outcome), 0) for outcome, _ in outcomes) for step, _ in steps}
    by_outcome = {outcome: sum(counts.get((step, outcome), 0) for step, _ in steps) for outcome, _ in outcomes}
    most = max(len(steps), len(outcomes), 1)
    unit = (height - (most - 1) * _GAP) / total if total else 0.0
    right = width - margin - _BAR
    middle = right * _MIDDLE
    first = _bar("Searched", "searched", total, total, 0, (height - total * unit) / 2, total * unit)
    step_bars = _column(steps, by_step, total, unit, middle, height)
    still_open = by_outcome.get(_OPEN, 0)
    outcome_bars = _column(outcomes, by_outcome, total - still_open, unit, right, height)
    streams: list[Stream] = []
    top = first.y
    for bar, (step, _) in zip(step_bars, steps, strict=True):
        thick = by_step[step] * unit
        title = f"Searched → {bar.name}: {by_step[step]:,} ({bar.share})"
        streams.append(Stream(bar.css, _ribbon(_BAR, top, middle, bar.y, thick), title))
        top += thick
    leaving = {step: bar.y for bar, (step, _) in zip(step_bars, steps, strict=True)}
    arriving = {outcome: bar.y for bar, (outcome, _) in zip(outcome_bars, outcomes, strict=True)}
    for step, step_name in steps:
        for outcome, outcome_name in outcomes:
            count = counts.get((step, outcome), 0)
            if count:
                path = _ribbon(middle + _BAR, leaving[step], right, arriving[outcome], count * unit)
                title = f"{step_name} → {outcome_name}: {count:,}"
                streams.append(Stream(outcome, path, title))
                leaving[step] += count * unit
                arriving[outcome] += count * unit
    return Flow(width, height, (first, *step_bars, *outcome_bars), tuple(streams), total, still_open)


def _column(
    names: Sequence[tuple[str, str]], counts: Mapping[str, int], of: int, unit: float, x: float, height: float
) -> list[Bar]:
    """Stack bars with gaps, centred."""
    used = sum(max(_LEAST, counts[name] * unit) for name, _ in names) + _GAP * max(0, len(names) - 1)
    y = max(0.0, (height - used) / 2)
    bars = []
    for name, words in names:
        tall = max(_LEAST, counts[name] * unit)
        bars.append(_bar(words, name, counts[name], of, x, y, tall))
        y += tall + _GAP
    return bars


def _bar(words: str, css: str, count: int, of: int, x: float, y: float, tall: float) -> Bar:
    share = f"{100 * count / of:.1f} %" if of and css != _OPEN else ""
    return Bar(words, css, count, share, x, y, tall, x + _BAR + 8, y + tall / 2)


def _ribbon(x1: float, y1: float, x2: float, y2: float, thick: float) -> str:
    """Return a band that leaves and arrives level."""
    half = (x1 + x2) / 2
    return (
        f"M{x1:.1f} {y1:.1f}C{half:.1f} {y1:.1f} {half:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
        f"V{y2 + thick:.1f}C{half:.1f} {y2 + thick:.1f} {half:.1f} {y1 + thick:.1f} {x1:.1f} {y1 + thick:.1f}Z"
    )
