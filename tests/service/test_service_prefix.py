"""A service below a path of another host: a proxy in front of it takes the prefix off, and every link has it on."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from fastapi.testclient import TestClient
from service_fake import SECRET, FakeEngine, fake_source
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from kbsearch.errors import UsageError
from kbsearch.service.app import create_app
from kbsearch.service.security import make_key
from kbsearch.service.settings import Settings

PREFIX = "/portal"
"""Also the name of a folder of the service's own: what the proxy leaves is never shortened again."""
HOST = "https://shop.example"


class Proxy:
    """What nginx does with `location /portal/ { proxy_pass http://service/; }`; nothing else of the host is ours."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if not scope["path"].startswith(f"{PREFIX}/"):
                await PlainTextResponse("another site", 404)(scope, receive, send)
                return
            path = scope["path"].removeprefix(PREFIX)
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self._app(scope, receive, send)


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[TestClient]:
    """A browser that knows the host only."""
    (tmp_path / "CURRENT").write_text("v1")
    settings = Settings(index=tmp_path, secret=SECRET, prefix=PREFIX)
    app = Proxy(create_app(settings, source=fake_source(), engine=FakeEngine()))
    with TestClient(app, base_url=HOST, follow_redirects=False) as client:
        client.app.service = app._app.state.service  # type: ignore[attr-defined]
        yield client


def links(page: str, address: str, attribute: str) -> set[str]:
    """Where a page leads on the same host."""
    found = {urljoin(address, html.unescape(link)) for link in re.findall(rf'\b{attribute}="([^"]*)"', page)}
    return {link.partition("#")[0] for link in found if link.startswith(f"{HOST}/")}


def sign_in(client: TestClient) -> None:
    key = make_key(SECRET, ["admin"], [], timedelta(hours=1), "desk")
    answer = client.post(f"{PREFIX}/dashboard", data={"key": key})
    assert answer.headers["location"] == f"{PREFIX}/dashboard"
    assert f"path={PREFIX}/dashboard;" in f"{answer.headers['set-cookie'].lower()};"


def test_every_link_of_every_page_is_below_the_prefix(outside: TestClient) -> None:
    """Followed as a browser would, from the pages that somebody may type: none is lost."""
    sign_in(outside)
    waiting = [
        f"{HOST}{PREFIX}/{path}" for path in ("", "?q=password", "ticket", "suggestions", "explain", "dashboard")
    ]
    seen = set(waiting)
    while waiting and len(seen) < 150:
        address = waiting.pop()
        answer = outside.get(address)
        assert answer.status_code == 200, address
        if "html" in answer.headers["content-type"]:
            found = links(answer.text, address, "(?:href|src)")
            forms = links(answer.text, address, "action")
            assert {link for link in found | forms if not link.startswith(f"{HOST}{PREFIX}/")} == set(), address
            waiting += sorted(found - seen)
            seen |= found
    assert {urlsplit(address).path for address in seen} >= {
        f"{PREFIX}/{path}"
        for path in ("", "ticket", "portal/portal.js", "portal/portal.css", "dashboard/dashboard.css")
    }


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/dashboard/?from=2026-11-01&q=%25", "/dashboard?from=2026-11-01&q=%25"),
        ("/v1/search/?q=password", "/v1/search?q=password"),
        ("//suggestions//", "/suggestions"),
        ("//portal/%5Cevil.example%0A/", "/portal/%5Cevil.example%0A"),
    ],
)
@pytest.mark.parametrize("accept", ["text/html", "*/*"])
def test_a_slash_too_many_leads_to_the_page_without(outside: TestClient, path: str, place: str, accept: str) -> None:
    """Below the prefix, and on no other host, whatever the request names as its own."""
    answer = outside.get(f"{HOST}{PREFIX}{path}", headers={"Host": "evil.example", "Accept": accept})
    assert (answer.status_code, answer.headers.get("location")) == (307, f"{PREFIX}{place}")


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing/"), ("GET", "//evil.example/"), ("POST", "/nothing/")])
def test_where_there_is_no_page_without_it_there_is_nothing(outside: TestClient, method: str, path: str) -> None:
    """Named as it was asked for."""
    answer = outside.request(method, f"{HOST}{PREFIX}{path}")
    assert (answer.status_code, answer.headers.get("location")) == (404, None)
    assert answer.json()["error"]["message"] == f"there is nothing at {path}"


def test_forms_lead_to_pages_below_it(outside: TestClient) -> None:
    """A ticket, a vote on an article, a suggestion, signing out."""
    ticket = {"subject": "Invoice", "message": "It is missing.", "email": "anna@example.org", "session": "0" * 32}
    filed = outside.post(f"{PREFIX}/ticket", data=ticket, headers={"Sec-Fetch-Site": "same-origin"})
    assert filed.headers["location"].startswith(f"{PREFIX}/tickets/")
    assert outside.get(filed.headers["location"]).status_code == 200
    back = f"{PREFIX}/?doc=reset-password.en"
    voted = outside.post(f"{PREFIX}/feedback", data={"back": back, "helpful": "1", "object": "reset-password.en"})
    assert voted.headers["location"] == f"{back}&said=yes#said"
    page = outside.get(voted.headers["location"]).text
    (here,) = set(re.findall(r'name="back" value="([^"]*)"', page))
    assert parse_qs(urlsplit(html.unescape(here)).query)["doc"] == ["reset-password.en"]
    assert here.startswith(f"{PREFIX}/?")
    assert outside.post(f"{PREFIX}/feedback", data={"back": "/?q=x", "helpful": "1"}).status_code == 422
    wished = outside.post(f"{PREFIX}/suggestions", data={"title": "Delivery on Sundays"})
    assert wished.headers["location"] == f"{PREFIX}/suggestions?done=filed#done"
    sign_in(outside)
    left = outside.post(f"{PREFIX}/dashboard/leave")
    assert left.headers["location"] == f"{PREFIX}/dashboard"
    assert f"path={PREFIX}/dashboard;" in f"{left.headers['set-cookie'].lower()};"


def test_the_api_says_where_it_is(outside: TestClient) -> None:
    """Its description, and the link of a ticket, which the widget puts behind the host's name."""
    assert outside.get(f"{PREFIX}/openapi.json").json()["servers"] == [{"url": PREFIX}]
    body = {"reason": "customer_request", "subject": "Help", "message": "Help", "contact": {"email": "a@example.org"}}
    filed = outside.post(f"{PREFIX}/v1/handover", json=body).json()
    assert filed["url"].startswith(f"{PREFIX}/tickets/")
    assert outside.get(filed["url"]).status_code == 200


