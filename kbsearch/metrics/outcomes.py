"""How a journey ended, decided once its window has closed. Pure."""

from __future__ import annotations

from enum import StrEnum

from kbsearch.metrics.journeys import Journey
from kbsearch.metrics.moments import DAY

WINDOW = DAY
"""How long after a journey's last act a ticket or hand-over still counts against it, unless a report says otherwise."""
RETURN_WINDOW = 7 * DAY
"""How long a confirmed journey must stay without a return on its topic to be durable."""


class Outcome(StrEnum):
    """The outcomes of contract section 6; each journey has exactly one."""

    CONFIRMED = "confirmed"
    ASSUMED = "assumed"
    ESCALATED = "escalated"
    ABANDONED = "abandoned"
    UNKNOWN = "unknown"


def decide_outcome(journey: Journey, *, handed_over_later: bool, closed: bool) -> Outcome:
    """Decide an outcome; `handed_over_later` within the window after the journey's end, `closed` when it has passed.

    A journey of which nothing tells what became of it (it neither searched nor read, nor was anything said) is unknown.
    """
    if not closed:
        return Outcome.UNKNOWN
    if journey.said and not handed_over_later:
        return Outcome.CONFIRMED
    if journey.handovers or handed_over_later:
        return Outcome.ESCALATED
    if journey.opened:
        return Outcome.ASSUMED
    return Outcome.ABANDONED if journey.searched else Outcome.UNKNOWN
