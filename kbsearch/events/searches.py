"""A search outcome as a fact: redacted, hashed, ready to be written."""

from __future__ import annotations

from kbsearch.events.identity import ClientHasher
from kbsearch.events.ids import now
from kbsearch.events.redact import redact
from kbsearch.events.rows import query_key
from kbsearch.events.schema import SearchRecord
from kbsearch.types import SearchOutcome, SearchRequest

_PUBLIC = frozenset({"public"})


def record_search(
    request: SearchRequest,
    outcome: SearchOutcome,
    *,
    query_id: str,
    session_id: str,
    client_id: str,
    took_ms: float,
    hasher: ClientHasher,
    address: str = "",
    device: str = "",
    surface: str = "",
) -> SearchRecord:
    """Keep of a search what metrics need and nothing that points at a person."""
    query = _asked(request, outcome)
    first = outcome.hits[0] if outcome.hits else None
    return SearchRecord(
        query_id=query_id,
        user_query=query,
        lang=request.lang,
        detected_lang=outcome.detected_lang,
        found=outcome.found,
        decision=outcome.decision.action.value,
        confidence=outcome.decision.confidence,
        hit_ids=tuple(hit.id for hit in outcome.hits),
        offset=request.offset,
        took_ms=took_ms,
        snapshot=outcome.snapshot,
        session_id=safe_id(session_id, hasher),
        client_id=client_id,
        timestamp=now(),
        public=request.audiences == _PUBLIC,
        device=device,
        surface=surface,
        top_type=first.type if first else "",
        top_category=first.category[0] if first and first.category else "",
        words_found=outcome.words_found,
        voucher=hasher.voucher(query_key(query), address),
    )


def _asked(request: SearchRequest, outcome: SearchOutcome) -> str:
    """The query, redacted; of a message its subject and the sentence that asks: what is written further extends the
    same search, and is counted once. Each alone: a subject's "order" says nothing of a number in the message."""
    subject = request.q.strip()
    parts = (subject, outcome.q) if request.body and subject and subject != outcome.q else (outcome.q,)
    return " ".join(map(redact, parts))


def safe_id(value: str, hasher: ClientHasher) -> str:
    """Keep an id that a client chose as it is, unless something personal was used for one: then its hash stands."""
    return value if redact(value) == value else hasher.opaque(value)


def safe_object(object_id: str, hasher: ClientHasher) -> str:
    """Keep an article's id as it is, unless it is an e-mail address. Numbers stay: articles may be named by them."""
    return hasher.opaque(object_id) if "@" in object_id else object_id
