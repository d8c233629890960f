"""Views of the portal that come late, one after the other, or not at all."""

from __future__ import annotations

import re

from browser_site import Site
from playwright.sync_api import Page, expect
from widget_site import Held


def test_of_two_links_the_last_one_counts(page: Page) -> None:
    """What the first one led to comes no more, and until the second is answered the view says that it waits."""
    page.goto("/?q=shipping&lang=en")
    wanted = page.locator(".hit-title a").nth(1).inner_text()
    held = Held(page, re.compile("doc="))
    page.locator(".hit-title a").nth(0).click()
    first = held.next()
    page.locator(".hit-title a").nth(1).click()
    second = held.next()
    page.wait_for_timeout(100)
    expect(page.locator("#view")).to_have_attribute("aria-busy", "true")
    second.continue_()
    expect(page.locator(".article h1")).to_have_text(wanted)
    first.continue_()
    page.wait_for_timeout(300)
    expect(page.locator(".article h1")).to_have_text(wanted)


def test_what_was_asked_leads_to_its_results(page: Page) -> None:
    """The focus goes there from the box, and the box of the next view is that view's own."""
    page.goto("/?lang=en")
    page.fill("#q", "shipping")
    page.keyboard.press("Enter")
    expect(page.locator(".list-title")).to_be_focused()
    page.locator(".brand").click()
    expect(page.locator(".greeting")).to_be_visible()
    expect(page.locator("#q")).to_have_value("")
    expect(page.locator("#q")).to_be_focused()


def test_an_article_that_no_result_led_to_leads_home(page: Page) -> None:
    """As its link says, though the entry before it is a list of results."""
    page.goto("/?q=shipping&lang=en")
    page.fill("#q", "reset passw")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.get_by_role("option").first.click()
    expect(page.locator(".article h1")).to_be_visible()
    page.locator(".back a").click()
    expect(page.locator(".greeting")).to_be_visible()


def test_a_jump_within_the_page_is_the_same_view(page: Page, site: Site) -> None:
    """Its entry of the history asks nothing and loses nothing."""
    page.goto("/?q=shipping&lang=en")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.fill("#q", "not asked yet")
    page.locator(".foot").get_by_role("link", name="Suggest").click()
    expect(page.get_by_label("Your suggestion in one line")).to_be_visible()
    for _ in range(2):
        page.go_back()
        expect(page.locator("#q")).to_have_value("not asked yet")
        page.wait_for_timeout(200)
    assert len(site.searches()) == 1


def test_late_suggestions_are_those_of_what_stands_there(page: Page) -> None:
    """What was typed on since is not answered by them; and keys that compose a character do not close the list."""
    page.clock.install()
    page.goto("/?lang=en")
    held = Held(page, "**/v1/suggest*")
    page.locator("#q").press_sequentially("ship")
    page.clock.run_for(100)
    late = held.next()
    page.locator("#q").press_sequentially("p")
    with page.expect_response("**/v1/suggest*"):
        late.continue_()
    page.wait_for_timeout(100)
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.clock.run_for(100)
    held.next().continue_()
    expect(page.get_by_role("listbox")).to_be_visible()
    composing = 'new KeyboardEvent("keydown", { key: "Escape", isComposing: true, bubbles: true })'
    page.locator("#q").evaluate(f"(box) => box.dispatchEvent({composing})")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()


def test_a_view_that_is_not_waited_for_is_not_busy(page: Page) -> None:
    """Left with “back” before its link was answered, it is whole when the browser comes forward to it."""
    page.goto("/?lang=en")
    page.fill("#q", "shipping list")
    page.keyboard.press("Enter")
    expect(page.locator(".hit").first).to_be_visible()
    page.route("**/?*doc=*", lambda _route: None)
    page.locator(".hit-title a").first.click()
    expect(page.locator("#view")).to_have_attribute("aria-busy", "true")
    page.go_back()
    expect(page.locator(".greeting")).to_be_visible()
    page.go_forward()
    expect(page.locator(".hit").first).to_be_visible()
    expect(page.locator("#view")).not_to_have_attribute("aria-busy", "true")
