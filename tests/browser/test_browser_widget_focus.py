"""Presses, keys and the focus in the widget, in real Chromium: none is unmeant, and the focus is never lost."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from widget_site import Customer, Held, Shop, opened

pytestmark = pytest.mark.slow

ALLOWED = {"Access-Control-Allow-Origin": "*"}
WIDE = "x" * 60
TABLE = f"<details><summary>More</summary><p>Hidden</p></details><table><tr><td>{WIDE}</td><td>{WIDE}</td></tr></table>"
ARTICLE = {"id": "codes", "lang": "lt", "type": "article", "title": "Klaidų kodai", "html": TABLE, "text": "",
           "url": "", "translations": {}}  # fmt: skip


def focused(customer: Customer) -> str:
    """What has the focus in the widget: its tag, and its class where it has one."""
    name: str = customer.root.evaluate(
        """(host) => { const one = host.shadowRoot.activeElement;
          return one ? [one.localName, ...one.classList].join('.') : 'outside'; }"""
    )
    return name


def compose(page: Page) -> None:
    """Begin to compose a character, and press Escape, which ends the composition."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("Input.imeSetComposition", {"text": "にほ", "selectionStart": 2, "selectionEnd": 2})
    escape = {"type": "rawKeyDown", "key": "Escape", "code": "Escape", "windowsVirtualKeyCode": 229}
    cdp.send("Input.dispatchKeyEvent", escape)


def test_tab_stops_at_all_of_an_article_on_a_phone(browser: Browser, shop: Shop) -> None:
    """At what only the browser knows as a stop, too, forth and back, and never outside."""
    with opened(browser, viewport={"width": 320, "height": 700}) as page:
        customer = Customer(page).visit(shop.page())
        page.route("**/v1/documents/**", lambda route: route.fulfill(json=ARTICLE, headers=ALLOWED))
        customer.ask("reset password answer").locator(".source").click()
        expect(customer.root.locator(".article h3")).to_be_focused()
        around = ["summary", "table", "button.pill", "button.pill", "button.human", "button.icon", "button.icon",
                  "div.view.article", "summary"]  # fmt: skip
        stops = []
        for _ in around:
            page.keyboard.press("Tab")
            stops.append(focused(customer))
        assert stops == around
        for _ in around[1:]:
            page.keyboard.press("Shift+Tab")
            stops.append(focused(customer))
        assert stops[len(around) :] == around[-2::-1]


@pytest.mark.parametrize("touch", [False, True])
def test_a_double_press_of_the_launcher_only_opens(browser: Browser, shop: Shop, touch: bool) -> None:
    """The second press lands where the way to a person lies."""
    with opened(browser, viewport={"width": 390, "height": 800}, has_touch=touch, is_mobile=touch) as page:
        customer = Customer(page)
        page.goto(shop.page())
        box = customer.launcher.bounding_box() or {}
        at = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        if touch:
            page.touchscreen.tap(*at)
            page.touchscreen.tap(*at)
        else:
            page.mouse.dblclick(*at)
        expect(customer.root.locator(".chat")).to_be_visible()
        page.wait_for_timeout(100)
        expect(customer.root.locator(".chat")).to_be_visible()
        expect(customer.root.get_by_role("button", name="Close") if touch else customer.box).to_be_focused()
        customer.person.click()
        expect(customer.root.get_by_label("Message")).to_be_visible()


def test_escape_that_ends_a_composition_closes_nothing(customer: Customer, shop: Shop) -> None:
    """Neither the chat nor the form; the next one does."""
    customer.visit(shop.page())
    compose(customer.page)
    expect(customer.panel).to_be_visible()
    customer.box.fill("")
    customer.person.click()
    customer.root.get_by_label("Message").focus()
    compose(customer.page)
    expect(customer.root.get_by_label("Message")).to_be_visible()
    customer.root.get_by_label("E-mail").focus()
    customer.page.keyboard.press("Escape")
    expect(customer.root.locator(".chat")).to_be_visible()


