"""The files that hold what customers wrote: whose they are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from kbsearch.events.schema import Event
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


_READING = """
import os, sys
from pathlib import Path
from kbsearch.errors import StoreError
from kbsearch.events.sqlite import SqliteStore
if os.geteuid() == 0:  # who may write everywhere
    os.setgid(65534)
    os.setuid(65534)
path = Path(sys.argv[1])
assert not os.access(path, os.W_OK)
store = SqliteStore(path)
print([event.event_id for event in store.events()])
try:
    store.erase(["c1"], "2026-11-26T00:00:00.000Z")
except StoreError:
    print("refused")
store.close()
"""


def test_what_cannot_be_written_can_be_read():
    """As somebody whose file it is not; in a folder of its own, since pytest's is its owner's alone."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        path = Path(folder) / "events.db"
        at = "2026-11-25T10:00:00.000Z"
        store = SqliteStore(path)
        store.write([Event("e1", "view", "", "s1", "c1", at, at)])
        store.close()
        path.chmod(0o444)
        done = subprocess.run([sys.executable, "-c", _READING, path], capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout) == ("", "['e1']\nrefused\n")
