"""Events in UBI 1.3.0 shape: read, checked field by field, redacted.

Takes one decoded JSON object, gives an `Event` or an `EventError` that names the field. Imported by the service's
event route and by `insights.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeGuard

from kbsearch.errors import EventError
from kbsearch.events.device import device_of
from kbsearch.events.identity import ClientHasher
from kbsearch.events.ids import iso, made_at, new_id
from kbsearch.events.redact import redact, redact_value
from kbsearch.events.schema import (
    ACTION_NAMES,
    EARLIEST,
    MAX_ATTRIBUTES,
    MAX_ID,
    MAX_MESSAGE,
    MAX_OBJECT_ID,
    MOST_MINUTES_AHEAD,
    OBJECT_ACTIONS,
    POSITIONED_ACTIONS,
    Event,
)
from kbsearch.events.searches import safe_id, safe_object

_MAX_POSITION = 1_000_000
_MAX_DEPTH = 8
_FREE_FIELDS = ("application", "message_type", "message", "user_query")
_ID_FIELDS = ("object_id", "object_id_type")
_FLAGS = {"feedback": ("helpful",), "ticket_started": ("suggestions_shown", "holdout")}
_RATINGS = {"feedback": ("csat", "rating", "ces", "effort", "nps")}
"""Action → attributes that figures are made of, and that count only where they are true or false, or a number."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the service knows about the request that brought an event."""

    hasher: ClientHasher
    received_at: str
    address: str = ""
    agent: str = ""
    surface: str = ""
    """One of `schema.SURFACES`."""


def read_ubi(raw: object, receipt: Receipt) -> Event:
    """Read one UBI event.

    :raises EventError: something is missing, too long, or not one of the published names; `field` says which.
    """
    check_depth(raw)
    if not is_object(raw):
        raise EventError(f"an event must be a JSON object, got {_short(raw)}")
    action = _action(raw.get("action_name"))
    given_attributes = raw.get("event_attributes")
    if given_attributes is not None and not is_object(given_attributes):
        raise EventError("event_attributes must be an object", "event_attributes")
    attributes = dict(given_attributes or {})
    target = attributes.pop("object", None)
    if target is not None and not is_object(target):
        raise EventError("object must be an object with object_id", "event_attributes.object")
    object_id = _text(target or {}, "object_id", "event_attributes.object.object_id", MAX_OBJECT_ID)
    if action in OBJECT_ACTIONS and not object_id:
        raise EventError(f"{action} needs event_attributes.object.object_id", "event_attributes.object.object_id")
    position = _position(attributes.pop("position", None), action)
    _check_counted(attributes, action)
    session = _text(raw, "session_id", "session_id")
    client = _text(raw, "client_id", "client_id")
    client_id = receipt.hasher.client_id(given=client, session=session, address=receipt.address, agent=receipt.agent)
    query_id = _text(raw, "query_id", "query_id")
    moment = _timestamp(raw.get("timestamp"), query_id, receipt.received_at)
    event_id = _text(raw, "event_id", "event_id")
    if not event_id:
        event_id = _event_id(raw, moment, receipt) if raw.get("timestamp") is not None else new_id()
    return Event(
        event_id=safe_id(event_id, receipt.hasher),
        action_name=action,
        query_id=safe_id(query_id, receipt.hasher),
        session_id=safe_id(session, receipt.hasher),
        client_id=client_id,
        timestamp=moment,
        received_at=receipt.received_at,
        object_id=safe_object(object_id, receipt.hasher),
        object_id_type=redact(_text(target or {}, "object_id_type", "event_attributes.object.object_id_type")),
        position=position,
        attributes=_rest(raw, attributes, target or {}, receipt.hasher),
        device=device_of(receipt.agent),
        surface=receipt.surface,
    )


def is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    """Tell whether a decoded JSON value is an object."""
    return isinstance(value, Mapping)


def check_depth(raw: object) -> None:
    """Let no event pass that is nested deeper than Python recurses: the JSON parser allows a thousand levels.

    :raises EventError: with the member at fault.
    """
    for field, value in raw.items() if is_object(raw) else ((None, raw),):
        if _deeper(value, _MAX_DEPTH):
            raise EventError(f"{field or 'an event'} is nested deeper than {_MAX_DEPTH} levels", field)


def _action(value: object) -> str:
    if isinstance(value, str) and value in ACTION_NAMES:
        return value
    known = ", ".join(ACTION_NAMES)
    what = "action_name is missing" if value is None else f"unknown action_name {_short(value)}"
    raise EventError(f"{what}; use one of: {known}", "action_name")


