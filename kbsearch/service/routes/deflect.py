"""`/v1/deflect`: articles for a ticket that somebody is about to file.

The part of the visits that the hold-out draws is searched for like all others, but shown nothing: only the comparison
of the two says what suggestions spare.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from kbsearch.errors import UsageError
from kbsearch.events.schema import Event
from kbsearch.metrics.holdout import in_holdout
from kbsearch.service import shapes
from kbsearch.service.answers import search_answer
from kbsearch.service.body import read_as, read_json
from kbsearch.service.context import Answered, Service, service_of
from kbsearch.service.portal_events import impressions, keep, make_event
from kbsearch.service.respond import json_response
from kbsearch.service.wire import MAX_SESSION, Lang, known_language
from kbsearch.types import MAX_QUERY, Action, SearchRequest

router = APIRouter(tags=["search"])

MAX_DEFLECT_BODY = 128 * 1024
MAX_MESSAGE = 20_000
_HITS = 3
_SALT = "deflect"


class DeflectBody(BaseModel):
    """A ticket as far as it is written; unknown members are ignored."""

    subject: str = Field("", max_length=MAX_QUERY, description="What it is about.", examples=["Invoice is missing"])
    body: str = Field(
        "",
        max_length=MAX_MESSAGE,
        description="The message; any sentence of it may be the question.",
    )
    lang: Lang = Field("", description="Language of the customer's page; a preference.")
    session: str = Field("", max_length=MAX_SESSION, description="The visit; decides whether it is held out.")
    query: str = Field("", max_length=100, description="query_id of the search that led here.")
    analytics: bool = Field(default=True, description="False keeps this call out of the event log.")


class DeflectAnswer(shapes.SearchAnswer):
    """The answer of a search, and whether it was withheld."""

    holdout: bool = Field(description="True: this visit is in the hold-out; hits are left out, show none.")


_BODY = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": DeflectBody.model_json_schema()}}}
}


@router.post(
    "/v1/deflect",
    responses={
        200: {"model": DeflectAnswer},
        **shapes.REFUSED_POST,
        401: {"model": shapes.ErrorAnswer, "description": "The key is not good."},
        413: {"model": shapes.ErrorAnswer, "description": "The body is larger than 128 KiB."},
        422: {"model": shapes.ErrorAnswer, "description": "A value is wrong or beyond its limit."},
        503: {"model": shapes.ErrorAnswer, "description": "Too many searches, or no index yet; see Retry-After."},
    },
    openapi_extra=_BODY,
    summary="Articles for a ticket about to be filed",
)
async def deflect(request: Request) -> Response:
    """Search for what a ticket asks, decide as for a search, and note that somebody began a ticket."""
    service = service_of(request)
    audiences = service.audiences(request)
    given = read_as(DeflectBody, await read_json(request, MAX_DEFLECT_BODY))
    answered, held_out = await answers_for(service, request, given, audiences)
    answer = search_answer(answered.outcome, answered.query_id, answered.took_ms, explain=False)
    return json_response({**answer, "holdout": held_out})


async def answers_for(
    service: Service, request: Request, given: DeflectBody, audiences: frozenset[str]
) -> tuple[Answered, bool]:
    """Search for what a ticket asks; True with no hits where the visit is in the hold-out.

    :raises UsageError: neither subject nor body has a word.
    """
    if not any(map(str.isalnum, given.subject + given.body)):
        raise UsageError("subject and body are empty; send at least one word", "subject")
    engine = service.holder.engine()
    lang = known_language(given.lang, engine.languages_for(audiences))
    query = SearchRequest(q=given.subject, body=given.body, lang=lang, limit=_HITS, audiences=audiences)
    answered = await service.search(engine, query, request, session=given.session, analytics=given.analytics)
    held_out = in_holdout(given.session, service.settings.holdout, _SALT)
    outcome = answered.outcome
    # Where nothing answers, the closest articles would only stand between a customer and a person.
    shown = () if held_out or outcome.decision.action is Action.HAND_OVER else outcome.hits
    outcome = replace(outcome, hits=shown)
    if held_out:
        outcome = replace(outcome, found=0, facets={}, answer=None)
    answered = replace(answered, kept=replace(answered.kept, outcome=outcome, body=b""))
    if given.analytics:
        events = impressions(service, request, given.session, answered.query_id, shown)
        started = _started(service, request, given, held_out, bool(shown))
        keep(service, request, [*events, started])
    return answered, held_out


def _started(service: Service, request: Request, given: DeflectBody, held_out: bool, shown: bool) -> Event:
    facts: dict[str, object] = {"suggestions_shown": shown}
    # Without an experiment there are no two sides to compare; a visit that is always shown them was not drawn for one.
    if service.settings.holdout > 0 and given.session:
        facts["holdout"] = held_out
    # Customers type on: a visit has one such fact for each thing that can be said of it.
    same = orjson.dumps([given.session, facts]) if given.session else b""
    event_id = hashlib.blake2b(b"ticket_started" + same, digest_size=16).hexdigest() if same else ""
    return make_event(
        service, request, "ticket_started", session=given.session, query_id=given.query, attributes=facts,
        event_id=event_id,
    )  # fmt: skip
