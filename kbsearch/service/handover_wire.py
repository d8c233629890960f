"""A hand-over as it comes over the wire, and as the noun that is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from kbsearch.errors import UsageError
from kbsearch.events.ids import iso
from kbsearch.events.schema import MAX_ID, MAX_OBJECT_ID
from kbsearch.handover.ticket import REASONS, Article, Contact, Handover, Reply, Turn
from kbsearch.service.wire import MAX_EMAIL, MAX_SESSION, is_email
from kbsearch.text.normalise import drop_controls
from kbsearch.types import MAX_QUERY

MAX_SUBJECT, MAX_MESSAGE, MAX_TURN, MAX_REPLY = 200, 20_000, 5_000, 20_000
MAX_TURNS = MAX_IDS = 100

_DropControls = AfterValidator(drop_controls)
_Text = Annotated[str, _DropControls]
"""What is kept and delivered."""
_Id = Annotated[str, Field(max_length=MAX_ID), _DropControls]
_ArticleId = Annotated[str, Field(min_length=1, max_length=MAX_OBJECT_ID), _DropControls]


class ContactBody(BaseModel):
    """Whom to answer; kept in the ticket and delivered, and nowhere else."""

    email: str = Field(max_length=MAX_EMAIL, examples=["anna@example.org"])
    name: _Text = Field("", max_length=200)
    phone: _Text = Field("", max_length=50)


class TurnBody(BaseModel):
    """One thing said."""

    role: Literal["customer", "assistant", "agent"]
    text: _Text = Field(max_length=MAX_TURN)
    at: str = Field("", max_length=40, description="ISO 8601 with a zone.")


class FeedbackBody(BaseModel):
    """What the customer said of the answers."""

    helpful: bool | None = None
    reason: _Text = Field("", max_length=100)
    note: _Text = Field("", max_length=1000)


class HandoverBody(BaseModel):
    """A customer for a human; personal data in all texts is replaced before anything is kept. Unknown members are
    ignored."""

    reason: str = Field(
        "customer_request", description="Why a human is needed.", json_schema_extra={"enum": list(REASONS)}
    )
    subject: _Text = Field(
        "",
        max_length=MAX_SUBJECT,
        description="Default: what the customer said last.",
        examples=["Invoice is missing"],
    )
    message: _Text = Field("", max_length=MAX_MESSAGE, description="What the customer wrote for the human.")
    lang: str = Field("", max_length=35, pattern="^[A-Za-z0-9-]*$", description="Language to answer in.")
    contact: ContactBody
    conversation: list[TurnBody] = Field([], max_length=MAX_TURNS, description="The chat so far, oldest first.")
    queries: list[Annotated[str, Field(max_length=MAX_QUERY), _DropControls]] = Field(
        [], max_length=MAX_IDS, description="What was searched for, oldest first."
    )
    query_ids: list[_Id] = Field([], max_length=MAX_IDS, description="query_id of these searches, oldest first.")
    shown: list[_ArticleId] = Field([], max_length=MAX_IDS, description="Ids of articles that were shown.")
    opened: list[_ArticleId] = Field([], max_length=MAX_IDS, description="Ids of articles that were opened.")
    feedback: FeedbackBody | None = None
    confidence: float | None = Field(None, ge=0, le=1, description="The decision's confidence in its answer.")
    session: str = Field("", max_length=MAX_SESSION, description="The visit.")
    idempotency_key: str = Field(
        "", max_length=MAX_ID, description="Random, and the same when the call is repeated: one ticket comes of it."
    )


class ReplyBody(BaseModel):
    """What the customer may read on the status page."""

    model_config = ConfigDict(extra="forbid")

    at: str = Field(max_length=40, description="ISO 8601 with a zone; a reply is known again by it and its text.")
    text: _Text = Field(min_length=1, max_length=MAX_REPLY)
    sender: _Text = Field("", alias="from", max_length=200)


class StatusBody(BaseModel):
    """What the help desk did with a ticket."""

    model_config = ConfigDict(extra="forbid")

    ticket: str = Field(max_length=MAX_ID, description="The ticket's id.")
    status: Literal["open", "pending", "solved"] | None = None
    reply: ReplyBody | None = None
    articles: list[_ArticleId] = Field([], max_length=MAX_IDS, description="Ids of articles that answered it.")


class FiledAnswer(BaseModel):
    """A ticket that was taken."""

    id: str
    key: str = Field(description="Opens the ticket's status; whoever has it can read that.")
    status: Literal["open", "pending", "solved"]
    url: str = Field(description="The status page, as a path of the service's host.", examples=["/tickets/0199…?key=…"])


class ReplyShape(BaseModel):
    """A reply of the help desk."""

    at: str
    text: str
    sender: str = Field(alias="from")


class TicketAnswer(BaseModel):
    """What became of a ticket."""

    id: str
    status: Literal["open", "pending", "solved"]
    subject: str
    created_at: str
    updated_at: str
    replies: list[ReplyShape]


def to_handover(given: HandoverBody, article_of: Callable[[str], Article]) -> Handover:
    """Return the noun, not redacted yet; `article_of` finds an article that this customer may see.

    :raises UsageError: what pydantic does not see, such as a subject of nothing but spaces.
    """
    if given.reason not in REASONS:
        known = ", ".join(REASONS)
        raise UsageError(f"unknown reason {given.reason[:40]!r}; use one of: {known}", "reason")
    subject = _one_line(given.subject) or _said_last(given)
    if not subject:
        raise UsageError("subject is empty; say in a few words what it is about", "subject")
    email = given.contact.email.strip()
    if not is_email(email):
        raise UsageError("contact.email must be an address such as anna@example.org", "contact.email")
    return Handover(
        reason=given.reason,
        subject=subject,
        message=given.message.strip(),
        lang=given.lang,
        contact=Contact(email, _one_line(given.contact.name), _one_line(given.contact.phone)),
        conversation=tuple(
            Turn(turn.role, turn.text, _moment(turn.at, f"conversation.{number}.at"))
            for number, turn in enumerate(given.conversation)
        ),
        queries=tuple(given.queries),
        query_ids=tuple(given.query_ids),
        shown=tuple(map(article_of, dict.fromkeys(given.shown))),
        opened=tuple(map(article_of, dict.fromkeys(given.opened))),
        feedback=given.feedback.model_dump(exclude_defaults=True) if given.feedback else {},
        confidence=given.confidence,
    )


def _said_last(given: HandoverBody) -> str:
    """Return the beginning of the message, or what the customer last wrote in the chat or searched for; else ""."""
    turns = [turn.text for turn in reversed(given.conversation) if turn.role == "customer"]
    lines = map(_one_line, (given.message, *turns, *reversed(given.queries)))
    return next(filter(None, lines), "")[:MAX_SUBJECT]


def to_reply(given: ReplyBody) -> Reply:
    """Return the noun, not redacted yet.

    :raises UsageError: `at` is no time with a zone.
    """
    moment = _moment(given.at, "reply.at")
    if not moment:
        raise UsageError("reply.at is missing; write it as 2026-10-01T12:00:00Z", "reply.at")
    return Reply(moment, given.text.strip(), _one_line(given.sender))


def _moment(text: str, field: str) -> str:
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError(text)
        return iso(moment)
    except (ValueError, OverflowError):
        raise UsageError(f"{field} {text!r} is not ISO 8601 with a zone; write 2026-10-01T12:00:00Z", field) from None


def _one_line(text: str) -> str:
    return " ".join(text.split())
