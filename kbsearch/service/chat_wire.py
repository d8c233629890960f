"""The chat over the wire: what comes in, read by pydantic, and what goes out; with the shapes for OpenAPI."""

from __future__ import annotations

import html
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints, model_validator

from kbsearch.chat.state import ENOUGH_NOES, MAX_ASKED, MAX_SHOWN, Asked, Conversation, Shown
from kbsearch.chat.turn import Reply
from kbsearch.errors import LimitError
from kbsearch.events.schema import MAX_ID, MAX_OBJECT_ID
from kbsearch.service.answers import decision_answer
from kbsearch.service.shapes import DecisionShape
from kbsearch.service.wire import MAX_REACH, MAX_SESSION, Lang
from kbsearch.types import MAX_QUERY, Hit, SearchOutcome

_QueryId = Annotated[str, StringConstraints(max_length=MAX_ID)]
_ObjectId = Annotated[str, StringConstraints(max_length=MAX_OBJECT_ID)]
_KindWord = Literal["answer", "choices", "offer_human", "human"]


class AskedShape(BaseModel):
    """A question so far."""

    text: str = Field(max_length=MAX_QUERY)
    query_id: _QueryId


class ShownShape(BaseModel):
    """An article that was shown, for which search, and at which rank."""

    id: _ObjectId
    query_id: _QueryId
    position: int = Field(ge=1, le=MAX_REACH)


class ConversationShape(BaseModel):
    """What a chat remembers: the client keeps it, and sends it back as it came."""

    asked: list[AskedShape] = Field(default_factory=list, max_length=MAX_ASKED)
    shown: list[ShownShape] = Field(default_factory=list, max_length=MAX_SHOWN)
    refused: list[_ObjectId] = Field(default_factory=list, max_length=MAX_SHOWN)
    noes: int = Field(0, ge=0, le=ENOUGH_NOES)
    last: _KindWord | Literal[""] = ""

    def read(self) -> Conversation:
        """Return the noun of it."""
        return Conversation(
            asked=tuple(Asked(one.text, one.query_id) for one in self.asked),
            shown=tuple(Shown(one.id, one.query_id, one.position) for one in self.shown),
            refused=tuple(self.refused),
            noes=self.noes,
            last=self.last,
        )


class ChatBody(BaseModel):
    """A message, and the conversation so far; unknown members are ignored."""

    message: str = Field(max_length=MAX_QUERY, description="What the customer says.", examples=["kā atjaunot paroli"])
    conversation: ConversationShape | None = Field(
        None,
        description="That of the last answer; none at first. A text, a name of your own, stands for a first turn, and "
        "for `session` where that is left out.",
    )
    lang: Lang = Field("", description="Language of the customer's page; the chat speaks it.")
    session: str = Field("", max_length=MAX_SESSION, description="The visit; ties searches and events together.")
    analytics: bool = Field(True, description="False keeps this turn out of the event log.")

    @model_validator(mode="before")
    @classmethod
    def _take_name(cls, given: Any) -> Any:
        """Take a name for what it can tell: whose turn it is, not what was said before."""
        name = given.get("conversation") if isinstance(given, dict) else None
        if not isinstance(name, str):
            return given
        if len(name) > MAX_SESSION:
            message = f"conversation has {len(name)} characters; at most {MAX_SESSION} are allowed"
            raise LimitError(message, "conversation")
        return {**given, "conversation": None, "session": given.get("session") or name}


class TitleShape(BaseModel):
    """An article by its title."""

    id: str
    title: str = Field(description="Plain text.")
    url: str
    lang: str
    type: str
    position: int = Field(ge=1, description="Absolute rank, from 1; send it back with events.")


class ChatAnswer(BaseModel):
    """One turn."""

    kind: _KindWord
    text: str = Field(description="HTML-escaped text: the passage that answers, or what the chat says.")
    lang: str = Field(description="Language of `text`.")
    source: TitleShape | None = Field(description="The article that an answer is from; null for small talk.")
    choices: list[TitleShape] = Field(
        max_length=3, description="Two or three; or the only one that comes close, beside the offer of a human."
    )
    query_id: str | None = Field(description="The search behind this turn, for events; null where there was none.")
    reason: str | None = Field(description="Why a human is offered: a reason of the hand-over contract.")
    decision: DecisionShape | None
    detected_lang: str
    conversation: ConversationShape


def chat_answer(reply: Reply, said: str, lang: str, outcome: SearchOutcome | None, query_id: str) -> dict[str, object]:
    """Return the wire form of a reply; `said` is its sentence in `lang`, the language that the chat speaks."""
    titles = [_title(hit) for hit in reply.hits]
    answers = reply.kind == "answer" and bool(titles)
    conversation = reply.conversation
    return {
        "kind": reply.kind,
        "text": html.escape(reply.text or said),
        "lang": reply.hits[0].lang if answers else lang,
        "source": titles[0] if answers else None,
        "choices": [] if answers else titles,
        "query_id": query_id or None,
        "reason": reply.reason or None,
        "decision": decision_answer(outcome.decision) if outcome else None,
        "detected_lang": outcome.detected_lang if outcome else lang,
        "conversation": {
            "asked": [{"text": one.text, "query_id": one.query_id} for one in conversation.asked],
            "shown": [{"id": one.id, "query_id": one.query_id, "position": one.position} for one in conversation.shown],
            "refused": conversation.refused,
            "noes": conversation.noes,
            "last": conversation.last,
        },
    }


def _title(hit: Hit) -> dict[str, object]:
    return {
        "id": hit.id, "title": hit.title, "url": hit.url, "lang": hit.lang, "type": hit.type, "position": hit.position,
    }  # fmt: skip
