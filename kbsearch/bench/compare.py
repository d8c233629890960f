"""Two receipts side by side: what became slower by more than noise. Pure.

A figure is slower where it grew, in units of the yardstick measured beside it, by more than `ALLOWED` and by more than
twice the spread of its own rounds in either receipt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import StatisticsError, median
from typing import Any

from kbsearch.bench.receipt import FORMAT
from kbsearch.errors import UsageError

ALLOWED = 0.10
"""Growth of a median that is not worth a word."""
_ROUNDS = ("p50", "p95", "p99", "busy")
"""`busy`: milliseconds from one answer to the next, while four clients ask."""


@dataclass(frozen=True, slots=True)
class Change:
    """One figure, before and now, in units of the yardstick."""

    name: str
    before: float
    now: float
    noise: float
    """Growth that may be noise, as a share."""

    @property
    def growth(self) -> float:
        """As a share; negative where it became quicker."""
        return self.now / self.before - 1

    @property
    def slower(self) -> bool:
        """Whether it grew by more than noise."""
        return self.growth > self.noise

    def __str__(self) -> str:
        return f"{self.name} {self.growth:+.0%} (noise {self.noise:.0%})"


def compare(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """Every figure that both receipts have. Raises UsageError where they cannot be compared."""
    if before.get("format") != FORMAT:
        raise UsageError(
            f"the receipt has format {before.get('format')!r}, this version writes {FORMAT}; measure it anew.",
            "against",
        )
    try:
        changes = [_by_round(name, before["warm"]["rounds"], now["warm"]["rounds"]) for name in _ROUNDS]
        yards = _yard(before), _yard(now)
        noise = changes[0].noise
        for lang in sorted(set(before["by_lang"]) & set(now["by_lang"])):
            then, since = before["by_lang"][lang]["p50"] / yards[0], now["by_lang"][lang]["p50"] / yards[1]
            changes.append(Change(f"p50 of {lang or 'unknown'}", then, since, noise))
    except StatisticsError as cause:
        raise UsageError("the receipt holds no rounds; measure it anew.", "against") from cause
    except (KeyError, TypeError, ZeroDivisionError) as cause:
        raise _spoiled(cause) from cause
    return changes


def check(before: Mapping[str, Any], workers: int) -> None:
    """Raise UsageError where nothing that is measured with so many workers could be compared with this receipt."""
    compare(before, before)
    try:
        unlike(before, before)
        then = before["index"]["workers"]
    except (KeyError, TypeError) as cause:
        raise _spoiled(cause) from cause
    if then != workers:
        raise UsageError(
            f"the receipt was measured with {then} workers, not {workers}; give --workers {then}, or measure it anew.",
            "against",
        )


def unlike(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs besides speed, in words; speed may differ because of it."""
    then, since = before["index"], now["index"]
    said = [] if before.get("machine") == now["machine"] else ["another machine"]
    if then["questions"] != since["questions"]:
        said.append(f"{since['questions']} questions instead of {then['questions']}")
    if then["snapshot"] != since["snapshot"]:
        said.append(f"snapshot {since['snapshot']} instead of {then['snapshot']}")
    return said


def _spoiled(cause: Exception) -> UsageError:
    return UsageError(f"the receipt lacks or spoils {cause}; measure it anew.", "against")


def _by_round(name: str, before: list[Mapping[str, Any]], now: list[Mapping[str, Any]]) -> Change:
    sides = [[row[name] / row["yardstick_ms"] for row in rounds] for rounds in (before, now)]
    middles = [median(values) for values in sides]
    spread = max((max(values) - min(values)) / middle for values, middle in zip(sides, middles, strict=True))
    return Change(name, middles[0], middles[1], max(ALLOWED, 2 * spread))


def _yard(receipt: Mapping[str, Any]) -> float:
    return float(median(row["yardstick_ms"] for row in receipt["warm"]["rounds"]))
