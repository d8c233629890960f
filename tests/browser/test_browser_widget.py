"""The widget in real Chromium, on a page of another origin: what a customer does, and what is counted of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from browser_site import Site
from playwright.sync_api import Browser, Page, Request, Route, expect
from widget_site import Customer, Shop, opened

pytestmark = pytest.mark.slow


def handovers(page: Page) -> list[dict[str, Any]]:
    """A list that fills with what the page files."""
    filed: list[dict[str, Any]] = []

    def note(request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/v1/handover"):
            filed.append(json.loads(request.post_data or ""))

    page.on("request", note)
    return filed


def test_a_journey_from_question_to_feedback(customer: Customer, shop: Shop, help_site: Site) -> None:
    """Ask, read the source, say that it helped: each event names the search and the true position."""
    customer.visit(shop.page())
    reply = customer.ask("reset password answer")
    expect(reply.locator(".passage")).to_contain_text("password")
    reply.locator(".source").click()
    expect(customer.root.locator(".article h3")).to_have_text("How to reset your password")
    expect(customer.root.locator(".article h3")).to_be_focused()
    expect(customer.root.locator(".prose")).to_contain_text("Open the sign-in page")
    customer.root.locator(".vote").get_by_role("button", name="Yes").click()
    expect(customer.root.locator(".vote [role=status]")).to_be_focused()
    customer.page.wait_for_timeout(300)
    (search,) = help_site.searches()
    events = sorted(help_site.events(), key=lambda event: event.timestamp)
    assert sorted(event.action_name for event in events) == ["answer_shown", "click", "feedback", "impression", "view"]
    for event in events:
        assert (event.query_id, event.session_id, event.client_id) == (
            search.query_id, search.session_id, search.client_id,
        )  # fmt: skip
        assert (event.object_id, event.position, event.surface) == ("reset-password.en", 1, "widget")
    assert events[-1].attributes == {"helpful": True}
    assert (search.user_query, search.surface) == ("reset password answer", "widget")


def test_choices_keep_their_true_positions(customer: Customer, shop: Shop, help_site: Site) -> None:
    """Three after the first no stand where the search had them, and so does the click on the last of them."""
    customer.visit(shop.page())
    expect(customer.ask("shipping to answer").locator(".source")).to_be_visible()
    reply = customer.root.locator(".asking")
    reply.get_by_role("button", name="No").click()
    expect(customer.root.locator(".choice")).to_have_count(3)
    expect(customer.box).to_be_focused()
    title = customer.root.locator(".choice").last.inner_text().split(" – ")[0]
    customer.root.locator(".choice").last.click()
    expect(customer.root.locator(".article h3")).to_have_text(title)
    customer.page.wait_for_timeout(300)
    (search,) = help_site.searches()
    facts = [(e.action_name, e.object_id, e.position) for e in help_site.events()]
    shown = [(name, place) for action, name, place in facts if action == "impression"]
    assert sorted(place or 0 for _, place in shown) == [1, 2, 3, 4]
    assert all(search.hit_ids[(place or 0) - 1] == name for name, place in shown)
    assert ("click", search.hit_ids[3], 4) in facts
    assert ("view", search.hit_ids[3], 4) in facts
    assert ("feedback", search.hit_ids[0], 1) in facts


def test_the_second_no_opens_the_form_and_everything_goes_with_it(customer: Customer, shop: Shop) -> None:
    """The person gets the chat, the searches, what was shown and opened; the customer sees the status."""
    customer.visit(shop.page())
    filed = handovers(customer.page)
    customer.ask("shipping to list")
    customer.root.locator(".choice").first.click()
    expect(customer.root.locator(".prose")).to_contain_text("working days")
    customer.root.get_by_role("button", name="Back to the chat").click()
    expect(customer.box).to_be_focused()
    customer.root.get_by_role("button", name="None of these").click()
    expect(customer.root.locator(".choice")).to_have_count(6)
    customer.box.fill("no")
    customer.box.press("Enter")
    expect(customer.root.get_by_label("Message")).to_have_value("shipping to list")
    expect(customer.root.get_by_label("E-mail")).to_be_focused()
    customer.root.get_by_label("E-mail").fill("anna@shop.example")
    customer.root.get_by_label("Your name").fill("Anna")
    customer.root.get_by_role("button", name="Send message").click()
    expect(customer.root.locator(".filed h3")).to_have_text("Your message was sent")
    expect(customer.root.locator(".filed h3")).to_be_focused()
    expect(customer.root.locator(".filed")).to_contain_text("We answer to anna@shop.example.")
    expect(customer.root.locator(".state")).to_have_text("Received")
    customer.root.get_by_role("button", name="Check again").click()
    expect(customer.root.locator(".state")).to_have_text("Received")
    assert "/tickets/" in (customer.root.locator(".filed a").get_attribute("href") or "")
    (body,) = filed
    assert (body["reason"], body["subject"], body["lang"]) == ("low_confidence", "shipping to list", "en")
    assert body["contact"] == {"email": "anna@shop.example", "name": "Anna"}
    assert [turn["role"] for turn in body["conversation"]] == ["customer", "assistant"] * 3
    assert [turn["text"] for turn in body["conversation"]][::2] == ["shipping to list", "None of these", "no"]
    assert body["queries"] == ["shipping to list"]
    assert len(body["query_ids"]) == 1
    assert len(body["shown"]) == 6
    assert body["opened"] == body["shown"][:1]
    assert body["session"]
    assert body["idempotency_key"]


@pytest.mark.parametrize("words", ["I want a human", "gribu runāt ar cilvēku"])
def test_a_request_for_a_human_opens_the_form_at_once(customer: Customer, shop: Shop, words: str) -> None:
    customer.visit(shop.page())
    customer.ask(words)
    expect(customer.root.get_by_label("E-mail")).to_be_visible()
    expect(customer.root.locator(".theirs .bubble")).to_contain_text("Of course")


def test_what_was_typed_is_never_lost(customer: Customer, shop: Shop) -> None:
    """From the question box into the form, through a look back, a failure and a second try; filed once."""
    customer.visit(shop.page())
    filed = handovers(customer.page)
    customer.box.fill("My robot speaks in tongues")
    customer.person.click()
    message, email = customer.root.get_by_label("Message"), customer.root.get_by_label("E-mail")
    expect(message).to_have_value("My robot speaks in tongues")
    customer.root.get_by_role("button", name="Send message").click()
    expect(customer.root.get_by_role("alert")).to_have_text("Please write a message and an e-mail address.")
    expect(email).to_be_focused()
    email.fill("not an address")
    customer.root.get_by_role("button", name="Send message").click()
    expect(customer.root.get_by_role("alert")).to_contain_text("Please check the e-mail address")
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(email).to_have_attribute("aria-describedby", "problem")
    message.fill("It speaks\nin tongues.")
    email.fill("anna@shop.example")
    customer.page.keyboard.press("Escape")
    expect(customer.box).to_be_focused()
    expect(customer.box).to_have_value("My robot speaks in tongues")
    customer.person.click()
    expect(message).to_have_value("It speaks\nin tongues.")
    expect(email).to_have_value("anna@shop.example")
    customer.page.route("**/v1/handover", lambda route: route.abort())
    customer.root.get_by_role("button", name="Send message").click()
    expect(customer.root.get_by_role("alert")).to_contain_text("Nothing is lost")
    expect(customer.root.get_by_role("alert").get_by_role("link")).to_have_attribute("href", "tel:+37120000100")
    expect(message).to_have_value("It speaks\nin tongues.")
    customer.page.unroute("**/v1/handover")
    customer.root.get_by_role("button", name="Send message").click()
    expect(customer.root.locator(".filed h3")).to_be_visible()
    assert len(filed) == 2
    assert filed[0] == filed[1]
    customer.root.get_by_role("button", name="Write another message").click()
    expect(message).to_have_value("")


def test_what_was_changed_after_a_lost_answer_is_another_message(
    customer: Customer, shop: Shop, help_site: Site
) -> None:
    """The first one was filed, and its key stays its own: a changed message is filed too, not refused for ever."""
    customer.visit(shop.page())
    filed = handovers(customer.page)
    customer.person.click()
    message, send = customer.root.get_by_label("Message"), customer.root.get_by_role("button", name="Send message")
    message.fill("My parcel is lost.")
    customer.root.get_by_label("E-mail").fill("anna@shop.example")

    def lose(route: Route) -> None:
        if route.request.method == "POST":
            route.fetch()
            route.abort()
        else:
            route.continue_()

    customer.page.route("**/v1/handover", lose)
    for _ in range(2):
        send.click()
        expect(customer.root.get_by_role("alert")).to_contain_text("Nothing is lost")
        expect(send).to_be_enabled()
    customer.page.unroute("**/v1/handover")
    message.fill("My parcel is lost. It is a lamp.")
    send.click()
    expect(customer.root.locator(".filed h3")).to_be_visible()
    first, second, third = (body["idempotency_key"] for body in filed)
    assert first == second != third
    kept = {ticket.handover.message for ticket in help_site.service.tickets.listed()}
    assert kept == {"My parcel is lost.", "My parcel is lost. It is a lamp."}


def test_what_was_read_after_a_lost_answer_makes_no_other_message(
    customer: Customer, shop: Shop, help_site: Site
) -> None:
    """The same words are filed once, though an article was opened in between."""
    customer.visit(shop.page())
    filed = handovers(customer.page)
    source = customer.ask("reset password answer").locator(".source")
    customer.person.click()
    message, send = customer.root.get_by_label("Message"), customer.root.get_by_role("button", name="Send message")
    message.fill("I cannot sign in.")
    customer.root.get_by_label("E-mail").fill("anna@shop.example")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    customer.page.route("**/v1/handover", lose, times=1)
    send.click()
    expect(customer.root.get_by_role("alert")).to_contain_text("Nothing is lost")
    message.press("Escape")
    source.click()
    expect(customer.root.locator(".article h3")).to_be_visible()
    customer.person.click()
    send.click()
    expect(customer.root.locator(".filed h3")).to_be_visible()
    first, second = filed
    assert first["opened"] != second["opened"]
    assert first["idempotency_key"] == second["idempotency_key"]
    assert len(help_site.service.tickets.listed()) == 1


@pytest.mark.parametrize(
    ("code", "field", "words"),
    [
        ("invalid_value", "contact.email", "Please check the e-mail address"),
        ("invalid_value", "contact", "Please write a message and an e-mail address."),
        ("limit_exceeded", "contact", "Nothing is lost"),
        ("invalid_value", "idempotency_key", "Nothing is lost"),
    ],
)
def test_only_what_the_customer_can_complete_is_asked_for(
    customer: Customer, shop: Shop, code: str, field: str, words: str
) -> None:
    """Any other refusal leaves the message where it is, and says that it was not sent."""
    customer.visit(shop.page())
    refusal = {"error": {"code": code, "message": "no", "field": field}}
    allowed = {"Access-Control-Allow-Origin": "*"}
    customer.page.route("**/v1/handover", lambda route: route.fulfill(status=422, json=refusal, headers=allowed))
    customer.person.click()
    customer.root.get_by_label("Message").fill("My parcel is lost.")
    customer.root.get_by_label("E-mail").fill("anna@shop.example")
    customer.root.get_by_role("button", name="Send message").click()
    expect(customer.root.get_by_role("alert")).to_contain_text(words)


def test_texts_are_cut_between_characters(customer: Customer, shop: Shop) -> None:
    """An emoji at the border of what fits is sent whole: half of one would be refused for ever."""
    customer.visit(shop.page())
    filed = handovers(customer.page)
    longest = "list " + "x" * 506 + "\N{PACKAGE}"
    customer.page.evaluate("(text) => kbsearch('search', text)", longest)
    expect(customer.root.locator(".passage")).to_be_visible()
    expect(customer.root.locator(".mine")).to_have_text(f"You: {longest}")
    customer.person.click()
    customer.root.get_by_label("Message").fill("x" * 199 + "\N{PACKAGE} is lost")
    customer.root.get_by_label("E-mail").fill("anna@shop.example")
    customer.root.get_by_role("button", name="Send message").click()
    expect(customer.root.locator(".filed h3")).to_be_visible()
    assert filed[0]["subject"] == "x" * 199 + "\N{PACKAGE}"


def test_a_person_can_be_asked_for_at_every_step(customer: Customer, shop: Shop) -> None:
    """In the empty chat, under answers, choices, nothing and failures, and beside an article."""
    customer.visit(shop.page())
    person = customer.root.locator(".foot").get_by_role("button", name="Talk to a person")
    expect(person).to_be_visible()
    for question in ("reset password answer", "shipping list", "submarine hand_over"):
        customer.ask(question)
        expect(person).to_be_in_viewport()
    customer.root.locator(".source").click()
    expect(customer.root.locator(".prose")).to_be_visible()
    expect(person).to_be_in_viewport()
    customer.page.keyboard.press("Escape")
    customer.page.route("**/v1/**", lambda route: route.abort())
    customer.ask("anything")
    expect(person).to_be_in_viewport()
    person.click()
    expect(customer.root.get_by_label("E-mail")).to_be_visible()


def test_by_keyboard_alone(customer: Customer, shop: Shop) -> None:
    """Tab to the launcher, ask, read, vote, close; focus is never lost, and comes back to the launcher."""
    page = customer.page
    page.goto(shop.page())
    expect(customer.launcher).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(customer.launcher).to_be_focused()
    page.keyboard.press("Enter")
    expect(customer.box).to_be_focused()
    expect(customer.launcher).to_have_attribute("aria-expanded", "true")
    page.keyboard.type("shipping t")
    expect(customer.root.get_by_role("listbox")).to_be_visible()
    expect(customer.box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(customer.box).to_have_attribute("aria-activedescendant", "line-0")
    expect(customer.root.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    expect(customer.root.get_by_role("option").first).to_have_css("outline-style", "solid")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(customer.root.get_by_role("option").last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(customer.root.get_by_role("listbox")).to_be_hidden()
    expect(customer.panel).to_be_visible()
    page.keyboard.type("o ri")
    page.keyboard.press("ArrowDown")
    expect(customer.root.get_by_role("option")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(customer.root.locator(".article h3")).to_have_text("Shipping to Riga")
    expect(customer.root.locator(".article h3")).to_be_focused()
    page.keyboard.press("Tab")
    expect(customer.root.locator(".vote button").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(customer.root.locator(".vote [role=status]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(customer.box).to_be_focused()
    page.keyboard.press("Escape")
    expect(customer.panel).to_be_hidden()
    expect(customer.launcher).to_be_focused()


def test_the_chat_goes_on_over_pages(customer: Customer, shop: Shop) -> None:
    """Of one tab: what was said is there again, and the second no still counts as the second."""
    customer.visit(shop.page())
    customer.ask("reset password answer")
    customer.ask("no")
    customer.visit(shop.page())
    expect(customer.root.locator(".mine")).to_have_text(["You: reset password answer", "You: no"])
    customer.ask("no")
    expect(customer.root.get_by_label("E-mail")).to_be_visible()


def test_the_chat_goes_on_where_the_browser_brings_a_page_back(browser: Browser, shop: Shop) -> None:
    """As it was left, with all its variables: what was said on the page after it is there, and is not lost."""
    cached = browser.browser_type.launch(
        executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-background-networking"],
        ignore_default_args=["--disable-back-forward-cache"],
    )  # fmt: skip
    first, second = shop.page(), shop.page()
    with opened(cached, viewport={"width": 1000, "height": 800}) as page:
        customer = Customer(page).visit(first)
        customer.ask("reset password list")
        page.evaluate("addEventListener('pageshow', (shown) => window.restored = shown.persisted)")
        page.evaluate("(address) => location.assign(address)", second)
        page.wait_for_url(second)
        customer.launcher.click()
        customer.ask("shipping list")
        page.evaluate("history.back()")
        page.wait_for_url(first, wait_until="commit")
        page.wait_for_function("window.restored")
        said = ["You: reset password list", "You: shipping list"]
        expect(customer.root.locator(".mine")).to_have_text(said)
        customer.ask("submarine hand_over")
        customer.visit(second)
        expect(customer.root.locator(".mine")).to_have_text([*said, "You: submarine hand_over"])
    cached.close()


def test_the_page_talks_to_the_widget(customer: Customer, shop: Shop) -> None:
    """Calls made before the script has come wait for it, and listeners among them miss nothing."""
    stub = """<script>window.kbsearch=window.kbsearch||function(){(kbsearch.q=kbsearch.q||[]).push(arguments)};
    window.told=[]; kbsearch('identify', undefined); kbsearch('search', 'reset password answer');
    kbsearch('identify', {name: 'Anna', email: 'a@b.example'});
    for (const name of ['ready', 'open', 'reply', 'article', 'handover', 'close'])
      kbsearch('on', name, (what) => told.push(name + ':' + (what.kind || what.id || '')));
    kbsearch('on', 'open', () => { throw new Error('of the page'); });</script>"""
    page = customer.page
    page.goto(shop.page(head=stub))
    expect(customer.root.locator(".source")).to_be_visible()
    page.evaluate("kbsearch('close'); kbsearch('close'); kbsearch('nonsense'); kbsearch('open'); kbsearch('person')")
    expect(customer.root.get_by_label("E-mail")).to_have_value("a@b.example")
    expect(customer.root.get_by_label("Your name")).to_have_value("Anna")
    customer.root.get_by_role("button", name="Send message").click()
    expect(customer.root.locator(".filed h3")).to_be_visible()
    told = page.evaluate("told")
    assert told[:5] == ["ready:", "open:", "reply:answer", "close:", "open:"]
    assert told[5].startswith("handover:")


def test_who_does_not_want_to_be_counted_is_not(browser: Browser, shop: Shop, help_site: Site) -> None:
    """By the page's choice, or the browser's."""
    for tag, options in (
        (shop.tag(data_analytics="false"), {}),
        (shop.tag(), {"extra_http_headers": {"DNT": "1"}}),
    ):
        with opened(browser, **options) as page:
            someone = Customer(page).visit(shop.page(tag))
            someone.ask("reset password answer").locator(".source").click()
            expect(someone.root.locator(".prose")).to_be_visible()
            someone.root.locator(".vote button").first.click()
            page.wait_for_timeout(200)
    assert help_site.events() == []
    assert help_site.searches() == []
