"""Tickets in one SQLite file, each filed together with its deliveries: both are there, or neither.

Takes hand-overs that are redacted already. Several workers of one machine share the file.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from kbsearch.errors import TooMany, UsageError
from kbsearch.events.ids import new_id
from kbsearch.handover.document import read_handover, write_handover
from kbsearch.handover.outbox import Outbox
from kbsearch.handover.tables import MIGRATIONS
from kbsearch.handover.ticket import OPEN, SOLVED, STATUSES, Article, Handover, Reply, Ticket
from kbsearch.sqlite_file import SqliteFile, Transaction, folder_beside

_COLUMNS = "id, key, status, created_at, updated_at, handover, client_id, session_id, articles"
_KEY_BYTES = 24
MOST_AT_ONCE = 20
"""Tickets of one e-mail address since a moment (the service says: within an hour). Help desks write to the address
that a ticket names, so a ticket form without a limit could be used to flood somebody else's mailbox."""
# What a help desk has taken is kept there; what nobody has taken stays until somebody solved it.
_EXPIRED = f"""
    updated_at < ? AND (status = '{SOLVED}' OR (
        EXISTS (SELECT 1 FROM deliveries WHERE ticket = tickets.id AND state = 'delivered')
        AND NOT EXISTS (SELECT 1 FROM deliveries WHERE ticket = tickets.id AND state != 'delivered')))
"""


def tickets_path(index: Path, events: str) -> Path:
    """Return where tickets are kept: beside an event store that is a file, else in the folder of the index."""
    return folder_beside(events, index) / "tickets.db"


