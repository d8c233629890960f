"""What the page shows of a board, as plain values. Pure: every figure keeps its n, interval, and reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kbsearch.metrics.board import Board
from kbsearch.metrics.definitions import BY_ID
from kbsearch.metrics.figures import Figure
from kbsearch.metrics.moments import day_of, moment_of
from kbsearch.metrics.references import DEVICES, DEVICES_SOURCE, REFERENCES, references_of
from kbsearch.metrics.report import Figures
from kbsearch.metrics.traces import STEP_ANSWERED, STEP_LISTED, STEP_NOTHING, STEP_OPENED
from kbsearch.service.dashboard.flow import draw_flow
from kbsearch.service.dashboard.lines import Chart, Series, chart, percent
from kbsearch.service.dashboard.work import Values, article_values, gap_values, language_name

HEADLINE = (
    "confirmed_success_rate", "durable_success_rate", "assumed_rate", "escalated_rate",
    "csat", "ces", "nps", "article_helpfulness",
)  # fmt: skip
_SCALES = {"csat": (0.0, 1.0), "ces": (1.0, 7.0), "nps": (-100.0, 100.0)}
"""Ends of the scale that a figure is drawn on; shares otherwise."""
_OUTCOME_LINES = (
    ("confirmed_success_rate", "Confirmed", "confirmed"),
    ("escalated_rate", "Escalated", "escalated"),
    ("abandoned_rate", "Abandoned", "abandoned"),
)
_SEARCH_LINES = (
    ("zero_nothing_opened", "Nothing opened", "listed"),
    ("zero_abstained", "Abstained", "nothing"),
    ("reformulation_rate", "Reformulated", "answered"),
)
_STEPS = (
    (STEP_OPENED, "Opened an article"),
    (STEP_ANSWERED, "Was shown the answer"),
    (STEP_LISTED, "Saw results only"),
    (STEP_NOTHING, "Found nothing"),
)
_SHORT_STEPS = (
    (STEP_OPENED, "Opened"),
    (STEP_ANSWERED, "Answered"),
    (STEP_LISTED, "Results"),
    (STEP_NOTHING, "Nothing"),
)
_OUTCOMES = (
    ("confirmed", "Confirmed"), ("assumed", "Assumed"), ("unknown", "Still open"), ("abandoned", "Abandoned"),
    ("escalated", "Escalated"),
)  # fmt: skip
_WIDE = {"width": 1080, "height": 380, "margin": 170}
_NARROW = {"width": 360, "height": 430, "margin": 108}
_MOST_LABELS = 8


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure in words, and its place on a scale of 0 to 100."""

    id: str
    title: str
    words: str
    value: str
    interval: str
    n: str
    note: str
    """Why there is none, or why it is not to be trusted."""
    reliable: bool
    mark: float | None
    low: float
    high: float
    references: tuple[tuple[str, float], ...]


def board_values(board: Board) -> Values:
    """Return everything that the template names."""
    report = board.report
    last = day_of(max(moment_of(report.since), min(moment_of(report.until), moment_of(report.as_of)) - 1))
    return {
        "since": report.since[:10],
        "until": last,
        "as_of": f"{report.as_of[:16].replace('T', ' ')} UTC",
        "window": f"{report.window_hours:g}",
        "journeys": report.outcomes["journeys"],
        "searched": report.outcomes_searched["journeys"],
        "headline": [show(report.metrics[name]) for name in HEADLINE],
        "figures": [show(figure) for figure in report.metrics.values()],
        "health": _health(board),
        "step": board.step,
        "charts": [
            _trend(board, "Outcomes of journeys that searched", _OUTCOME_LINES),
            _trend(board, "Searches that may have led nowhere", _SEARCH_LINES),
        ],
        "flows": _flows(board),
        "splits": [_split(board, "language", "Language"), _split(board, "device", "Device")],
        "devices_source": DEVICES_SOURCE,
        "holdout": _holdout(board),
        "references": [
            (BY_ID[one.metric].title, _number(BY_ID[one.metric].kind, one.value), one.what, one.source)
            for one in REFERENCES
        ],
        "costs": report.experiment.costs,
        "gaps": gap_values(board.insight),
        "articles": article_values(board.insight),
    }


def show(figure: Figure) -> Shown:
    """Return a figure in words."""
    definition = BY_ID[figure.id]
    low, high = figure.interval or (None, None)
    note = f"Unreliable: {figure.unreliable}" if figure.unreliable else figure.reason or ""
    if figure.response_rate is not None and not note:
        note = f"{100 * figure.response_rate:.0f} % of {figure.asked:,} asked answered"
    return Shown(
        id=figure.id,
        title=definition.title,
        words=definition.words,
        value="–" if figure.value is None else _number(definition.kind, figure.value, definition.unit),
        interval="" if low is None or high is None else _span(definition.kind, low, high),
        n=f"{figure.n:,}",
        note=note,
        reliable=figure.unreliable is None,
        mark=None if figure.value is None else _place(figure.id, figure.value),
        low=0.0 if low is None else _place(figure.id, low),
        high=0.0 if high is None else _place(figure.id, high),
        references=tuple(
            (f"{_number(definition.kind, one.value)} {one.what} ({one.source})", _place(figure.id, one.value))
            for one in references_of(figure.id)
        ),
    )


