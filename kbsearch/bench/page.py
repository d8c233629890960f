"""The receipt as one page without scripts: figures, and the curve of latency over load. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from math import ceil, floor, log10
from typing import Any

from jinja2 import Environment, StrictUndefined

from kbsearch.amounts import amount

CURVES = ("p50", "p95", "p99")
_WIDTH, _HEIGHT = 640, 280
_LEFT, _RIGHT, _BOTTOM = 88, 28, 36


def as_page(receipt: Mapping[str, Any]) -> str:
    """HTML with everything in it."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["amount"] = amount
    template = environment.from_string((files("kbsearch.bench") / "receipt.html").read_text(encoding="utf-8"))
    return template.render(receipt=receipt, chart=_chart(receipt["offered"], receipt["throughput"]["p99_ms"]))


def _chart(offered: Sequence[Mapping[str, Any]], target: float) -> dict[str, Any]:
    """Points, ticks and the target line in the units of the drawing; milliseconds on a scale of powers of ten."""
    rows = [row for row in offered if "p99" in row]
    if not rows:
        return {}
    most = max(row["per_second"] for row in rows)
    low, high = _decade(min(row["p50"] for row in rows), up=False), _decade(max(target, rows[-1]["p99"]), up=True)
    decades = max(1, high - low)

    def x(rate: float) -> float:
        return float(round(_LEFT + rate / most * (_WIDTH - _LEFT - _RIGHT), 1))

    def y(milliseconds: float) -> float:
        place = (_log10(milliseconds) - low) / decades
        return round(_HEIGHT - _BOTTOM - max(0.0, min(1.0, place)) * (_HEIGHT - _BOTTOM - 12), 1)

    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "left": _LEFT,
        "right": _WIDTH - _RIGHT,
        "floor": _HEIGHT - _BOTTOM,
        "curves": {name: [(x(row["per_second"]), y(row[name])) for row in rows] for name in CURVES},
        "milliseconds": [(y(10.0**power), f"{10.0**power:g} ms") for power in range(low, high + 1)],
        "rates": [(x(most * part / 4), f"{most * part / 4:.0f}/s") for part in range(5)],
        "target": y(target),
    }


def _log10(value: float) -> float:
    return log10(max(value, 1e-3))


def _decade(value: float, *, up: bool) -> int:
    return ceil(_log10(value)) if up else floor(_log10(value))
