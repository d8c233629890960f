"""Attacks, run in real Chromium: in titles, bodies, categories and queries, by server and by script."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from browser_site import PAYLOADS, Site
from playwright.sync_api import Page, expect

from kbsearch.handover.ticket import Reply
from kbsearch.suggestions.store import PENDING, Suggestion

pytestmark = pytest.mark.slow


def unharmed(page: Page) -> None:
    """Check that no payload has run, after giving it time."""
    page.wait_for_timeout(150)
    assert page.evaluate("window.hacked === undefined")


@pytest.mark.parametrize(("lang", "least"), [("en", 9), ("lt", 7)])
def test_hostile_articles_do_nothing_in_results(page: Page, lang: str, least: int) -> None:
    """Titles, snippets, facets: first from the server, then from the script. In English every attack is shown, in
    another language those that match well enough."""
    page.goto(f"/?q=zebra&lang={lang}")
    unharmed(page)
    assert page.locator(".hit").count() >= least
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


def test_hostile_articles_do_nothing_beside_a_ticket(page: Page) -> None:
    """There the script makes elements of titles, snippets and ids."""
    page.goto("/ticket?lang=en")
    page.get_by_label("Subject").press_sequentially("zebra stripes <script>window.hacked=1</script> list")
    expect(page.locator("#deflect a").first).to_contain_text("Zebra")
    assert page.locator("#deflect img, #deflect script, #deflect svg").count() == 0
    unharmed(page)


def test_hostile_customers_do_nothing(page: Page, site: Site) -> None:
    """In suggestions that others read, and in a ticket with what the help desk answers."""
    for number, payload in enumerate(PAYLOADS):
        filed = Suggestion(f"s{number}", f"More {payload}", payload, payload[:35], PENDING, "2026-11-20T10:00:00Z", 0)
        site.service.suggestions.file(filed, f"network {number}")
        site.service.suggestions.decide(filed.id, "open")
    page.goto("/suggestions?lang=en")
    expect(page.locator(".wish")).to_have_count(len(PAYLOADS))
    unharmed(page)
    text = " ".join(PAYLOADS)
    body = {"reason": "customer_request", "subject": PAYLOADS[1], "message": text, "contact": {"email": "a@b.example"}}
    ticket = page.request.post("/v1/handover", data=body).json()
    reply = Reply("2026-11-20T10:00:00Z", text, PAYLOADS[2])
    site.service.tickets.change(ticket["id"], "2026-11-20T10:00:00Z", status="pending", reply=reply)
    page.goto(f"/tickets/{ticket['id']}?key={ticket['key']}&lang=en")
    expect(page.locator(".reply")).to_contain_text(PAYLOADS[0])
    unharmed(page)
