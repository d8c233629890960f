"""`/v1/handover`: a customer for a human. What is acknowledged here is on disk, and is delivered by a thread.

Ticket and deliveries are one transaction; what the event log gets of it is in the journal before the answer. Whoever
got no answer sends the same again and gets the same ticket.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from kbsearch.errors import KbsearchError, UsageError
from kbsearch.events.ids import iso, now
from kbsearch.events.redact import redact
from kbsearch.events.searches import safe_id
from kbsearch.handover.clean import cleaned, cleaned_id
from kbsearch.handover.facts import FILED, fact_id, filed_attributes, last_query, outcome_events
from kbsearch.handover.signing import SIGNATURE_HEADER, check_signature
from kbsearch.handover.ticket import Article, Ticket
from kbsearch.service import shapes
from kbsearch.service.body import decode_json, read_as, read_bytes, read_json
from kbsearch.service.context import Service, client_of, service_of, wants_privacy
from kbsearch.service.errors import Forbidden, NotFound
from kbsearch.service.handover_wire import (
    FiledAnswer,
    HandoverBody,
    StatusBody,
    TicketAnswer,
    to_handover,
    to_reply,
)
from kbsearch.service.portal_events import keep, make_event
from kbsearch.service.respond import json_response

router = APIRouter(tags=["handover"])

MAX_HANDOVER_BODY = 256 * 1024
MAX_STATUS_BODY = 64 * 1024
HELP_DESK = "helpdesk"
"""The audience of keys with which a help desk may report that cannot sign."""
_SAME_WITHIN = timedelta(hours=1)
"""The same again, without an idempotency key, is a repeated call for so long, and later a new ticket."""
_ERRORS: dict[int | str, dict[str, Any]] = {
    **shapes.REFUSED_POST,
    401: {"model": shapes.ErrorAnswer, "description": "The key or the signature is not good."},
    413: {"model": shapes.ErrorAnswer, "description": "The body is too large."},
    422: {"model": shapes.ErrorAnswer, "description": "A value is wrong or beyond its limit."},
    503: {"model": shapes.ErrorAnswer, "description": "It cannot be kept now; send the same again."},
}
_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": shapes.ErrorAnswer, "description": "No such ticket, or not with this key."}
}
_REPORTED: dict[int | str, dict[str, Any]] = {
    200: {"model": TicketAnswer},
    **_ERRORS,
    403: {
        "model": shapes.ErrorAnswer,
        "description": "Neither signed nor with a key for the audience helpdesk; or another site's.",
    },
    **_NOT_FOUND,
}


def _body(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.post(
    "/v1/handover",
    status_code=201,
    responses={
        201: {"model": FiledAnswer, "description": "Kept, and on its way to a human."},
        **_ERRORS,
        429: {"model": shapes.ErrorAnswer, "description": "Too many tickets of this address; see Retry-After."},
    },
    openapi_extra=_body(HandoverBody),
    summary="Pass to a human",
)
async def file_handover(request: Request) -> Response:
    """Keep a hand-over as a ticket; the same again gives the same ticket."""
    service = service_of(request)
    audiences = service.audiences(request)
    given = read_as(HandoverBody, await read_json(request, MAX_HANDOVER_BODY))
    address, agent = client_of(request)
    client = service.hasher.client_id(session=given.session, address=address, agent=agent)
    private = wants_privacy(request)

    def file() -> tuple[Ticket, bool]:
        moment = datetime.now(UTC)
        return service.tickets.file(
            cleaned(to_handover(given, lambda article: _article(service, article, audiences))),
            at=iso(moment),
            targets=service.sender.targets,
            idempotency_key=given.idempotency_key,
            since=iso(moment - _SAME_WITHIN),
            client_id="" if private else client,
            session_id="" if private else safe_id(given.session, service.hasher),
            network=service.hasher.voucher("handover", address),
        )

    ticket, is_new = await to_thread.run_sync(file)
    if is_new:
        service.meters.handovers.labels(ticket.handover.reason).inc()
        service.sender.wake()
    # Written again for a repeated call: the first one may have ended between the two stores.
    events = [
        make_event(
            service, request, action, session=given.session, query_id=last_query(ticket),
            attributes=filed_attributes(ticket), event_id=fact_id(ticket.id, action),
        )
        for action in FILED
    ]  # fmt: skip
    keep(service, request, [replace(event, timestamp=ticket.created_at) for event in events])
    url = f"{service.settings.prefix}/tickets/{ticket.id}?key={ticket.key}"
    return json_response({"id": ticket.id, "key": ticket.key, "status": ticket.status, "url": url}, 201)


@router.get(
    "/v1/handover/{ticket_id}",
    responses={200: {"model": TicketAnswer}, **_NOT_FOUND, 422: _ERRORS[422], 503: _ERRORS[503]},
    summary="What became of a ticket",
)
async def read_status(
    request: Request, ticket_id: str, key: Annotated[str, Query(description="The ticket's key.")] = ""
) -> Response:
    """Return status and replies to who has the key."""
    ticket = await to_thread.run_sync(service_of(request).tickets.read_with_key, ticket_id, key)
    if ticket is None:
        raise NotFound("there is no such ticket, or the key is another one's")
    return json_response(_shape(ticket))


@router.post(
    "/v1/handover/{ticket_id}/status",
    responses=_REPORTED,
    openapi_extra=_body(StatusBody),
    summary="Report what the help desk did",
)
async def report_status(request: Request, ticket_id: str) -> Response:
    """Take status, reply and articles from the help desk: signed, or with a key for the audience `helpdesk`."""
    given = await _reported(request)
    if given.ticket != ticket_id:
        raise UsageError("ticket must be the id that stands in the address", "ticket")
    return await _change(request, given)


@router.post(
    "/v1/handover/status",
    responses=_REPORTED,
    openapi_extra=_body(StatusBody),
    summary="Report what the help desk did, at one address for all tickets",
)
async def report_any_status(request: Request) -> Response:
    """Take the same where a help desk's webhook has one fixed address; the body names the ticket."""
    return await _change(request, await _reported(request))


