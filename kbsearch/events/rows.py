"""Facts as rows and back: columns, order and text that every store agrees on.

Imported by the stores only. A store keeps the columns in this order; JSON columns are text.
"""

from __future__ import annotations

import json
from typing import Any

from kbsearch.events.schema import Event, SearchRecord

SEARCH_COLUMNS = (
    "query_id",
    "user_query",
    "lang",
    "detected_lang",
    "found",
    "decision",
    "confidence",
    "hit_ids",
    "page_offset",
    "took_ms",
    "snapshot",
    "session_id",
    "client_id",
    "timestamp",
    "public",
    "device",
    "surface",
    "top_type",
    "top_category",
    "words_found",
    "voucher",
    "query_key",
)
"""`query_key` comes last: it is derived when written and not read back."""
EVENT_COLUMNS = (
    "event_id",
    "action_name",
    "query_id",
    "session_id",
    "client_id",
    "timestamp",
    "received_at",
    "object_id",
    "object_id_type",
    "position",
    "attributes",
    "device",
    "surface",
)
SEARCH_READ = ", ".join(SEARCH_COLUMNS[:-1])
EVENT_READ = ", ".join(EVENT_COLUMNS)
SEARCH_NAMES = "'' AS event_id, query_id, session_id, client_id"
EVENT_NAMES = "event_id, query_id, session_id, client_id"


def search_row(fact: SearchRecord) -> tuple[object, ...]:
    """Return the values of `SEARCH_COLUMNS`."""
    query = storable(fact.user_query)
    return (
        storable(fact.query_id),
        query,
        storable(fact.lang),
        fact.detected_lang,
        fact.found,
        fact.decision,
        fact.confidence,
        json.dumps([storable(hit) for hit in fact.hit_ids], ensure_ascii=False),
        fact.offset,
        fact.took_ms,
        fact.snapshot,
        storable(fact.session_id),
        storable(fact.client_id),
        fact.timestamp,
        fact.public,
        fact.device,
        fact.surface,
        fact.top_type,
        fact.top_category,
        fact.words_found,
        fact.voucher,
        query_key(query),
    )


def event_row(fact: Event) -> tuple[object, ...]:
    """Return the values of `EVENT_COLUMNS`."""
    return (
        storable(fact.event_id),
        fact.action_name,
        storable(fact.query_id),
        storable(fact.session_id),
        storable(fact.client_id),
        fact.timestamp,
        fact.received_at,
        storable(fact.object_id),
        storable(fact.object_id_type),
        fact.position,
        json.dumps(fact.attributes) if fact.attributes else "{}",
        fact.device,
        fact.surface,
    )


def read_search(row: Any) -> SearchRecord:
    """Make a fact of the columns in `SEARCH_READ`."""
    values = (*row[:7], tuple(json.loads(row[7])), *row[8:14], bool(row[14]), *row[15:19], bool(row[19]), row[20])
    return SearchRecord(*values)


def read_event(row: Any) -> Event:
    """Make a fact of the columns in `EVENT_READ`."""
    attributes = {} if row[10] == "{}" else json.loads(row[10])
    values = (*row[:10], attributes, *row[11:])
    return Event(*values)


def query_key(query: str) -> str:
    """Return what two spellings of one query have in common: letter case and spaces do not count."""
    return " ".join(query.casefold().split())


def storable(text: str) -> str:
    """Make a string storable everywhere: a lone surrogate has no UTF-8 form, and PostgreSQL takes no NUL."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "�")
