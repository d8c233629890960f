"""Pages of other sites that embed the widget: a second server on a port of its own, and the service it calls."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from browser_site import Steered
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from kbsearch.types import Action, Answer, SearchOutcome, SearchRequest


class Answering(Steered):
    """The real engine, steered; where it is told to answer, the first hit's snippet is the passage."""

    may_wait = False

    def search(self, request: SearchRequest) -> SearchOutcome:
        """Ask the engine."""
        outcome = super().search(request)
        if outcome.decision.action is not Action.ANSWER or outcome.answer or not outcome.hits:
            return outcome
        first = outcome.hits[0]
        return dataclasses.replace(outcome, answer=Answer(first.snippet, first.id, ()))


class Shop:
    """A web server of another origin; `page` gives the address of a new page with the widget."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._pages: dict[str, tuple[dict[str, str], bytes]] = {}
        pages = self._pages

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers, body = pages.get(self.path, ({}, b""))
                self.send_response(200 if self.path in pages else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def tag(self, **attributes: str) -> str:
        """The one line that embeds the widget; `data_contact="tel:…"` is data-contact."""
        given = {"data_lang": "en", "data_contact": "tel:+37120000100", **attributes}
        written = " ".join(f'{name.replace("_", "-")}="{value}"' for name, value in given.items())
        return f'<script src="{self.service}/widget.js" {written} async></script>'

    def page(
        self,
        tags: str | None = None,
        *,
        doctype: str = "<!doctype html>",
        html: str = 'lang="en"',
        head: str = "",
        body: str = "<main><h1>Shop</h1><a href='#'>A link</a></main>",
        headers: dict[str, str] | None = None,
    ) -> str:
        """Serve a page and return its address."""
        path = f"/{len(self._pages)}"
        viewport = '<meta name="viewport" content="width=device-width">'
        top = f"{doctype}<html {html}><head><title>Shop</title>{viewport}{head}</head>"
        text = f"{top}<body>{body}{tags or self.tag()}</body></html>"
        self._pages[path] = (headers or {}, text.encode())
        return self.url + path

    @contextmanager
    def running(self) -> Iterator[Shop]:
        """Serve until left."""
        thread = Thread(target=self._server.serve_forever)
        thread.start()
        yield self
        self._server.shutdown()
        thread.join()
        self._server.server_close()


class Customer:
    """What somebody does with a widget on a page."""

    def __init__(self, page: Page, kb: str = "") -> None:
        self.page = page
        # Playwright's locators look into open shadow roots; two widgets of a page are told apart by their host.
        self.root: Locator = page.locator("html > div[data-side]").nth(int(kb or 0))
        self.panel = self.root.get_by_role("dialog")
        self.box = self.root.get_by_role("combobox")
        self.launcher = self.root.locator(".launcher")
        self.person = self.root.locator(".foot button")

    def visit(self, address: str) -> Customer:
        """Load the page and open the widget."""
        self.page.goto(address)
        self.launcher.click()
        expect(self.panel).to_be_visible()
        return self

    def ask(self, question: str) -> Locator:
        """Say something, wait for the reply, and return its box."""
        before = self.root.locator(".theirs").count()
        self.box.fill(question)
        self.box.press("Enter")
        expect(self.root.locator(".theirs")).to_have_count(before + 1)
        return self.root.locator(".theirs").last


@contextmanager
def opened(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page in a context of its own; a script error in it fails the test."""
    context: BrowserContext = browser.new_context(**{"locale": "en-GB", "reduced_motion": "reduce", **options})
    page = context.new_page()
    page.set_default_timeout(5000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


class Held:
    """Requests of a page to an address, none of which is answered before it is taken out."""

    def __init__(self, page: Page, address: str | re.Pattern[str]) -> None:
        self._page = page
        self._waiting: list[Route] = []
        page.route(address, self._keep)

    def _keep(self, route: Route) -> None:
        self._waiting.append(route)

    def next(self) -> Route:
        """Wait for one, and take it out."""
        for _ in range(500):
            if self._waiting:
                break
            self._page.wait_for_timeout(10)
        return self._waiting.pop(0)
