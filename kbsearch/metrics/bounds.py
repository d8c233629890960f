"""The bounds of a period as people write them. Pure."""

from __future__ import annotations

import re

from kbsearch.errors import UsageError
from kbsearch.metrics.moments import DAY, moment_of, start_of, timestamp_of

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_ZONE = re.compile(r"([+-]\d\d:?\d\d|Z)$")


def read_bound(text: str, option: str, *, last: bool = False) -> int | None:
    """Read a day or an ISO 8601 time with a zone as a moment; None for "". The `last` day of a period is part of it.

    :raises UsageError: it is neither.
    """
    if not text:
        return None
    wrong = UsageError(f"{option} {text!r} is no day and no time; write 2026-11-24, or 2026-11-24T12:00:00Z.", option)
    if not _DAY.fullmatch(text) and not _ZONE.search(text):
        raise wrong
    try:
        moment = start_of(text) + (DAY if last else 0) if _DAY.fullmatch(text) else moment_of(text)
        timestamp_of(moment)  # the calendar may end before the last day does
    except (ValueError, OverflowError):
        raise wrong from None
    return moment
