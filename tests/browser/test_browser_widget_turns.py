"""Questions to the widget that do not go straight, in real Chromium: cut off, failed, asked at once, or too long."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect
from test_browser_widget import handovers
from widget_site import Customer, Held, Shop

pytestmark = pytest.mark.slow

SWAP = """() => {
  const script = document.createElement('script'), body = document.createElement('body');
  for (const one of document.body.querySelector('script').attributes) script.setAttribute(one.name, one.value);
  script.onload = () => { window.swapped = (window.swapped || 0) + 1; };
  body.append('Another page', script);
  document.body.replaceWith(body);
}"""
"""What Turbo and pjax do: the body of another page, whose scripts run again."""


def test_a_question_under_way_is_answered_on_the_next_page(customer: Customer, shop: Shop) -> None:
    """It is asked again when the chat is opened there, and stands there once."""
    customer.visit(shop.page())
    Held(customer.page, "**/v1/chat")
    customer.box.fill("reset password answer")
    customer.box.press("Enter")
    expect(customer.root.locator(".wait")).to_be_visible()
    customer.page.goto(shop.page())
    customer.page.unroute("**/v1/chat")
    customer.launcher.click()
    expect(customer.root.locator(".source")).to_have_count(1)
    expect(customer.root.locator(".mine")).to_have_text("You: reset password answer")
    expect(customer.root.locator(".wait")).to_have_count(0)


def test_a_search_of_the_page_waits_for_the_answer_under_way(customer: Customer, shop: Shop) -> None:
    """It was dropped; what the customer sends meanwhile stays in the box."""
    customer.visit(shop.page())
    waiting = Held(customer.page, "**/v1/chat")
    customer.box.fill("reset password answer")
    customer.box.press("Enter")
    expect(customer.root.locator(".wait")).to_be_visible()
    customer.page.evaluate("kbsearch('search', 'shipping list')")
    first = waiting.next()
    expect(customer.root.locator(".mine")).to_have_count(1)
    first.continue_()
    waiting.next().continue_()
    expect(customer.root.locator(".choice")).to_have_count(3)
    expect(customer.root.locator(".mine")).to_have_text(["You: reset password answer", "You: shipping list"])
    expect(customer.root.locator(".theirs")).to_have_count(2)


def test_a_second_try_leaves_nothing_of_the_first(customer: Customer, shop: Shop) -> None:
    """The question stands there once, no failure stands above its answer, and what others asked comes at last."""
    customer.page.route("**/v1/**", lambda route: route.abort())
    customer.visit(shop.page())
    greeting = customer.root.locator(".greeting")
    expect(greeting.get_by_role("alert")).to_be_visible()
    customer.ask("reset password answer")
    again = customer.root.locator(".down").get_by_role("button", name="Try again")
    again.click()
    expect(customer.root.locator(".wait")).to_have_count(0)
    expect(customer.root.locator(".down")).to_have_count(1)
    expect(customer.root.locator(".mine")).to_have_count(1)
    customer.page.unroute("**/v1/**")
    popular = {"suggestions": [{"kind": "query", "text": "shipping list", "lang": "en"}]}
    customer.page.route(
        "**/v1/suggest?q=&**", lambda route: route.fulfill(json=popular, headers={"Access-Control-Allow-Origin": "*"})
    )
    again.press("Enter")
    expect(customer.box).to_be_focused()
    expect(customer.root.locator(".source")).to_be_visible()
    expect(greeting.get_by_role("button", name="shipping list")).to_be_visible()
    expect(customer.panel.get_by_text("Help is not available")).to_have_count(0)
    expect(customer.root.locator(".mine")).to_have_text("You: reset password answer")
    customer.visit(shop.page())
    expect(customer.root.locator(".mine")).to_have_count(1)
    expect(customer.root.locator(".theirs")).to_have_count(1)


def test_a_conversation_that_is_refused_begins_anew(customer: Customer, shop: Shop) -> None:
    """Another version of the service began it; each further question would be refused with it."""
    customer.visit(shop.page())
    customer.ask("shipping list")
    refusal = {"error": {"code": "invalid_value", "message": "conversation", "field": "conversation"}}
    customer.page.route("**/v1/chat", lambda route: route.fulfill(status=422, json=refusal))
    customer.ask("reset password answer")
    customer.page.unroute("**/v1/chat")
    with customer.page.expect_request("**/v1/chat") as asked:
        customer.root.get_by_role("button", name="Try again").click()
    assert asked.value.post_data_json["conversation"] is None
    expect(customer.root.locator(".source")).to_be_visible()


def test_what_is_too_long_is_not_cut(customer: Customer, shop: Shop) -> None:
    """It stays in the box, the customer is told, and the form takes it whole."""
    customer.visit(shop.page())
    filed = handovers(customer.page)
    long = "My robot vacuum " + "turns in circles " * 60 + "\N{PACKAGE} and stops."
    customer.box.focus()
    customer.page.keyboard.insert_text(long)
    expect(customer.box).to_have_value(long)
    note = customer.root.locator(".ask").get_by_role("alert")
    expect(note).to_contain_text("512 characters")
    expect(customer.box).to_have_attribute("aria-describedby", "length")
    customer.box.press("Enter")
    expect(customer.root.locator(".mine")).to_have_count(0)
    expect(customer.box).to_have_value(long)
    customer.person.click()
    expect(customer.root.get_by_label("Message")).to_have_value(long)
    customer.root.get_by_label("E-mail").fill("anna@shop.example")
    customer.root.get_by_role("button", name="Send message").click()
    expect(customer.root.locator(".filed h3")).to_be_visible()
    assert filed[0]["message"] == long
    customer.page.keyboard.press("Escape")
    customer.ask("shipping list")
    expect(note).to_be_hidden()
    assert customer.box.get_attribute("aria-invalid") is None


def test_a_page_that_swaps_its_body_keeps_one_widget(customer: Customer, shop: Shop) -> None:
    """The chat goes on as it stood, and the commands are still its own; a swap of all brings it back."""
    page = customer.page
    customer.visit(shop.page())
    customer.ask("reset password answer")
    for times in (1, 2):
        page.evaluate(SWAP)
        page.wait_for_function("(times) => window.swapped === times", arg=times)
        expect(page.locator(".launcher")).to_have_count(1)
        expect(customer.panel).to_be_visible()
    page.evaluate("document.querySelector('html > div').remove()")
    page.evaluate(SWAP)
    page.wait_for_function("window.swapped === 3")
    expect(page.locator(".launcher")).to_have_count(1)
    page.evaluate("kbsearch('search', 'shipping list')")
    expect(customer.root.locator(".mine")).to_have_text(["You: reset password answer", "You: shipping list"])


def test_in_a_sandboxed_frame(customer: Customer, shop: Shop) -> None:
    """With the permissions that docs/widget.md names."""
    frame = f'<iframe sandbox="allow-scripts allow-forms" width="600" height="700" src="{shop.page()}"></iframe>'
    customer.page.goto(shop.page(" ", body=frame))
    inside = customer.page.frame_locator("iframe")
    inside.locator(".launcher").click()
    inside.get_by_role("combobox").fill("reset password answer")
    inside.get_by_role("button", name="Send", exact=True).click()
    expect(inside.locator(".source")).to_be_visible()


@pytest.mark.parametrize(("said", "spoken"), [("lv_LV", "lv"), ("{{ lang }}", "en"), ("ltg", "en")])
def test_a_page_that_says_its_language_badly_is_answered(
    customer: Customer, shop: Shop, said: str, spoken: str
) -> None:
    """The service would refuse what is no language code, and with it each question; Latgalian is not Lithuanian."""
    customer.visit(shop.page(shop.tag(data_lang=said)))
    expect(customer.ask("reset password answer").locator(".source")).to_be_visible()
    assert customer.root.evaluate("(host) => host.lang") == spoken


def test_a_title_in_no_known_language_names_none(customer: Customer, shop: Shop) -> None:
    """“Unknown language” tells a customer nothing."""

    def forget(route: Route) -> None:
        reply = route.fetch().json()
        reply["choices"][0]["lang"] = "und"
        route.fulfill(json=reply)

    customer.page.route("**/v1/chat", forget)
    customer.visit(shop.page(shop.tag(data_lang="de")))
    choices = customer.ask("shipping list").locator(".choice")
    expect(choices.nth(0).locator(".tag")).to_have_count(0)
    expect(choices.nth(1).locator(".tag")).to_have_text("Englisch")


def test_the_widget_of_another_maker_takes_no_place(customer: Customer, shop: Shop) -> None:
    """The launcher stands in the corner, whatever other scripts call themselves."""
    other = '<script src="/other/widget.js"></script>'
    bottoms = []
    for tags in (shop.tag(), other + shop.tag(), other + shop.tag(data_kb="shop")):
        customer.page.goto(shop.page(tags))
        box = customer.launcher.bounding_box() or {}
        bottoms.append(800 - box["y"] - box["height"])
    assert bottoms == [20, 20, 20]
