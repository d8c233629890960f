"""The event store in one SQLite file (WAL): nothing to install, readers never block the writer.

The schema is a list of numbered migrations (`sqlite_schema.py`); the file's `user_version` says how many it has had.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kbsearch.events import rows
from kbsearch.events.identity import UNSURE
from kbsearch.events.schema import Event, SearchRecord
from kbsearch.events.sqlite_schema import MIGRATIONS
from kbsearch.events.store import Fact, Name, PopularQuery, Removed
from kbsearch.sqlite_file import SqliteFile, Transaction

# Counted are networks (see SearchRecord.voucher), and only where the very search was followed by a click on what it
# showed: neither invented clients nor a bare list of made-up clicks put words into other people's search boxes.
_POPULAR = """
    SELECT MIN(s.user_query), MIN(s.detected_lang), COUNT(DISTINCT s.voucher) AS networks FROM searches AS s
    WHERE s.timestamp >= ? AND s.timestamp < ? AND s.public = 1 AND s.decision != 'hand_over'
      AND s.device != 'bot' AND s.voucher != '' AND instr(s.user_query, '[') = 0 AND LENGTH(s.user_query) <= 80
      AND EXISTS (SELECT 1 FROM events AS e WHERE e.query_id = s.query_id AND e.action_name = 'click'
                  AND EXISTS (SELECT 1 FROM json_each(s.hit_ids) AS hit WHERE hit.value = e.object_id))
    GROUP BY s.query_key HAVING networks >= ? ORDER BY networks DESC, s.query_key LIMIT ?
"""
# As one value: the number of values in a statement has a limit.
_THEIRS = "client_id IN (SELECT value FROM json_each(?))"
_NAMING = f"substr(client_id, 1, 1) = '{UNSURE}' AND session_id = '' AND query_id IN (SELECT value FROM json_each(?))"
_RELATED = """
    WITH ids AS (SELECT value FROM json_each(?))
    SELECT client_id, session_id FROM searches WHERE client_id IN ids OR session_id IN ids
    UNION SELECT client_id, session_id FROM events
    WHERE client_id IN ids OR session_id IN ids OR json_extract(attributes, '$.user') IN ids
"""
# A clock that is ahead must not keep its events longer; the condition is that of the index `events_ahead`.
_OLD_BUT_AHEAD = "substr(timestamp, 1, 10) > substr(received_at, 1, 10) AND received_at < ?"
_ERASED = "EXISTS (SELECT 1 FROM erasures AS gone WHERE gone.client_id = {table}.client_id AND {time} < erased_at)"
# What the service had before was done before, whatever a client's clock says; what it has later may have been done so.
_ERASED_SEARCHES = _ERASED.format(table="searches", time="timestamp")
_ERASED_EVENTS = _ERASED.format(table="events", time="min(timestamp, received_at)")
_FORGET_EMPTY = """
    DELETE FROM days WHERE day = ?
      AND NOT EXISTS (SELECT 1 FROM searches WHERE timestamp >= day AND timestamp < day || '~')
      AND NOT EXISTS (SELECT 1 FROM events WHERE timestamp >= day AND timestamp < day || '~')
