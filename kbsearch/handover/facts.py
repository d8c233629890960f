"""What the event log hears of a ticket: that it was filed, and how it ended. No contact, text or ticket id. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

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


def outcome_event(ticket: Ticket, received_at: str) -> Event | None:
    """Return that a ticket was solved and with which articles; None where it is not, or leaves no trace in the log.

    It is a `handover` at the moment of the hand-over, which it tells more about: a later one would count as another
    visit, and `resolved_declared` as a success of self-service. `received_at` is when the help desk said so.
    """
    if ticket.status != SOLVED or not ticket.client_id:
        return None
    return Event(
        event_id=fact_id(ticket.id, SOLVED, *ticket.articles),
        action_name="handover",
        query_id=last_query(ticket),
        session_id=ticket.session_id,
        client_id=ticket.client_id,
        timestamp=ticket.created_at,
        received_at=received_at,
        attributes={"reason": ticket.handover.reason, "status": SOLVED, "articles": list(ticket.articles)},
    )


def last_query(ticket: Ticket) -> str:
    """Return the id of the search that came last before the hand-over; "" where there was none."""
    return ticket.handover.query_ids[-1] if ticket.handover.query_ids else ""
