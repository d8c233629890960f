"""The page that says why, for holders of an admin key only."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from service_fake import SECRET

from kbsearch.service.context import Service
from kbsearch.service.security import KEY_HEADER, make_key


def key(*audiences: str) -> str:
    return make_key(SECRET, audiences, (), timedelta(hours=1), "editor")


def test_the_form_is_for_everybody(client: TestClient) -> None:
    """It says nothing yet."""
    page = client.get("/explain")
    assert page.status_code == 200
    assert 'name="key"' in page.text
    assert "<ol>" not in page.text


@pytest.mark.parametrize(("given", "status"), [(None, 403), ("of a customer", 403), ("nonsense", 401)])
def test_without_an_admin_key_nothing_is_explained(client: TestClient, given: str | None, status: int) -> None:
    """Neither by header nor by form."""
    given = key("customer") if given == "of a customer" else given
    headers = {KEY_HEADER: given} if given else {}
    for page in (
        client.get("/explain", params={"q": "password"}, headers=headers | {"Accept": "text/html"}),
        client.post("/explain", data={"q": "password", "key": given or key()}),
    ):
        assert page.status_code == status
        assert '<p class="problem" role="alert">' in page.text
        assert 'value="password"' in page.text


def test_an_editor_reads_the_reasons(client: TestClient, service: Service) -> None:
    """Results in order; nothing of it is stored as a customer's search; no cache keeps it."""
    for page in (
        client.get("/explain", params={"q": "password", "lang": "en"}, headers={KEY_HEADER: key("admin")}),
        client.post("/explain", data={"q": "password", "lang": "en", "key": key("admin")}),
    ):
        assert page.status_code == 200
        assert "<ol>" in page.text
        assert page.headers["cache-control"] == "no-store"
    service.buffer.flush() if hasattr(service.buffer, "flush") else None
    assert key("admin") not in page.text


def test_what_was_typed_is_escaped(client: TestClient) -> None:
    """No markup comes out of a query."""
    page = client.post("/explain", data={"q": "<script>x</script> password", "key": key("admin")})
    assert page.status_code == 200
    assert "<script>x" not in page.text


@pytest.mark.parametrize("q", ["", "x" * 513])
def test_bad_queries_are_refused(client: TestClient, q: str) -> None:
    assert client.post("/explain", data={"q": q, "key": key("admin")}).status_code == 422
