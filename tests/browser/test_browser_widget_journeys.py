"""Ten journeys through the widget in a real browser, and then exactly the metrics that they must give."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from browser_site import AGENT, Site
from playwright.sync_api import Browser, expect
from test_browser_journeys import MOON, reported
from widget_site import Customer, Shop, opened

Journey = Callable[[Customer], None]


def answered(word: str = "") -> Journey:
    """Ask what has an answer, and perhaps say whether it helped."""

    def visit(customer: Customer) -> None:
        customer.ask("reset password answer")
        if word:
            customer.root.locator(".asking").get_by_role("button", name=word).click()
            expect(customer.root.locator(".theirs")).to_have_count(2)

    return visit


def chosen(position: int, word: str = "") -> Journey:
    """Open one of the titles, and perhaps say whether it helped."""

    def visit(customer: Customer) -> None:
        customer.ask("shipping list").locator(".choice").nth(position - 1).click()
        expect(customer.root.locator(".prose")).to_be_visible()
        if word:
            customer.root.locator(".vote").get_by_role("button", name=word).click()
            expect(customer.root.locator(".vote [role=status]")).to_be_visible()

    return visit


def asked(question: str) -> Journey:
    """Ask, and leave."""
    return lambda customer: customer.ask(question) and None


def filed(customer: Customer) -> None:
    """Fill in the form and send it."""
    customer.root.get_by_label("Message").fill("Please help me.")
    customer.root.get_by_label("E-mail").fill("anna@shop.example")
    customer.root.get_by_role("button", name="Send message").click()
    expect(customer.root.locator(".filed h3")).to_be_visible()


def nothing_then_a_person(customer: Customer) -> None:
    customer.ask(MOON).get_by_role("button", name="Talk to a person").click()
    filed(customer)


def no_help_then_a_person(customer: Customer) -> None:
    answered("No")(customer)
    customer.root.locator(".asking").get_by_role("button", name="Talk to a person").click()
    filed(customer)


def a_person_at_once(customer: Customer) -> None:
    customer.ask("I want to talk to a human")
    filed(customer)


JOURNEYS: tuple[Journey, ...] = (
    answered("Yes"), answered("Yes"), answered(), chosen(2, "Yes"), chosen(1), asked("shipping list"), asked(MOON),
    nothing_then_a_person, no_help_then_a_person, a_person_at_once,
)  # fmt: skip

# Numerator and denominator, counted by hand from the journeys above. Nine searched, once each: other hits after a no
# are the same search, and a request for a person is none.
EXPECTED = {
    "confirmed_success_rate": (3, 9),
    "assumed_rate": (2, 9),
    "escalated_rate": (2, 9),
    "abandoned_rate": (2, 9),
    "hand_over_rate": (3, 10),
    "search_ctr": (2, 9),
    "mean_reciprocal_click_position": (1 / 2 + 1, 2),
    "reformulation_rate": (0, 9),
    "zero_abstained": (2, 9),
    "article_helpfulness": (3, 4),
}


@pytest.mark.slow
def test_ten_journeys_give_exactly_their_metrics(browser: Browser, shop: Shop, help_site: Site) -> None:
    """Every figure, and every event in the place where it was shown, from a page of another origin."""
    for journey in JOURNEYS:
        with opened(browser, user_agent=AGENT) as page:
            journey(Customer(page).visit(shop.page()))
            page.goto("about:blank")
            page.wait_for_timeout(150)
    made = reported(help_site)
    figures = {name: made.metrics[name] for name in EXPECTED}
    assert {name: (pytest.approx(top), bottom) for name, (top, bottom) in EXPECTED.items()} == {
        name: (figure.numerator, figure.denominator) for name, figure in figures.items()
    }
    assert made.outcomes == {
        "confirmed": 3, "assumed": 2, "escalated": 3, "abandoned": 2, "unknown": 0, "journeys": 10
    }  # fmt: skip
    assert (made.health.verdict, made.dropped) == ("healthy", 0)
    places = {search.query_id: search.hit_ids for search in help_site.searches()}
    events = help_site.events()
    assert {event.surface for event in events} == {"widget"}
    placed = [event for event in events if event.position]
    assert {"impression", "click", "view", "answer_shown", "feedback"} == {event.action_name for event in placed}
    for event in placed:
        assert places[event.query_id][event.position - 1] == event.object_id, event
