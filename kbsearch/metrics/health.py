"""Are the facts themselves to be trusted? A verdict that accompanies every report. Pure.

Each check looks at counts that no honest traffic gives. Below a number of cases it does not judge.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from kbsearch.amounts import amount
from kbsearch.metrics.tally import histogram

_LIMIT_P = 0.001
"""Sample-ratio mismatch is called at a chance of one in a thousand: reports are read often (Fabijan et al., 2019)."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check."""

    id: str
    ok: bool | None
    """None where there are too few cases to judge."""
    words: str
    doubtful: bool = False
    """Nothing is wrong for sure, but figures that rest on it are marked."""


@dataclass(frozen=True, slots=True)
class Health:
    """All checks, and what they come to."""

    verdict: str
    """healthy, sick, or no data."""
    checks: tuple[Check, ...]

    def trouble(self, names: tuple[str, ...]) -> str | None:
        """Return in words what is wrong or doubtful among these checks, or None."""
        found = (check for check in self.checks if check.ok is False or check.doubtful)
        return "; ".join(check.words for check in found if check.id in names) or None


def examine(counts: Mapping[str, int], dropped: int, holdout_share: float) -> Health:
    """Judge the counts of a period; `dropped` facts were lost before they could be written."""
    facts, events = counts.get("facts", 0), counts.get("events", 0)
    clicks = histogram(counts, "click_position")
    checks = (
        _clicks_missing(counts.get("searches_with_hits", 0), counts.get("openings", 0)),
        _one_position(clicks),
        _share("repeated", counts.get("events_repeated", 0), events, 0.05, 100, "events repeat one a second before"),
        _share(
            "skew",
            counts.get("events_skewed", 0),
            events,
            0.05,
            20,
            "events lie in the future or before the search that they belong to: clocks are wrong",
        ),
        _share(
            "one_client",
            counts.get("busiest_client_facts", 0),
            facts,
            0.25,
            200,
            "facts come from the busiest client of their day",
        ),
        _bots(counts),
        _share(
            "orphans",
            counts.get("impressions_orphaned", 0),
            counts.get("impressions", 0),
            0.2,
            50,
            "impressions name no search that is known",
        ),
        _sample_ratio(counts.get("form_held_out", 0), counts.get("form_treated", 0), holdout_share),
        _returns_unseen(counts.get("seasoned_confirmed", 0), counts.get("seasoned_confirmed_seen_again", 0)),
        _share("dropped", dropped, facts + dropped, 0.01, 1, "facts were lost before they could be written"),
    )
    sick = any(check.ok is False for check in checks)
    return Health("sick" if sick else "healthy" if facts or dropped else "no data", checks)


def _clicks_missing(searches: int, openings: int) -> Check:
    if searches < 50:
        return Check("clicks_missing", None, f"too few searches with results to miss clicks: {searches}")
    words = f"{amount(openings, 'article')} opened after {searches:,} searches with results"
    return Check("clicks_missing", openings > 0, words if openings else words + ": clicks do not arrive")


def _returns_unseen(confirmed: int, again: int) -> Check:
    """Where nobody is ever seen twice, clients cannot be told from visits: the page sends no client ids. Of few, nobody
    may have come back, but nothing shows that it would have been seen."""
    words = f"seen again within 7 days: {again:,} of {confirmed:,} clients with a confirmed journey"
    if again or not confirmed:
        return Check("returns_unseen", True if again else None, words)
    ok = False if confirmed >= 200 else None
    return Check("returns_unseen", ok, words + ": send client ids, or returns are not seen", doubtful=ok is None)


def _bots(counts: Mapping[str, int]) -> Check:
    """Programs make few facts a journey, which figures of journeys count as one, or many, which figures of searches do:
    the larger of both shares."""
    facts = _share("bots", counts.get("bot_facts", 0), counts.get("facts", 0), 0.1, 100, "facts come from programs")
    searched = counts.get("searched", 0)
    journeys = _share(
        "bots", counts.get("bot_searched", 0), searched, 0.1, 50, "journeys that searched were made by programs"
    )
    return facts if facts.ok is False or journeys.ok is None else journeys


def _one_position(clicks: Mapping[float, int]) -> Check:
    n = sum(clicks.values())
    if n < 30:
        return Check("one_position", None, f"too few clicks with a position to judge their positions: {n}")
    if len(clicks) > 1:
        return Check("one_position", True, f"{n:,} clicks on {len(clicks)} positions")
    return Check("one_position", False, f"all {n:,} clicks are on position {next(iter(clicks)):.0f}")


def _share(name: str, part: int, whole: int, limit: float, least: int, what: str) -> Check:
    if whole < least:
        return Check(name, None, f"{part:,} of {whole:,} {what}; too few to judge")
    share = part / whole
    return Check(name, share <= limit, f"{part:,} of {whole:,} ({share:.1%}) {what}")


def _sample_ratio(held_out: int, treated: int, share: float) -> Check:
    visits = held_out + treated
    if visits * min(share, 1 - share) < 5:
        return Check("sample_ratio", None, f"too few visits to compare the hold-out with its share: {visits:,}")
    expected = visits * share
    deviation = (held_out - expected) / math.sqrt(expected * (1 - share))
    chance = math.erfc(abs(deviation) / math.sqrt(2))
    words = f"{held_out:,} of {visits:,} visits held out, {expected:,.0f} expected (p = {chance:.4f})"
    return Check("sample_ratio", chance >= _LIMIT_P, words)
