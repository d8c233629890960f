"""Makes a report and throws it away, so that what it derived is kept and the next one is quick.

    KBSEARCH_EVENTS=sqlite:///events.db python -m kbsearch.metrics.keep

A process of its own, started by the service every hour (`kbsearch/service/ready.py`): reading a day of facts keeps a
processor busy for a moment, and searches must not wait for it.
"""

from __future__ import annotations

import os

from kbsearch.events.connect import open_existing_store
from kbsearch.events.store import EventStore
from kbsearch.metrics.moments import day_of, moment_of
from kbsearch.metrics.report import report
from kbsearch.metrics.rollup import DayCounts

VARIABLE = "KBSEARCH_EVENTS"
_NICE = 10


def main() -> None:
    """Derive everything of the store that the environment names (an argument would show a password to `ps`)."""
    os.nice(_NICE)
    store = open_existing_store(os.environ[VARIABLE])
    try:
        derive(store)
    finally:
        store.close()


def derive(store: EventStore, as_of: int | None = None) -> None:
    """Derive and keep what figures, gap list and article table are made of, as of a moment (default: now)."""
    made = report(store, as_of=as_of, shelf=store)
    days = DayCounts(store, moment_of(made.as_of), shelf=store)
    for _ in days.traces(made.since[:10], day_of(moment_of(made.until) - 1)):
        pass


if __name__ == "__main__":
    main()
