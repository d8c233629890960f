"""Whoever cannot use a mouse or see the page, and whoever has a slow line: axe-core, the keyboard alone, requests."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from browser_site import AGENT, Site, large_text
from playwright.sync_api import Browser, Page, expect
from widget_site import Customer, Shop, opened

AXE = (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")
VIEWS = {
    "home": "/?lang=en",
    "list": "/?q=shipping&lang=en",
    "answer": "/?q=reset+password+answer&lang=en",
    "nothing": "/?q=moon+hand_over&lang=lv",
    "article": "/?doc=reset-password.lt&lang=en",
    "video": "/?doc=rinse.en&lang=en",
    "table": "/?doc=codes.en&lang=en",
    "ticket": "/ticket?lang=de",
    "suggestions": "/suggestions?lang=ru",
    "missing": "/?doc=nothing&lang=en",
    "no page": "/nothing?lang=en",
    "later": "/?q=shipping&lang=en&offset=10",
    "explain": "/explain",
}
MOST_BYTES = 60_000


def violations(page: Page) -> list[str]:
    """Return what axe-core finds wrong, save what is minor."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations)")
    return [f"{v['id']}: {v['nodes'][0]['html']}" for v in found if v["impact"] in ("moderate", "serious", "critical")]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(browser: Browser, site: Site, view: str, scheme: str) -> None:
    """In no view, in light and dark, on a phone and on a desk."""
    for width in (320, 1280):
        context = browser.new_context(base_url=site.url, color_scheme=scheme, viewport={"width": width, "height": 800})
        page = context.new_page()
        page.goto(VIEWS[view])
        assert violations(page) == []
        context.close()


@pytest.mark.slow
def test_axe_finds_nothing_in_what_opens(page: Page, site: Site) -> None:
    """Suggestions, the language menu, reasons, articles beside a ticket, a ticket's page."""
    page.goto("/?lang=en")
    page.locator("#q").press_sequentially("shipping")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    assert violations(page) == []
    page.goto("/?doc=reset-password.en&lang=en")
    page.locator(".languages summary").click()
    page.evaluate("document.querySelector('[data-say=why]').hidden = false")
    assert violations(page) == []
    page.goto("/ticket?lang=en")
    page.get_by_label("Subject").press_sequentially("shipping to riga")
    expect(page.locator("#deflect a").first).to_be_visible()
    assert violations(page) == []
    page.get_by_label("Message").fill("Hello")
    page.get_by_label("E-mail for our answer").fill("anna@example.org")
    page.get_by_role("button", name="Send message").click()
    expect(page.locator(".state")).to_be_visible()
    assert violations(page) == []


