"""What a bad line, a second press or a turned screen must not take away: the view before, what was typed, filters."""

from __future__ import annotations

from playwright.sync_api import Page, expect

TYPED = {"Subject": "Robot", "Message": "It sings.", "E-mail for our answer": "anna@example.org"}


def write(page: Page) -> None:
    """Open the ticket form and fill it in."""
    page.goto("/ticket?lang=en")
    for label, text in TYPED.items():
        page.get_by_label(label).fill(text)


def whole(page: Page) -> None:
    """Expect the form as it was left."""
    for label, text in TYPED.items():
        expect(page.get_by_label(label)).to_have_value(text)


def test_back_from_what_could_not_be_loaded_leads_to_what_was_left(page: Page) -> None:
    """The form with its text, and the results with their hits."""
    write(page)
    page.route("**/suggestions*", lambda route: route.abort())
    page.locator(".foot").get_by_role("link", name="Suggest").click()
    expect(page.locator(".notice h1")).to_be_focused()
    page.go_back()
    whole(page)
    page.goto("/?q=shipping&lang=en")
    page.locator(".foot").get_by_role("link", name="Suggest").click()
    expect(page.locator(".notice h1")).to_be_visible()
    page.go_back()
    expect(page.locator(".hit").first).to_be_visible()
