"""A locked event store: what a customer asked for is done, at once, and the log learns of it later."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient
from service_fake import AnsweringEngine

from kbsearch.errors import StoreError
from kbsearch.events.buffer import EventBuffer
from kbsearch.handover.signing import signed_headers
from kbsearch.service.context import Service

SIGNING = "handover-secret-of-more-than-32-bytes-01234"
TICKET = {"reason": "customer_request", "subject": "Invoice is missing", "contact": {"email": "anna@example.org"}}
CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("/v1/handover", {"json": {**TICKET, "session": "s1"}}, "handover"),
    ("/ticket", {"data": {"subject": "Invoice", "message": "None came", "email": "anna@example.org"}}, "handover"),
    ("/v1/deflect", {"json": {"subject": "reset password", "session": "s1"}}, "ticket_started"),
    ("/feedback", {"data": {"back": "/", "helpful": "1"}}, "feedback"),
    ("/v1/suggestions", {"json": {"title": "A dark theme", "session": "s1"}}, "suggestion"),
]


@contextmanager
def locked(client: TestClient) -> Iterator[None]:
    """Keep the store from being written; what is done meanwhile must not take long, and is stored afterwards."""
    service: Service = client.app.state.service  # type: ignore[attr-defined]
    client.post("/v1/events", json={"action_name": "feedback", "session_id": "s0"})  # draws the period's salt
    with closing(sqlite3.connect(service.settings.events_url.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        yield
        assert time.monotonic() - started < 3
        other.rollback()
    assert service.buffer.flush(10)


def actions(client: TestClient) -> list[str]:
    service: Service = client.app.state.service  # type: ignore[attr-defined]
    return [event.action_name for event in service.store.events() if event.attributes or event.object_id]


@pytest.mark.parametrize(("path", "sent", "action"), CALLS, ids=[path for path, _, _ in CALLS])
def test_what_is_done_for_a_customer_succeeds(make_client: Any, path: str, sent: Any, action: str) -> None:
    """Whatever it was."""
    with make_client() as client:
        with locked(client):
            answer = client.post(path, **sent, follow_redirects=False)
            assert answer.status_code < 400, answer.text
            assert actions(client) == []
        assert action in actions(client)


def test_a_no_in_the_chat_is_answered(make_client: Any) -> None:
    """After an answer it is feedback, which decides an outcome."""
    with make_client(engine=AnsweringEngine()) as client:
        first = client.post("/v1/chat", json={"message": "reset your password", "lang": "en", "session": "s1"}).json()
        with locked(client):
            said = {"message": "No, thanks", "lang": "en", "session": "s1", "conversation": first["conversation"]}
            assert client.post("/v1/chat", json=said).status_code == 200
        assert "feedback" in actions(client)


def test_what_the_help_desk_reports_is_taken(make_client: Any) -> None:
    """The customer sees it, and nobody has to send it again."""
    with make_client(handover_secret=SIGNING) as client:
        filed = client.post("/v1/handover", json=TICKET).json()
        body = json.dumps({"ticket": filed["id"], "status": "solved", "articles": ["reset-password.en"]}).encode()
        with locked(client):
            headers = signed_headers(SIGNING, body, time.time())
            answer = client.post(f"/v1/handover/{filed['id']}/status", content=body, headers=headers)
            assert (answer.status_code, answer.json()["status"]) == (200, "solved")
        assert actions(client).count("handover") == 2


def test_what_others_send_is_stored_or_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Acknowledged is stored: whoever sends an outcome to `/v1/events` hears that it was not."""

    def refuse(_buffer: EventBuffer, _facts: object) -> None:
        raise StoreError("disk full")

    monkeypatch.setattr(EventBuffer, "commit", refuse)
    answer = client.post("/v1/events", json={"action_name": "resolved_declared"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
