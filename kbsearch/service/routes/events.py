"""`/v1/events`: what customers did, in batches.

Each event is judged alone: one bad event does not cost the good ones of its batch. 202 when all were accepted, 207
when some were, 422 when none was; `rejected` names index, field and reason. What is accepted survives the end of this
process: it is in the journal, or, where the batch holds feedback, a ticket or a hand-over, in the store itself. A full
buffer or a store that cannot be reached answers 503, so that a client that can wait sends the batch again; events with
an `event_id` or a `timestamp` are stored once even so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from kbsearch.errors import EventError, LimitError
from kbsearch.events.insights import is_insights, read_insights
from kbsearch.events.schema import ACTION_NAMES, DURABLE_ACTIONS, Event
from kbsearch.events.ubi import Receipt, is_object, read_ubi
from kbsearch.service import shapes
from kbsearch.service.body import read_json
from kbsearch.service.context import Service, service_of, wants_privacy
from kbsearch.service.errors import Overloaded, error_body
from kbsearch.service.respond import json_response

router = APIRouter(tags=["events"])

MAX_EVENTS_BODY = 2 * 1024 * 1024
MAX_EVENTS = 1000

_CLICK = {
    "action_name": "click",
    "query_id": "019aae1c52c47d2e9d3f0f1c2b3a4d5e",
    "session_id": "b7c1",
    "timestamp": "2026-11-22T10:00:00.000Z",
    "event_attributes": {"object": {"object_id": "reset-password.lv"}, "position": {"ordinal": 1}},
}
_INSIGHTS = {
    "eventType": "click",
    "eventName": "Article opened",
    "index": "help",
    "userToken": "visitor-1",
    "queryID": "019aae1c52c47d2e9d3f0f1c2b3a4d5e",
    "objectIDs": ["reset-password.lv"],
    "positions": [1],
}
_SCHEMA = {
    "type": "object",
    "description": "A batch {events: […]}, a list of events, or one event. UBI 1.3.0 or Algolia Insights shape.",
    "properties": {
        "events": {
            "type": "array",
            "maxItems": MAX_EVENTS,
            "items": {
                "type": "object",
                "properties": {
                    "action_name": {"type": "string", "enum": list(ACTION_NAMES)},
                    "query_id": {"type": "string", "maxLength": 100},
                    "session_id": {"type": "string", "maxLength": 100},
                    "client_id": {"type": "string", "maxLength": 100},
                    "event_id": {
                        "type": "string",
                        "maxLength": 100,
                        "description": "Unique among the events of all clients.",
                    },
                    "timestamp": {"type": "string", "format": "date-time"},
                    "event_attributes": {"type": "object"},
                },
            },
        },
        "analytics": {"type": "boolean", "default": True, "description": "False: nothing is kept."},
    },
    "examples": [{"events": [_CLICK]}, {"events": [_INSIGHTS]}],
}
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    202: {"model": shapes.EventsAnswer, "description": "All accepted."},
    207: {"model": shapes.EventsAnswer, "description": "Some accepted."},
    **shapes.REFUSED_POST,
    401: {"model": shapes.ErrorAnswer, "description": "The key is not good."},
    413: {"model": shapes.ErrorAnswer, "description": "The body is larger than 2 MiB."},
    422: {"model": shapes.ErrorAnswer, "description": "None accepted."},
    503: {"model": shapes.ErrorAnswer, "description": "The event store is behind; see Retry-After."},
}


@dataclass(frozen=True, slots=True)
class _Sorted:
    accepted: int
    events: list[Event]
    rejected: list[dict[str, object]]


@router.post("/v1/events", status_code=202, responses=_RESPONSES, openapi_extra=_BODY, summary="Report events")
async def events(request: Request) -> Response:
    """Take clicks, views, feedback and outcomes; positions count from 1, ids have at most 100 characters."""
    service = service_of(request)
    service.audiences(request)
    body = await read_json(request, MAX_EVENTS_BODY)
    batch = _batch(body)
    if wants_privacy(request) or (is_object(body) and body.get("analytics") is False):
        return json_response({"accepted": 0, "rejected": [], "ignored": len(batch)}, 202)
    receipt = service.receipt(request)
    # Off the event loop: a thousand events take some ten milliseconds, and searches must not wait for them.
    return await to_thread.run_sync(lambda: _answer(_sort(batch, receipt), service))


def _batch(body: object) -> list[object]:
    events = body.get("events", [body]) if is_object(body) else body
    if not isinstance(events, list):
        raise EventError('send {"events": […]}, a list of events, or one event', "events")
    if not events:
        raise EventError("the batch is empty", "events")
    if len(events) > MAX_EVENTS:
        raise LimitError(f"the batch has {len(events)} events; at most {MAX_EVENTS} are allowed", "events")
    return events


def _sort(batch: list[object], receipt: Receipt) -> _Sorted:
    """Read every event of the batch; the bad ones are named, the good ones kept."""
    good: list[Event] = []
    rejected: list[dict[str, object]] = []
    for index, raw in enumerate(batch):
        try:
            if is_object(raw) and is_insights(raw):
                good.extend(read_insights(raw, receipt))
            else:
                good.append(read_ubi(raw, receipt))
        except EventError as error:
            rejected.append({"index": index, **error_body("invalid_event", str(error), error.field)})
    return _Sorted(len(batch) - len(rejected), good, rejected)


def _answer(result: _Sorted, service: Service) -> Response:
    if any(event.action_name in DURABLE_ACTIONS for event in result.events):
        service.buffer.commit(result.events)
    elif result.events and not service.buffer.offer(result.events):
        service.meters.events_refused.inc(len(result.events))
        raise Overloaded("the event store is behind; send the batch again in a second")
    answer: dict[str, object] = {"accepted": result.accepted, "rejected": result.rejected, "ignored": 0}
    if not result.rejected:
        return json_response(answer, 202)
    if result.accepted:
        return json_response(answer, 207)
    first = result.rejected[0]["error"]
    return json_response({"error": first, **answer}, 422)
