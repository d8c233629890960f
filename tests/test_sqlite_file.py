"""The files that hold what customers wrote: whose they are, and that nothing of it is lost between processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from kbsearch.events.schema import Event
from kbsearch.events.sqlite import SqliteStore
from kbsearch.handover.store import TicketStore
from kbsearch.sqlite_file import SqliteFile
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


_COUNTING = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(*connection.execute("SELECT COUNT(*) FROM t").fetchone())
connection.close()
"""


def test_a_file_opened_twice_by_one_process_loses_nothing(tmp_path: Path):
    """Another process that looks at it in between is not the last one, and takes no log away."""

    def elsewhere() -> str:
        return subprocess.run([sys.executable, "-c", _COUNTING, path], capture_output=True, text=True).stdout.strip()

    path = tmp_path / "new.db"
    first, second = (SqliteFile(path, "file", ["CREATE TABLE t (x)"]) for _ in range(2))
    counted = []
    for number in range(2):
        with first.transaction() as writer:
            writer.execute("INSERT INTO t VALUES (?)", (number,))
        counted.append(elsewhere())
    assert counted == ["1", "2"]
    assert second.ask("SELECT COUNT(*) FROM t") == [(2,)]
    first.close()
    second.close()


def test_a_new_file_is_waited_for_while_another_process_changes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """SQLite itself refuses at once: of workers that start together one would end."""
    path = tmp_path / "new.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waited = []

        def wait(seconds: float) -> None:
            waited.append(seconds)
            other.execute("COMMIT")

        monkeypatch.setattr("kbsearch.sqlite_file.sleep", wait)
        SqliteFile(path, "file", ["CREATE TABLE t (x)"]).close()
    assert len(waited) == 1
