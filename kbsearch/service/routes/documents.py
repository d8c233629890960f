"""`/v1/documents/{id}`: one article."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from kbsearch.service import shapes
from kbsearch.service.answers import document_answer
from kbsearch.service.context import service_of
from kbsearch.service.errors import NotFound
from kbsearch.service.respond import long_json_response

router = APIRouter(tags=["articles"])


@router.head("/v1/documents/{document_id:path}", include_in_schema=False)
@router.get(
    "/v1/documents/{document_id:path}",
    responses={
        200: {"model": shapes.DocumentAnswer},
        401: {"model": shapes.ErrorAnswer, "description": "The key is not good."},
        404: {"model": shapes.ErrorAnswer, "description": "No such article, or none that this caller may see."},
        422: {"model": shapes.ErrorAnswer, "description": "The id cannot be read."},
        503: {"model": shapes.ErrorAnswer, "description": "No index yet; see Retry-After."},
    },
    summary="Read an article",
)
async def document(request: Request, document_id: str) -> Response:
    """Return an article as sanitised HTML and as plain text, with the ids of its translations."""
    service = service_of(request)
    audiences = service.audiences(request)
    engine = service.holder.engine()
    found = await service.gate.run(lambda: engine.document(document_id, audiences=audiences))
    if found is None:
        raise NotFound("there is no such article")
    return long_json_response(request.scope, document_answer(found, engine.snapshot))
