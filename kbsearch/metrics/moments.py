"""Moments as whole milliseconds since 1970, and UTC days as the text that ISO 8601 begins with.

Pure. The event log writes times as text; sums, gaps and windows need numbers.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def moment_of(timestamp: str) -> int:
    """Read an ISO 8601 time with a zone.

    >>> moment_of("1970-01-01T00:00:01.500Z")
    1500
    """
    return round(datetime.fromisoformat(timestamp).timestamp() * SECOND)


def timestamp_of(moment: int) -> str:
    """Write a moment as the event log does: UTC, milliseconds, `Z`."""
    whole = datetime.fromtimestamp(moment // SECOND, UTC) + timedelta(milliseconds=moment % SECOND)
    return whole.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day_of(moment: int) -> str:
    """Return the UTC day of a moment, such as 2026-11-24."""
    return datetime.fromtimestamp(moment // SECOND, UTC).date().isoformat()


def start_of(day: str) -> int:
    """Return the first moment of a UTC day."""
    return moment_of(f"{day}T00:00:00+00:00")


def day_after(day: str, count: int = 1) -> str:
    """Return the day that many days later; a negative count goes back."""
    return (date.fromisoformat(day) + timedelta(days=count)).isoformat()


def days_between(first: str, last: str) -> list[str]:
    """Return every UTC day from `first` to `last`, both included."""
    span = (date.fromisoformat(last) - date.fromisoformat(first)).days
    return [day_after(first, count) for count in range(span + 1)]
