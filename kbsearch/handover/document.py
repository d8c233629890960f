"""A ticket as the document that targets get (docs/handover.schema.json), and as JSON in the store. Pure.

What is in a document never changes after the ticket was filed, so that every attempt to deliver it sends the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson

from kbsearch.handover.ticket import Article, Contact, Handover, Ticket, Turn

VERSION = "1.0"
"""Of the schema: the second number grows with what may be ignored, the first with what may not."""


def document_of(ticket: Ticket) -> dict[str, Any]:
    """Return what is delivered."""
    handover = ticket.handover
    return {
        "version": VERSION,
        "id": ticket.id,
        "created_at": ticket.created_at,
        "reason": handover.reason,
        "lang": handover.lang,
        "subject": handover.subject,
        "message": handover.message,
        "contact": {name: value for name, value in asdict(handover.contact).items() if value},
        "conversation": [
            {name: value for name, value in asdict(turn).items() if value or name != "at"}
            for turn in handover.conversation
        ],
        "queries": list(handover.queries),
        "query_ids": list(handover.query_ids),
        "articles": {
            "shown": [asdict(article) for article in handover.shown],
            "opened": [asdict(article) for article in handover.opened],
        },
        "feedback": dict(handover.feedback),
        "confidence": handover.confidence,
        "redactions": dict(handover.redactions),
    }


def write_handover(handover: Handover) -> bytes:
    """Return a hand-over as JSON for the store."""
    return orjson.dumps(asdict(handover), option=orjson.OPT_SORT_KEYS)


def read_handover(written: bytes | str) -> Handover:
    """Return what `write_handover` wrote."""
    raw: Mapping[str, Any] = orjson.loads(written)
    return Handover(
        **{
            **raw,
            "contact": Contact(**raw["contact"]),
            "conversation": tuple(Turn(**turn) for turn in raw["conversation"]),
            "queries": tuple(raw["queries"]),
            "query_ids": tuple(raw["query_ids"]),
            "shown": tuple(Article(**article) for article in raw["shown"]),
            "opened": tuple(Article(**article) for article in raw["opened"]),
        }
    )
