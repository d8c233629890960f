"""What people see of a failure: a page in their language, where programs get JSON."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from kbsearch.errors import StoreError
from kbsearch.service.context import Service

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "lv"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("GET", "/feedback", 405), ("GET", "/portal/none.css", 404), ("POST", "/feedback", 422)],
)
def test_people_read_a_page_and_programs_json(client: TestClient, method: str, path: str, status: int) -> None:
    """Both with the status and the headers; the page has a title of its own and leads on."""
    program = client.request(method, path)
    assert (program.status_code, set(program.json())) == (status, {"error"})
    person = client.request(method, path, headers=BROWSER)
    assert (person.status_code, person.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert person.headers.get("allow") == program.headers.get("allow")
    said = "Šajā adresē nekā nav" if status in (404, 405) else "To neizdevās pieņemt"
    assert f"<title>{said}" in person.text
    assert "default-src 'self'" in person.headers["content-security-policy"]
    assert 'href="/ticket" data-human' in person.text
    place = path if method == "GET" else "/"  # nothing but a form leads to it
    assert f'href="{place}?lang=de"' in person.text
    assert '<meta name="robots" content="noindex">' in person.text


@pytest.mark.parametrize("path", ["//evil.example/x", "/%5Cevil.example", "///evil.example"])
def test_no_address_leads_to_another_host(client: TestClient, path: str) -> None:
    """However it is written: its own language menu stays here."""
    page = client.get(f"http://testserver{path}", headers=BROWSER)
    assert page.status_code == 404
    assert f'href="/{path.lstrip("/")}?lang=de"' in page.text


def test_the_api_answers_json_to_everybody(client: TestClient) -> None:
    """Whoever asks it."""
    for path in ("/v1/nothing", "/v1/search", "/v1/documents/nothing"):
        assert set(client.get(path, headers=BROWSER).json()) == {"error"}


def test_what_fails_can_be_tried_again_where_nothing_was_sent(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 says when; what was sent has no address to go back to."""

    def fail(*_: object) -> None:
        raise StoreError("the store is away")

    monkeypatch.setattr(type(service.suggestions), "shown", fail)
    page = client.get("/suggestions?lang=en", headers=BROWSER)
    assert (page.status_code, page.headers["retry-after"]) == (503, "1")
    assert 'href="/suggestions?lang=en" data-retry>Try again' in page.text
    sent = client.post("/suggestions?lang=en", data={"title": ""}, headers=BROWSER)
    assert (sent.status_code, "data-retry>" in sent.text) == (503, False)


def test_a_failure_that_nobody_foresaw_is_a_page_too(make_client: Any) -> None:
    """500."""
    with make_client() as client:
        quiet = TestClient(client.app, raise_server_exceptions=False)
        page = quiet.get("/?q=explode&lang=en", headers=BROWSER)
    assert (page.status_code, "<title>This did not work just now" in page.text) == (500, True)
    assert (page.headers["x-content-type-options"], "script-src" in page.headers["content-security-policy"]) == (
        "nosniff", True,
    )  # fmt: skip
