"""`/v1/search` and `/v1/suggest`: the search box."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute

from kbsearch.service import shapes
from kbsearch.service.answers import outcome_answer, suggest_answer
from kbsearch.service.body import read_as, read_json
from kbsearch.service.context import Answered, service_of
from kbsearch.service.respond import Prepared, json_bytes, json_response
from kbsearch.service.sent import parameters_of
from kbsearch.service.wire import Lang, SearchBody, SearchQuery, known_language, query_parameters, to_request
from kbsearch.types import MAX_QUERY

router = APIRouter(tags=["search"])

MAX_SEARCH_BODY = 64 * 1024
_QUERY_SHARE = 3
"""Past queries among the suggestions; the rest are titles, which always lead somewhere."""

_ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": shapes.ErrorAnswer, "description": "The key is not good."},
    422: {"model": shapes.ErrorAnswer, "description": "A parameter is missing or beyond its limit."},
    503: {"model": shapes.ErrorAnswer, "description": "Overloaded, or no index yet; see Retry-After."},
}
_SEARCH_ANSWER: dict[int | str, dict[str, Any]] = {200: {"model": shapes.SearchAnswer}, **_ERRORS}
_PARAMETERS = {"parameters": query_parameters(SearchQuery)}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": SearchBody.model_json_schema()}},
    }
}


@router.get("/v1/search", responses=_SEARCH_ANSWER, openapi_extra=_PARAMETERS, summary="Search")
async def search_get(request: Request) -> Response:
    """Search the knowledge base and say what to do with the result: answer, list or hand over."""
    # One call of pydantic for all parameters; FastAPI's own reading of them costs as much as a quick search.
    return await _search(request, read_as(SearchQuery, parameters_of(request.scope)))


@router.post(
    "/v1/search",
    responses={
        **_SEARCH_ANSWER,
        **shapes.REFUSED_POST,
        413: {"model": shapes.ErrorAnswer, "description": "The body is larger than 64 KiB."},
    },
    openapi_extra=_BODY,
    summary="Search, with a JSON body",
)
async def search_post(request: Request) -> Response:
    """Search as with GET; the filter may also be an object."""
    return await _search(request, read_as(SearchBody, await read_json(request, MAX_SEARCH_BODY)))


@router.get("/v1/suggest", responses={200: {"model": shapes.SuggestAnswer}, **_ERRORS}, summary="Suggest")
async def suggest(
    request: Request,
    q: Annotated[str, Query(max_length=MAX_QUERY, description="What is typed so far.", examples=["atj par"])],
    lang: Annotated[Lang, Query(description="Language of the user's page.")] = "",
    limit: Annotated[int, Query(ge=1, le=20, description="Most lines to return.")] = 8,
) -> Response:
    """Complete what is being typed: past queries that helped others, and titles; the last word is a prefix."""
    service = service_of(request)
    audiences = service.audiences(request)
    engine = service.holder.engine()
    language = known_language(lang, engine.languages_for(audiences))
    queries = service.popular.matching(q, language, min(_QUERY_SHARE, limit))
    titles = []
    if q.strip():
        titles = await service.gate.run(lambda: engine.suggest(q, lang=language, limit=limit, audiences=audiences))
    return json_response(suggest_answer(q, [*queries, *titles][:limit]))


def direct_routes() -> list[APIRoute]:
    """Return the routes that need nothing but the request."""
    endpoints = (search_get, search_post)
    return [route for route in router.routes if isinstance(route, APIRoute) and route.endpoint in endpoints]


async def _search(request: Request, given: SearchQuery | SearchBody) -> Response:
    service = service_of(request)
    audiences = service.audiences(request)
    engine = service.holder.engine()
    query = to_request(given, audiences, engine.languages_for(audiences))
    answered = await service.search(engine, query, request, session=given.session, analytics=given.analytics)
    return _respond(answered, explain=given.explain)


def _respond(answered: Answered, *, explain: bool) -> Response:
    """Answer a search; the part that depends on the outcome alone is written once for as long as it is kept.

    Server-Timing says where the time went, for browsers and proxies (W3C Server Timing).
    """
    kept = answered.kept
    if not kept.body:
        kept.body = json_bytes(outcome_answer(kept.outcome, explain=explain))
    stages = ", ".join(map("%s;dur=%.3f".__mod__, answered.timings_ms.items()))
    own = b'{"query_id":"%b","took_ms":%b,' % (answered.query_id.encode(), orjson.dumps(round(answered.took_ms, 3)))
    return Prepared(own + kept.body[1:], (b"server-timing", stages.encode()))
