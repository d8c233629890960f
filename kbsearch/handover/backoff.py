"""When to try again. Pure; the draw is given."""

from __future__ import annotations

FIRST = 5.0
"""Seconds after the first failure."""
LONGEST = 6 * 3600.0
"""Seconds between two attempts, at most."""
MOST_ATTEMPTS = 28
"""Attempts until a delivery is a dead letter: with these waits about three days, a weekend and more."""


def wait_seconds(attempts: int, draw: float, retry_after: float = 0.0) -> float | None:
    """Return how long to wait after so many failed attempts; None when there were enough.

    The wait doubles with each failure. A draw between 0 and 1 takes up to half of it away, so that many deliveries
    that failed together do not come back together. Never sooner than the target asked for, within LONGEST.

    >>> wait_seconds(3, 0.0), wait_seconds(3, 1.0), wait_seconds(28, 0.0)
    (20.0, 10.0, None)
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    doubled = min(LONGEST, FIRST * 2.0 ** (attempts - 1))
    return max(doubled * (1 - draw / 2), min(retry_after, LONGEST))
