"""UBI and Insights events: what is taken, what is refused, and how the refusal is worded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from kbsearch.errors import EventError
from kbsearch.events.identity import ClientHasher
from kbsearch.events.ids import made_at, new_id
from kbsearch.events.insights import is_insights, read_insights
from kbsearch.events.schema import ACTION_NAMES, Event
from kbsearch.events.searches import safe_id
from kbsearch.events.ubi import Receipt, read_ubi
from kbsearch.metrics.moments import moment_of

SEARCHED, RECEIVED = "2026-11-22T10:00:00.000Z", "2026-11-22T10:00:01.000Z"
RECEIPT = Receipt(ClientHasher(lambda _period: b"s" * 32, run_seed=b"r" * 32), RECEIVED, "192.0.2.7", "browser")


def click(**changes: Any) -> dict[str, Any]:
    """Return a good click, with changes; a change to None removes the member."""
    event = {
        "action_name": "click",
        "query_id": "q1",
        "session_id": "s1",
        "client_id": "c1",
        "timestamp": "2026-11-22T12:00:00+02:00",
        "event_attributes": {
            "object": {"object_id": "reset-password.lv", "object_id_type": "document"},
            "position": {"ordinal": 3},
        },
        **changes,
    }
    return {key: value for key, value in event.items() if value is not None}


def attributes(object_id: object = "a", ordinal: object = 1) -> dict[str, Any]:
    """Return event attributes."""
    return {"object": {"object_id": object_id}, "position": {"ordinal": ordinal}}


def refused(raw: object) -> EventError:
    """Return the error that an event ends in."""
    with pytest.raises(EventError) as caught:
        read_ubi(raw, RECEIPT)
    return caught.value


def test_a_good_event_is_read_field_by_field() -> None:
    """Time comes out as UTC, the client as a hash."""
    event = read_ubi(click(), RECEIPT)
    assert event.action_name == "click"
    assert (
        event.query_id,
        event.session_id,
        event.object_id,
        event.object_id_type,
        event.position,
    ) == ("q1", "s1", "reset-password.lv", "document", 3)
    assert event.timestamp == "2026-11-22T10:00:00.000Z"
    assert event.received_at == RECEIVED
    assert RECEIPT.hasher.client_id(given="c1") == event.client_id != "c1"


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ("click", None),
        (click(action_name=None), "action_name"),
        (click(action_name="purchase"), "action_name"),
        (click(action_name=["click"]), "action_name"),
        (click(query_id="q" * 101), "query_id"),
        (click(query_id=7), "query_id"),
        (click(session_id="s" * 101), "session_id"),
        (click(client_id="c" * 101), "client_id"),
        (click(timestamp="yesterday"), "timestamp"),
        (click(timestamp="2026-11-22T10:00:00"), "timestamp"),
        (click(timestamp=1e300), "timestamp"),
        (click(timestamp="0001-01-01T00:00:00+14:00"), "timestamp"),
        (click(event_attributes=[]), "event_attributes"),
        (click(event_attributes=None), "event_attributes.object.object_id"),
        (click(event_attributes={"object": "a"}), "event_attributes.object"),
        (click(event_attributes=attributes("")), "event_attributes.object.object_id"),
        (click(event_attributes=attributes("a" * 257)), "event_attributes.object.object_id"),
        (click(event_attributes=attributes(ordinal=0)), "event_attributes.position.ordinal"),
        (click(event_attributes=attributes(ordinal=-1)), "event_attributes.position.ordinal"),
        (click(event_attributes=attributes(ordinal=1.5)), "event_attributes.position.ordinal"),
        (click(event_attributes=attributes(ordinal=True)), "event_attributes.position.ordinal"),
        (click(event_attributes=attributes(ordinal="1")), "event_attributes.position.ordinal"),
        (click(event_attributes={**attributes(), "position": 1}), "event_attributes.position"),
        (click(event_attributes={**attributes(), "x": "y" * 5000}), "event_attributes"),
        (click(message="m" * 1025), "message"),
    ],
)
def test_a_bad_event_names_its_field(raw: object, field: str | None) -> None:
    """Every refusal says which field, and has a sentence."""
    error = refused(raw)
    assert field == error.field
    assert str(error)


def test_what_an_action_needs_is_said_by_its_name() -> None:
    """Whichever letter it begins with."""
    assert str(refused(click(action_name="impression", event_attributes={}))).startswith("impression needs event_attr")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("1999-12-31T23:59:59.999Z", RECEIVED),
        ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00.000Z"),
        ("2026-11-22T10:05:01Z", "2026-11-22T10:05:01.000Z"),
        ("2026-11-22T10:05:02Z", RECEIVED),
        ("9999-12-31T12:00:00Z", RECEIVED),
        ("0001-01-02T00:00:00Z", RECEIVED),
        (0, RECEIVED),
    ],
)
def test_a_clock_that_is_plainly_wrong_is_not_believed(given: object, kept: str) -> None:
    """The event counts all the same, at the time of its receipt."""
    assert read_ubi(click(timestamp=given), RECEIPT).timestamp == kept


def test_nothing_comes_of_a_search_before_it_was_made() -> None:
    """A clock that is behind would put the click into another journey; our own ids say when the search was."""
    search, after, late = (
        f"{moment_of(at):012x}7abc8{'0' * 15}" for at in (SEARCHED, RECEIVED, "9999-12-31T00:00:00Z")
    )
    assert made_at(search) == SEARCHED
    assert made_at("f" * 12 + "7abc8" + "0" * 15) == made_at("q1") == ""
    for given, query_id, kept in (
        ("2026-11-22T08:00:00Z", search, RECEIVED),
        ("2026-11-22T09:59:59.999Z", search, RECEIVED),
        (SEARCHED, search, SEARCHED),
        ("2026-11-22T08:00:00Z", "q1", "2026-11-22T08:00:00.000Z"),
        ("2026-11-22T08:00:00Z", late, "2026-11-22T08:00:00.000Z"),
        ("2026-11-22T10:00:00.500Z", after, RECEIVED),
    ):
        assert read_ubi(click(timestamp=given, query_id=query_id), RECEIPT).timestamp == kept


def test_an_unknown_action_is_answered_with_the_known_ones() -> None:
    """So that an integrator needs no manual."""
    message = str(refused(click(action_name="purchase")))
    assert all(name in message for name in ACTION_NAMES)


def test_nesting_is_limited_before_anything_recurses() -> None:
    """A deep body is refused, not a crash."""
    deep: dict[str, Any] = {}
    for _ in range(50):
        deep = {"d": deep}
    assert refused(click(event_attributes={**attributes(), **deep})).field == "event_attributes"


@pytest.mark.parametrize("depth", [12, 400, 1000])
@pytest.mark.parametrize("member", ["event_attributes", "action_name", "timestamp", "message", "unknown", "eventType"])
def test_nesting_is_limited_wherever_it_is(member: str, depth: int) -> None:
    """As deep as the JSON parser lets pass, which is deeper than Python recurses; in either shape."""
    deep = orjson.loads('{"a":' * depth + "[]" + "}" * depth)
    for raw in (click(**{member: deep}), [deep]):
        refused(raw)
    with pytest.raises(EventError):
        read_insights({**insights(), "index": deep, member: deep}, RECEIPT)


@pytest.mark.parametrize(
    ("action", "name", "value"),
    [
        *(("feedback", "helpful", value) for value in ("true", 1, "yes", [])),
        *(
            ("feedback", name, value)
            for name in ("csat", "rating", "ces", "effort", "nps")
            for value in ("5", True, {})
        ),
        *(("ticket_started", name, value) for name in ("suggestions_shown", "holdout") for value in ("true", 0)),
    ],
)
def test_what_would_never_be_counted_is_refused(action: str, name: str, value: object) -> None:
    """Naming field and value; elsewhere the name means nothing, and null is as good as leaving it out."""
    error = refused(click(action_name=action, event_attributes={name: value}))
    assert error.field == f"event_attributes.{name}"
    assert name in str(error)
    assert repr(value) in str(error)
    assert read_ubi(click(event_attributes={**attributes(), name: value}), RECEIPT).attributes[name] == value
    for good in (None, False if action == "ticket_started" or name == "helpful" else 4.5):
        assert read_ubi(click(action_name=action, event_attributes={name: good}), RECEIPT).attributes == {name: good}


def test_zero_means_no_position_for_support_actions() -> None:
    """UBI 1.3.0 asks for a position in every event with attributes; clients send 0 where there is none."""
    assert read_ubi(click(action_name="feedback", event_attributes=attributes(ordinal=0)), RECEIPT).position is None


def test_a_batch_sent_twice_has_the_same_ids() -> None:
    """An event with a time and no id of its own gets one from its content."""
    assert read_ubi(click(), RECEIPT).event_id == read_ubi(click(), RECEIPT).event_id
    assert read_ubi(click(), RECEIPT).event_id != read_ubi(click(query_id="q2"), RECEIPT).event_id
    without_time = click(timestamp=None)
    assert read_ubi(without_time, RECEIPT).event_id != read_ubi(without_time, RECEIPT).event_id
    assert read_ubi(click(event_id="mine"), RECEIPT).event_id == "mine"
    unnamed = click(client_id=None, session_id=None)
    senders = [replace(RECEIPT, address=address) for address in ("192.0.2.7", "192.0.2.7", "192.0.2.8")]
    one, again, other = (read_ubi(unnamed, sender).event_id for sender in senders)
    assert one == again != other, "who names neither client nor session is told apart by address"


@pytest.mark.parametrize("sender", [{"client_id": "anna", "session_id": "s1"}, {"client_id": None}])
def test_what_is_sent_again_under_the_next_salt_has_the_same_id(sender: dict[str, Any]) -> None:
    """A phone that heard no answer before midnight; nobody else's event has it."""
    day = ["2026-11-29"]
    hasher = ClientHasher(lambda period: period.encode(), today=lambda: day[0])
    hasher.prepare()
    raw = click(**sender, timestamp="2026-11-29T23:59:59.000Z")
    first = read_ubi(raw, Receipt(hasher=hasher, received_at="2026-11-29T23:59:59.500Z"))
    day[0] = "2026-11-30"
    hasher.prepare()
    again = read_ubi(raw, Receipt(hasher=hasher, received_at="2026-11-30T00:00:30.000Z"))
    assert first.client_id != again.client_id
    assert first.event_id == again.event_id
    other = read_ubi({**raw, "session_id": "s2"}, Receipt(hasher=hasher, received_at="2026-11-30T00:00:30.000Z"))
    assert other.event_id != again.event_id


