"""The event store in one SQLite file (WAL): nothing to install, readers never block the writer.

The schema is the list of numbered migrations below; the file's `user_version` says how many it has had.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Lock

from kbsearch.errors import EventError
from kbsearch.events.ids import now
from kbsearch.events.schema import Event, SearchRecord
from kbsearch.events.store import Fact, PopularQuery

# Never change one that has been released; append.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE searches (
        query_id TEXT PRIMARY KEY, user_query TEXT NOT NULL, query_key TEXT NOT NULL, lang TEXT NOT NULL,
        detected_lang TEXT NOT NULL, found INTEGER NOT NULL, decision TEXT NOT NULL, confidence REAL NOT NULL,
        hit_ids TEXT NOT NULL, page_offset INTEGER NOT NULL, took_ms REAL NOT NULL, snapshot TEXT NOT NULL,
        session_id TEXT NOT NULL, client_id TEXT NOT NULL, timestamp TEXT NOT NULL, public INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX searches_time ON searches (timestamp);
    CREATE INDEX searches_client ON searches (client_id, timestamp);
    CREATE TABLE events (
        event_id TEXT PRIMARY KEY, action_name TEXT NOT NULL, query_id TEXT NOT NULL, session_id TEXT NOT NULL,
        client_id TEXT NOT NULL, timestamp TEXT NOT NULL, received_at TEXT NOT NULL, object_id TEXT NOT NULL,
        object_id_type TEXT NOT NULL, position INTEGER, attributes TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX events_time ON events (timestamp);
    CREATE INDEX events_client ON events (client_id, timestamp);
    CREATE INDEX events_query ON events (query_id, action_name);
    CREATE TABLE salts (created_at TEXT PRIMARY KEY, salt BLOB NOT NULL) WITHOUT ROWID;
    """,
)

_SEARCH_COLUMNS = (
    "query_id, user_query, lang, detected_lang, found, decision, confidence, hit_ids, page_offset, took_ms, "
    "snapshot, session_id, client_id, timestamp, public"
)
_EVENT_COLUMNS = (
    "event_id, action_name, query_id, session_id, client_id, timestamp, received_at, object_id, object_id_type, "
    "position, attributes"
)
# A click counts when it is on something that this very search showed; so a bare list of made-up clicks cannot
# put words into other people's search boxes.
_POPULAR = """
    SELECT MIN(s.user_query), s.detected_lang, COUNT(DISTINCT e.client_id) AS clients
    FROM events AS e JOIN searches AS s ON s.query_id = e.query_id
    WHERE e.action_name = 'click' AND s.public = 1 AND s.decision != 'hand_over' AND s.user_query NOT LIKE '%[%'
      AND LENGTH(s.user_query) <= 80
      AND EXISTS (SELECT 1 FROM json_each(s.hit_ids) AS hit WHERE hit.value = e.object_id)
    GROUP BY s.query_key HAVING clients >= ? ORDER BY clients DESC, s.query_key LIMIT ?
"""


class SqliteStore:
    """An `EventStore` in a file."""

    def __init__(self, path: Path) -> None:
        """Open the file, creating it (and its folder) or bringing its schema up to date."""
        self._path = path
        self._writing = Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = self._connect()
            self._migrate()
        except (sqlite3.Error, OSError) as error:
            raise EventError(f"cannot open the event store {str(path)!r}: {error}") from error

    def write(self, facts: Sequence[Fact]) -> None:
        """Keep all of them in one transaction; a fact whose id is known already is ignored."""
        searches = [_search_row(fact) for fact in facts if isinstance(fact, SearchRecord)]
        events = [_event_row(fact) for fact in facts if isinstance(fact, Event)]
        with self._writing, self._writer:
            self._writer.executemany(_insert("searches", _SEARCH_COLUMNS + ", query_key", 16), searches)
            self._writer.executemany(_insert("events", _EVENT_COLUMNS, 11), events)

    def events(self) -> Iterator[Event]:
        """Yield every event in the order of time."""
        with closing(self._connect()) as reader:
            for row in reader.execute(f"SELECT {_EVENT_COLUMNS} FROM events ORDER BY timestamp, event_id"):
                yield Event(*(*row[:10], json.loads(row[10])))

    def searches(self) -> Iterator[SearchRecord]:
        """Yield every search in the order of time."""
        with closing(self._connect()) as reader:
            for row in reader.execute(f"SELECT {_SEARCH_COLUMNS} FROM searches ORDER BY timestamp, query_id"):
                yield SearchRecord(*(*row[:7], tuple(json.loads(row[7])), *row[8:14], bool(row[14])))

    def popular_queries(self, *, min_clients: int, limit: int) -> list[PopularQuery]:
        """Return public queries with a click from at least so many clients, most popular first."""
        with closing(self._connect()) as reader:
            return [PopularQuery(*row) for row in reader.execute(_POPULAR, (min_clients, limit))]

    def salt(self) -> bytes:
        """Return the secret that hashes client ids in this store, drawn when the store is made."""
        with self._writing, self._writer:
            self._writer.execute(
                "INSERT INTO salts SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM salts)",
                (now(), secrets.token_bytes(32)),
            )
            row = self._writer.execute("SELECT salt FROM salts ORDER BY created_at DESC LIMIT 1").fetchone()
        return bytes(row[0])

    def close(self) -> None:
        """Let go of the file; what was written stays."""
        with self._writing:
            self._writer.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=5, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def _migrate(self) -> None:
        # Workers start together: the version is read inside the write lock that IMMEDIATE takes.
        self._writer.execute("BEGIN IMMEDIATE")
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            self._writer.rollback()
            raise EventError(
                f"the event store {str(self._path)!r} has schema {version}, this kbsearch reads up to "
                f"{len(MIGRATIONS)}; update kbsearch"
            )
        for script in MIGRATIONS[version:]:
            for statement in filter(str.strip, script.split(";")):
                self._writer.execute(statement)
        self._writer.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        self._writer.commit()


def _insert(table: str, columns: str, count: int) -> str:
    return f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({', '.join('?' * count)})"


def _search_row(fact: SearchRecord) -> tuple[object, ...]:
    return (
        fact.query_id,
        _text(fact.user_query),
        fact.lang,
        fact.detected_lang,
        fact.found,
        fact.decision,
        fact.confidence,
        json.dumps(fact.hit_ids),
        fact.offset,
        fact.took_ms,
        fact.snapshot,
        _text(fact.session_id),
        fact.client_id,
        fact.timestamp,
        int(fact.public),
        " ".join(_text(fact.user_query).casefold().split()),
    )


def _event_row(fact: Event) -> tuple[object, ...]:
    return (
        _text(fact.event_id),
        fact.action_name,
        _text(fact.query_id),
        _text(fact.session_id),
        fact.client_id,
        fact.timestamp,
        fact.received_at,
        _text(fact.object_id),
        _text(fact.object_id_type),
        fact.position,
        json.dumps(fact.attributes),
    )


def _text(value: str) -> str:
    """Make a string storable: a lone surrogate has no UTF-8 form."""
    return value.encode("utf-8", "replace").decode("utf-8")