def _health(board: Board) -> Values:
    health = board.report.health
    failed = [check.words for check in health.checks if check.ok is False]
    return {
        "verdict": health.verdict,
        "failed": failed,
        "passed": [check.words for check in health.checks if check.ok],
        "unjudged": [check.words for check in health.checks if check.ok is None],
        "dropped": board.report.dropped,
    }


def _trend(board: Board, title: str, lines: Sequence[tuple[str, str, str]]) -> Chart:
    series = []
    for metric, name, css in lines:
        found = [point.figures.get(metric) for point in board.trend]
        series.append(
            Series(
                name,
                css,
                [figure.value if figure else None for figure in found],
                [figure.interval if figure else None for figure in found],
                [figure.n if figure else 0 for figure in found],
                board.report.metrics[metric].value,
            )
        )
    words = f"Share by {board.step}, with 95 % intervals; beside each name that of the whole period"
    meanings = [(name, BY_ID[metric].words) for metric, name, _ in lines if metric not in HEADLINE]
    return chart(title, words, [point.day for point in board.trend], series, meanings)


def _flows(board: Board) -> list[object]:
    if board.insight is None or not board.insight.flow:
        return []
    flow = board.insight.flow
    return [draw_flow(flow, _STEPS, _OUTCOMES, **_WIDE), draw_flow(flow, _SHORT_STEPS, _OUTCOMES, **_NARROW)]


def _split(board: Board, name: str, title: str) -> Values:
    labels = board.report.by[name]
    ranked = sorted(labels, key=lambda label: -labels[label]["search_ctr"].n)
    searches = sum(found["search_ctr"].n for found in labels.values())
    rows = [_split_row(name, label, labels[label], searches) for label in ranked[:_MOST_LABELS]]
    return {"name": name, "title": title, "rows": rows, "more": max(0, len(ranked) - _MOST_LABELS)}


def _split_row(name: str, label: str, found: Figures, searches: int) -> Values:
    mine = found["search_ctr"].n
    usual = DEVICES.get(label) if name == "device" else None
    return {
        "label": language_name(label) if name == "language" else label.capitalize(),
        "share": percent(mine / searches) if searches else "–",
        "searches": f"{mine:,}",
        "usual": None if usual is None else f"{100 * usual:.0f} %",
        "confirmed": show(found["confirmed_success_rate"]),
        "escalated": show(found["escalated_rate"]),
    }


def _holdout(board: Board) -> Values:
    found = board.report.experiment
    return {
        "sentence": found.sentence[:1].upper() + found.sentence[1:],
        "deflection": show(found.deflection),
        "saved": show(found.saved),
        "naive": show(board.report.metrics["ticket_form_deflection"]),
        "treated": f"{found.treated_filed:,} of {found.treated:,}",
        "held_out": f"{found.held_out_filed:,} of {found.held_out:,}",
        "visits": found.visits,
        "needed": found.needed,
        "progress": min(100.0, 100 * found.visits / found.needed) if found.needed else 0.0,
        "worthwhile": f"{100 * found.worthwhile:g}",
    }


def _number(kind: str, value: float, unit: str = "") -> str:
    if kind == "share":
        return percent(value)
    if kind == "difference":
        return _signed(f"{100 * value:+.1f} points")
    if kind == "money":
        return _signed(f"${value:,.0f}")
    return f"{value:.0f} s" if unit == "seconds" else _signed(f"{value:.2f}" if abs(value) < 10 else f"{value:+.0f}")


def _span(kind: str, low: float, high: float) -> str:
    if kind in ("share", "difference"):
        return _signed(f"{100 * low:.1f} to {100 * high:.1f} {'%' if kind == 'share' else 'points'}")
    if kind == "money":
        return _signed(f"${low:,.0f} to ${high:,.0f}")
    return _signed(f"{low:.2f} to {high:.2f}" if abs(high) < 10 else f"{low:.0f} to {high:.0f}")


def _signed(text: str) -> str:
    """Write minus as a minus, and before the dollar."""
    return text.replace("$-", "−$").replace("-", "−")


def _place(metric: str, value: float) -> float:
    low, high = _SCALES.get(metric, (0.0, 1.0))
    return round(max(0.0, min(100.0, 100 * (value - low) / (high - low))), 2)
