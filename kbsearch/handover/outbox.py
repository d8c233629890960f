"""What still has to be delivered: one row for each ticket and target, claimed with a lease.

A worker that claims a row has it alone until the lease ends; one that is killed in between leaves a row that the next
one claims again. The row's id is the idempotency key, the same at every attempt, by which a receiver knows it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from kbsearch.events.ids import iso, new_id
from kbsearch.handover.backoff import LONGEST
from kbsearch.sqlite_file import SqliteFile, Transaction

WAITING, DELIVERED, DEAD = STATES = ("waiting", "delivered", "dead")
MAX_ERROR = 300
"""Most characters kept of why an attempt failed."""
_COLUMNS = "id, ticket, target, state, attempts, next_at, error, reference, total_attempts"
# What lies further ahead than any wait and any lease was written before the clock was set back.
_FREE = "(leased_until <= :now OR leased_until > :latest)"
_DUE = f"target = :target AND state = '{WAITING}' AND (next_at <= :now OR next_at > :latest) AND {_FREE}"
_CLAIM = f"""
    UPDATE deliveries
    SET attempts = attempts + 1, total_attempts = total_attempts + 1, lease = :lease, leased_until = :until
    WHERE id = (SELECT id FROM deliveries WHERE {_DUE} ORDER BY next_at, id LIMIT 1)
    RETURNING {_COLUMNS}
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One ticket on its way to one target."""

    id: str
    ticket: str
    target: str
    state: str
    """One of `STATES`."""
    attempts: int
    """How often it was tried since it was filed, brought back or moved, this time included; the wait grows with it."""
    next_at: str
    error: str
    """Why the last attempt failed; "" where none has."""
    reference: str
    """The id that the target gave it; "" where it gives none."""
    total_attempts: int
    """How often it was tried at all: from the second time on, the help desk may have it."""


class Outbox:
    """The deliveries in a ticket store's file. Every method may be called by any thread."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def add(self, writer: Transaction, ticket: str, targets: Sequence[str], at: str) -> None:
        """Add a ticket's deliveries to the transaction that files it."""
        rows = [(new_id(), ticket, target, WAITING, 0, at, "", "", "", "", 0) for target in targets]
        writer.executemany("INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def claim(self, target: str, *, now: str, until: str, lease: str) -> Delivery | None:
        """Take the next delivery that is due, for this `lease` alone until it ends; None where nothing is due."""
        values = {"target": target, "until": until, "lease": lease, **_moments(now)}
        # Asked without the write lock first: workers look often, and mostly there is nothing.
        if not self._file.ask(f"SELECT 1 FROM deliveries WHERE {_DUE} LIMIT 1", values):
            return None
        with self._file.transaction() as writer:
            found = writer.execute(_CLAIM, values).fetchone()
        return Delivery(*found) if found else None

    def delivered(self, delivery: Delivery, lease: str, reference: str) -> bool:
        """Note that the target took it; False where the lease had ended and another worker has it."""
        return self._update(delivery, lease, "state = ?, error = '', reference = ?", (DELIVERED, reference))

    def failed(self, delivery: Delivery, lease: str, error: str, next_at: str | None) -> bool:
        """Note why it failed and when to try again; None: never, it is a dead letter."""
        state = DEAD if next_at is None else WAITING
        values = (state, error[:MAX_ERROR], next_at or delivery.next_at)
        return self._update(delivery, lease, "state = ?, error = ?, next_at = ?", values)

    def retry(self, now: str, ticket: str = "") -> int:
        """Let dead letters, and what waits for its next attempt, be tried now; of one ticket, or of all.

        Returns how many. Their `attempts` are counted from 0 again, `total_attempts` are not.
        """
        with self._file.transaction() as writer:
            return writer.execute(
                f"UPDATE deliveries SET state = '{WAITING}', attempts = 0, next_at = :now"
                f" WHERE state != '{DELIVERED}' AND :ticket IN ('', ticket) AND {_FREE}",
                {"ticket": ticket, **_moments(now)},
            ).rowcount

    def adopt(self, targets: Sequence[str], now: str) -> int:
        """Give what waits for a target that is not configured (any more) to one that is and does not have the ticket.

        Returns how many were moved. Where every target has the ticket already, it is a dead letter; where no target
        is configured, everything is left as it is.
        """
        query = f"SELECT id, ticket FROM deliveries WHERE state = '{WAITING}' AND {_FREE} AND target NOT IN "
        query += "(SELECT value FROM json_each(:targets)) ORDER BY id"
        values = {"targets": orjson.dumps(list(targets)).decode(), **_moments(now)}
        if not targets or not self._file.ask(f"{query} LIMIT 1", values):
            return 0
        moved = 0
        with self._file.transaction() as writer:
            for delivery, ticket in writer.execute(query, values).fetchall():
                having = {
                    name for (name,) in writer.execute("SELECT target FROM deliveries WHERE ticket = ?", (ticket,))
                }
                free = next((target for target in targets if target not in having), None)
                if free is None:
                    change, new = "state = ?, error = ?", (DEAD, "its target is no longer configured")
                else:
                    change, new = "target = ?, attempts = 0, next_at = ?", (free, now)
                    moved += 1
                writer.execute(f"UPDATE deliveries SET {change} WHERE id = ?", (*new, delivery))
        return moved

    def counts(self) -> dict[str, int]:
        """Return how many deliveries wait and how many are dead, by state; delivered ones are not counted."""
        query = "SELECT state, COUNT(*) FROM deliveries WHERE state != ? GROUP BY state"
        return {WAITING: 0, DEAD: 0, **dict(self._file.ask(query, (DELIVERED,)))}

    def listed(self, *, state: str = "", ticket: str = "") -> list[Delivery]:
        """Return deliveries, those to be tried first first; state and ticket choose."""
        query = f"SELECT {_COLUMNS} FROM deliveries WHERE ? IN ('', state) AND ? IN ('', ticket) ORDER BY next_at, id"
        return [Delivery(*row) for row in self._file.ask(query, (state, ticket))]

    def _update(self, delivery: Delivery, lease: str, change: str, values: Sequence[object]) -> bool:
        with self._file.transaction() as writer:
            return bool(
                writer.execute(
                    f"UPDATE deliveries SET {change}, lease = '', leased_until = '' WHERE id = ? AND lease = ?",
                    (*values, delivery.id, lease),
                ).rowcount
            )


def _moments(now: str) -> dict[str, str]:
    """Return the present and what lies further ahead than anything that is written at present."""
    return {"now": now, "latest": iso(datetime.fromisoformat(now) + timedelta(seconds=2 * LONGEST))}
