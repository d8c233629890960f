"""The numbered migrations of the ticket store, and nothing else."""

from __future__ import annotations

# Never change one that has been released; append.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE tickets (
        id TEXT PRIMARY KEY, key TEXT NOT NULL, status TEXT NOT NULL, created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL, identity TEXT NOT NULL, digest TEXT NOT NULL, client_id TEXT NOT NULL,
        session_id TEXT NOT NULL, email TEXT NOT NULL, handover TEXT NOT NULL, articles TEXT NOT NULL
    );
    CREATE INDEX tickets_by_identity ON tickets (identity, created_at);
    CREATE INDEX tickets_by_change ON tickets (updated_at);
    CREATE INDEX tickets_by_client ON tickets (client_id);
    CREATE INDEX tickets_by_email ON tickets (email);
    CREATE TABLE replies (
        ticket TEXT NOT NULL, at TEXT NOT NULL, sender TEXT NOT NULL, text TEXT NOT NULL,
        PRIMARY KEY (ticket, at, text)
    );
    CREATE TABLE deliveries (
        id TEXT PRIMARY KEY, ticket TEXT NOT NULL, target TEXT NOT NULL, state TEXT NOT NULL,
        attempts INTEGER NOT NULL, next_at TEXT NOT NULL, lease TEXT NOT NULL, leased_until TEXT NOT NULL,
        error TEXT NOT NULL, reference TEXT NOT NULL
    );
    CREATE INDEX deliveries_by_turn ON deliveries (target, state, next_at);
    CREATE INDEX deliveries_by_ticket ON deliveries (ticket);
    """,
    """
    ALTER TABLE deliveries ADD COLUMN total_attempts INTEGER NOT NULL DEFAULT 0;
    UPDATE deliveries SET total_attempts = MAX(attempts, error != '' OR lease != '');
    """,
)
