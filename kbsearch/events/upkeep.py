"""What the running service does to its event log every hour: forget what is old, store what a killed process left, have
the next salt ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kbsearch.events.identity import ClientHasher
from kbsearch.events.ids import iso
from kbsearch.events.journal import recover
from kbsearch.events.store import EventStore, Removed
from kbsearch.periodic import Periodic

_EVERY_SECONDS = 3600.0


def _ignore(_erased: Mapping[str, str]) -> None:
    return None


class Upkeep:
    """Enforces retention from a thread of its own; several processes may do so at once."""

    def __init__(
        self,
        store: EventStore,
        hasher: ClientHasher,
        *,
        retention_days: int,
        journals: Path | None = None,
        on_erased: Callable[[Mapping[str, str]], object] = _ignore,
        clock: Callable[[], datetime] | None = None,
        every_seconds: float = _EVERY_SECONDS,
    ) -> None:
        """Take what there is to look after; `on_erased` hears of the clients whose facts were erased, and when, for
        what is kept of them elsewhere."""
        self._store = store
        self._hasher = hasher
        self._retention = timedelta(days=retention_days)
        self._journals = journals
        self._on_erased = on_erased
        self._clock = clock or (lambda: datetime.now(UTC))
        self._rounds = Periodic("upkeep of the event store", self.once, every_seconds)

    def start(self) -> None:
        """Begin; the first round is at once."""
        self._rounds.start()

    def stop(self) -> None:
        """Stop after the round under way."""
        self._rounds.stop()

    def once(self) -> Removed:
        """Do one round; return what was removed for its age."""
        self._hasher.prepare()
        # First what was promised to customers: neither a journal that cannot be read nor another store holds it up.
        removed = self._store.expire(iso(self._clock() - self._retention))
        self._on_erased(self._store.erased())
        if self._journals is not None:
            recover(self._journals, self._store)
        return removed
