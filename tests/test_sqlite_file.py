"""The files that hold what customers wrote: whose they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kbsearch.events.sqlite import SqliteStore
from kbsearch.handover.store import TicketStore
from kbsearch.suggestions.store import SuggestionStore


@pytest.mark.parametrize("opened", [SqliteStore, TicketStore, SuggestionStore])
def test_a_new_file_is_its_owners_alone(opened: Callable[[Path], SqliteStore], tmp_path: Path):
    """With what SQLite puts beside it; a file that is there keeps its mode."""
    path = tmp_path / "new.db"
    store = opened(path)
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    store.close()
    assert modes == dict.fromkeys(("new.db", "new.db-wal", "new.db-shm"), 0o600)
    path.chmod(0o640)
    opened(path).close()
    assert path.stat().st_mode & 0o777 == 0o640