async def _reported(request: Request) -> StatusBody:
    body = await read_bytes(request, MAX_STATUS_BODY)
    _check_help_desk(service_of(request), request, body)
    return read_as(StatusBody, decode_json(body))


async def _change(request: Request, given: StatusBody) -> Response:
    service = service_of(request)
    if await to_thread.run_sync(service.tickets.read, given.ticket) is None:
        raise NotFound("there is no such ticket")
    reply = to_reply(given.reply) if given.reply else None

    def change() -> Ticket:
        clean = reply and replace(reply, text=redact(reply.text))
        articles = list(map(cleaned_id, given.articles))
        ticket, _ = service.tickets.change(
            given.ticket, now(), status=given.status or "", reply=clean, articles=articles
        )
        # Written again for a repeated call: the first one may have ended between the two stores.
        facts = outcome_events(ticket, now())
        if facts:
            service.buffer.put_all(facts, rare=True)
        return ticket

    return json_response(_shape(await to_thread.run_sync(change)))


def _check_help_desk(service: Service, request: Request, body: bytes) -> None:
    """Let only the help desk pass.

    :raises KeyRejected: signature or key is not good.
    :raises Forbidden: there is neither, or the key is not for this.
    """
    if SIGNATURE_HEADER in request.headers and service.settings.handover_secret:
        check_signature(service.settings.handover_secret, request.headers, body, time.time())
    elif HELP_DESK not in service.audiences(request):
        raise Forbidden(
            f"this needs a signature (KBSEARCH_HANDOVER_SECRET) or a key; make one with: kbsearch key --audience "
            f"{HELP_DESK}"
        )


def _article(service: Service, article_id: str, audiences: frozenset[str]) -> Article:
    """Return an article with title and address, where this customer may see it."""
    try:
        found = service.holder.engine().document(article_id, audiences=audiences)
    except KbsearchError:
        found = None  # without an index, a customer still gets a human
    return Article(article_id, found.title, found.url) if found else Article(article_id)


def _shape(ticket: Ticket) -> dict[str, object]:
    return {
        "id": ticket.id,
        "status": ticket.status,
        "subject": ticket.handover.subject,
        "created_at": ticket.created_at,
        "updated_at": ticket.updated_at,
        "replies": [{"at": reply.at, "text": reply.text, "from": reply.sender} for reply in ticket.replies],
    }