def test_free_text_is_redacted_and_users_are_hashed() -> None:
    """Whatever its place in the event."""
    raw = click(
        message="write to a@b.lv",
        user_query="20000100",
        user_id="anna@b.lv",
        session_id="anna@b.lv",
        event_attributes={**attributes(), "comment": "card 4111111111111111"},
    )
    event = read_ubi(raw, RECEIPT)
    assert event.attributes["message"] == "write to [email]"
    assert event.attributes["user_query"] == "[phone]"
    assert event.attributes["comment"] == "card [card]"
    for secret in ("anna", "4111", "20000100"):
        assert secret not in repr(event)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Anna Ozola", RECEIPT.hasher.opaque("Anna Ozola")),
        ({"name": "Anna Ozola", "mail": "anna@b.lv"}, {"name": "[name]", "mail": "[email]"}),
        (["anna@b.lv"], ["[email]"]),
        (123456, RECEIPT.hasher.opaque("123456")),
        (True, True),
    ],
)
def test_a_user_among_the_attributes_is_as_private(given: object, kept: object) -> None:
    """Hashed where it is an id, redacted where it is more; `user_id` wins."""
    raw = click(event_attributes={**attributes(), "user": given})
    assert read_ubi(raw, RECEIPT).attributes["user"] == kept
    named = read_ubi({**raw, "user_id": "u1"}, RECEIPT)
    assert named.attributes["user"] == RECEIPT.hasher.opaque("u1")


