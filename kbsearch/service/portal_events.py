"""What the server itself puts in the event log: what a page that it rendered has shown, and what a form says.

portal.js reports what only a browser sees (clicks); without JavaScript everything else is counted all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastapi import Request

from kbsearch.events.device import device_of
from kbsearch.events.ids import new_id
from kbsearch.events.redact import redact, redact_value
from kbsearch.events.schema import DURABLE_ACTIONS, Event
from kbsearch.events.searches import safe_id, safe_object
from kbsearch.events.ubi import is_object
from kbsearch.service.context import Service, client_of, wants_privacy
from kbsearch.types import Action, Hit, SearchOutcome


def make_event(
    service: Service,
    request: Request,
    action: str,
    *,
    session: str,
    query_id: str = "",
    object_id: str = "",
    object_id_type: str = "",
    category: str = "",
    position: int | None = None,
    attributes: Mapping[str, object] | None = None,
    event_id: str = "",
) -> Event:
    """Make an event of this request, redacted; a given `event_id` is stored once."""
    address, agent = client_of(request)
    receipt = service.receipt(request)
    redacted = redact_value(dict(attributes or {}))
    extra = {"object": {"category": category}} if category else {}
    return Event(
        event_id=event_id or new_id(),
        action_name=action,
        query_id=safe_id(query_id, service.hasher),
        session_id=safe_id(session, service.hasher),
        client_id=service.hasher.client_id(session=session, address=address, agent=agent),
        timestamp=receipt.received_at,
        received_at=receipt.received_at,
        object_id=safe_object(object_id, service.hasher),
        object_id_type=redact(object_id_type),
        position=position,
        attributes={**(redacted if is_object(redacted) else {}), **extra},
        device=device_of(agent),
        surface=receipt.surface,
    )


def impressions(service: Service, request: Request, session: str, query_id: str, shown: Sequence[Hit]) -> list[Event]:
    """Return that hits were shown, each in its place."""
    return [_about(service, request, "impression", session, query_id, hit) for hit in shown]


def results_events(
    service: Service, request: Request, session: str, query_id: str, outcome: SearchOutcome, shown: Sequence[Hit]
) -> list[Event]:
    """Return what a page of results has shown: each hit in its place, and the answer, or that there is none."""
    events = impressions(service, request, session, query_id, shown)
    if outcome.decision.action is Action.ANSWER and shown and shown[0].position == 1:
        events.append(answer_shown(service, request, session, query_id, shown[0]))
    if outcome.decision.action is Action.HAND_OVER:
        events.append(make_event(service, request, "answer_abstained", session=session, query_id=query_id))
    return events


def answer_shown(service: Service, request: Request, session: str, query_id: str, hit: Hit) -> Event:
    """Return that a hit was shown as the answer."""
    return _about(service, request, "answer_shown", session, query_id, hit)


def _about(service: Service, request: Request, action: str, session: str, query_id: str, hit: Hit) -> Event:
    return make_event(
        service,
        request,
        action,
        session=session,
        query_id=query_id,
        object_id=hit.id,
        object_id_type=hit.type,
        category=hit.category[0] if hit.category else "",
        position=hit.position,
    )


def keep(service: Service, request: Request, events: list[Event]) -> None:
    """Keep events, unless the browser asks that nothing be kept. No customer waits for the store, nor hears that what
    was done for him failed because the store did: the journal has it."""
    if not wants_privacy(request):
        service.buffer.put_all(events, rare=any(event.action_name in DURABLE_ACTIONS for event in events))
