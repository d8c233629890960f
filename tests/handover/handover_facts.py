"""Hand-overs and stores for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kbsearch.handover.clean import cleaned
from kbsearch.handover.store import TicketStore
from kbsearch.handover.ticket import Article, Contact, Handover, Ticket, Turn

SIGNING = "handover-secret-of-more-than-32-bytes-01234"
AT = "2026-11-25T10:00:00.000Z"

HANDOVER = Handover(
    reason="low_confidence",
    subject="Invoice is missing",
    message="I paid with 4111 1111 1111 1111 and got no invoice. Anna",
    lang="lv",
    contact=Contact("Anna@Example.org", "Anna Ozola", "+371 20000000"),
    conversation=(
        Turn("customer", "where is my invoice", "2026-11-25T09:58:00.000Z"),
        Turn("assistant", "Here are two articles."),
    ),
    queries=("rēķins", "where is my invoice"),
    query_ids=("q1", "q2"),
    shown=(Article("invoice.lv", "Kur ir rēķins", "https://brize.example/lv/invoice"), Article("secret.en")),
    opened=(Article("invoice.lv", "Kur ir rēķins", "https://brize.example/lv/invoice"),),
    feedback={"helpful": False, "note": "wrote to anna@example.org before"},
    confidence=0.31,
)
CLEAN = cleaned(HANDOVER)


def ticket(**changes: Any) -> Ticket:
    """Make a ticket that was never filed."""
    made = Ticket("t1", "k1", "open", AT, AT, CLEAN, client_id="c1", session_id="s1")
    return replace(made, **changes)


def open_tickets(folder: Path) -> TicketStore:
    """Open the store of a folder, again and again."""
    return TicketStore(folder / "tickets.db")


def file_one(store: TicketStore, targets: list[str], subject: str = "Invoice is missing", **options: Any) -> Ticket:
    """File a ticket, another one for each subject; as if no other had been filed within the hour."""
    given = {"at": AT, "targets": targets, "since": "2100", **options}
    filed, _ = store.file(replace(CLEAN, subject=subject), **given)
    return filed


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
