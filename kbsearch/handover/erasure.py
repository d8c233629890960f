"""Tickets of those whose facts were erased: they go with the facts, since nothing leads to them afterwards.

A ticket bears the hash of its session, and only facts say whose session it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kbsearch.handover.store import TicketStore, tickets_path
from kbsearch.sqlite_file import is_file_url


def erase_tickets(events: str, index: Path | None, erased: Mapping[str, str]) -> int | None:
    """Remove the tickets that these clients filed before they were erased, at the moments given; return how many.

    None where it is not known where tickets are: the store `events` is no file, and no index was named.
    """
    if index is None and not is_file_url(events):
        return None
    path = tickets_path(index or Path(), events)
    if not path.is_file():
        return 0
    store = TicketStore(path)
    try:
        return store.erase_erased(erased)
    finally:
        store.close()
