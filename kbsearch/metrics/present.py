"""A report for programs (JSON values) and for people (a table). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from kbsearch.amounts import amount
from kbsearch.metrics.definitions import BY_ID
from kbsearch.metrics.figures import Figure
from kbsearch.metrics.report import Figures, Report

_SURVEYS = frozenset(definition.id for definition in BY_ID.values() if definition.asked)


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as JSON values; what is not known is null, with a reason."""
    experiment = asdict(report.experiment)
    for figure in ("deflection", "saved"):
        del experiment[figure]
    return {
        "from": report.since,
        "to": report.until,
        "as_of": report.as_of,
        "window_hours": report.window_hours,
        "metrics": _figures(report.metrics),
        "outcomes": {**report.outcomes, "searched": report.outcomes_searched},
        "by": {name: {label: _figures(found) for label, found in by.items()} for name, by in report.by.items()},
        "outcomes_by_day": report.outcomes_by_day,
        "incremental": experiment,
        "health": {
            "verdict": report.health.verdict,
            "checks": [asdict(check) for check in report.health.checks],
            "dropped": report.dropped,
        },
    }


def as_text(report: Report) -> str:
    """Return the report as a table for a terminal."""
    lines = [
        f"{report.since[:16]} to {report.until[:16]} UTC, as of {report.as_of[:16]}",
        "",
        *_table(report.metrics.values()),
        "",
        _outcomes("journeys        ", report.outcomes),
        _outcomes("  that searched ", report.outcomes_searched),
        "",
        f"incremental deflection: {report.experiment.sentence}",
        f"costs: {report.experiment.costs.ticket:.2f} a ticket, {report.experiment.costs.contact:.2f} a portal contact",
        "",
        f"data health: {report.health.verdict}",
        *(f"  ! {check.words}" for check in report.health.checks if check.ok is False),
    ]
    if report.dropped:
        lines.append(f"  lost before they could be written: {amount(report.dropped, 'fact')}")
    for name, labels in report.by.items():
        for label, found in labels.items():
            lines += ["", f"{name} {label}", *_table(figure for figure in found.values() if figure.value is not None)]
    return "\n".join(lines)


def _figures(found: Figures) -> dict[str, dict[str, Any]]:
    return {name: _figure(figure) for name, figure in found.items()}


def _figure(figure: Figure) -> dict[str, Any]:
    values = asdict(figure)
    del values["id"]
    if figure.id not in _SURVEYS:
        del values["response_rate"], values["asked"]
    return values


def _table(found: Iterable[Figure]) -> list[str]:
    rows = [("figure", "value", "95 % interval", "n", "")]
    for figure in found:
        low, high = figure.interval or (None, None)
        span = "–" if low is None or high is None else f"{_number(figure, low)} … {_number(figure, high)}"
        notes = [figure.reason or ""]
        if figure.unreliable:
            notes.append(f"unreliable: {figure.unreliable}")
        if figure.response_rate is not None:
            notes.append(f"{figure.response_rate:.0%} of {figure.asked:,} asked answered")
        value = "–" if figure.value is None else _number(figure, figure.value)
        rows.append((BY_ID[figure.id].title, value, span, f"{figure.n:,}", "; ".join(filter(None, notes))))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return [
        f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}  {row[4]}".rstrip()
        for row in rows
    ]


def _number(figure: Figure, value: float) -> str:
    if BY_ID[figure.id].kind == "share":
        return f"{100 * value:.1f} %"
    if BY_ID[figure.id].kind == "money":
        return f"${value:,.2f}".replace("$-", "-$")
    if figure.unit == "seconds":
        return f"{value:,.1f} s"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"


def _outcomes(title: str, outcomes: Mapping[str, int]) -> str:
    parts = ", ".join(f"{count:,} {name}" for name, count in outcomes.items() if name != "journeys")
    return f"{title} {outcomes['journeys']:,}: {parts}"
