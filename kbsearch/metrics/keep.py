"""Makes a report and throws it away, so that what it derived is kept and the next one is quick.

    KBSEARCH_EVENTS=sqlite:///events.db python -m kbsearch.metrics.keep

A process of its own, started by the service every hour (`kbsearch/service/ready.py`): reading a day of facts keeps a
processor busy for a moment, and searches must not wait for it.
"""

from __future__ import annotations

import os

from kbsearch.events.connect import open_existing_store
from kbsearch.metrics.report import report

VARIABLE = "KBSEARCH_EVENTS"
_NICE = 10


def main() -> None:
    """Derive everything of the store that the environment names (an argument would show a password to `ps`)."""
    os.nice(_NICE)
    store = open_existing_store(os.environ[VARIABLE])
    try:
        report(store, shelf=store)
    finally:
        store.close()


if __name__ == "__main__":
    main()
