"""What is logged while something keeps failing: all of it once, then a line a minute, and one when it is over."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

_LOG = logging.getLogger(__name__)
_SAY_SECONDS = 60.0


class Outage:
    """Counts failures of one thing that is tried time and again. For one thread at a time."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Take what may fail, such as "the event store"."""
        self._name = name
        self._clock = clock
        self._failures = 0
        self._since = 0.0
        self._said = 0.0

    def failed(self, error: Exception, refused: str) -> None:
        """Log a failure, where it is time to; `refused` says what was, and what becomes of it."""
        now = self._clock()
        self._failures += 1
        if self._failures == 1:
            self._since = self._said = now
            _LOG.error("%s refused %s", self._name, refused, exc_info=error)
        elif now - self._said >= _SAY_SECONDS:
            self._said = now
            _LOG.error(
                "%s refused %s; %d times in %.0f s: %s",
                self._name, refused, self._failures, now - self._since, error,
            )  # fmt: skip

    def over(self) -> None:
        """Say that it works again, where it had failed."""
        if self._failures:
            _LOG.warning(
                "%s works again; it had refused %d times in %.0f s",
                self._name, self._failures, self._clock() - self._since,
            )  # fmt: skip
            self._failures = 0
