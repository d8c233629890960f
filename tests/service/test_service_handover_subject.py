"""The texts of a hand-over: what it is about where nobody has said so, and what no text keeps."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"message": "Invoice\nis missing. " + "x" * 300}, ("Invoice is missing. " + "x" * 300)[:200]),
        ({"message": ""}, "my order is late"),
        ({"message": "", "conversation": [{"role": "assistant", "text": "Hello"}]}, "late order"),
    ],
    ids=["message", "chat", "search"],
)
def test_without_a_subject_it_is_what_was_said_last(client: TestClient, changes: Any, subject: str) -> None:
    """A chat has none to give."""
    said = {
        "conversation": [{"role": "customer", "text": "my order is late"}, {"role": "assistant", "text": "Sorry"}],
        "queries": ["order", "late order"],
    }
    given = {"reason": "customer_request", "contact": {"email": "anna@example.org"}, **said, **changes}
    filed = client.post("/v1/handover", json=given).json()
    status = client.get(f"/v1/handover/{filed['id']}", params={"key": filed["key"]})
    assert status.json()["subject"] == subject


@pytest.mark.parametrize("given", [{}, {"reason": None, "lang": None, "conversation": None, "session": None}])
def test_without_a_reason_the_customer_asked(client: TestClient, given: Any) -> None:
    """Whom to answer and what it is about are enough; null is as good as left out."""
    body = {"message": "The invoice is missing", "contact": {"email": "anna@example.org"}, **given}
    filed = client.post("/v1/handover", json=body).json()
    ticket = client.app.state.service.tickets.read(filed["id"])  # type: ignore[attr-defined]
    assert ticket.handover.reason == "customer_request"


def test_no_text_keeps_control_characters(client: TestClient) -> None:
    """They would steer the terminal or the help desk of who reads it; line breaks and tabs stay."""
    bad = "\x1b[2Ja\tb\r\nc\x9b\x00\x07"
    given = {
        "reason": "customer_request", "subject": bad, "message": bad, "lang": "en",
        "contact": {"email": "anna@example.org", "name": bad, "phone": bad},
        "conversation": [{"role": "customer", "text": bad}], "queries": [bad], "query_ids": [bad], "shown": [bad],
        "opened": [bad], "feedback": {"reason": bad, "note": bad},
    }  # fmt: skip
    filed = client.post("/v1/handover", json=given).json()
    ticket = client.app.state.service.tickets.read(filed["id"])  # type: ignore[attr-defined]
    handover = ticket.handover
    one_line, clean = "[2Ja b c", "[2Ja\tb\nc"
    assert (handover.subject, handover.contact.name, handover.contact.phone) == (one_line,) * 3
    texts = (handover.message, handover.conversation[0].text, handover.queries[0], handover.query_ids[0])
    more = (handover.shown[0].id, handover.opened[0].id, *handover.feedback.values())
    assert [*texts, *more] == [clean] * 8
    empty = {**given, "subject": "\x1b", "message": "\x07", "conversation": [], "queries": []}
    refused = client.post("/v1/handover", json=empty)
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "subject")