def _text(source: Mapping[str, object], key: str, field: str, longest: int = MAX_ID) -> str:
    value = source.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise EventError(f"{field} must be a string, got {_short(value)}", field)
    if len(value) > longest:
        raise EventError(f"{field} has {len(value)} characters; at most {longest} are allowed", field)
    return value


def _check_counted(attributes: Mapping[str, object], action: str) -> None:
    """Let no event pass that would be kept and never counted."""
    for name in _FLAGS.get(action, ()):
        value = attributes.get(name)
        if value is not None and not isinstance(value, bool):
            raise EventError(f"{name} must be true or false, got {_short(value)}", f"event_attributes.{name}")
    for name in _RATINGS.get(action, ()):
        value = attributes.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise EventError(f"{name} must be a number, got {_short(value)}", f"event_attributes.{name}")


def _position(value: object, action: str) -> int | None:
    """Read `position.ordinal`; 1-based for hits, while 0 means "none" for every other action."""
    field = "event_attributes.position.ordinal"
    if value is None:
        return None
    if not is_object(value):
        raise EventError(f"position must be an object with ordinal, got {_short(value)}", "event_attributes.position")
    ordinal = value.get("ordinal")
    if ordinal is None:
        return None
    if isinstance(ordinal, bool) or not isinstance(ordinal, int) or not 0 <= ordinal <= _MAX_POSITION:
        raise EventError(f"{field} must be a whole number from 1, got {_short(ordinal)}", field)
    if ordinal == 0 and action in POSITIONED_ACTIONS:
        raise EventError(f"{field} is 0, but positions start at 1 (the first hit of the first page)", field)
    return ordinal or None


def _timestamp(value: object, query_id: str, received_at: str) -> str:
    """Read ISO 8601 with a zone, or milliseconds since 1970; the time of receipt where there is none, or where the
    client's clock is plainly wrong: nothing was done after it was heard of, or comes of a search before it was made."""
    if value is None:
        return received_at
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value / 1000, UTC)
        else:
            moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        raise EventError(f"timestamp {_short(value)} is not ISO 8601, nor milliseconds", "timestamp") from None
    if moment.tzinfo is None:
        raise EventError(f"timestamp {_short(value)} has no zone; write 2026-10-01T12:00:00Z", "timestamp")
    try:
        written = iso(moment)
    except OverflowError:
        raise EventError(f"timestamp {_short(value)} is out of range", "timestamp") from None
    latest = iso(datetime.fromisoformat(received_at) + timedelta(minutes=MOST_MINUTES_AHEAD))
    good = EARLIEST <= written <= latest and not written < made_at(query_id) <= received_at
    return written if good else received_at


def _rest(
    raw: Mapping[str, object], attributes: dict[str, object], target: Mapping[str, object], hasher: ClientHasher
) -> dict[str, object]:
    """Collect what has no column of its own, redacted."""
    rest = dict(attributes)
    extra = {key: value for key, value in target.items() if key not in _ID_FIELDS}
    if extra:
        rest["object"] = extra
    for name in _FREE_FIELDS:
        if raw.get(name) is not None:
            rest[name] = raw[name]
    message = rest.get("message")
    if isinstance(message, str) and len(message) > MAX_MESSAGE:
        raise EventError(f"message has {len(message)} characters; at most {MAX_MESSAGE} are allowed", "message")
    if rest:
        size = len(json.dumps(rest, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        if size > MAX_ATTRIBUTES:
            too_large = f"event_attributes has {size} bytes; at most {MAX_ATTRIBUTES} are allowed"
            raise EventError(too_large, "event_attributes")
        redacted = redact_value(rest)
        rest = dict(redacted) if is_object(redacted) else {}
    # Text or a number is an id wherever it stands, and an id may be a name.
    user = _text(raw, "user_id", "user_id") or attributes.get("user")
    if user and isinstance(user, str | int | float) and not isinstance(user, bool):
        rest["user"] = hasher.opaque(str(user))
    return rest


def _deeper(value: object, levels: int) -> bool:
    if is_object(value):
        return levels == 0 or any(_deeper(inner, levels - 1) for inner in value.values())
    if isinstance(value, list):
        return levels == 0 or any(_deeper(inner, levels - 1) for inner in value)
    return False


def _event_id(raw: Mapping[str, object], moment: str, receipt: Receipt) -> str:
    """Derive an id from an event with a time, so that a batch sent twice is stored once."""
    # Who names neither client nor session is told apart by address and browser.
    named = raw.get("client_id") or raw.get("session_id")
    sender = "" if named else receipt.hasher.client_id(address=receipt.address, agent=receipt.agent)
    content = json.dumps([sender, raw], sort_keys=True, default=str)
    return receipt.hasher.content_id(content, moment[:10])


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…'"
