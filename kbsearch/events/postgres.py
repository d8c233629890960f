"""The event store in PostgreSQL: for services on several machines. The only module that imports psycopg.

The schema is a list of numbered migrations (`postgres_schema.py`); table `kbsearch_schema` says how many it has had.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool, PoolTimeout

from kbsearch.errors import StoreError
from kbsearch.events import rows
from kbsearch.events.address import shown
from kbsearch.events.identity import UNSURE
from kbsearch.events.postgres_schema import MIGRATIONS
from kbsearch.events.schema import Event, SearchRecord
from kbsearch.events.store import Fact, Name, PopularQuery, Removed

# It writes a line at each failed attempt to connect; what failed is said once, in the error.
logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())

_Connection = psycopg.Connection[tuple[Any, ...]]

_SEARCH_TYPES = (
    *("text", "text", "text", "text", "int", "text", "float8", "text", "int", "float8", "text", "text", "text", "text"),
    *("bool", "text", "text", "text", "text", "bool", "text", "text"),
)
_EVENT_TYPES = (*("text",) * 9, "int", *("text",) * 3)
# As in sqlite.py.
_POPULAR = """
    SELECT MIN(s.user_query), MIN(s.detected_lang), COUNT(DISTINCT s.voucher) AS networks FROM searches AS s
    WHERE s.timestamp >= %s AND s.timestamp < %s AND s.public AND s.decision <> 'hand_over'
      AND s.device <> 'bot' AND s.voucher <> '' AND strpos(s.user_query, '[') = 0 AND LENGTH(s.user_query) <= 80
      AND EXISTS (SELECT 1 FROM events AS e WHERE e.query_id = s.query_id AND e.action_name = 'click'
                  AND s.hit_ids::jsonb ? e.object_id)
    GROUP BY s.query_key HAVING COUNT(DISTINCT s.voucher) >= %s ORDER BY networks DESC, s.query_key LIMIT %s
"""
_RELATED = """
    SELECT client_id, session_id FROM searches WHERE client_id = ANY(%(ids)s) OR session_id = ANY(%(ids)s)
    UNION SELECT client_id, session_id FROM events
    WHERE client_id = ANY(%(ids)s) OR session_id = ANY(%(ids)s)
"""
# At any depth: jsonb would tell them apart, but takes no text that holds \u0000.
_NAMING_USERS = """
    SELECT client_id, session_id, attributes FROM events WHERE EXISTS (
        SELECT FROM regexp_matches(attributes, '"user": "([0-9a-f]+)"', 'g') AS named WHERE named[1] = ANY(%s)
    )
"""
_THEIRS = "client_id = ANY(%s)"
_NAMING = f"substr(client_id, 1, 1) = '{UNSURE}' AND session_id = '' AND query_id = ANY(%s)"
_OLD_BUT_AHEAD = "substr(timestamp, 1, 10) > substr(received_at, 1, 10) AND received_at < %s"
_ERASED = "EXISTS (SELECT 1 FROM erasures AS gone WHERE gone.client_id = {table}.client_id AND {time} < erased_at)"
# What the service had before was done before, whatever a client's clock says; what it has later may have been done so.
_ERASED_SEARCHES = _ERASED.format(table="searches", time="timestamp")
_ERASED_EVENTS = _ERASED.format(table="events", time="least(timestamp, received_at)")
_TOUCH = """
    INSERT INTO days SELECT day, number, number FROM unnest(%s::text[]) AS day, changes
    ON CONFLICT (day) DO UPDATE SET change = excluded.change
"""
_FORGET_EMPTY = """
    DELETE FROM days WHERE day = ANY(%s)
      AND NOT EXISTS (SELECT 1 FROM searches WHERE timestamp >= day AND timestamp < day || '~')
      AND NOT EXISTS (SELECT 1 FROM events WHERE timestamp >= day AND timestamp < day || '~')
"""
# A day that has lost all of its facts is not there.
_WHOLE = """
    SELECT 1 FROM days JOIN unnest(%s::text[], %s::bigint[]) AS read (day, change) ON days.day = read.day
    WHERE whole_since <= read.change
