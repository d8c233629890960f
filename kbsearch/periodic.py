"""What is done every so often for as long as the service runs, in a thread of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread

_LOG = logging.getLogger(__name__)


class Periodic:
    """Calls a function again and again until it is stopped; a call that fails is logged, and the next one comes."""

    def __init__(
        self, name: str, call: Callable[[], object], every_seconds: float, *, first_seconds: float = 0.0
    ) -> None:
        """Name what is done as a log should; `first_seconds`: until the first call."""
        self._name = name
        self._call = call
        self._every_seconds = every_seconds
        self._first_seconds = first_seconds
        self.stopping = Event()
        """Set as soon as it is to stop, for a call that takes long to look at."""
        self._thread = Thread(target=self._run, name=f"kbsearch-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the call under way, or leave that behind where it takes long."""
        self.stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        if self._first_seconds and self.stopping.wait(self._first_seconds):
            return
        while True:
            try:
                self._call()
            except Exception:  # whatever it is, the next call may go well
                _LOG.exception("%s failed; trying again in %.0f s", self._name, self._every_seconds)
            if self.stopping.wait(self._every_seconds):
                return
