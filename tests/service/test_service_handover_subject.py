"""What a hand-over is about where nobody has said so."""

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
