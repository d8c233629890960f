"""Events over HTTP: good ones are stored, bad ones named, and who asks not to be counted is not."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from service_fake import SECRET, FakeEngine

from kbsearch.events.identity import ClientHasher
from kbsearch.events.searches import record_search
from kbsearch.service.context import Service
from kbsearch.service.security import make_key
from kbsearch.types import SearchRequest

CLICK: dict[str, Any] = {
    "action_name": "click",
    "query_id": "q1",
    "session_id": "s1",
    "event_attributes": {"object": {"object_id": "a"}, "position": {"ordinal": 2}},
}
BAD = {**CLICK, "event_attributes": {"object": {"object_id": "a"}, "position": {"ordinal": 0}}}
INSIGHTS = {
    "eventType": "click",
    "eventName": "x",
    "index": "i",
    "userToken": "u",
    "objectIDs": ["a"],
    "positions": [1],
}


@pytest.mark.parametrize("body", [{"events": [CLICK]}, [CLICK], CLICK, {"events": [INSIGHTS]}])
def test_a_good_batch_is_accepted_and_stored(client: TestClient, service: Service, body: Any) -> None:
    """In each form a client may choose."""
    response = client.post("/v1/events", json=body)
    assert (response.status_code, response.json()) == (202, {"accepted": 1, "rejected": [], "ignored": 0})
    assert service.buffer.flush()
    (event,) = service.store.events()
    assert (event.action_name, event.object_id) == ("click", "a")


def test_upkeep_has_the_next_salt_ready(service: Service) -> None:
    """So that no search waits for the store when a period of ids ends."""
    service.upkeep.once()
    present, following = sorted(service.store.salts())
    assert present == service.hasher.period() < following


def test_beacons_are_read_whatever_they_call_themselves(client: TestClient, service: Service) -> None:
    """`sendBeacon` with a text sends text/plain, which spares the preflight."""
    response = client.post(
        "/v1/events", content=b'{"action_name": "handover"}', headers={"Content-Type": "text/plain;charset=UTF-8"}
    )
    assert response.status_code == 202


def test_a_mixed_batch_keeps_the_good_and_names_the_bad(client: TestClient, service: Service) -> None:
    """Index, code, sentence and field."""
    response = client.post("/v1/events", json={"events": [BAD, CLICK, {"action_name": "purchase"}]})
    assert response.status_code == 207
    assert response.json()["accepted"] == 1
    rejected = response.json()["rejected"]
    assert [(item["index"], item["error"]["field"]) for item in rejected] == [
        (0, "event_attributes.position.ordinal"),
        (2, "action_name"),
    ]
    assert "feedback" in rejected[1]["error"]["message"]
    assert service.buffer.flush()
    assert len(list(service.store.events())) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (BAD, "event_attributes.position.ordinal"),
        ([{"action_name": "purchase"}], "action_name"),
        ([], "events"),
        ({"events": []}, "events"),
        ({"events": "click"}, "events"),
        ("click", "events"),
        (7, "events"),
        ([CLICK] * 1001, "events"),
        ([{**CLICK, "query_id": "q" * 101}], "query_id"),
    ],
)
def test_a_batch_with_nothing_good_is_refused(client: TestClient, service: Service, body: Any, field: str) -> None:
    """In the one shape, with nothing stored."""
    response = client.post("/v1/events", json=body)
    assert (422, field) == (response.status_code, response.json()["error"]["field"])
    assert service.buffer.flush()
    assert list(service.store.events()) == []


def test_large_bodies_are_refused(client: TestClient) -> None:
    """Beyond 2 MiB."""
    assert client.post("/v1/events", content=b" " * (2 * 1024 * 1024 + 1)).status_code == 413
    assert client.post("/v1/events", content=b"{").status_code == 400


def test_a_batch_sent_twice_is_stored_once(client: TestClient, service: Service) -> None:
    """By event id, or by content where there is a time."""
    for event in ({**CLICK, "event_id": "e1"}, {**CLICK, "timestamp": "2026-11-22T10:00:00Z"}):
        for _ in range(2):
            assert client.post("/v1/events", json=[event]).status_code == 202
    assert service.buffer.flush()
    assert len(list(service.store.events())) == 2


def test_a_full_buffer_answers_503(make_client: Any) -> None:
    """So that a client that can wait sends the batch again."""
    with make_client(event_capacity=1) as client:
        response = client.post("/v1/events", json=[CLICK, CLICK])
        assert (response.status_code, response.json()["error"]["code"]) == (503, "overloaded")
        assert response.headers["retry-after"] == "1"
        assert "kbsearch_events_refused_total 2.0" in client.get("/metrics").text
        key = make_key(SECRET, ["admin"], [], timedelta(hours=1), "test")
        assert client.post("/v1/events", json=[CLICK]).status_code == 202
        assert client.app.state.service.buffer.flush()
        health = client.get("/v1/metrics", headers={"X-Kbsearch-Key": key}).json()["health"]
        assert (health["dropped"], health["verdict"]) == (0, "healthy"), "it may come again, as this one did"


def test_a_search_is_recorded(client: TestClient, service: Service) -> None:
    """What was asked, what was shown, and nothing that points at a person."""
    answer = client.get(
        "/v1/search",
        params={"q": "password for anna@pasts.lv 20000100", "session": "s1", "lang": "lv"},
        headers={"User-Agent": "browser"},
    ).json()
    assert service.buffer.flush()
    (record,) = service.store.searches()
    assert answer["query_id"] == record.query_id
    assert record.user_query == "password for [email] [phone]"
    assert tuple(hit["id"] for hit in answer["hits"]) == record.hit_ids
    assert ("lv", "en", answer["found"], answer["decision"]["action"], "v1", "s1", True) == (
        record.lang,
        record.detected_lang,
        record.found,
        record.decision,
        record.snapshot,
        record.session_id,
        record.public,
    )


def test_a_subject_says_nothing_of_a_number_in_the_message() -> None:
    """Each is redacted by itself: "order" before it would make it the number of an order."""
    request = SearchRequest(q="Question about my order", body="29123456 Anna here how do I change my address?")
    outcome = replace(FakeEngine().search(request), q=request.body)
    hasher = ClientHasher(lambda _period: b"s" * 32)
    record = record_search(request, outcome, query_id="q1", session_id="", client_id="c", took_ms=1.0, hasher=hasher)
    assert record.user_query == "Question about my order [phone] Anna here how do I change my address?"


def test_search_and_click_of_one_session_have_one_client(client: TestClient, service: Service) -> None:
    """Otherwise no journey could be told."""
    client.get("/v1/search", params={"q": "password", "session": "s1"})
    client.post("/v1/events", json=[CLICK])
    assert service.buffer.flush()
    (search,), (event,) = service.store.searches(), service.store.events()
    assert search.client_id == event.client_id


def test_nothing_personal_is_in_the_file(make_client: Any, tmp_path: Path) -> None:
    """Read as bytes, after shutdown: no address, no browser, no client id, no e-mail."""
    with make_client() as client:
        headers = {"User-Agent": "Secret-Browser/7"}
        client.get("/v1/search", params={"q": "anna@pasts.lv"}, headers=headers)
        event = {**CLICK, "client_id": "raw-client", "user_id": "raw-user", "message": "LV80BANK0000435195001"}
        client.post("/v1/events", json=[event], headers=headers)
    stored = (tmp_path / "index" / "events.db").read_bytes()
    for secret in (b"Secret-Browser", b"testclient", b"anna", b"pasts.lv", b"raw-client", b"raw-user", b"LV80BANK"):
        assert secret not in stored
    with sqlite3.connect(tmp_path / "index" / "events.db") as database:
        assert (
            *database.execute("SELECT COUNT(*) FROM searches").fetchone(),
            *database.execute("SELECT COUNT(*) FROM events").fetchone(),
        ) == (1, 1)
    database.close()
