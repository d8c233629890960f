"""What others report, to hold figures against: the one table that dashboard and report read.

Values and sources are those that the texts on customer portals give which kbsearch was made for; each source defines
its measure in its own way, so a line is a landmark and not a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    """One published value."""

    metric: str
    """Id of the figure that it is shown beside."""
    value: float
    """In the figure's own unit."""
    what: str
    source: str


REFERENCES: tuple[Reference, ...] = (
    Reference("confirmed_success_rate", 0.74, "first-contact resolution, all channels", "MetricNet"),
    Reference("csat", 0.86, "all industries", "Geckoboard"),
    Reference("csat", 0.92, "customer portals", "LiveAgent"),
    # Customer portals: “10” (LiveAgent) has no scale, so it cannot be drawn on 1 to 7.
    Reference("ces", 5.5, "all industries", "Nicereply"),
    Reference("nps", 32, "all industries", "SurveyMonkey"),
    Reference("nps", 45, "customer portals", "LiveAgent"),
)

DEVICES = {"desktop": 0.60, "mobile": 0.38, "tablet": 0.02}
"""Devices used for self-service (LiveAgent)."""
DEVICES_SOURCE = "LiveAgent"


def references_of(metric: str) -> tuple[Reference, ...]:
    """Return the published values beside a figure."""
    return tuple(reference for reference in REFERENCES if reference.metric == metric)
