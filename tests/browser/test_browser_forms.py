"""Forms of the page with JavaScript: feedback with reasons, a ticket with articles beside it, suggestions."""

from __future__ import annotations

import re

import pytest
from browser_site import Site, file_suggestion
from playwright.sync_api import Page, Route, expect

from kbsearch.service import frame

# Each types as people do.
pytestmark = pytest.mark.slow

VOTES = {
    "en": ("Vote", "Votes: 1"), "lv": ("Balsot", "Balsis: 1"), "lt": ("Balsuoti", "Balsų: 1"),
    "pl": ("Głosuj", "Głosów: 1"), "ru": ("Голосовать", "Голосов: 1"), "de": ("Abstimmen", "Stimmen: 1"),
    "et": ("Hääleta", "Hääli: 1"),
}  # fmt: skip


def test_why_it_did_not_help(page: Page, site: Site) -> None:
    """A “no” asks for the reason, and shows the way to a person."""
    page.goto("/?doc=reset-password.en&lang=en")
    page.get_by_role("button", name="No").click()
    expect(page.locator(".thanks")).to_be_focused()
    expect(page.locator(".helpful").get_by_role("link", name="Write to us")).to_be_visible()
    page.get_by_label("hard to follow").check()
    page.get_by_label("Anything to add?").fill("Which page?")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("button", name="Send")).to_be_hidden()
    page.wait_for_timeout(200)
    votes = [event.attributes for event in site.events() if event.action_name == "feedback"]
    assert [vote.get("helpful") for vote in votes] == [False, None]
    assert (votes[1]["reason"], votes[1]["note"]) == ("unclear", "Which page?")


def test_feedback_by_keyboard_keeps_its_place(page: Page) -> None:
    """The button goes, and whoever pressed it would otherwise start again at the top of the page."""
    page.goto("/?doc=reset-password.en&lang=en")
    page.locator(".article .choice").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".thanks")).to_be_focused()


