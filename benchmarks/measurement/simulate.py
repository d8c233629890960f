"""Months at a ticket form where the truth is known: does the hold-out's interval cover it, and what does naive say?

    python -m benchmarks.measurement.simulate

Each month draws how many visits come, how likely a visitor is to file without suggestions (each visitor differently),
and how many of those who would file are helped by suggestions. The hold-out is drawn by the product's own hash of
session ids and the comparison is the product's own; the truth is the difference that the month was drawn with.
A few months are played as events through the whole report, which must give the very same counts.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.measurement.months import played
from benchmarks.report import RESULTS, stamp, table, write_result
from kbsearch.metrics.costs import Costs
from kbsearch.metrics.figures import figures
from kbsearch.metrics.health import examine
from kbsearch.metrics.holdout import in_holdout
from kbsearch.metrics.incremental import HOLDOUT_SHARE, compare

MONTHS = 2000
PLAYED = 5
COVERAGE, TOLERANCE = 0.95, 0.015
_SEED = 6


@dataclass(frozen=True, slots=True)
class Month:
    """One simulated month: visit by visit, was it held out and did it file."""

    name: str
    sessions: list[str]
    held_out: NDArray[np.bool_]
    filed: NDArray[np.bool_]
    truth: float
    """Share of visits that suggestions spare a ticket, in the population that the month was drawn from."""

    def counts(self) -> dict[str, int]:
        """Return the counters that the report makes of such a month."""
        shown = ~self.held_out
        return {
            "form_treated": int(shown.sum()),
            "form_treated_filed": int((shown & self.filed).sum()),
            "form_held_out": int(self.held_out.sum()),
            "form_held_out_filed": int((self.held_out & self.filed).sum()),
            "form_saw": int(shown.sum()),
            "form_saw_unfiled": int((shown & ~self.filed).sum()),
        }


def months(count: int, seed: int = _SEED) -> Iterator[Month]:
    """Yield months with different traffic, filing and effect, from none to a quarter of all tickets."""
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        visits = int(rng.integers(1_000, 10_000))
        filing, helped = rng.uniform(0.5, 0.9), rng.uniform(0.0, 0.25)
        # Visitors differ: some nearly always file, some nearly never.
        would_file = rng.random(visits) < rng.beta(4 * filing, 4 * (1 - filing), visits)
        spared = rng.random(visits) < helped
        sessions = [f"{number}-{visit}" for visit in range(visits)]
        held_out = np.array([in_holdout(session, HOLDOUT_SHARE, "simulation") for session in sessions])
        yield Month(f"{number}", sessions, held_out, would_file & (held_out | ~spared), filing * helped)


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, print, write; 1 where the interval does not cover the truth as often as it says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, default=MONTHS)
    options = parser.parse_args(arguments)
    measured = stamp("python -m benchmarks.measurement.simulate")
    covered, alarms, errors, naive, truths, widths = [], [], [], [], [], []
    for number, month in enumerate(months(options.months)):
        counts = month.counts()
        if number < PLAYED and played(month.sessions, month.held_out, month.filed) != counts:
            raise ValueError(f"month {month.name}: the report counts other visits than were simulated")
        found = compare(counts, Costs()).deflection
        if found.value is None or found.interval is None:
            raise ValueError(f"month {month.name} has no visits on one side")
        covered.append(found.interval[0] <= month.truth <= found.interval[1])
        errors.append(found.value - month.truth)
        widths.append(found.interval[1] - found.interval[0])
        naive.append(figures(counts)["ticket_form_deflection"].value)
        truths.append(month.truth)
        alarms.append(any(check.id == "sample_ratio" and check.ok is False for check in _checks(counts)))
    coverage = float(np.mean(covered))
    overstated = np.array(naive, np.float64) - np.array(truths)
    summary = {
        "months": options.months,
        "played_through_the_report": min(PLAYED, options.months),
        "coverage": round(coverage, 4),
        "mean_error_points": round(100 * float(np.mean(errors)), 3),
        "mean_interval_width_points": round(100 * float(np.mean(widths)), 2),
        "mean_truth_points": round(100 * float(np.mean(truths)), 2),
        "mean_naive_points": round(100 * float(np.mean(np.array(naive, np.float64))), 2),
        "naive_overstates_points_mean": round(100 * float(overstated.mean()), 2),
        "naive_overstates_points_min": round(100 * float(overstated.min()), 2),
        "naive_overstates_points_max": round(100 * float(overstated.max()), 2),
        "naive_times_truth": round(float(np.mean(np.array(naive, np.float64)) / np.mean(truths)), 2),
        "sample_ratio_alarms": int(np.sum(alarms)),
    }
    passed = abs(coverage - COVERAGE) <= TOLERANCE
    text = _page(summary, passed) + "\n\n" + measured.line()
    print(text)
    write_result("measurement", text, {"summary": summary, "passed": passed}, measured, RESULTS)
    return 0 if passed else 1


def _checks(counts: dict[str, int]) -> tuple:  # type: ignore[type-arg]
    return examine(counts, 0, HOLDOUT_SHARE).checks


def _page(summary: dict[str, float], passed: bool) -> str:
    rows: list[list[object]] = [
        ["months simulated, 1,000 to 10,000 visits each", f"{summary['months']:,}"],
        ["of them played as events through the whole report, same counts", summary["played_through_the_report"]],
        ["95 % interval of incremental deflection covers the truth", f"{100 * summary['coverage']:.2f} %"],
        ["mean error of the estimate, points", summary["mean_error_points"]],
        ["mean width of the interval, points", summary["mean_interval_width_points"]],
        ["true effect, mean, points", summary["mean_truth_points"]],
        ["naive deflection at the form, mean, points", summary["mean_naive_points"]],
        [
            "naive overstates the truth by, points: mean (least to most)",
            f"{summary['naive_overstates_points_mean']} "
            f"({summary['naive_overstates_points_min']} to {summary['naive_overstates_points_max']})",
        ],
        ["naive, as a multiple of the true effect", summary["naive_times_truth"]],
        ["months in which the sample-ratio check raised an alarm (p < 0.001)", summary["sample_ratio_alarms"]],
    ]
    verdict = "met" if passed else "NOT met"
    return (
        "# Does the hold-out tell the truth?\n"
        "A simulated ticket form where the effect of suggestions is known; 5 % of sessions are held out.\n"
        f"Wanted: coverage within {100 * TOLERANCE} points of 95 %: {verdict}.\n\n" + table(["", "result"], rows)
    )


if __name__ == "__main__":
    raise SystemExit(main())
