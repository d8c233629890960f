"""The nouns of a hand-over. Frozen data only; everything in it is redacted, except the contact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

REASONS = (
    "customer_request",
    "missing_knowledge",
    "unsupported_request",
    "policy_restriction",
    "tool_failure",
    "pending_clarification",
    "usage_limit",
    "low_confidence",
    "wrong_language",
    "permission",
)
"""Why a customer is passed to a human: a closed list, so that reasons can be counted."""
OPEN, PENDING, SOLVED = STATUSES = ("open", "pending", "solved")
ROLES = ("customer", "assistant", "agent")
"""Who said something in a conversation: the customer, this service, or a human."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to answer. Kept in the ticket and delivered, never in the event log."""

    email: str
    name: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said in a conversation; `at` is ISO 8601 in UTC, "" where nobody knows."""

    role: str
    """One of `ROLES`."""
    text: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class Article:
    """An article that the customer saw; title and address are "" where it is not (or no longer) theirs to see."""

    id: str
    title: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Handover:
    """What a human gets to know, so that the customer repeats nothing."""

    reason: str
    """One of `REASONS`."""
    subject: str
    message: str
    lang: str
    contact: Contact
    conversation: tuple[Turn, ...] = ()
    queries: tuple[str, ...] = ()
    query_ids: tuple[str, ...] = ()
    shown: tuple[Article, ...] = ()
    opened: tuple[Article, ...] = ()
    feedback: Mapping[str, object] = field(default_factory=dict)
    """What the customer said of the answers: `helpful`, `reason`, `note`."""
    confidence: float | None = None
    """How sure the service was of its answer, 0 to 1; None where it gave none."""
    redactions: Mapping[str, int] = field(default_factory=dict)
    """How many pieces of each kind were replaced, such as {"card": 1}."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the help desk lets the customer read on the status page."""

    at: str
    text: str
    sender: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A hand-over that was taken, and what became of it."""

    id: str
    key: str
    """Who has it may read the ticket's status."""
    status: str
    """One of `STATUSES`."""
    created_at: str
    updated_at: str
    handover: Handover
    client_id: str = ""
    """As in the event log; "" where the customer wants no trace there."""
    session_id: str = ""
    articles: tuple[str, ...] = ()
    """Ids of articles with which the agent answered."""
    replies: tuple[Reply, ...] = ()
