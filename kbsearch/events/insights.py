"""Events in the shape of Algolia's Insights API, translated to UBI and read like any other.

Takes one decoded Insights event, gives one `Event` an object. `click` and `view` keep their names. A `conversion` is
stored as a view that says so: whether a customer's problem was solved is for `resolved_declared` to state, and a
click on a tracked button must not count as that.
"""

from __future__ import annotations

from collections.abc import Mapping

from kbsearch.errors import EventError
from kbsearch.events.schema import Event
from kbsearch.events.ubi import Receipt, check_depth, is_object, read_ubi

_ACTIONS = {"click": "click", "view": "view", "conversion": "view"}
_MAX_OBJECTS = 20
_KEPT = ("eventType", "eventName", "eventSubtype", "index")
_FIELDS = {
    "query_id": "queryID",
    "client_id": "userToken",
    "user_id": "authenticatedUserToken",
    "timestamp": "timestamp",
    "action_name": "eventType",
    "event_attributes.object.object_id": "objectIDs",
    "event_attributes.position.ordinal": "positions",
}


def is_insights(raw: object) -> bool:
    """Tell whether an event is in the Insights shape."""
    return is_object(raw) and "eventType" in raw and "action_name" not in raw


def read_insights(raw: Mapping[str, object], receipt: Receipt) -> list[Event]:
    """Read one Insights event as one event an object.

    :raises EventError: as for UBI, with `field` in the Insights spelling.
    """
    check_depth(raw)
    kind = raw.get("eventType")
    if not isinstance(kind, str) or kind not in _ACTIONS:
        raise EventError(f"unknown eventType {kind!r}; use one of: {', '.join(_ACTIONS)}", "eventType")
    objects = raw.get("objectIDs")
    if not isinstance(objects, list) or not objects:
        raise EventError("objectIDs must be a list with at least one id", "objectIDs")
    if len(objects) > _MAX_OBJECTS:
        raise EventError(f"objectIDs has {len(objects)} ids; at most {_MAX_OBJECTS} are allowed", "objectIDs")
    positions = raw.get("positions")
    if positions is None:
        positions = [None] * len(objects)
    if not isinstance(positions, list) or len(positions) != len(objects):
        raise EventError(f"positions must be a list as long as objectIDs ({len(objects)})", "positions")
    if kind == "click" and raw.get("queryID") is not None and None in positions:
        raise EventError("a click after a search (queryID) needs positions", "positions")
    try:
        return [
            read_ubi(_translate(raw, kind, object_id, position), receipt)
            for object_id, position in zip(objects, positions, strict=True)
        ]
    except EventError as error:
        raise EventError(str(error), _FIELDS.get(error.field or "", error.field)) from None


def _translate(raw: Mapping[str, object], kind: str, object_id: object, position: object) -> dict[str, object]:
    insights = {key: raw[key] for key in _KEPT if key in raw}
    attributes: dict[str, object] = {"object": {"object_id": object_id}, "insights": insights}
    if position is not None:
        attributes["position"] = {"ordinal": position}
    return {
        "action_name": _ACTIONS[kind],
        "query_id": raw.get("queryID"),
        "client_id": raw.get("userToken"),
        "user_id": raw.get("authenticatedUserToken"),
        "timestamp": raw.get("timestamp"),
        "event_attributes": attributes,
    }
