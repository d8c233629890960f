"""What each stage of a search took."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter


class Clock:
    """Milliseconds by stage."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = perf_counter()

    def lap(self, stage: str) -> None:
        """What has passed since the last stage belongs to this one."""
        now = perf_counter()
        self.laps[stage] = self.laps.get(stage, 0.0) + (now - self._last) * 1000.0
        self._last = now

    def steps(self, taken: Mapping[str, float]) -> None:
        """So much of it belongs to these, as was measured inside; what is left, to the next stage."""
        self.laps.update(taken)
        self._last += sum(taken.values()) / 1000.0
