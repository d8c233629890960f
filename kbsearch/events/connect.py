"""From an events URL to the store it names."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote

from kbsearch.errors import UsageError
from kbsearch.events.address import shown
from kbsearch.events.sqlite import SqliteStore
from kbsearch.events.store import EventStore

_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql://", "postgres://")


def default_url(index: Path) -> str:
    """Return the URL of the store that belongs to an index where nobody names another."""
    return f"sqlite:///{index / 'events.db'}"


def url_in_use(given: str, index: Path) -> str:
    """Return the URL of the store that `kbsearch serve` writes to: as given, or as the environment says."""
    return given or os.environ.get("KBSEARCH_EVENTS") or default_url(index)


def open_existing_store(url: str, option: str = "--events") -> EventStore:
    """Open a store to read it: a mistyped path makes no new file; `option` is what named it.

    :raises UsageError: as for `open_store`, or there is no such file.
    :raises StoreError: the store cannot be opened.
    """
    path = Path(unquote(url.removeprefix(_SQLITE)))
    if url.startswith(_SQLITE) and not path.is_file():
        raise UsageError(f"there is no event store at {str(path)!r}; check {option}", option.lstrip("-"))
    return open_store(url)


def open_store(url: str) -> EventStore:
    """Open the store; `sqlite:///events.db` is relative to the working folder, `sqlite:////var/…` is absolute.

    :raises UsageError: no store reads such a URL, or what reads it is not installed.
    :raises StoreError: the store cannot be opened.
    """
    if url.startswith(_POSTGRES):
        try:
            from kbsearch.events.postgres import PostgresStore
        except ImportError as error:
            raise UsageError(
                f"a PostgreSQL event store needs psycopg ({error}); run: pip install 'kbsearch[postgres]'", "events"
            ) from error
        return PostgresStore(url)
    path = unquote(url.removeprefix(_SQLITE))
    if not url.startswith(_SQLITE) or not path:
        raise UsageError(f"events URL {shown(url)!r} is not understood; use sqlite:///PATH or postgresql://…", "events")
    return SqliteStore(Path(path))
