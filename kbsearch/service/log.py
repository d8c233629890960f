"""How the service logs: one line a record on stderr, with the time in UTC and the level; seldom what anybody can bring
about."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable


def log_to_stderr() -> None:
    """Set up the logs of this process, uvicorn's among them; where they are set up already, they stay as they are."""
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler])
    # What libraries say for their makers is left out.
    for name in ("kbsearch", "uvicorn"):
        logging.getLogger(name).setLevel(logging.INFO)


class Seldom:
    """Says whether it is time for a warning that anybody can bring about, at most once in so many seconds."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._due_at = float("-inf")

    def is_due(self) -> bool:
        """Tell whether it is time; where it is, it is not again until the seconds have passed."""
        now = self._clock()
        if now < self._due_at:
            return False
        self._due_at = now + self._seconds
        return True