@pytest.mark.parametrize(
    ("referer", "surface"),
    [(f"{PREFIX}/?q=x", "portal"), (f"{PREFIX}/widget-demo", "widget"), ("/checkout", "widget"), ("", "widget")],
)
def test_other_pages_of_the_host_have_the_widget(outside: TestClient, referer: str, surface: str) -> None:
    """They are of the same origin, and no portal."""
    headers = {"Sec-Fetch-Site": "same-origin", "Referer": HOST + referer}
    assert outside.get(f"{PREFIX}/v1/search?q=password", headers=headers).status_code == 200
    service = outside.app.service  # type: ignore[attr-defined]
    assert service.buffer.flush()
    assert [search.surface for search in service.store.searches()] == [surface]


def test_a_ticket_of_the_form_is_the_portals(outside: TestClient) -> None:
    """The form calls the API by itself, as the page that it stands on."""
    ticket = {"subject": "Invoice", "message": "It is missing.", "email": "anna@example.org", "session": "0" * 32}
    outside.post(f"{PREFIX}/ticket", data=ticket)
    service = outside.app.service  # type: ignore[attr-defined]
    assert service.buffer.flush()
    assert {event.surface for event in service.store.events()} == {"portal"}


@pytest.mark.parametrize(
    "prefix", ["help", "/", "/help/", "//help", "/a//b", "/..", "/a b", "/ā", "/help?x", 'https://x/"']
)
def test_a_prefix_is_a_path(tmp_path: Path, prefix: str) -> None:
    """Without a slash at its end, since a path follows it everywhere."""
    with pytest.raises(UsageError, match="prefix must be a path"):
        Settings(index=tmp_path, prefix=prefix)
    assert Settings(index=tmp_path, prefix="/en/help-centre.v2").prefix