def reach(page: Page, name: str, most: int = 40) -> None:
    """Press Tab until something with this accessible name has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        focused = page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()")
        if re.search(name, focused or page.evaluate("document.activeElement.value || ''")):
            return
    raise AssertionError(f"Tab does not reach {name!r}")


def test_the_keyboard_alone_is_enough(page: Page, site: Site) -> None:
    """Skip link, search, suggestion, article, feedback, a ticket: no pointer anywhere."""
    page.goto("/?q=shipping&lang=en")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    # Keys without a modifier belong to whoever speaks or reads with them (WCAG 2.1.4).
    page.keyboard.press("/")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("reset passw")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".article h1")).to_be_focused()
    reach(page, "^No$")
    page.keyboard.press("Space")
    expect(page.locator(".thanks")).to_be_focused()
    reach(page, "wrong or out of date")
    page.keyboard.press("Space")
    reach(page, "^Send$")
    page.keyboard.press("Enter")
    expect(page.locator("[data-say=why]")).to_be_hidden()
    reach(page, "^Write to us$")
    page.keyboard.press("Enter")
    expect(page.locator(".sheet h1")).to_be_focused()
    reach(page, "^Subject$")
    page.keyboard.type("!")
    reach(page, "^Message$")
    page.keyboard.type("It does not work.")
    reach(page, "^E-mail")
    page.keyboard.type("anna@example.org")
    page.keyboard.press("Enter")
    expect(page.locator(".state")).to_have_text("Received")
    assert "ticket_created" in {event.action_name for event in site.events()}


def test_the_language_menu_opens_and_closes_by_keyboard(page: Page) -> None:
    """Esc gives the focus back."""
    page.goto("/?lang=en")
    page.locator(".languages summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Lietuvių")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.locator(".languages")).not_to_have_attribute("open", "")
    expect(page.locator(".languages summary")).to_be_focused()


def test_the_page_stands_after_three_requests(browser: Browser, site: Site) -> None:
    """One for HTML, one for CSS, one for JavaScript, all from here, under 60 kB as sent (the icon is the tab's)."""
    context = browser.new_context(base_url=site.url, user_agent=AGENT)
    page = context.new_page()
    kinds: list[str] = []
    bodies: list[bytes] = []

    def note(response) -> None:
        kinds.append(response.request.resource_type)
        bodies.append(response.body())
        assert response.url.startswith(site.url)
        assert response.headers["content-encoding"] == "gzip"

    page.on("requestfinished", lambda request: request.resource_type != "other" and note(request.response()))
    page.goto("/?q=shipping", wait_until="networkidle")
    assert sorted(kinds) == ["document", "script", "stylesheet"]
    assert sum(len(gzip.compress(body, 5)) for body in bodies) < MOST_BYTES
    context.close()


OVERFLOWING = """() => [...document.querySelectorAll("body *")].filter((one) => one.checkVisibility()
  && !one.closest(".visually-hidden, svg, .links span") && one.getBoundingClientRect().right > innerWidth)
  .map((one) => one.outerHTML.slice(0, 80))"""


@pytest.mark.slow
def test_text_of_twice_the_size_stays_on_a_phone(browser: Browser, site: Site, tmp_path: Path) -> None:
    """As the browser is set: nothing is wider than the screen, and the skip link waits for the keyboard."""
    with large_text(browser, tmp_path, base_url=site.url, viewport={"width": 360, "height": 740}) as page:
        for address in ("/?lang=lt", "/?doc=rinse.en&lang=ru", "/ticket?lang=ru", "/suggestions?lang=ru"):
            page.goto(address)
            assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
            assert page.evaluate(OVERFLOWING) == [], address
            assert page.evaluate("document.querySelector('.skip').getBoundingClientRect().bottom + scrollY") < 0
        page.locator(".skip").focus()
        assert page.evaluate("document.querySelector('.skip').getBoundingClientRect().top") > 0


def test_the_widget_is_as_large_as_the_browsers_text(browser: Browser, shop: Shop, tmp_path: Path) -> None:
    """Whatever size the page gives itself; and nothing is wider than a phone."""
    address = shop.page(head="<style>html { font-size: 10px }</style>")
    with large_text(browser, tmp_path, viewport={"width": 1000, "height": 900}) as page:
        customer = Customer(page).visit(address)
        expect(customer.panel).to_have_css("font-size", "30px")
        assert customer.panel.bounding_box()["width"] == pytest.approx(800, abs=1)
        page.set_viewport_size({"width": 360, "height": 740})
        customer.ask("shipping list")
        box = customer.panel.bounding_box()
        assert (box["x"], box["width"]) == (0, 360)
        for part in customer.root.locator(".choice .name, .human, .ask button").all():
            inner = part.bounding_box()
            assert inner["x"] + inner["width"] <= 360


def test_on_a_low_screen_the_widget_leaves_room_to_read(browser: Browser, shop: Shop) -> None:
    """1280 by 1024 at 400 %: the conversation has half of it."""
    with opened(browser, viewport={"width": 320, "height": 256}) as page:
        customer = Customer(page).visit(shop.page())
        assert customer.root.locator(".log").bounding_box()["height"] >= 128


def test_a_word_without_end_breaks(page: Page) -> None:
    """In a transcript as elsewhere."""
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto("/?doc=rinse.en&lang=en")
    page.evaluate("document.querySelector('.transcript li span:last-child').textContent = 'x'.repeat(200)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_wide_table_is_scrolled_by_keyboard(page: Page) -> None:
    """On a phone; the page itself stays where it is."""
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto("/?doc=codes.en&lang=en")
    box = page.get_by_role("region", name="Error codes")
    box.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)  # it scrolls smoothly
    assert box.evaluate("(one) => one.scrollLeft") > 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_search_box_shows_the_focus_in_forced_colours(browser: Browser, site: Site) -> None:
    """Where shadows and colours of borders are not shown."""
    context = browser.new_context(base_url=site.url, forced_colors="active")
    page = context.new_page()
    page.goto("/?q=shipping&lang=en")
    field = page.locator(".field")
    without = field.screenshot()
    assert field.evaluate("(one) => getComputedStyle(one).outlineStyle") == "none"
    page.locator("#q").focus()
    assert field.evaluate("(one) => getComputedStyle(one).outlineStyle") == "solid"
    # Chromium says the colour that was written, not the one that it draws.
    box = field.bounding_box()
    around = {"x": box["x"] - 6, "y": box["y"] - 6, "width": box["width"] + 12, "height": 6}
    page.locator("#q").evaluate("(one) => one.style.caretColor = 'transparent'")
    seen = page.screenshot(clip=around)
    page.locator("#q").blur()
    assert seen != page.screenshot(clip=around)
    assert without == field.screenshot()
    context.close()


@pytest.mark.slow
@pytest.mark.parametrize("address", VIEWS.values(), ids=VIEWS)
def test_right_to_left_texts_keep_their_direction(page: Page, address: str) -> None:
    """Nothing overflows and the page stays whole when it is read from right to left."""
    page.goto(address)
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if page.locator(".brand").count():
        box = page.locator(".brand").bounding_box()
        assert box["x"] + box["width"] > 195