@pytest.mark.parametrize("personal", ["anna@b.lv", "+371 2000 0100", "LV80BANK0000435195001"])
def test_ids_that_are_personal_are_hashed(personal: str) -> None:
    """Every id that a client may choose; the same one each time, so that facts stay together."""
    raw = click(event_id=personal, query_id=personal, session_id=personal, user_id=personal, client_id=personal)
    event, again = read_ubi(raw, RECEIPT), read_ubi(raw, RECEIPT)
    assert event == again
    assert personal not in repr(event)
    assert event.session_id == RECEIPT.hasher.opaque(personal)


def test_an_object_is_never_an_address() -> None:
    """Its type is words like any other; numbers that name articles stay."""
    target = {"object_id": "anna@b.lv", "object_id_type": "of anna@b.lv"}
    event = read_ubi(click(event_attributes={"object": target}), RECEIPT)
    assert "anna" not in repr(event)
    assert read_ubi(click(event_attributes=attributes("37120000100")), RECEIPT).object_id == "37120000100"


def test_our_own_ids_stay_as_they_are() -> None:
    """Otherwise clicks would not find their search."""
    ids = [new_id() for _ in range(500)]
    assert [safe_id(one, RECEIPT.hasher) for one in ids] == ids


def insights(**changes: Any) -> dict[str, Any]:
    """Return a good Insights click, with changes."""
    return {
        "eventType": "click",
        "eventName": "Article opened",
        "index": "help",
        "userToken": "c1",
        "timestamp": 1_763_805_600_000,
        "objectIDs": ["a", "b"],
        "positions": [1, 4],
        "queryID": "q1",
        **changes,
    }


