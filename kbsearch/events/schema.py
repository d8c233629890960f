"""The two facts of the event log and the names they may use (docs/events.md).

Imported by everything in `kbsearch.events`; frozen data only. Both are made already redacted and hashed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from kbsearch.types import noun

ACTION_NAMES = (
    "impression",
    "click",
    "view",
    "answer_shown",
    "answer_abstained",
    "feedback",
    "resolved_declared",
    "ticket_started",
    "ticket_created",
    "handover",
    "return_visit",
    "suggestion",
    "vote",
)
POSITIONED_ACTIONS = frozenset({"impression", "click", "view"})
"""Actions on a hit: a position, where given, is 1-based. Elsewhere UBI clients send 0 for "none"."""
OBJECT_ACTIONS = frozenset({"impression", "click", "view"})
"""Actions that make no sense without the article they are about."""

DURABLE_ACTIONS = frozenset(
    {"feedback", "resolved_declared", "suggestion", "vote", "handover", "ticket_started", "ticket_created"}
)
"""Rare, and each decides an outcome: in the store before `POST /v1/events` acknowledges them."""
DEVICES = ("desktop", "mobile", "tablet", "bot")
SURFACES = ("portal", "widget", "api")

MAX_ID = 100
"""Longest id in characters (UBI 1.3.0)."""
MAX_OBJECT_ID = 256
"""Longest `object_id` in characters: that of an article, so that none has events that cannot be reported."""
MAX_MESSAGE = 1024
"""Longest `message` in characters (UBI 1.3.0)."""
MAX_ATTRIBUTES = 4096
"""Largest rest of the attributes, as JSON bytes: room for a comment of 1,000 letters, not for a document."""
EARLIEST, MOST_MINUTES_AHEAD = "2000-01-01", 5
"""Day before which, and minutes after its receipt, no event was: the client's clock is wrong then."""


@noun
class Event:
    """One thing a customer did after (or without) a search."""

    event_id: str
    action_name: str
    query_id: str
    session_id: str
    client_id: str
    """Salted hash; the id that the client sent and its address are never kept."""
    timestamp: str
    """When it happened, by the client's clock: UTC, ISO 8601 with milliseconds."""
    received_at: str
    """When the service got it; the difference shows clock skew."""
    object_id: str = ""
    object_id_type: str = ""
    position: int | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)
    device: str = ""
    """One of `DEVICES`, from the browser's own words; "" where it says nothing."""
    surface: str = ""
    """One of `SURFACES`: where the request came from."""


@noun
class SearchRecord:
    """One search that was answered."""

    query_id: str
    user_query: str
    """Redacted."""
    lang: str
    detected_lang: str
    found: int
    decision: str
    confidence: float
    hit_ids: tuple[str, ...]
    offset: int
    took_ms: float
    snapshot: str
    session_id: str
    client_id: str
    timestamp: str
    public: bool
    """Asked without a key; only such queries may ever be suggested to others."""
    device: str = ""
    surface: str = ""
    top_type: str = ""
    """Type and first category of the first hit; "" where there is none."""
    top_category: str = ""
    words_found: bool = True
    """False where no article holds a word of the query: what was found, meaning found."""
    voucher: str = ""
    """Salted hash of query and network: counts the networks that asked the same (see `ClientHasher.voucher`)."""