"""
_FORGET_DERIVED = "DELETE FROM derived WHERE substring(name FROM '[^/]*$') = ANY(%s)"
_SCHEMA_LOCK = 0x6B627365
_AT_ONCE = 5000
_FETCH = 5000


class PostgresStore:
    """An `EventStore` in a PostgreSQL database, through a pool of connections."""

    def __init__(self, url: str, *, connections: int = 8, timeout: float = 5.0) -> None:
        """Connect and bring the schema up to date; `timeout` is how long a connection is waited for, in seconds.

        :raises StoreError: it cannot be reached, or was written by a newer kbsearch.
        """
        place = _place(url)
        self._pool = ConnectionPool(url, min_size=1, max_size=connections, timeout=timeout, open=False)
        try:
            self._pool.open(wait=True, timeout=timeout)
            self._migrate()
        except (psycopg.Error, PoolTimeout) as error:
            self._pool.close()
            where = f"{place.get('host', 'localhost')}:{place.get('port', 5432)}"
            why = _reason(url) if isinstance(error, PoolTimeout) else ""
            raise StoreError(
                f"cannot open the event store at {where}: {why or error}; is PostgreSQL running?"
            ) from error

    def write(self, facts: Sequence[Fact]) -> None:
        """Keep all of them in one transaction; a fact whose id is known already is ignored."""
        searches = [rows.search_row(fact) for fact in facts if isinstance(fact, SearchRecord)]
        events = [rows.event_row(fact) for fact in facts if isinstance(fact, Event)]
        with self._transaction() as connection:
            kept = _insert(connection, "searches", rows.SEARCH_COLUMNS, _SEARCH_TYPES, searches)
            kept += _insert(connection, "events", rows.EVENT_COLUMNS, _EVENT_TYPES, events)
            if kept:
                _touch(connection, {fact.timestamp[:10] for fact in facts})

    def events(
        self, since: str = "", until: str = "", clients: Collection[str] = (), queries: Collection[str] = ()
    ) -> Iterator[Event]:
        """Yield events by time, then id, as they are read; those of some clients only, where any are given."""
        chosen = (since, until, clients, queries)
        return map(rows.read_event, self._between(rows.EVENT_READ, "events", "event_id", *chosen))

    def searches(
        self, since: str = "", until: str = "", clients: Collection[str] = (), queries: Collection[str] = ()
    ) -> Iterator[SearchRecord]:
        """Yield searches, likewise."""
        chosen = (since, until, clients, queries)
        return map(rows.read_search, self._between(rows.SEARCH_READ, "searches", "query_id", *chosen))

    def names(self, since: str = "", until: str = "") -> Iterator[Name]:
        """Yield what every fact is called and whose it is, in any order."""
        for columns, table in ((rows.SEARCH_NAMES, "searches"), (rows.EVENT_NAMES, "events")):
            query = f"SELECT {columns} FROM {table} WHERE timestamp >= %s AND timestamp < %s"
            yield from self._ask(query, (since, until or "~"))

    def days(self) -> dict[str, int]:
        """Return for every UTC day with facts a number that changes whenever one is added or erased."""
        return dict(self._ask("SELECT day, change FROM days ORDER BY day"))

    def popular_queries(self, *, min_clients: int, limit: int, since: str = "", until: str = "") -> list[PopularQuery]:
        """Return public queries with a click, asked from at least so many networks, most popular first."""
        return [PopularQuery(*row) for row in self._ask(_POPULAR, (since, until or "~", min_clients, limit))]

    def add_dropped(self, day: str, count: int) -> None:
        """Remember that so many facts of a UTC day were lost before they could be written."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO drops VALUES (%s, %s) "
                "ON CONFLICT (day) DO UPDATE SET facts = drops.facts + excluded.facts",
                (day, count),
            )

    def dropped(self, since: str = "", until: str = "") -> dict[str, int]:
        """Return how many facts were lost, by UTC day."""
        return dict(self._ask("SELECT day, facts FROM drops WHERE day >= %s AND day < %s", (since, until or "~")))

    def salt(self, period: str) -> bytes:
        """Return the secret that hashes ids in the period that begins on this day, drawing it when it is new."""
        query = "SELECT salt FROM salts WHERE period = %s"
        found = self._ask(query, (period,))
        if not found:
            with self._transaction() as connection:
                connection.execute(
                    "INSERT INTO salts VALUES (%s, %s) ON CONFLICT DO NOTHING", (period, secrets.token_bytes(32))
                )
            found = self._ask(query, (period,))
        return bytes(found[0][0])

    def salts(self) -> Mapping[str, bytes]:
        """Return every secret that has not been destroyed, by the first day of its period."""
        return {period: bytes(salt) for period, salt in self._ask("SELECT period, salt FROM salts")}

    def related(self, ids: Collection[str]) -> tuple[set[str], set[str]]:
        """Return the client hashes and session ids of all facts with one of these as client, session or user."""
        found = self._ask(_RELATED, {"ids": list(ids)})
        for client, session, attributes in self._ask(_NAMING_USERS, (list(ids),)):
            if json.loads(attributes).get("user") in ids:
                found.append((client, session))
        return {client for client, _ in found}, {session for _, session in found if session}

    def erase(self, client_ids: Collection[str], at: str, queries: Collection[str] = ()) -> Removed:
        """Remove every fact of these clients, and for good: `expire` removes what arrives later from before `at`."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO erasures SELECT id, %s FROM unnest(%s::text[]) AS id "
                "ON CONFLICT (client_id) DO UPDATE SET erased_at = excluded.erased_at",
                (at, list(client_ids)),
            )
        # Whatever their time, as in sqlite.py.
        theirs, ids = _chosen(client_ids, queries)
        return Removed(self._remove("searches", theirs, ids), self._remove("events", theirs, ids))

    def erased(self) -> Mapping[str, str]:
        """Return every client whose facts were erased, and when, for as long as facts are kept."""
        return dict(self._ask("SELECT client_id, erased_at FROM erasures"))

    def expire(self, before: str) -> Removed:
        """Remove facts older than `before`, secrets that hash no younger ones, and late facts of erased clients."""
        searches = self._remove("searches", "timestamp < %s", (before,))
        searches += self._remove("searches", _ERASED_SEARCHES)
        events = self._remove("events", "timestamp < %s", (before,))
        events += self._remove("events", _OLD_BUT_AHEAD, (before,))
        events += self._remove("events", _ERASED_EVENTS)
        with self._transaction() as connection:
            connection.execute(
                "DELETE FROM salts WHERE period < (SELECT MAX(period) FROM salts WHERE period <= %s)", (before,)
            )
            connection.execute("DELETE FROM erasures WHERE erased_at < %s", (before,))
            connection.execute("DELETE FROM drops WHERE day < %s", (before[:10],))
            # What was kept before `keep` looked at what had gone meanwhile.
            connection.execute("DELETE FROM derived WHERE right(name, 10) NOT IN (SELECT day FROM days)")
        return Removed(searches, events)

    def kept(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """Return what metrics derived from facts and kept under these names, where there is anything."""
        query = "SELECT name, value FROM derived WHERE name = ANY(%s)"
        with self._transaction() as connection:
            # As text, bytes come as hexadecimal digits.
            found = connection.execute(query, (list(names),), binary=True).fetchall()
        return {name: bytes(value) for name, value in found}

    def keep(self, name: str, value: bytes, made_from: Mapping[str, int]) -> None:
        """Keep something derived from facts, unless facts of a day that it was made from are gone since; what is named
        `…/DAY` goes when facts of that day go."""
        read = {day: change for day, change in made_from.items() if change}
        with self._transaction() as connection:
            # Who removes facts changes this row before he forgets what was derived, and so waits for us, or we for him.
            connection.execute("SELECT number FROM changes FOR SHARE")
            found = connection.execute(_WHOLE, (list(read), list(read.values()))).fetchall()
            if len(found) < len(read):
                return
            connection.execute(
                "INSERT INTO derived VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )

    def close(self) -> None:
        """Let go of the connections; what was written stays."""
        self._pool.close()

    def _between(
        self,
        columns: str,
        table: str,
        key: str,
        since: str,
        until: str,
        clients: Collection[str],
        queries: Collection[str],
    ) -> Iterator[tuple[Any, ...]]:
        """Yield rows in the order of time, a few thousand from the server at once."""
        theirs, ids = _chosen(clients, queries) if clients else ("true", ())
        query = f"SELECT {columns} FROM {table} WHERE timestamp >= %s AND timestamp < %s AND {theirs}"
        with self._transaction() as connection, connection.cursor(name="facts") as cursor:
            cursor.itersize = _FETCH
            cursor.execute(f"{query} ORDER BY timestamp, {key}", (since, until or "~", *ids))
            yield from cursor

    def _ask(self, query: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[tuple[Any, ...]]:
        with self._transaction() as connection:
            return connection.execute(query, values).fetchall()

    def _remove(self, table: str, condition: str, values: Sequence[object] = ()) -> int:
        """Remove rows in small transactions; return how many."""
        statement = (
            f"DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE {condition} LIMIT {_AT_ONCE})) "
            "RETURNING substr(timestamp, 1, 10)"
        )
        total = 0
        while True:
            with self._transaction() as connection:
                removed = connection.execute(statement, values).fetchall()
                days = {day for (day,) in removed}
                if days:
                    _touch(connection, days)
                    connection.execute("UPDATE days SET whole_since = change WHERE day = ANY(%s)", (list(days),))
                    connection.execute(_FORGET_EMPTY, (list(days),))
                    connection.execute(_FORGET_DERIVED, (list(days),))
            total += len(removed)
            if len(removed) < _AT_ONCE:
                return total

    @contextmanager
    def _transaction(self) -> Iterator[_Connection]:
        try:
            with self._pool.connection() as connection:
                yield connection
        except (psycopg.Error, PoolTimeout) as error:
            raise StoreError(f"the event store failed: {error}; is PostgreSQL running?") from error

    def _migrate(self) -> None:
        with self._pool.connection() as connection:
            # Workers start together.
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
            connection.execute("CREATE TABLE IF NOT EXISTS kbsearch_schema (version INTEGER NOT NULL)")
            found = connection.execute("SELECT version FROM kbsearch_schema").fetchone()
            version = found[0] if found else 0
            if version > len(MIGRATIONS):
                raise StoreError(
                    f"the event store has schema {version}, this kbsearch reads up to {len(MIGRATIONS)}; "
                    "update kbsearch"
                )
            for script in MIGRATIONS[version:]:
                connection.execute(script)
            connection.execute("DELETE FROM kbsearch_schema")
            connection.execute("INSERT INTO kbsearch_schema VALUES (%s)", (len(MIGRATIONS),))


def _place(url: str) -> dict[str, Any]:
    """Return what a URL says, by name.

    :raises StoreError: it cannot be read, or a password with signs of its own was read as something else; what psycopg
        says of it may hold the password.
    """
    try:
        place = conninfo_to_dict(url)
        if not any("@" in str(place.get(name, "")) for name in ("host", "port", "dbname")):
            return place
    except psycopg.ProgrammingError:
        pass
    raise StoreError(
        f"cannot open the event store: {shown(url)!r} is not understood; write postgresql://USER@HOST/NAME, "
        "and signs in a password as %40 or %2F"
    )


def _reason(url: str) -> str:
    """Return why no connection comes about, of which the pool says only that none did; "" where one does."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.Error as error:
        return str(error).partition("\n")[0]
    return ""


def _chosen(clients: Collection[str], queries: Collection[str]) -> tuple[str, tuple[list[str], ...]]:
    """Return the condition that a fact is theirs, and its values, as in sqlite.py."""
    if not queries:
        return _THEIRS, (list(clients),)
    return f"({_THEIRS} OR {_NAMING})", (list(clients), list(queries))


def _insert(
    connection: _Connection,
    table: str,
    columns: Sequence[str],
    types: Sequence[str],
    values: list[tuple[object, ...]],
) -> int:
    """Add rows in one statement, one array a column; return how many were new."""
    if not values:
        return 0
    # In one order everywhere, so that two writers with the same ids cannot wait for each other.
    values.sort(key=lambda row: str(row[0]))
    arrays = ", ".join(f"%s::{kind}[]" for kind in types)
    statement = f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING"
    return connection.execute(statement, [list(column) for column in zip(*values, strict=True)]).rowcount


def _touch(connection: _Connection, days: Iterable[str]) -> None:
    """Give each of these days a number that no day has had. Last in a transaction: others wait for it."""
    connection.execute("UPDATE changes SET number = number + 1")
    connection.execute(_TOUCH, (sorted(days),))
