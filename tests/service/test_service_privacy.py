"""Who asks not to be counted is not, wherever the request goes; everything else works for them as for others."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from service_fake import SECRET

from kbsearch.handover.signing import signed_headers
from kbsearch.service.context import Service

SIGNING = SECRET
CLICK = {"action_name": "click", "event_attributes": {"object": {"object_id": "a"}}}
VOTE = {"action_name": "feedback", "event_attributes": {"helpful": True}}
TICKET = {
    "reason": "customer_request",
    "subject": "Invoice",
    "message": "Where?",
    "contact": {"email": "anna@example.org"},
}
FORM = {"subject": "Invoice", "message": "Where is it?", "email": "anna@example.org", "session": "0" * 32}


def everything(client: TestClient, headers: dict[str, str], parameters: dict[str, str]) -> None:
    """Do whatever a customer can do."""

    def ask(method: str, path: str, **more: Any) -> Any:
        more["params"] = {**more.get("params", {}), **parameters}
        answer = client.request(method, path, headers=headers, follow_redirects=False, **more)
        assert answer.status_code < 400, (path, answer.status_code, answer.text[:300])
        return answer

    for view in ({"q": "password"}, {"doc": "reset-password.en"}, {"q": "nothing like it"}):
        ask("GET", "/", params=view)
    ask("GET", "/v1/search", params={"q": "password", "session": "s1"})
    ask("POST", "/v1/search", json={"q": "password", "session": "s1"})
    ask("GET", "/v1/suggest", params={"q": "pass"})
    ask("GET", "/v1/documents/reset-password.en")
    ask("POST", "/v1/deflect", json={"subject": "reset my password", "session": "s1"})
    ask("POST", "/v1/chat", json={"message": "reset my password", "session": "s1"})
    ask("POST", "/v1/events", json=[CLICK])
    ask("POST", "/v1/events", json=[VOTE])
    ask("POST", "/feedback", data={"back": "/", "helpful": "1", "object": "reset-password.en"})
    ask("POST", "/ticket", data={**FORM, "look": "1"})
    ask("POST", "/ticket", data=FORM)
    filed = ask("POST", "/v1/handover", json=TICKET).json()
    solved = json.dumps({"ticket": filed["id"], "status": "solved", "articles": ["reset-password.en"]}).encode()
    address = f"/v1/handover/{filed['id']}/status"
    assert client.post(address, content=solved, headers=signed_headers(SIGNING, solved, time.time())).is_success
    ask("POST", "/v1/suggestions", json={"title": "A dark theme", "text": "Please", "session": "s1"})


def counted(client: TestClient) -> tuple[int, int]:
    """Return how many searches and events are stored."""
    service: Service = client.app.state.service  # type: ignore[attr-defined]
    assert service.buffer.flush()
    return len(list(service.store.searches())), len(list(service.store.events()))


@pytest.mark.parametrize(
    ("headers", "parameters"),
    [({"DNT": "1"}, {}), ({"Sec-GPC": "1"}, {}), ({}, {"analytics": "false"})],
    ids=["do not track", "global privacy control", "analytics=false"],
)
def test_who_does_not_want_to_be_counted_is_not(
    make_client: Any, headers: dict[str, str], parameters: dict[str, str]
) -> None:
    """By the browser's word or the address."""
    with make_client(handover_secret=SIGNING, holdout=0.5) as client:
        everything(client, headers, parameters)
        assert counted(client) == (0, 0)


def test_all_others_are(make_client: Any) -> None:
    """The same requests without such a word leave facts of every kind."""
    with make_client(handover_secret=SIGNING, holdout=0.5) as client:
        everything(client, {}, {})
        searches, _ = counted(client)
        actions = {event.action_name for event in client.app.state.service.store.events()}
    assert searches >= 6
    assert actions >= {"click", "view", "feedback", "ticket_started", "ticket_created", "suggestion", "impression"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/search", {"q": "password"}),
        ("/v1/deflect", {"subject": "reset my password"}),
        ("/v1/chat", {"message": "reset my password"}),
        ("/v1/events", {"events": [CLICK, VOTE]}),
    ],
)
def test_a_body_may_say_so_too(make_client: Any, path: str, body: dict[str, Any]) -> None:
    """`analytics: false` beside the rest."""
    with make_client() as client:
        assert client.post(path, json={**body, "analytics": False}).is_success
        assert counted(client) == (0, 0)
        assert client.post(path, json=body).is_success
        assert counted(client) != (0, 0)


def test_no_trace_holds_a_question(make_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the operator's process collects traces, FastAPI would write addresses into them, and so what was asked."""
    trace = pytest.importorskip("opentelemetry.trace", reason="this FastAPI writes no traces")
    seen: list[Any] = []

    class Watching(trace.NoOpTracer):  # type: ignore[misc, name-defined]
        def start_span(self, name: str, *given: Any, **more: Any) -> Any:
            seen.append((name, given, more))
            return super().start_span(name, *given, **more)

    class Provider(trace.TracerProvider):  # type: ignore[misc, name-defined]
        def get_tracer(self, *_: Any, **__: Any) -> Any:
            return Watching()

    monkeypatch.setattr(trace, "get_tracer_provider", Provider)
    TestClient(FastAPI()).get("/v1/search", params={"q": "Anna"})
    assert "Anna" in str(seen)  # it would
    seen.clear()
    with make_client() as client:
        for path in ("/v1/search", "/v1/suggest", "/"):
            assert client.get(path, params={"q": "Anna"}).is_success
    assert seen == []
