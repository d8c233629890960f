"""Keeps reports quick while nobody asks for one: what they derive from facts is made every hour, by one worker."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from kbsearch.disk import Locked, only_one
from kbsearch.metrics.keep import VARIABLE
from kbsearch.periodic import Periodic

_LOG = logging.getLogger(__name__)
_COMMAND = (sys.executable, "-m", "kbsearch.metrics.keep")
_FIRST_SECONDS = 60.0
_EVERY_SECONDS = 3600.0
_LOOK_SECONDS = 0.2


class ReadyReports:
    """Runs `kbsearch.metrics.keep` in a process of its own, from a thread that waits for it."""

    def __init__(
        self, url: str, folder: Path, *, first_seconds: float = _FIRST_SECONDS, every_seconds: float = _EVERY_SECONDS
    ) -> None:
        """Take the event store's URL and a folder that the workers of this machine share, for a lock."""
        self._environment = {**os.environ, VARIABLE: url}
        self._lock = folder / "report.lock"
        self._rounds = Periodic("making reports ready", self.once, every_seconds, first_seconds=first_seconds)

    def start(self) -> None:
        """Begin; the first round is a minute later, when the service has started."""
        self._rounds.start()

    def stop(self) -> None:
        """Stop, a round under way included: what it has not kept is made another time."""
        self._rounds.stop()

    def once(self) -> bool:
        """Do one round; False where another worker is at it, or the service stops."""
        try:
            with only_one(self._lock, "reports"):
                return self._derive()
        except Locked:
            return False

    def _derive(self) -> bool:
        process = subprocess.Popen(
            _COMMAND, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        with process:
            while not self._rounds.stopping.is_set():
                # Read meanwhile: a process that has much to say waits until somebody takes it.
                with suppress(subprocess.TimeoutExpired):
                    _, said = process.communicate(timeout=_LOOK_SECONDS)
                    if process.returncode:
                        _LOG.error("reports could not be made ready: %s", said.decode(errors="replace")[-500:])
                    return process.returncode == 0
            process.kill()
            return False
