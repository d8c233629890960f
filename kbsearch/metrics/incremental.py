"""What suggestions on the ticket form really spare: the hold-out compared with everybody else. Pure.

Intention to treat: a visit counts where it was assigned, whether or not it looked at a suggestion, so that the two
sides differ by chance and by the suggestions alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from kbsearch.metrics.costs import Costs
from kbsearch.metrics.definitions import BY_ID
from kbsearch.metrics.figures import Figure, nothing
from kbsearch.metrics.intervals import POWER_Z, Z, newcombe

HOLDOUT_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Experiment:
    """The comparison, in figures and in a sentence."""

    deflection: Figure
    saved: Figure
    treated: int
    treated_filed: int
    held_out: int
    held_out_filed: int
    visits: int
    needed: int
    """Visits on both sides together that would find a difference of `worthwhile` four times in five."""
    worthwhile: float
    share: float
    costs: Costs
    sentence: str


def compare(
    counts: Mapping[str, int],
    costs: Costs,
    *,
    share: float = HOLDOUT_SHARE,
    worthwhile: float = 0.05,
    trouble: str | None = None,
) -> Experiment:
    """Compare both sides; `share` is held out, `worthwhile` the smallest difference worth finding (both in 0..1).
    `trouble` is why the counts are not to be trusted; the sentence begins with it, and the figures bear it."""
    treated, treated_filed = counts.get("form_treated", 0), counts.get("form_treated_filed", 0)
    held, held_filed = counts.get("form_held_out", 0), counts.get("form_held_out_filed", 0)
    visits = treated + held
    # One of each added (Laplace): a hold-out of three that all filed does not mean that everybody files.
    base = (held_filed + 1) / (held + 2)
    needed = needed_visits(base, worthwhile, share)
    deflection, saved = nothing(BY_ID["incremental_deflection"]), nothing(BY_ID["cost_saved"])
    if treated and held:
        value = held_filed / held - treated_filed / treated
        low, high = newcombe(held_filed, held, treated_filed, treated)
        deflection = replace(
            deflection, value=value, n=visits, numerator=value, denominator=visits, interval=(low, high), reason=None
        )
        if visits >= needed:
            worth = treated * (costs.ticket - costs.contact)
            saved = replace(
                saved,
                value=value * worth,
                n=visits,
                numerator=value * worth,
                denominator=visits,
                interval=(min(low * worth, high * worth), max(low * worth, high * worth)),
                reason=None,
            )
        else:
            saved = replace(saved, n=visits, denominator=visits, reason=_too_few(visits, needed))
    sentence = _sentence(deflection, visits, needed)
    if deflection.value is not None and trouble:
        deflection = replace(deflection, unreliable=trouble)
        saved = saved if saved.value is None else replace(saved, unreliable=trouble)
        sentence = f"Unreliable: {trouble}. {sentence[:1].upper()}{sentence[1:]}"
    return Experiment(
        deflection, saved, treated, treated_filed, held, held_filed, visits, needed, worthwhile, share, costs, sentence
    )


def needed_visits(base: float, worthwhile: float, share: float) -> int:
    """Return how many visits find a difference of `worthwhile` below `base` with 80 % power at the 5 % level."""
    if not 0 < share < 1:
        return 0
    other = max(0.0, base - worthwhile)
    spread = base * (1 - base) / share + other * (1 - other) / (1 - share)
    return max(2, math.ceil((Z + POWER_Z) ** 2 * spread / worthwhile**2))


def _sentence(figure: Figure, visits: int, needed: int) -> str:
    if visits == 0:
        return "The hold-out is switched off, or nobody came to the ticket form: what suggestions spare is not known."
    if figure.value is None or figure.interval is None or visits < needed:
        return _too_few(visits, needed)
    low, high = (100 * bound for bound in figure.interval)
    span = f"{100 * figure.value:.1f} in 100 visits to the form (95 % interval {low:.1f} to {high:.1f})"
    if low > 0:
        return f"Suggestions spare {span} a ticket."
    if high < 0:
        return f"Suggestions bring more tickets, not fewer: {span}."
    return f"No effect can be told from chance: {span}."


def _too_few(visits: int, needed: int) -> str:
    return f"not enough sessions yet: {visits:,} of {needed:,}"