def test_some_visits_are_asked_for_a_rating(page: Page, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a “yes”; that it was asked is counted as well."""
    monkeypatch.setattr(frame, "asks_csat", lambda _session: True)
    page.goto("/?doc=reset-password.en&lang=en")
    expect(page.get_by_role("button", name="5: Very")).to_be_hidden()
    page.get_by_role("button", name="Yes").click()
    page.get_by_role("button", name="4", exact=True).click()
    page.wait_for_timeout(200)
    events = site.events()
    assert [e.object_id for e in events if e.object_id_type == "survey"] == ["csat"]
    assert [e.attributes["csat"] for e in events if "csat" in e.attributes] == [4]


def test_articles_appear_while_the_subject_is_typed(page: Page, site: Site) -> None:
    """Opening one beside the form keeps what was typed, and is told to whoever answers the ticket."""
    page.goto("/ticket?lang=en")
    page.get_by_label("Subject").press_sequentially("shipping to riga please", delay=10)
    suggested = page.locator("#deflect a")
    expect(suggested.first).to_contain_text("Shipping to Riga")
    expect(suggested.first.locator(".visually-hidden")).to_have_text(" (opens in a new tab)")
    expect(page.locator("#deflect mark").first).to_be_visible()
    with page.context.expect_page() as opened:
        suggested.first.click()
    expect(opened.value.locator(".article h1")).to_have_text("Shipping to Riga")
    opened.value.close()
    expect(page.get_by_label("Subject")).to_have_value("shipping to riga please")
    page.get_by_label("Message").fill("How long does it take?")
    page.get_by_label("E-mail for our answer").fill("anna@example.org")
    page.get_by_role("button", name="Send message").click()
    expect(page.locator(".state")).to_have_text("Received")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    assert re.search(r"/tickets/\w+\?key=", page.url)
    page.reload()
    expect(page.locator(".ticket h2")).to_have_text("shipping to riga please")
    (ticket,) = site.service.tickets.listed()
    handover = ticket.handover
    assert handover.opened[0].id == "city-00.en"
    assert {article.id for article in handover.shown} >= {"city-00.en"}
    searches = {search.query_id for search in site.searches()}
    assert set(handover.query_ids) <= searches
    assert handover.query_ids
    click = next(event for event in site.events() if event.action_name == "click")
    assert (click.object_id, click.position) == ("city-00.en", 1)
    started = [event for event in site.events() if event.action_name == "ticket_started"]
    assert [event.attributes["suggestions_shown"] for event in started] == [True]


def test_articles_appear_while_the_message_is_written(page: Page, site: Site) -> None:
    """A subject that says little is no matter: each sentence that is finished is read, and the last after a pause."""
    page.goto("/ticket?lang=en")
    page.get_by_label("Subject").fill("Help me")
    message = page.get_by_label("Message")
    message.focus()
    place = message.bounding_box()
    message.press_sequentially("Hello! I am in a hurry. shipping to riga", delay=5)
    expect(page.locator("#deflect a").first).to_contain_text("Shipping to Riga")
    assert message.bounding_box() == pytest.approx(place, abs=2)  # it does not move while it is written
    assert len(site.searches()) >= 2


def test_the_articles_wait_for_who_reads_them(page: Page) -> None:
    """Others that are found meanwhile would take the focus away, and the page with it; they come afterwards."""
    page.clock.install()
    page.goto("/ticket?lang=en")
    page.get_by_label("Subject").fill("Help me")
    page.get_by_label("Message").fill("shipping to riga. ")
    page.clock.run_for(500)
    first = page.locator("#deflect a").first
    expect(first).to_contain_text("Shipping to Riga")
    page.get_by_label("Message").fill("shipping to riga. how to reset the password")
    page.get_by_label("Message").press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.clock.run_for(5000)
    page.wait_for_timeout(300)
    expect(page.locator("#deflect a").last).to_be_focused()
    expect(page.locator("#deflect")).not_to_contain_text("password")
    page.get_by_label("Message").focus()
    page.clock.run_for(5000)
    expect(page.locator("#deflect")).to_contain_text("password")


def test_the_form_tells_of_each_article_once(page: Page) -> None:
    """Of the newest twenty, the newest last; and asks nothing again while the words stay the same."""
    page.clock.install()
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(str(route.request.post_data))
        ids = ("same", *(f"{len(asked)}-{letter}" for letter in "ab"))
        hits = [
            {"id": name, "title": name, "type": "faq", "lang": "en", "snippet": "", "highlights": [], "position": 1}
            for name in ids
        ]
        route.fulfill(json={"query_id": f"q{len(asked)}", "hits": hits, "holdout": False})

    page.route("**/v1/deflect", answer)
    page.goto("/ticket?lang=en")
    for number in range(11):
        page.get_by_label("Subject").fill(f"subject {number}")
        page.clock.run_for(500)
        expect(page.locator("#deflect")).to_contain_text(f"{number + 1}-a")
    page.get_by_label("Subject").fill("subject")
    page.get_by_label("Subject").fill("subject 10")
    page.clock.run_for(3000)
    assert len(asked) == 11
    shown = page.locator("[name=shown]").input_value().split("\n")
    assert (len(shown), len(set(shown)), shown[-3:]) == (20, 20, ["same", "11-a", "11-b"])


def test_what_an_article_solved_is_not_sent(page: Page, site: Site) -> None:
    """It counts as solved, with the search that led to it."""
    page.goto("/ticket?lang=en")
    page.get_by_label("Subject").press_sequentially("shipping to riga")
    page.get_by_role("button", name="This solved it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Glad that it is solved")
    page.wait_for_timeout(200)
    solved = next(event for event in site.events() if event.action_name == "resolved_declared")
    assert solved.query_id == site.searches()[-1].query_id
    assert "ticket_created" not in {event.action_name for event in site.events()}


def test_where_no_article_fits_the_form_says_so(page: Page) -> None:
    """And shows none that only stand in the way."""
    page.goto("/ticket?lang=en")
    page.get_by_label("Subject").press_sequentially("a rocket to the moon hand_over")
    expect(page.locator("#deflect")).to_contain_text("No article fits this")


def test_leaving_the_search_box_does_not_stop_the_form(page: Page) -> None:
    """Its list goes away a moment after the focus has left; what the form looks up meanwhile must still come."""
    page.goto("/ticket?lang=en")
    page.locator("#q").focus()
    page.get_by_label("Subject").fill("shipping to riga please")
    expect(page.locator("#deflect a").first).to_contain_text("Shipping to Riga")


def test_a_service_that_is_down_loses_nothing(page: Page) -> None:
    """What was typed is still there, and can be sent again."""
    page.goto("/ticket?lang=en")
    page.get_by_label("Subject").fill("Hello")
    page.get_by_label("Message").fill("My robot sings.")
    page.get_by_label("E-mail for our answer").fill("anna@example.org")
    page.route("**/ticket?*", lambda route: route.abort())
    page.get_by_role("button", name="Send message").click()
    expect(page.get_by_role("alert")).to_contain_text("could not be sent")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Message")).to_have_value("My robot sings.")
    page.unroute("**/ticket?*")
    page.get_by_role("button", name="Send message").click()
    expect(page.locator(".state")).to_have_text("Received")


def test_how_often_articles_were_enough_is_said(page: Page, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where enough people saw them; the figure is that of the metrics."""
    monkeypatch.setattr(type(site.service.helped), "figure", lambda _self: (120, 42))
    page.goto("/ticket?lang=en")
    expect(page.locator("#helped")).to_have_text(
        "Of 120 people who saw articles here, 42% did not write to us after all."
    )


def test_suggestions_without_reloading(page: Page, site: Site) -> None:
    """Filed, voted for once, followed; each says what became of it."""
    file_suggestion(page, site)
    for _ in range(2):
        with page.expect_response("**/suggestions?done=voted*"):
            page.get_by_role("button", name="Vote: Delivery on Sundays").click()
        expect(page.locator(".thanks")).to_contain_text("Your vote counts")
        expect(page.locator(".vote b")).to_have_text("1")
    # No noun has a form that fits every number in all languages; before a colon it needs none.
    for lang, (vote, count) in VOTES.items():
        page.goto(f"/suggestions?lang={lang}")
        button = page.get_by_role("button", name=f"{vote}: Delivery on Sundays. {count}", exact=True)
        expect(button).to_be_visible()
    page.goto("/suggestions?lang=en")
    page.locator(".follow summary").click()
    page.get_by_label("Your e-mail").fill("anna@example.org")
    page.get_by_role("button", name="Follow").click()
    expect(page.locator(".thanks")).to_contain_text("We will write to you")
    assert [e.action_name for e in site.events()].count("vote") == 1


def test_the_field_that_is_wrong_is_shown(page: Page, site: Site) -> None:
    """It has the focus, and says what is wrong with it; in a form that is folded away as well. It is no page of its own
    for “back”."""
    page.goto("/?lang=en")
    page.locator(".top [data-human]").click()
    page.get_by_label("Subject").fill("Hello")
    page.get_by_label("Message").fill("My robot sings.")
    email = page.get_by_label("E-mail for our answer")
    email.fill("anna@example")
    page.get_by_role("button", name="Send message").click()
    expect(email).to_be_focused()
    expect(email).to_have_accessible_description(re.compile("Please check the e-mail address"))
    expect(page.locator("#status")).to_contain_text("Please check the e-mail address")
    page.go_back()
    expect(page.locator(".greeting")).to_be_visible()
    file_suggestion(page, site)
    page.locator(".follow summary").click()
    follow = page.get_by_label("Your e-mail")
    follow.fill("anna@example")
    page.get_by_role("button", name="Follow").click()
    expect(follow).to_be_focused()
    expect(follow).to_have_value("anna@example")
    expect(follow).to_have_accessible_description(re.compile("Please check the e-mail address"))