class TicketStore:
    """Tickets in a file. Every method may be called by any thread.

    :raises StoreError: from any method, when the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, "ticket store", MIGRATIONS)
        self.outbox = Outbox(self._file)

    def file(
        self,
        handover: Handover,
        *,
        at: str,
        targets: Sequence[str],
        idempotency_key: str = "",
        since: str = "",
        client_id: str = "",
        session_id: str = "",
        network: str = "",
    ) -> tuple[Ticket, bool]:
        """Keep a new ticket and what has to be delivered of it; False with the ticket that is there already.

        With an idempotency key, a hand-over is the same where key and e-mail address are; without one, where
        everything is, the session or else the network too, and it was filed after `since`: who only knows what a
        customer wrote gets no key to the customer's ticket. What was looked at between two calls with a key is no
        matter.

        :raises UsageError: the key was used for a hand-over in which the customer says something else.
        :raises TooMany: the address has too many tickets since then.
        """
        email = handover.contact.email.casefold()
        written = write_handover(handover).decode()
        if idempotency_key:
            identity, digest = _digest("key", idempotency_key, email), _digest(*_said(handover))
        else:
            # Titles and addresses of articles may change between two calls of the same customer.
            bare = replace(handover, shown=_bare(handover.shown), opened=_bare(handover.opened))
            digest = _digest(write_handover(bare).decode(), session_id)
            identity = _digest("sender", session_id or network, digest)
        with self._file.transaction() as writer:
            known = writer.execute(
                f"SELECT digest, {_COLUMNS} FROM tickets WHERE identity = ? AND created_at >= ? ORDER BY created_at",
                (identity, "" if idempotency_key else since),
            ).fetchone()
            if known is not None and known[0] != digest:
                raise UsageError(
                    "idempotency_key was used for a hand-over that says something else; make a new one",
                    "idempotency_key",
                )
            if known is not None:
                return _read(known[1:], ()), False
            (filed,) = writer.execute(
                "SELECT COUNT(*) FROM tickets WHERE email = ? AND created_at >= ?", (email, since)
            ).fetchone()
            if filed >= MOST_AT_ONCE:
                raise TooMany(f"{filed} tickets name this e-mail address already; try again in an hour", "contact")
            ticket = Ticket(new_id(), secrets.token_urlsafe(_KEY_BYTES), OPEN, at, at, handover, client_id, session_id)
            self._insert(writer, ticket, identity, digest, written)
            self.outbox.add(writer, ticket.id, targets, at)
        return ticket, True

    def read(self, ticket_id: str) -> Ticket | None:
        """Return a ticket with its replies; None where there is no such ticket."""
        found = self._file.ask(f"SELECT {_COLUMNS} FROM tickets WHERE id = ?", (ticket_id,))
        if not found:
            return None
        replies = self._file.ask("SELECT at, text, sender FROM replies WHERE ticket = ? ORDER BY at", (ticket_id,))
        return _read(found[0], tuple(Reply(*row) for row in replies))

    def read_with_key(self, ticket_id: str, key: str) -> Ticket | None:
        """Return a ticket to who has its key; None for everybody else."""
        ticket = self.read(ticket_id)
        right = ticket is not None and hmac.compare_digest(ticket.key.encode(), key.encode("utf-8", "replace"))
        return ticket if right else None

    def change(
        self, ticket_id: str, at: str, *, status: str = "", reply: Reply | None = None, articles: Sequence[str] = ()
    ) -> tuple[Ticket, bool]:
        """Note what the help desk did; False where all of that was known already.

        :raises UsageError: there is no such ticket, or no such status.
        """
        if status and status not in STATUSES:
            raise UsageError(f"there is no status {status!r}; use one of: {', '.join(STATUSES)}", "status")
        with self._file.transaction() as writer:
            found = writer.execute("SELECT articles FROM tickets WHERE id = ?", (ticket_id,)).fetchone()
            if found is None:
                raise UsageError(f"there is no ticket {ticket_id!r}", "ticket")
            before = writer.total_changes
            if reply is not None:
                row = (ticket_id, reply.at, reply.sender, reply.text)
                writer.execute("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?)", row)
            if status:
                writer.execute(
                    "UPDATE tickets SET status = ? WHERE id = ? AND status != ?", (status, ticket_id, status)
                )
            if articles:
                merged = orjson.dumps(list(dict.fromkeys([*orjson.loads(found[0]), *articles]))).decode()
                writer.execute(
                    "UPDATE tickets SET articles = ? WHERE id = ? AND articles != ?", (merged, ticket_id, merged)
                )
            changed = writer.total_changes > before
            if changed:
                writer.execute("UPDATE tickets SET updated_at = ? WHERE id = ?", (at, ticket_id))
        ticket = self.read(ticket_id)
        if ticket is None:
            raise UsageError(f"the ticket {ticket_id!r} has just been erased", "ticket")
        return ticket, changed

    def listed(self, status: str = "", limit: int = 100) -> list[Ticket]:
        """Return tickets without their replies, latest change first; `status` chooses."""
        query = f"SELECT {_COLUMNS} FROM tickets WHERE ? IN ('', status) ORDER BY updated_at DESC, id LIMIT ?"
        return [_read(row, ()) for row in self._file.ask(query, (status, limit))]

    def erase(self, *, client_ids: Collection[str] = (), session_ids: Collection[str] = (), email: str = "") -> int:
        """Remove the tickets of a client: those filed under one of these hashes or sessions, or with this address.

        Returns how many. What a help desk has been sent already is erased there.
        """
        clients, sessions = (orjson.dumps(sorted(filter(None, ids))).decode() for ids in (client_ids, session_ids))
        return self._remove(
            "client_id IN (SELECT value FROM json_each(?)) OR session_id IN (SELECT value FROM json_each(?))"
            " OR (email != '' AND email = ?)",
            (clients, sessions, email.strip().casefold()),
        )

    def erase_erased(self, erased: Mapping[str, str]) -> int:
        """Remove the tickets of clients whose facts were erased, filed before the moments given; return how many."""
        condition = "EXISTS (SELECT 1 FROM json_each(?) AS gone WHERE gone.key = client_id AND created_at < gone.value)"
        return self._remove(condition, (orjson.dumps(dict(erased)).decode(),))

    def expire(self, before: str) -> int:
        """Remove tickets last changed before that moment, if they are solved or a help desk has them; returns how
        many."""
        return self._remove(_EXPIRED, (before,))

    def close(self) -> None:
        """Let go of the file; what was written stays."""
        self._file.close()

    def _insert(self, writer: Transaction, ticket: Ticket, identity: str, digest: str, written: str) -> None:
        contact = ticket.handover.contact
        head = (ticket.id, ticket.key, ticket.status, ticket.created_at, ticket.updated_at, identity, digest)
        rest = (ticket.client_id, ticket.session_id, contact.email.casefold(), written, "[]")
        writer.execute(f"INSERT INTO tickets VALUES ({', '.join('?' * len(head + rest))})", head + rest)

    def _remove(self, condition: str, values: Sequence[object]) -> int:
        with self._file.transaction() as writer:
            gone = writer.execute(f"DELETE FROM tickets WHERE {condition} RETURNING id", values).fetchall()
            for table in ("replies", "deliveries"):
                writer.executemany(f"DELETE FROM {table} WHERE ticket = ?", gone)
        return len(gone)


def _read(row: Sequence[Any], replies: tuple[Reply, ...]) -> Ticket:
    ticket_id, key, status, created_at, updated_at, handover, client_id, session_id, articles = row
    return Ticket(
        ticket_id, key, status, created_at, updated_at, read_handover(handover), client_id, session_id,
        tuple(orjson.loads(articles)), replies,
    )  # fmt: skip


def _said(handover: Handover) -> Iterator[str]:
    """Yield what the customer says, and as whom."""
    yield from (handover.subject, handover.message, handover.contact.name, handover.contact.phone)
    yield from (turn.text for turn in handover.conversation)


def _bare(articles: Sequence[Article]) -> tuple[Article, ...]:
    return tuple(Article(article.id) for article in articles)


def _digest(*parts: str) -> str:
    return hashlib.blake2b(orjson.dumps(parts), digest_size=16).hexdigest()
