"""The numbered migrations of the PostgreSQL store, and nothing else.

Text compares byte by byte (collation C): times and ids sort as in SQLite and in Python.
"""

from __future__ import annotations

# Never change one that has been released; append.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE searches (
        query_id TEXT COLLATE "C" PRIMARY KEY, user_query TEXT COLLATE "C" NOT NULL, lang TEXT NOT NULL,
        detected_lang TEXT COLLATE "C" NOT NULL, found INTEGER NOT NULL, decision TEXT NOT NULL,
        confidence DOUBLE PRECISION NOT NULL, hit_ids TEXT NOT NULL, page_offset INTEGER NOT NULL,
        took_ms DOUBLE PRECISION NOT NULL, snapshot TEXT NOT NULL, session_id TEXT NOT NULL,
        client_id TEXT COLLATE "C" NOT NULL, timestamp TEXT COLLATE "C" NOT NULL, public BOOLEAN NOT NULL,
        device TEXT NOT NULL, surface TEXT NOT NULL, top_type TEXT NOT NULL, top_category TEXT NOT NULL,
        words_found BOOLEAN NOT NULL, voucher TEXT COLLATE "C" NOT NULL,
        query_key TEXT COLLATE "C" NOT NULL
    );
    CREATE INDEX searches_time ON searches (timestamp);
    CREATE INDEX searches_client ON searches (client_id);
    CREATE TABLE events (
        event_id TEXT COLLATE "C" PRIMARY KEY, action_name TEXT NOT NULL, query_id TEXT COLLATE "C" NOT NULL,
        session_id TEXT NOT NULL, client_id TEXT COLLATE "C" NOT NULL, timestamp TEXT COLLATE "C" NOT NULL,
        received_at TEXT COLLATE "C" NOT NULL, object_id TEXT NOT NULL, object_id_type TEXT NOT NULL,
        position INTEGER, attributes TEXT NOT NULL, device TEXT NOT NULL, surface TEXT NOT NULL
    );
    CREATE INDEX events_time ON events (timestamp);
    CREATE INDEX events_client ON events (client_id);
    CREATE INDEX events_clicks ON events (query_id) WHERE action_name = 'click';
    CREATE INDEX events_ahead ON events (received_at) WHERE substr(timestamp, 1, 10) > substr(received_at, 1, 10);
    CREATE TABLE salts (period TEXT COLLATE "C" PRIMARY KEY, salt BYTEA NOT NULL);
    CREATE TABLE changes (number BIGINT NOT NULL);
    INSERT INTO changes VALUES (1);
    CREATE TABLE days (day TEXT COLLATE "C" PRIMARY KEY, change BIGINT NOT NULL);
    CREATE TABLE derived (name TEXT COLLATE "C" PRIMARY KEY, value BYTEA NOT NULL);
    CREATE TABLE drops (day TEXT COLLATE "C" PRIMARY KEY, facts BIGINT NOT NULL);
    CREATE TABLE erasures (client_id TEXT COLLATE "C" PRIMARY KEY, erased_at TEXT COLLATE "C" NOT NULL);
    """,
    # The change of a day since which all of its facts are still there.
    """
    ALTER TABLE days ADD COLUMN whole_since BIGINT NOT NULL DEFAULT 0;
    """,
)
