"""What the event log hears of a ticket: that it was filed, and how it ended. No contact, text or ticket id. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from kbsearch.events.ids import iso
from kbsearch.events.schema import Event
from kbsearch.handover.ticket import SOLVED, Ticket

FILED = ("handover", "ticket_created")
"""Actions of a ticket that was filed."""


def fact_id(ticket_id: str, *what: str) -> str:
    """Return the id of a fact of a ticket: the same each time, so that it is stored once. The ticket cannot be told
    from it."""
    return hashlib.blake2b("\x00".join((ticket_id, *what)).encode(), digest_size=16).hexdigest()


def filed_attributes(ticket: Ticket) -> Mapping[str, object]:
    """Return what the log keeps of why a human was needed."""
    handover = ticket.handover
    confidence = {} if handover.confidence is None else {"confidence": handover.confidence}
    return {"reason": handover.reason, **confidence}


def outcome_events(ticket: Ticket, received_at: str) -> list[Event]:
    """Return that a ticket was solved, once for each article that answered it; nothing where it is not solved, or
    leaves no trace in the log.

    Each is a `handover` a millisecond after the hand-over that it tells more about: a later one would count as
    another visit, and `resolved_declared` as a success of self-service. `received_at` is when the help desk said so.
    """
    if ticket.status != SOLVED or not ticket.client_id:
        return []
    moment = iso(datetime.fromisoformat(ticket.created_at) + timedelta(milliseconds=1))
    return [
        Event(
            event_id=fact_id(ticket.id, SOLVED, article),
            action_name="handover",
            query_id=last_query(ticket),
            session_id=ticket.session_id,
            client_id=ticket.client_id,
            timestamp=moment,
            received_at=received_at,
            object_id=article,
            object_id_type="article" if article else "",
            attributes={"reason": ticket.handover.reason, "status": SOLVED},
        )
        for article in ticket.articles or ("",)
    ]


def last_query(ticket: Ticket) -> str:
    """Return the id of the search that came last before the hand-over; "" where there was none."""
    return ticket.handover.query_ids[-1] if ticket.handover.query_ids else ""
