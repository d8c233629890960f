"""The bounds of a period as people write them. Pure."""

from __future__ import annotations

import re

from kbsearch.errors import UsageError
from kbsearch.metrics.moments import DAY, moment_of, start_of, timestamp_of

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_ZONE = re.compile(r"([+-]\d\d:?\d\d|Z)$")


def read_period(since: str, until: str) -> tuple[int | None, int | None]:
    """Read the bounds of a report's period, both days included, as the moments at which it begins and ends.

    :raises UsageError: a bound cannot be read, or the last day lies before the first.
    """
    first, last = read_bound(since, "from"), read_bound(until, "to")
    if first is not None and last is not None and last < first:
        raise UsageError(f"the period ends ({until}) before it begins ({since}); give a later end", "to")
    return first, read_bound(until, "to", last=True)


def read_bound(text: str, option: str, *, last: bool = False) -> int | None:
    """Read a day or an ISO 8601 time with a zone as a moment; None for "". The `last` day of a period is part of it.

    :raises UsageError: it is neither.
    """
    if not text:
        return None
    wrong = UsageError(f"{option} {text!r} is no day and no time; write 2026-11-24, or 2026-11-24T00:00:00Z.", option)
    if not _DAY.fullmatch(text) and not _ZONE.search(text):
        raise wrong
    try:
        moment = start_of(text) + (DAY if last else 0) if _DAY.fullmatch(text) else moment_of(text)
        timestamp_of(moment)  # the calendar may end before the last day does
    except (ValueError, OverflowError):
        raise wrong from None
    return moment
