"""Pages of other sites: what they may read and send, and how the page that asked is noted."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from kbsearch.service import forms
from kbsearch.service.context import Service
from kbsearch.service.log import Seldom


@pytest.mark.parametrize(
    ("referer", "surface"),
    [
        ("https://kb.example/widget-demo?q=1", "widget"),
        ("https://kb.example/?q=/widget", "portal"),
        ("https://kb.example", "portal"),
        ("http://[", "portal"),
        ("", "portal"),
    ],
)
def test_the_page_that_asked_is_noted(client: TestClient, service: Service, referer: str, surface: str) -> None:
    """Whatever stands in its Referer."""
    headers = {"Sec-Fetch-Site": "same-origin", "Referer": referer}
    assert client.get("/v1/search?q=password", headers=headers).status_code == 200
    assert service.buffer.flush()
    assert [search.surface for search in service.store.searches()] == [surface]


def test_cors_is_open_below_v1_only(client: TestClient) -> None:
    """A widget on another site may search; no other site may read the page."""
    origin = {"Origin": "https://shop.example"}
    preflight = client.options(
        "/v1/events",
        headers={**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "X-Kbsearch-Key"},
    )
    assert preflight.status_code == 200
    for path in ("/v1/search?q=password", "/v1/search", "/v1/documents/nothing"):
        assert client.get(path, headers=origin).headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in client.get("/", headers=origin).headers
    sent = client.post("/v1/search", content='{"q": "password"}', headers={**origin, "Sec-Fetch-Site": "cross-site"})
    assert sent.status_code == 200


def test_cors_can_be_narrowed(make_client: Any) -> None:
    """To a list of origins."""
    with make_client(origins="https://shop.example, https://help.example") as client:
        allowed = client.get("/v1/search?q=password", headers={"Origin": "https://help.example"})
        foreign = client.get("/v1/search?q=password", headers={"Origin": "https://evil.example"})
    assert allowed.headers["access-control-allow-origin"] == "https://help.example"
    assert "access-control-allow-origin" not in foreign.headers


@pytest.mark.parametrize(
    ("origin", "site", "status"),
    [
        ("https://evil.example", "cross-site", 403),
        ("https://other.shop.example", "same-site", 403),
        ("null", "cross-site", 403),
        ("https://shop.example", "cross-site", 202),
        ("https://kb.example", "same-origin", 202),
        ("http://evil.example", None, 403),
        ("null", None, 403),
        ("https://shop.example", None, 202),
        ("http://testserver", None, 202),
        ("https://TestServer", None, 202),
        ("http://testserver:81", None, 403),
        (None, None, 202),
    ],
)
def test_pages_that_are_not_named_have_no_effect(
    make_client: Any, origin: str | None, site: str | None, status: int
) -> None:
    """A body of text/plain needs no leave from CORS; over plain HTTP a browser says its page's origin only, and who is
    no browser nothing."""
    given = {"Origin": origin, "Sec-Fetch-Site": site, "Content-Type": "text/plain"}
    headers = {name: value for name, value in given.items() if value is not None}
    with make_client(origins="https://shop.example") as client:
        answer = client.post("/v1/suggestions", content='{"title": "Delivery on Sundays"}', headers=headers)
        filed = len(client.app.state.service.suggestions.listed())
        assert client.get("/v1/suggestions", headers=headers).status_code == 200
    assert (answer.status_code, filed) == (status, 1 if status == 202 else 0)
    assert (answer.json().get("error", {}).get("code") == "forbidden") is (status == 403)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://testserver"}, 303),
        ({"Origin": "https://help.example", "Host": "help.example"}, 303),
        ({"Origin": "https://help.example", "X-Forwarded-Host": "help.example"}, 303),
        ({"Origin": "https://help.example", "Host": "help.example:443"}, 303),
        ({"Origin": "http://help.example", "Host": "help.example:80"}, 303),
        ({"Origin": "http://help.example", "Host": "help.example:8080"}, 403),
        ({"Origin": "https://help.example", "X-Forwarded-Host": "help.example:443, inner"}, 303),
        ({"Origin": "https://inner", "X-Forwarded-Host": "help.example, inner"}, 403),
        ({}, 303),
    ],
)
def test_forms_of_other_sites_have_no_effect(client: TestClient, headers: dict[str, str], status: int) -> None:
    """Over plain HTTP, too, where browsers say no Sec-Fetch-Site; a proxy says which host the page knows."""
    form = {"title": "Delivery on Sundays"}
    answer = client.post("/suggestions", data=form, headers=headers, follow_redirects=False)
    filed = len(client.app.state.service.suggestions.listed())  # type: ignore[attr-defined]
    assert (answer.status_code, filed) == (status, 1 if status == 303 else 0)


def test_the_operator_reads_why_forms_are_refused(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Once a minute; customers get a page, which cannot tell them."""
    times = iter([0, 59, 60])
    monkeypatch.setattr(forms, "_REFUSALS", Seldom(60, lambda: next(times)))
    headers = {"Origin": "https://help.example", "Host": "kb:8080", "Accept": "text/html"}
    said = []
    for _ in range(3):
        assert client.post("/suggestions", data={"title": "Delivery"}, headers=headers).status_code == 403
        said.append([record.getMessage() for record in caplog.records if record.levelname == "WARNING"])
    assert [len(messages) for messages in said] == [1, 1, 2]
    assert "'https://help.example'" in said[0][0]
    assert "'kb:8080'" in said[0][0]


@pytest.mark.parametrize("path", ["/", "/ticket", "/suggestions", "/dashboard", "/explain"])
def test_browsers_may_say_on_which_page_a_form_stands(client: TestClient, path: str) -> None:
    """With `no-referrer` the origin of its own form would be `null`."""
    policy = client.get(path).headers["referrer-policy"]
    assert policy in ("same-origin", "strict-origin-when-cross-origin")
