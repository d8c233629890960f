"""The page below a path of another host, through a proxy that takes the path off."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest
from browser_site import AGENT, PREFIX, Site
from playwright.sync_api import Browser, Response, expect

pytestmark = pytest.mark.slow

HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "date", "server"}


@pytest.fixture
def host(below: Site) -> Iterator[str]:
    """The other host: the service below /help/, nothing anywhere else."""

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.startswith(f"{PREFIX}/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            service = HTTPConnection(urlsplit(below.url).netloc)
            service.request(self.command, self.path.removeprefix(PREFIX), body, dict(self.headers.items()))
            answer = service.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
            service.close()

        do_POST = do_GET

        def log_message(self, format: str, *arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_visit_below_a_path(browser: Browser, host: str, below: Site, scripts: bool) -> None:
    """Search, article, back, ticket, another language, with JavaScript and without: nothing is looked for elsewhere."""
    context = browser.new_context(base_url=host, locale="en-GB", user_agent=AGENT, java_script_enabled=scripts)
    page = context.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(f"{PREFIX}/?lang=en")
    if scripts:
        page.locator("#q").press_sequentially("reset", delay=20)
        expect(page.locator("#suggestions [role=option]").first).to_be_visible()
    page.locator("#q").fill("reset password")
    page.locator("#q").press("Enter")
    page.locator("[data-hit]").first.click()
    expect(page.locator(".article h1")).to_have_text("How to reset your password")
    # As a view of the same page; what leads there is no part of the address.
    assert ("query=" in page.url) is not scripts
    page.locator(".article").get_by_role("button", name="Yes").click()
    expect(page.locator(".thanks")).to_be_visible()
    page.locator("[data-back]").click()
    expect(page.locator(".hits, .list-title").first).to_be_visible()
    page.locator(".top [data-human]").click()
    page.get_by_label("Subject").fill("shipping to riga please")
    if scripts:
        expect(page.locator("#deflect a").first).to_contain_text("Shipping to Riga")
    page.get_by_label("Message").fill("How long does it take?")
    page.get_by_label("E-mail for our answer").fill("anna@example.org")
    page.get_by_role("button", name="Send message").click()
    expect(page.locator(".state")).to_have_text("Received")
    assert urlsplit(page.url).path.startswith(f"{PREFIX}/tickets/")
    page.locator(".brand").click()
    expect(page.locator(".home, .cards, .card").first).to_be_visible()
    if scripts:
        page.evaluate("dispatchEvent(new Event('pagehide'))")
        page.wait_for_timeout(300)
    context.close()
    assert [answer.url for answer in answers if answer.status >= 400] == []
    assert {urlsplit(answer.url).path.startswith(f"{PREFIX}/") for answer in answers} == {True}
    assert len(below.service.tickets.listed()) == 1
    assert {search.surface for search in below.searches()} == {"portal"}
