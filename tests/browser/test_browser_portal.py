"""The page in real Chromium: what a customer does, by keyboard and by touch, and what is counted of it."""

from __future__ import annotations

import re

import pytest
from browser_site import Site
from playwright.sync_api import Browser, Page, expect


def titles(page: Page) -> list[str]:
    """Return the titles of the hits."""
    return page.locator(".hit h3").all_inner_texts()


def test_a_journey_from_question_to_feedback(page: Page, site: Site) -> None:
    """Search, open the first hit, say that it helped: each event names the search and the true position."""
    page.goto("/?lang=en")
    page.fill("#q", "reset password list")
    page.keyboard.press("Enter")
    first = page.locator(".hit h3 a").first
    expect(first).to_have_text("How to reset your password")
    assert page.locator(".snippet mark").count() > 0
    first.click()
    expect(page.locator(".article h1")).to_have_text("How to reset your password")
    expect(page.locator(".prose")).to_contain_text("Open the sign-in page")
    page.locator(".article .choice").first.click()
    expect(page.locator(".helpful")).to_have_text("Thank you, noted.")
    page.wait_for_timeout(300)
    (search,) = site.searches()
    events = sorted(site.events(), key=lambda event: event.timestamp)
    assert [event.action_name for event in events] == ["click", "view", "feedback"]
    assert {(search.query_id, "reset-password.en", 1, search.client_id, search.session_id)} == {
        (event.query_id, event.object_id, event.position, event.client_id, event.session_id) for event in events
    }
    assert events[2].attributes["feedback"] == {"thumbs": 1}


def test_feedback_by_keyboard_keeps_its_place(page: Page) -> None:
    """The button goes, and whoever pressed it would otherwise start again at the top of the page."""
    page.goto("/?doc=reset-password.en&lang=en")
    page.locator(".article .choice").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".helpful [role=status]")).to_be_focused()
    expect(page.locator(".helpful")).to_have_text("Thank you, noted.")


def test_back_and_forward_are_the_browsers(page: Page) -> None:
    """The address is the state."""
    page.goto("/?q=shipping&lang=en")
    before = titles(page)
    page.locator(".hit h3 a").first.click()
    expect(page.locator(".article h1")).to_be_visible()
    page.go_back()
    expect(page.locator(".hit").first).to_be_visible()
    assert before == titles(page)
    page.locator("a[rel=next]").click()
    expect(page.locator(".hits")).to_have_attribute("start", "11")
    page.go_back()
    expect(page.locator(".hits")).to_have_attribute("start", "1")
    page.locator(".brand").click()
    expect(page.locator(".greeting")).to_be_visible()


def test_suggestions_follow_the_combobox_pattern(page: Page) -> None:
    """Arrows choose, Esc closes, Enter takes; the screen reader is told."""
    page.goto("/?lang=en")
    box = page.get_by_role("combobox")
    expect(box).to_have_attribute("aria-expanded", "false")
    box.press_sequentially("shipping t")
    expect(page.get_by_role("listbox")).to_be_visible()
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "option-0")
    expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    box.press("ArrowUp")
    assert box.get_attribute("aria-activedescendant") is None
    box.press("ArrowUp")
    assert box.get_attribute("aria-activedescendant") != "option-0"
    box.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(box).to_have_value("shipping t")
    box.press_sequentially("o r")
    expect(page.get_by_role("option")).to_have_count(2)
    box.press("ArrowDown")
    chosen = page.locator("[aria-selected=true] span").first.inner_text()
    box.press("Enter")
    expect(page.locator(".article h1")).to_have_text(chosen)


def test_facets_filter(page: Page) -> None:
    """Opened on a phone, one touch switches a value on."""
    page.goto("/?q=shipping&lang=en")
    facets = page.locator(".facets")
    assert facets.get_attribute("open") is None
    facets.locator("summary").click()
    page.get_by_role("link", name=re.compile("Guide")).click()
    expect(page).to_have_url(re.compile("type=tutorial"))
    expect(page.locator(".kind-article")).to_have_count(0)
    page.locator(".facets summary").click()
    page.get_by_role("link", name="Clear filters").click()
    expect(page.locator(".kind-article").first).to_be_visible()


def test_an_answer_is_shown_large_and_nothing_is_admitted(page: Page) -> None:
    """The three decisions look different, from the server and from the script."""
    page.goto("/?q=reset+password+answer&lang=en")
    for _ in range(2):
        expect(page.locator(".answer .passage")).to_contain_text("password")
        expect(page.get_by_role("link", name="Read the whole article")).to_be_visible()
        page.fill("#q", "x")
        page.fill("#q", "reset password answer")
        page.keyboard.press("Enter")
        page.wait_for_timeout(200)
    page.fill("#q", "shipping to the moon hand_over")
    page.keyboard.press("Enter")
    expect(page.locator(".notice h1")).to_have_text("Nothing here answers this")
    assert page.locator(".notice .button").get_attribute("href") == "tel:+37120000100"
    page.goto("/?q=shipping+to+the+moon+hand_over&lang=en")
    expect(page.locator(".notice h1")).to_have_text("Nothing here answers this")


def test_other_languages_are_one_touch_away(page: Page) -> None:
    """The article in another language, and the page itself, both in the address only."""
    page.goto("/?q=reset+password&lang=en")
    page.locator(".hit").first.locator(".also a[hreflang=lv]").click()
    expect(page.locator(".article h1")).to_have_text("Kā atjaunot paroli")
    page.locator(".article .also a[hreflang=lt]").click()
    expect(page.locator(".article h1")).to_have_text("Kaip pakeisti slaptažodį")
    page.locator("[data-switch=lv]").click()
    expect(page.locator(".helpful-question")).to_have_text("Vai tas palīdzēja?")
    assert "lang=lv" in page.url
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_everything_is_there_without_javascript(browser: Browser, site: Site) -> None:
    """Search, filter, read; the view is counted with its search and position."""
    context = browser.new_context(base_url=site.url, java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto("/")
    page.fill("#q", "shipping")
    page.keyboard.press("Enter")
    page.get_by_role("link", name=re.compile("Guide")).click()
    page.locator(".hit h3 a").nth(1).click()
    expect(page.locator(".article h1")).to_contain_text("Shipping to")
    expect(page.locator(".helpful")).to_be_hidden()
    context.close()
    (view,) = site.events()
    last = site.searches()[-1]
    assert (last.query_id, 2, last.hit_ids[1]) == (view.query_id, view.position, view.object_id)


def test_a_service_that_is_down_is_a_sentence(page: Page) -> None:
    """Not an empty page."""
    page.goto("/?lang=en")
    page.route("**/v1/**", lambda route: route.abort())
    page.fill("#q", "shipping")
    page.keyboard.press("Enter")
    expect(page.locator(".notice h1")).to_contain_text("not available right now")


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_nothing_overflows(page: Page, width: int) -> None:
    """At any width, in the language with the longest words."""
    page.set_viewport_size({"width": width, "height": 800})
    for address in ("/?lang=de", "/?lang=de&q=shipping", "/?lang=de&doc=reset-password.lt"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
