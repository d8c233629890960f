"""From an events URL to the store it names."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from kbsearch.errors import UsageError
from kbsearch.events.sqlite import SqliteStore
from kbsearch.events.store import EventStore

_SQLITE = "sqlite:///"


def open_store(url: str) -> EventStore:
    """Open the store; `sqlite:///events.db` is relative to the working folder, `sqlite:////var/…` is absolute.

    :raises UsageError: no store reads such a URL.
    """
    path = unquote(url.removeprefix(_SQLITE))
    if not url.startswith(_SQLITE) or not path:
        raise UsageError(f"events URL {url!r} is not understood; use sqlite:///PATH", "events")
    return SqliteStore(Path(path))
