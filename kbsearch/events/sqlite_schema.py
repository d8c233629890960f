"""The numbered migrations of the SQLite store, and nothing else."""

from __future__ import annotations

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
    # Rows in the order of arrival, which is nearly that of time: a report that reads a month reads it in one go.
    """
    ALTER TABLE searches RENAME TO old_searches;
    DROP INDEX searches_time;
    DROP INDEX searches_client;
    CREATE TABLE searches (
        query_id TEXT NOT NULL UNIQUE, user_query TEXT NOT NULL, lang TEXT NOT NULL,
        detected_lang TEXT NOT NULL, found INTEGER NOT NULL, decision TEXT NOT NULL, confidence REAL NOT NULL,
        hit_ids TEXT NOT NULL, page_offset INTEGER NOT NULL, took_ms REAL NOT NULL, snapshot TEXT NOT NULL,
        session_id TEXT NOT NULL, client_id TEXT NOT NULL, timestamp TEXT NOT NULL, public INTEGER NOT NULL,
        device TEXT NOT NULL, surface TEXT NOT NULL, top_type TEXT NOT NULL, top_category TEXT NOT NULL,
        words_found INTEGER NOT NULL, voucher TEXT NOT NULL, query_key TEXT NOT NULL
    );
    INSERT INTO searches SELECT query_id, user_query, lang, detected_lang, found, decision, confidence, hit_ids,
        page_offset, took_ms, snapshot, session_id, client_id, timestamp, public, '', '', '', '', 1, '', query_key
        FROM old_searches ORDER BY timestamp;
    DROP TABLE old_searches;
    CREATE INDEX searches_time ON searches (timestamp);
    CREATE INDEX searches_client ON searches (client_id);
    ALTER TABLE events RENAME TO old_events;
    DROP INDEX events_time;
    DROP INDEX events_client;
    DROP INDEX events_query;
    CREATE TABLE events (
        event_id TEXT NOT NULL UNIQUE, action_name TEXT NOT NULL, query_id TEXT NOT NULL, session_id TEXT NOT NULL,
        client_id TEXT NOT NULL, timestamp TEXT NOT NULL, received_at TEXT NOT NULL, object_id TEXT NOT NULL,
        object_id_type TEXT NOT NULL, position INTEGER, attributes TEXT NOT NULL,
        device TEXT NOT NULL, surface TEXT NOT NULL
    );
    INSERT INTO events SELECT *, '', '' FROM old_events ORDER BY timestamp;
    DROP TABLE old_events;
    CREATE INDEX events_time ON events (timestamp);
    CREATE INDEX events_client ON events (client_id);
    CREATE INDEX events_clicks ON events (query_id) WHERE action_name = 'click';
    CREATE INDEX events_ahead ON events (received_at) WHERE substr(timestamp, 1, 10) > substr(received_at, 1, 10);
    CREATE TABLE changes (number INTEGER NOT NULL);
    INSERT INTO changes VALUES (1);
    CREATE TABLE days (day TEXT PRIMARY KEY, change INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO days SELECT substr(timestamp, 1, 10), 1 FROM searches UNION SELECT substr(timestamp, 1, 10), 1
        FROM events;
    CREATE TABLE derived (name TEXT PRIMARY KEY, value BLOB NOT NULL);
    CREATE TABLE drops (day TEXT PRIMARY KEY, facts INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE erasures (client_id TEXT PRIMARY KEY, erased_at TEXT NOT NULL) WITHOUT ROWID;
    """,
    # The change of a day since which all of its facts are still there.
    """
    ALTER TABLE days ADD COLUMN whole_since INTEGER NOT NULL DEFAULT 0;
    """,
)
