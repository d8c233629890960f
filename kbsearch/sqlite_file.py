"""One SQLite file (WAL) that several processes share: opened, migrated, written in transactions, read beside them.

The schema is a list of numbered migrations; the file's `user_version` says how many it has had.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import Any
from urllib.parse import unquote

from kbsearch.errors import StoreError

Transaction = sqlite3.Connection
"""What statements of one transaction go through."""
Values = Sequence[object] | Mapping[str, object]
_SQLITE = "sqlite:///"
_WAIT_SECONDS = 5


def is_file_url(events: str) -> bool:
    """Tell whether an event store's URL names a file."""
    return events.startswith(_SQLITE)


def folder_beside(events: str, index: Path) -> Path:
    """Return where files of the service are kept: beside an event store that is a file, else in the index's folder."""
    return Path(unquote(events.removeprefix(_SQLITE))).parent if is_file_url(events) else index


class SqliteFile:
    """An open file. Every method may be called by any thread.

    :raises StoreError: from any method, when the file cannot be read or written.
    """

    def __init__(self, path: Path, what: str, migrations: Sequence[str]) -> None:
        """Open the file, creating it (and its folder) or bringing its schema up to date; `what` names it in errors.

        :raises StoreError: it cannot be opened, or was written by a newer kbsearch.
        """
        self.path = path
        self._what = what
        self._writing = Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # A new file is its owner's alone: customers' words and addresses are in it. What SQLite puts beside it has
            # the same mode. One that is there is left alone: closing it lets go of all locks that this process has on
            # it, so that another process could take away what is written through a store opened before.
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDONLY, 0o600))
            self._writer = self._connect()
            self._migrate(migrations)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"cannot open the {what} {str(path)!r}: {error}") from error

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Give the writing connection; what is done with it is kept whole or not at all."""
        with self._writing, self._translated(), self._writer:
            # Taken before anything is read, so that two processes wait for each other instead of failing.
            self._writer.execute("BEGIN IMMEDIATE")
            yield self._writer

    def ask(self, query: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Return rows, as of now; no writer waits for it."""
        return list(self.read(query, values))

    def read(self, query: str, values: Values = ()) -> Iterator[tuple[Any, ...]]:
        """Yield rows as they are read, through a connection of their own, so that nothing else waits."""
        with self._translated(), closing(self._connect()) as reader:
            yield from reader.execute(query, values)

    def close(self) -> None:
        """Let go of the file; what was written stays."""
        with self._writing:
            self._writer.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_WAIT_SECONDS, check_same_thread=False)
        _use_wal(connection)
        # What is acknowledged survives the machine's end as well: one flush to disk for each transaction.
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _migrate(self, migrations: Sequence[str]) -> None:
        version = self._version()
        if version > len(migrations):
            raise StoreError(
                f"the {self._what} {str(self.path)!r} has schema {version}, this kbsearch reads up to "
                f"{len(migrations)}; update kbsearch"
            )
        if version == len(migrations):
            return  # without the lock: what is up to date can be read while somebody writes, or nobody can
        # Workers start together: the version is read again inside the write lock that IMMEDIATE takes.
        self._writer.execute("BEGIN IMMEDIATE")
        for script in migrations[self._version() :]:
            for statement in filter(str.strip, script.split(";")):
                self._writer.execute(statement)
        self._writer.execute(f"PRAGMA user_version = {len(migrations)}")
        self._writer.commit()

    def _version(self) -> int:
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        return int(version)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"the {self._what} failed: {error}; see the disk's space and permissions") from error


def _use_wal(connection: sqlite3.Connection) -> None:
    """Keep a write-ahead log. Of processes that open a new file together one changes it, and SQLite refuses the others
    at once instead of waiting."""
    deadline = monotonic() + _WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
            sleep(0.01)