def translated(**changes: Any) -> list[Event]:
    """Read an Insights event."""
    return read_insights(insights(**changes), RECEIPT)


def test_insights_become_one_event_an_object() -> None:
    """With the same client as UBI would give it."""
    events = translated()
    assert [(event.action_name, event.query_id, event.object_id, event.position) for event in events] == [
        ("click", "q1", "a", 1),
        ("click", "q1", "b", 4),
    ]
    assert {RECEIPT.hasher.client_id(given="c1")} == {event.client_id for event in events}
    assert {"2025-11-22T10:00:00.000Z"} == {event.timestamp for event in events}
    assert len({event.event_id for event in events}) == 2


def test_a_conversion_is_a_view_that_says_so() -> None:
    """It must not pass for a solved problem."""
    (event, _) = translated(eventType="conversion", positions=None)
    assert event.action_name == "view"
    assert event.attributes["insights"] == {"eventType": "conversion", "eventName": "Article opened", "index": "help"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"eventType": "purchase"}, "eventType"),
        ({"objectIDs": []}, "objectIDs"),
        ({"objectIDs": "a"}, "objectIDs"),
        ({"objectIDs": ["a"] * 21, "positions": None}, "objectIDs"),
        ({"objectIDs": [""], "positions": [1]}, "objectIDs"),
        ({"positions": [1]}, "positions"),
        ({"positions": [0, 1]}, "positions"),
        ({"positions": None}, "positions"),
        ({"queryID": "q" * 101}, "queryID"),
        ({"userToken": "u" * 101}, "userToken"),
    ],
)
def test_bad_insights_are_named_in_their_own_spelling(changes: dict[str, Any], field: str) -> None:
    """The integrator knows `positions`, not `event_attributes.position.ordinal`."""
    with pytest.raises(EventError) as caught:
        translated(**changes)
    assert field == caught.value.field


def test_shapes_are_told_apart() -> None:
    """By what only one of them has."""
    assert is_insights(insights())
    assert not is_insights(click())
    assert not is_insights("click")