def test_the_focus_waits_for_an_article(customer: Customer, shop: Shop) -> None:
    """In its place while it loads, and where it fails, once and again; Escape then leads back to the chat."""
    customer.visit(shop.page())
    customer.ask("reset password answer")
    waiting = Held(customer.page, "**/v1/documents/**")
    article = customer.root.locator(".article")
    customer.root.locator(".source").press("Enter")
    expect(article).to_be_focused()
    expect(article).to_have_attribute("aria-label", "Looking…")
    waiting.next().fulfill(status=503, json={"error": {"code": "busy", "message": "no"}}, headers=ALLOWED)
    expect(article.get_by_role("alert")).to_be_visible()
    expect(article).to_be_focused()
    article.get_by_role("button", name="Try again").press("Enter")
    expect(article).to_be_focused()
    waiting.next().fulfill(json=ARTICLE, headers=ALLOWED)
    expect(article.locator("h3")).to_be_focused()
    expect(article).to_have_attribute("lang", "lt")
    customer.page.keyboard.press("Escape")
    expect(customer.box).to_be_focused()
    customer.root.locator(".source").press("Enter")
    expect(article).to_be_focused()
    expect(article).to_have_attribute("lang", "en")
    waiting.next().abort()
    expect(article.get_by_role("alert")).to_be_visible()
    expect(article).to_have_attribute("lang", "en")
    customer.page.keyboard.press("Escape")
    expect(customer.box).to_be_focused()


def test_on_a_touch_screen_no_button_calls_the_keyboard(browser: Browser, shop: Shop) -> None:
    """Yes, no, none of these and what others asked: the focus stays in the panel, not in a field."""
    popular = {"suggestions": [{"kind": "query", "text": "shipping list", "lang": "en"}]}
    with opened(browser, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True) as page:
        customer = Customer(page)
        page.route("**/v1/suggest?q=&**", lambda route: route.fulfill(json=popular, headers=ALLOWED))
        page.goto(shop.page())
        customer.launcher.tap()
        for said, name in enumerate(("shipping list", "None of these"), start=1):
            customer.root.get_by_role("button", name=name).tap()
            expect(customer.root.locator(".theirs")).to_have_count(said)
            assert focused(customer) == "button.icon"
        page.evaluate("sessionStorage.clear()")
        for name in ("Yes", "No"):
            page.reload()
            customer.launcher.tap()
            page.evaluate("kbsearch('search', 'reset password answer')")
            customer.root.locator(".asking").get_by_role("button", name=name).tap()
            assert focused(customer) == "button.icon"
            page.evaluate("sessionStorage.clear()")


@pytest.mark.parametrize("launcher", ["", "none"])
def test_the_focus_goes_back_to_what_opened_the_panel(customer: Customer, shop: Shop, launcher: str) -> None:
    """The page's own button, with our launcher beside it or without; the launcher where that button is gone."""
    body = "<main><h1>Shop</h1><button onclick=\"kbsearch('open')\">Ask us</button></main>"
    page = customer.page
    page.goto(shop.page(shop.tag(data_launcher=launcher), body=body))
    own = page.get_by_role("button", name="Ask us")
    expect(customer.root).to_be_attached()
    own.click()
    expect(customer.box).to_be_focused()
    page.keyboard.press("Escape")
    expect(own).to_be_focused()
    own.press("Enter")
    expect(customer.box).to_be_focused()
    own.evaluate("(one) => { one.hidden = true; }")
    page.keyboard.press("Escape")
    expect(customer.panel).to_be_hidden()
    assert focused(customer) == ("outside" if launcher else "button.launcher")


def test_anchors_of_an_article_lead_within_it(customer: Customer, shop: Shop) -> None:
    """Neither to another tab nor about on the page around; a list keeps its numbers; ids of others are not taken."""
    page = customer.page
    article = (
        '<p><a href="#article-c%C4%81">Codes</a></p><ol><li value="7">Seven</li></ol>'
        + "<p>much</p>" * 60
        + '<h2 id="article-cā">Here</h2><p id="panel">stolen</p>'
    )

    def answer(route: Any) -> None:
        found = route.fetch()
        route.fulfill(response=found, json=found.json() | {"html": article})

    page.route("**/v1/documents/**", answer)
    address = shop.page()
    customer.visit(address)
    customer.ask("reset password answer").locator(".source").click()
    prose = customer.root.locator(".prose")
    expect(prose.locator("h2")).not_to_be_in_viewport()
    prose.get_by_role("link", name="Codes").click()
    expect(prose.locator("h2")).to_be_in_viewport()
    assert (len(page.context.pages), page.url) == (1, address)
    assert prose.locator("li").get_attribute("value") == "7"
    assert prose.locator("#panel").count() == 0