"""
# A day that has lost all of its facts is not there.
_WHOLE = "SELECT 1 FROM days WHERE day = ? AND whole_since <= ?"
_AT_ONCE = 5000
"""Rows removed in one transaction: a feedback that waits for it is not kept waiting long."""


class SqliteStore:
    """An `EventStore` in a file."""

    def __init__(self, path: Path) -> None:
        """Open the file, creating it (and its folder) or bringing its schema up to date.

        :raises StoreError: it cannot be opened, or was written by a newer kbsearch.
        """
        self._file = SqliteFile(path, "event store", MIGRATIONS)

    def write(self, facts: Sequence[Fact]) -> None:
        """Keep all of them in one transaction; a fact whose id is known already is ignored."""
        searches = [rows.search_row(fact) for fact in facts if isinstance(fact, SearchRecord)]
        events = [rows.event_row(fact) for fact in facts if isinstance(fact, Event)]
        with self._file.transaction() as writer:
            before = writer.total_changes
            writer.executemany(_insert("searches", rows.SEARCH_COLUMNS), searches)
            writer.executemany(_insert("events", rows.EVENT_COLUMNS), events)
            if writer.total_changes > before:
                _touch(writer, {fact.timestamp[:10] for fact in facts})

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
            query = f"SELECT {columns} FROM {table} WHERE timestamp >= ? AND timestamp < ?"
            yield from self._file.ask(query, (since, until or "~"))

    def days(self) -> dict[str, int]:
        """Return for every UTC day with facts a number that changes whenever one is added or erased."""
        return dict(self._file.ask("SELECT day, change FROM days ORDER BY day"))

    def popular_queries(self, *, min_clients: int, limit: int, since: str = "", until: str = "") -> list[PopularQuery]:
        """Return public queries with a click, asked from at least so many networks, most popular first."""
        return [PopularQuery(*row) for row in self._file.ask(_POPULAR, (since, until or "~", min_clients, limit))]

    def add_dropped(self, day: str, count: int) -> None:
        """Remember that so many facts of a UTC day were lost before they could be written."""
        with self._file.transaction() as writer:
            writer.execute(
                "INSERT INTO drops VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET facts = facts + excluded.facts",
                (day, count),
            )

    def dropped(self, since: str = "", until: str = "") -> dict[str, int]:
        """Return how many facts were lost, by UTC day."""
        found = self._file.ask("SELECT day, facts FROM drops WHERE day >= ? AND day < ?", (since, until or "~"))
        return dict(found)

    def salt(self, period: str) -> bytes:
        """Return the secret that hashes ids in the period that begins on this day, drawing it when it is new."""
        found = self._file.ask("SELECT salt FROM salts WHERE created_at = ?", (period,))
        if not found:
            with self._file.transaction() as writer:
                writer.execute("INSERT OR IGNORE INTO salts VALUES (?, ?)", (period, secrets.token_bytes(32)))
            found = self._file.ask("SELECT salt FROM salts WHERE created_at = ?", (period,))
        return bytes(found[0][0])

    def salts(self) -> Mapping[str, bytes]:
        """Return every secret that has not been destroyed, by the first day of its period."""
        return dict(self._file.ask("SELECT created_at, salt FROM salts"))

    def related(self, ids: Collection[str]) -> tuple[set[str], set[str]]:
        """Return the client hashes and session ids of all facts with one of these as client, session or user."""
        found = self._file.ask(_RELATED, (_listed(ids),))
        return {client for client, _ in found}, {session for _, session in found if session}

    def erase(self, client_ids: Collection[str], at: str, queries: Collection[str] = ()) -> Removed:
        """Remove every fact of these clients, and for good: `expire` removes what arrives later from before `at`."""
        with self._file.transaction() as writer:
            writer.executemany("INSERT OR REPLACE INTO erasures VALUES (?, ?)", [(one, at) for one in client_ids])
        # Whatever their time: of two machines, or of one that was set right, clocks differ.
        theirs, ids = _chosen(client_ids, queries)
        return Removed(self._remove("searches", theirs, ids), self._remove("events", theirs, ids))

    def erased(self) -> Mapping[str, str]:
        """Return every client whose facts were erased, and when, for as long as facts are kept."""
        return dict(self._file.ask("SELECT client_id, erased_at FROM erasures"))

    def expire(self, before: str) -> Removed:
        """Remove facts older than `before`, secrets that hash no younger ones, and late facts of erased clients."""
        searches = self._remove("searches", "timestamp < ?", (before,))
        searches += self._remove("searches", _ERASED_SEARCHES)
        events = self._remove("events", "timestamp < ?", (before,))
        events += self._remove("events", _OLD_BUT_AHEAD, (before,))
        events += self._remove("events", _ERASED_EVENTS)
        with self._file.transaction() as writer:
            writer.execute(
                "DELETE FROM salts WHERE created_at < (SELECT MAX(created_at) FROM salts WHERE created_at <= ?)",
                (before,),
            )
            writer.execute("DELETE FROM erasures WHERE erased_at < ?", (before,))
            writer.execute("DELETE FROM drops WHERE day < ?", (before[:10],))
            # What was kept before `keep` looked at what had gone meanwhile.
            writer.execute("DELETE FROM derived WHERE substr(name, -10) NOT IN (SELECT day FROM days)")
        return Removed(searches, events)

    def kept(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """Return what metrics derived from facts and kept under these names, where there is anything."""
        marks = ", ".join("?" * len(names))
        return dict(self._file.ask(f"SELECT name, value FROM derived WHERE name IN ({marks})", names))

    def keep(self, name: str, value: bytes, made_from: Mapping[str, int]) -> None:
        """Keep something derived from facts, unless facts of a day that it was made from are gone since; what is named
        `…/DAY` goes when facts of that day go."""
        with self._file.transaction() as writer:
            if all(writer.execute(_WHOLE, read).fetchone() for read in made_from.items() if read[1]):
                writer.execute("INSERT OR REPLACE INTO derived VALUES (?, ?)", (name, value))

    def close(self) -> None:
        """Let go of the file; what was written stays."""
        self._file.close()

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
        """Yield rows in the order of time, as they are read."""
        theirs, ids = _chosen(clients, queries) if clients else ("true", ())
        query = f"SELECT {columns} FROM {table} WHERE timestamp >= ? AND timestamp < ? AND {theirs}"
        return self._file.read(f"{query} ORDER BY timestamp, {key}", (since, until or "~", *ids))

    def _remove(self, table: str, condition: str, values: Sequence[object] = ()) -> int:
        """Remove rows in small transactions; return how many."""
        statement = (
            f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {condition} LIMIT {_AT_ONCE}) "
            "RETURNING substr(timestamp, 1, 10)"
        )
        total = 0
        while True:
            with self._file.transaction() as writer:
                removed = writer.execute(statement, values).fetchall()
                days = set(removed)
                if days:
                    _touch(writer, (day for (day,) in days))
                    writer.executemany("UPDATE days SET whole_since = change WHERE day = ?", days)
                    writer.executemany(_FORGET_EMPTY, days)
                    writer.executemany("DELETE FROM derived WHERE name LIKE '%/' || ?", days)
            total += len(removed)
            if len(removed) < _AT_ONCE:
                return total


def _chosen(clients: Collection[str], queries: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """Return the condition that a fact is theirs, and its values. Queries are read only where there are some: no index
    leads to their events."""
    if not queries:
        return _THEIRS, (_listed(clients),)
    return f"({_THEIRS} OR {_NAMING})", (_listed(clients), _listed(queries))


def _listed(ids: Collection[str]) -> str:
    return json.dumps(list(ids))


def _insert(table: str, columns: Sequence[str]) -> str:
    return f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def _touch(writer: Transaction, days: Iterable[str]) -> None:
    """Give each of these days a number that no day has had."""
    writer.execute("UPDATE changes SET number = number + 1")
    writer.executemany(
        "INSERT INTO days SELECT ?, number, number FROM changes WHERE true "
        "ON CONFLICT (day) DO UPDATE SET change = excluded.change",
        [(day,) for day in days],
    )
