"""Attacks, run in real Chromium: in titles, bodies, categories and queries, by server and by script."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from browser_site import PAYLOADS, Site
from playwright.sync_api import Page, expect


def unharmed(page: Page) -> None:
    """Check that no payload has run, after giving it time."""
    page.wait_for_timeout(150)
    assert page.evaluate("window.hacked === undefined")


@pytest.mark.parametrize("lang", ["en", "lt"])
def test_hostile_articles_do_nothing_in_results(page: Page, lang: str) -> None:
    """Titles, snippets, facets: first from the server, then from the script."""
    page.goto(f"/?q=zebra&lang={lang}")
    unharmed(page)
    assert page.locator(".hit").count() >= 8
    assert page.locator(".hit img, .hit script, .hit svg, .facets img").count() == 0
    page.locator(".facets summary").click()
    page.fill("#q", "zebra stripes")
    page.keyboard.press("Enter")
    page.wait_for_url("**stripes**")
    unharmed(page)
    page.fill("#q", "zebr")
    page.locator("#q").press_sequentially("a")
    expect(page.get_by_role("listbox")).to_be_visible()
    unharmed(page)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_queries_do_nothing(page: Page, payload: str) -> None:
    """In the address and in the box; in every decision."""
    for decision in ("list", "answer", "hand_over"):
        page.goto(f"/?q={quote(f'zebra {payload} {decision}')}&lang=en")
        unharmed(page)
    page.fill("#q", f"{payload} zebra")
    page.keyboard.press("Enter")
    expect(page.locator(".hit, .notice, .answer").first).to_be_visible()
    unharmed(page)
    assert payload in page.input_value("#q")


@pytest.mark.parametrize(
    "parameter", ["lang", "type", "category", "language", "doc", "as", "query", "position", "offset"]
)
def test_hostile_addresses_do_nothing(page: Page, parameter: str) -> None:
    """Whatever an address is made to say."""
    for payload in PAYLOADS[:4]:
        page.goto(f"/?q=zebra&{parameter}={quote(payload)}")
        unharmed(page)


@pytest.mark.parametrize("document", ["hostile.en", "unclean-hostile.en", *(f"attack-{n}.en" for n in range(8))])
def test_hostile_bodies_do_nothing(page: Page, site: Site, document: str) -> None:
    """Cleaned when indexed; and where that ever failed, the page's policy runs nothing in them either."""
    page.goto(f"/?doc={document}&lang=en")
    expect(page.locator(".article h1")).to_contain_text("Zebra")
    unharmed(page)
    page.goto("/?lang=en")
    page.evaluate("address => { const a = document.createElement('a'); a.href = address; a.id = 'go';"
                  "a.textContent = 'go'; document.querySelector('.top').append(a); }", f"/?doc={document}")  # fmt: skip
    page.click("#go")
    expect(page.locator(".article h1")).to_contain_text("Zebra")
    for link in page.locator(".prose a, .prose p").all():
        link.dispatch_event("click")
    unharmed(page)
    assert page.url.startswith(site.url)
