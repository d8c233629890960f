"""`/v1/chat`: one turn of the chat widget.

The client sends back the conversation that it got; the server keeps none. The turn itself is `kbsearch.chat.turn`, a
pure function; here is what it needs and what follows from it: a search, and events that say what was really shown.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from kbsearch.chat.patterns import LANGUAGES
from kbsearch.chat.state import Conversation
from kbsearch.chat.texts import load_texts
from kbsearch.chat.turn import Question, Reply, question_of, spoken_language, turn
from kbsearch.errors import UsageError
from kbsearch.events.schema import Event
from kbsearch.service import shapes
from kbsearch.service.body import read_as, read_json
from kbsearch.service.chat_wire import ChatAnswer, ChatBody, chat_answer
from kbsearch.service.context import Service, service_of
from kbsearch.service.portal_events import answer_shown, impressions, keep, make_event
from kbsearch.service.respond import json_response
from kbsearch.service.wire import known_language
from kbsearch.text.language import plausible_detector
from kbsearch.text.normalise import normalise
from kbsearch.types import SearchOutcome, SearchRequest

router = APIRouter(tags=["search"])

MAX_CHAT_BODY = 64 * 1024
_HITS = 10
"""Enough for three choices after three that were refused."""
_SCHEMA = ChatBody.model_json_schema(ref_template="#/components/schemas/{model}")
# What it refers to is among the components already: the answer has the same conversation.
_SCHEMA.pop("$defs")


@router.post(
    "/v1/chat",
    responses={
        200: {"model": ChatAnswer},
        **shapes.REFUSED_POST,
        401: {"model": shapes.ErrorAnswer, "description": "The key is not good."},
        413: {"model": shapes.ErrorAnswer, "description": "The body is larger than 64 KiB."},
        422: {"model": shapes.ErrorAnswer, "description": "A value is wrong or beyond its limit."},
        503: {"model": shapes.ErrorAnswer, "description": "Too many searches, or no index yet; see Retry-After."},
    },
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}},
    summary="One turn of a chat",
)
async def chat(request: Request) -> Response:
    """Answer, offer two or three titles, or offer a human; a human who is asked for is never argued with."""
    service = service_of(request)
    audiences = service.audiences(request)
    given = read_as(ChatBody, await read_json(request, MAX_CHAT_BODY))
    if not normalise(given.message):
        raise UsageError("message is empty; say something", "message")
    conversation = given.conversation.read() if given.conversation else Conversation()
    question = question_of(conversation, given.message)
    outcome, query_id = await _search(service, request, given, question, audiences) if question else (None, "")
    reply = turn(conversation, given.message, outcome, query_id)
    if given.analytics:
        events = _events(service, request, given.session, reply, query_id)
        # Who says yes, or asks again, after a human was called waits for the same one.
        if reply.kind == "human" and conversation.last != "human":
            events.append(_human_called(service, request, given.session, reply))
        keep(service, request, events)
    lang = _spoken(given, outcome)
    said = load_texts(lang)[reply.say] if reply.say else ""
    return json_response(chat_answer(reply, said, lang, outcome, query_id))


async def _search(
    service: Service, request: Request, given: ChatBody, question: Question, audiences: frozenset[str]
) -> tuple[SearchOutcome, str]:
    """Search for a question; after a no it is the same search again, and is recorded once."""
    engine = service.holder.engine()
    lang = known_language(given.lang, engine.languages_for(audiences))
    query = SearchRequest(q="", body=question.text, lang=lang, limit=_HITS, audiences=audiences)
    recorded = given.analytics and not question.query_id
    answered = await service.search(engine, query, request, session=given.session, analytics=recorded)
    return answered.outcome, question.query_id or answered.query_id


def _events(service: Service, request: Request, session: str, reply: Reply, query_id: str) -> list[Event]:
    """Return what the customer has seen, and said of it, in this turn."""
    events = impressions(service, request, session, query_id, reply.hits)
    if reply.kind == "answer" and reply.hits:
        events.append(answer_shown(service, request, session, query_id, reply.hits[0]))
    if reply.abstained:
        events.append(make_event(service, request, "answer_abstained", session=session, query_id=query_id))
    if reply.vote:
        about = reply.vote.shown
        vote = make_event(
            service,
            request,
            "feedback",
            session=session,
            query_id=about.query_id,
            object_id=about.id,
            position=about.position,
            attributes={"helpful": reply.vote.helpful},
        )
        events.append(vote)
    return events


def _human_called(service: Service, request: Request, session: str, reply: Reply) -> Event:
    """Return that a human was asked for; a ticket that follows says so again, of the same journey."""
    asked = reply.conversation.asked
    query_id = asked[-1].query_id if asked else ""
    return make_event(
        service, request, "handover", session=session, query_id=query_id, attributes={"reason": reply.reason}
    )


def _spoken(given: ChatBody, outcome: SearchOutcome | None) -> str:
    """Return the language that the chat speaks: of the page, else of a phrase, else of the question, else English.

    The question may be in a language that the collection lacks, which the search does not tell.
    """
    page = given.lang.lower().partition("-")[0]
    asked = plausible_detector().probabilities(given.message) if outcome else {}
    return next(lang for lang in (page, spoken_language(given.message), *asked, "en") if lang in LANGUAGES)
