"""The page without JavaScript: searched, read, judged, written to; and counted all the same."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from browser_site import AGENT, Site
from playwright.sync_api import Browser, Page, expect

from kbsearch.service import frame


@pytest.fixture
def plain(browser: Browser, site: Site) -> Iterator[Page]:
    """A page that runs no script."""
    context = browser.new_context(base_url=site.url, java_script_enabled=False, locale="en-GB", user_agent=AGENT)
    yield context.new_page()
    context.close()


def test_search_filter_read(plain: Page, site: Site) -> None:
    """The view is counted with its search and position, and so is every hit that was shown."""
    plain.goto("/")
    plain.fill("#q", "shipping")
    plain.keyboard.press("Enter")
    plain.get_by_role("link", name=re.compile("Guide")).click()
    plain.locator(".hit-title a").nth(1).click()
    expect(plain.locator(".article h1")).to_contain_text("Shipping to")
    last = site.searches()[-1]
    (view,) = (event for event in site.events() if event.action_name == "view")
    assert (last.query_id, 2, last.hit_ids[1]) == (view.query_id, view.position, view.object_id)
    shown = [event for event in site.events() if event.action_name == "impression" and event.query_id == last.query_id]
    assert {(event.object_id, event.position) for event in shown} == {(d, n) for n, d in enumerate(last.hit_ids, 1)}


def test_what_was_wrong_is_asked_once(plain: Page, site: Site) -> None:
    """A vote, then why; each leads back to the article, which is not counted as read again."""
    plain.goto("/?doc=reset-password.en&lang=en&query=q7&position=2")
    plain.get_by_role("button", name="No").click()
    expect(plain.get_by_role("button", name="No")).to_be_hidden()
    plain.get_by_label("Something is missing").check()
    plain.get_by_label("Anything to add?").fill("And my card 4111 1111 1111 1111?")
    plain.get_by_role("button", name="Send").click()
    expect(plain.locator(".thanks")).to_be_visible()
    expect(plain.get_by_role("button", name="Send")).to_be_hidden()
    view, vote, reason = site.events()
    assert (view.action_name, vote.attributes["helpful"], reason.attributes["reason"]) == ("view", False, "incomplete")
    assert "4111" not in str(reason.attributes)
    assert {("q7", 2, "reset-password.en")} == {(e.query_id, e.position, e.object_id) for e in (view, vote, reason)}


def test_an_answer_is_judged_where_it_stands(plain: Page, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the results: the search is not asked twice, and whoever is asked for a rating is counted."""
    monkeypatch.setattr(frame, "asks_csat", lambda _session: True)
    plain.goto("/?q=reset+password+answer&lang=en")
    plain.locator(".answer").get_by_role("button", name="Yes").click()
    plain.get_by_role("button", name="5: Very").click()
    expect(plain.locator(".thanks")).to_be_visible()
    expect(plain.get_by_role("button", name="5: Very")).to_be_hidden()
    (search,) = site.searches()
    vote, asked, rating = site.events()[-3:]
    assert (vote.attributes["helpful"], asked.object_id, rating.attributes["csat"]) == (True, "csat", 5)
    assert {search.query_id} == {vote.query_id, asked.query_id, rating.query_id}


def test_a_suggestion_is_filed_and_voted_for(plain: Page, site: Site) -> None:
    """Shown to others once it has been read; an e-mail address that follows it is shown to nobody."""
    plain.goto("/suggestions?lang=en")
    plain.get_by_label("Your suggestion in one line").fill("Delivery on <b>Sundays</b>")
    plain.get_by_role("button", name="Send suggestion").click()
    expect(plain.locator(".thanks")).to_contain_text("once we have read it")
    expect(plain.locator(".wish")).to_have_count(0)
    (filed,) = site.service.suggestions.listed()
    site.service.suggestions.decide(filed.id, "planned")
    plain.goto("/suggestions?lang=en")
    expect(plain.locator(".wish h2")).to_have_text("Delivery on <b>Sundays</b>")
    for _ in range(2):
        plain.get_by_role("button", name=re.compile("Vote")).click()
        expect(plain.locator(".vote b")).to_have_text("1")
    plain.locator(".follow summary").click()
    plain.get_by_label("Your e-mail").fill("anna@example.org")
    plain.get_by_role("button", name="Follow").click()
    expect(plain.locator(".thanks")).to_contain_text("We will write to you")
    assert "anna@" not in plain.content()
    assert site.service.suggestions.followers(filed.id) == ["anna@example.org"]


def test_a_ticket_is_written_and_followed(plain: Page, site: Site) -> None:
    """Articles first, if asked for; what was typed stays; the ticket has an address of its own."""
    plain.goto("/?q=shipping+to+the+moon+hand_over&lang=en")
    plain.locator(".notice").get_by_role("link", name="Write to us").click()
    plain.get_by_label("Subject").fill("Shipping to Riga")
    plain.get_by_label("Message").fill("How long?")
    plain.get_by_role("button", name="See articles first").click()
    expect(plain.locator(".deflect a").first).to_have_text("Shipping to Riga")
    expect(plain.get_by_label("Message")).to_have_value("How long?")
    plain.get_by_label("E-mail for our answer").fill("anna@example.org")
    plain.get_by_role("button", name="Send message").click()
    expect(plain.locator(".state")).to_have_text("Received")
    expect(plain.locator(".ticket h2")).to_have_text("Shipping to Riga")
    assert re.search(r"/tickets/\w+\?key=", plain.url)
    plain.goto(re.sub(r"key=[\w-]+", "key=forged", plain.url))
    expect(plain.get_by_role("heading", level=1)).to_contain_text("no message at this address")
    assert [event.action_name for event in site.events()][-1] in ("ticket_created", "handover")


def test_a_ticket_that_is_not_whole_says_so(plain: Page) -> None:
    """By the server too, whatever a browser let pass."""
    plain.goto("/ticket?lang=en")
    plain.get_by_label("Subject").fill("Hello")
    plain.get_by_label("Message").fill("    ")
    plain.get_by_label("E-mail for our answer").fill("anna@localhost")
    plain.get_by_role("button", name="Send message").click()
    expect(plain.get_by_role("alert")).to_contain_text("Please fill in")
    expect(plain.get_by_label("Subject")).to_have_value("Hello")
