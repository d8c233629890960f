"""The widget on difficult pages in real Chromium: strict policies, hostile styles, right to left, tiny, no service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browser_site import PAYLOADS, RIGHT_TO_LEFT, Site
from playwright.sync_api import Browser, Page, expect
from widget_site import Customer, Shop, opened

from kbsearch.service.widget_file import load_widget

# Each page is a site of its own.
pytestmark = pytest.mark.slow

AXE = Path(__file__).parent / "axe.min.js"
HOSTILE_CSS = """<style>
* { all: unset !important; display: none !important; transform: rotate(3deg) !important;
    font: 40px/3 cursive !important; color: lime !important; background: red !important;
    position: static !important; width: 3px !important; }
html, body { display: block !important; font-size: 61px !important; letter-spacing: 9px; text-transform: uppercase;
    direction: ltr; zoom: 1; overflow: hidden; }
div, button, section, input { visibility: hidden !important; float: left !important; margin: 99px !important; }
html > div { opacity: 0 !important; pointer-events: none !important; filter: blur(9px) !important;
    z-index: -1 !important; }
</style>"""
STRICT = "default-src 'none'; script-src {0}; connect-src {0}"
TRUSTED = "; require-trusted-types-for 'script'; trusted-types"
NOT_THE_LONGEST = ("en", "lv", "lt", "et", "ru", "pl")
NO_STORAGE = """for (const name of ['localStorage', 'sessionStorage'])
  Object.defineProperty(window, name, { get() { throw new DOMException('denied', 'SecurityError'); } });"""
WATCH = """window.violations = [];
  document.addEventListener('securitypolicyviolation', (event) => violations.push(event.violatedDirective));"""


def use(customer: Customer) -> None:
    """Everything that matters once: ask, read, go back, write to a person."""
    customer.ask("reset password answer").locator(".source").click()
    expect(customer.root.locator(".prose")).to_contain_text("Open the sign-in page")
    customer.root.get_by_role("button", name="Back to the chat").click()
    customer.person.click()
    customer.root.get_by_label("E-mail").fill("a@shop.example")
    customer.root.get_by_role("button", name="Send message").click()
    expect(customer.root.locator(".filed h3")).to_be_visible()


def look(customer: Customer) -> dict[str, Any]:
    """Where things are and how they look."""
    seen: dict[str, Any] = customer.root.evaluate(
        """(host) => Object.fromEntries(['.panel', 'header h2', '.bubble', '.input', '.send', '.human'].map((name) => {
          const node = host.shadowRoot.querySelector(name);
          if (!node) return [name, null];
          const box = node.getBoundingClientRect(), css = getComputedStyle(node);
          return [name, [Math.round(box.x), Math.round(box.y), Math.round(box.width), Math.round(box.height),
            css.color, css.backgroundColor, css.fontSize, css.fontFamily, css.letterSpacing, css.textTransform,
            css.opacity]];
        }).concat([['host', [getComputedStyle(host).opacity, getComputedStyle(host).filter,
          getComputedStyle(host).zIndex, getComputedStyle(host).pointerEvents]]]))"""
    )
    return seen


def unharmed(page: Page) -> None:
    """Check that no payload has run, after giving it time."""
    page.wait_for_timeout(100)
    assert page.evaluate("window.hacked === undefined")


def serious(page: Page) -> list[str]:
    """What axe-core finds that is serious or worse, in the page and inside the widget."""
    if not page.evaluate("!!window.axe"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize(
    ("more", "as_html"),
    [
        ("", True),
        pytest.param(f"{TRUSTED} kbsearch", True, marks=pytest.mark.slow),
        pytest.param(f"{TRUSTED} 'none'", False, marks=pytest.mark.slow),
    ],
)
def test_on_a_page_with_a_strict_policy(customer: Customer, shop: Shop, more: str, as_html: bool) -> None:
    """script-src and connect-src are all it needs: no inline style, no eval, no frame, no cookie, nothing reported.

    Where the page lets nobody parse HTML (Trusted Types without the policy `kbsearch`), articles are plain text.
    """
    policy = STRICT.format(shop.service) + more
    customer.page.add_init_script(WATCH)
    customer.visit(shop.page(headers={"Content-Security-Policy": policy}))
    assert look(customer)[".panel"][2:4] == [400, 660]
    use(customer)
    assert (customer.root.locator(".prose ol, .prose p").count() > 0) is as_html
    # A refused policy is reported, once, whatever a script does with the refusal.
    assert customer.page.evaluate("violations") == ([] if as_html else ["trusted-types"])
    styled = customer.root.evaluate("(host) => host.shadowRoot.querySelectorAll('[style], style, iframe').length")
    assert (styled, customer.root.get_attribute("style"), customer.page.context.cookies()) == (0, None, [])


@pytest.mark.slow
def test_on_an_isolated_page(customer: Customer, shop: Shop) -> None:
    """With COEP and COOP, which load nothing that does not allow it."""
    headers = {"Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Opener-Policy": "same-origin"}
    customer.visit(shop.page(headers=headers))
    assert customer.page.evaluate("crossOriginIsolated")
    use(customer)


def test_in_quirks_mode_under_hostile_styles_nothing_changes(customer: Customer, shop: Shop) -> None:
    """The same places, sizes, fonts and colours to the pixel, and all of it works."""
    customer.visit(shop.page())
    customer.ask("submarine hand_over")
    plain = look(customer)
    customer.page.evaluate("sessionStorage.clear()")
    customer.visit(shop.page(doctype="", head=HOSTILE_CSS))
    assert customer.page.evaluate("document.compatMode") == "BackCompat"
    customer.ask("submarine hand_over")
    assert look(customer) == plain
    use(customer)


def test_on_a_page_from_right_to_left(customer: Customer, shop: Shop) -> None:
    """It stands on the left, and reads from left to right as its languages do."""
    customer.visit(shop.page(html='lang="ar" dir="rtl"', head="<style>* { direction: rtl }</style>"))
    x, _, width, *_ = look(customer)[".panel"]
    assert (x, width) == (20, 400)
    assert (
        customer.root.evaluate("(host) => getComputedStyle(host.shadowRoot.querySelector('.ask')).direction") == "ltr"
    )
    box, send = customer.box.bounding_box(), customer.root.locator(".send").bounding_box()
    assert box is not None
    assert send is not None
    assert box["x"] < send["x"]
    use(customer)


def test_texts_from_right_to_left_read_so(customer: Customer, shop: Shop) -> None:
    """Articles, answers, names, suggestions and what the customer writes, each by its own letters; ours stay ours."""

    def direction(name: str) -> str:
        read: str = customer.root.locator(name).first.evaluate("(one) => getComputedStyle(one).direction")
        return read

    customer.visit(shop.page())
    customer.box.press_sequentially(RIGHT_TO_LEFT[:8])
    expect(customer.root.get_by_role("option").first).to_be_visible()
    assert [direction(name) for name in (".ask .input", ".suggestions .name", ".ask")] == ["rtl", "rtl", "ltr"]
    reply = customer.ask(f"{RIGHT_TO_LEFT} answer")
    expect(reply.locator(".source")).to_contain_text(RIGHT_TO_LEFT)
    assert {direction(name) for name in (".mine", ".passage", ".source .name")} == {"rtl"}
    reply.locator(".source").click()
    expect(customer.root.locator(".article h3")).to_have_text(RIGHT_TO_LEFT)
    assert [direction(name) for name in (".article h3", ".prose", ".article footer")] == ["rtl", "rtl", "ltr"]
    customer.root.get_by_role("button", name="Back to the chat").click()
    latin = {"id": "x", "lang": "ar", "type": "article", "title": f"Brize {RIGHT_TO_LEFT}", "html": "<p>Brize</p>",
             "text": "", "url": "", "translations": {}}  # fmt: skip
    customer.page.route(
        "**/v1/documents/*", lambda route: route.fulfill(json=latin, headers={"Access-Control-Allow-Origin": "*"})
    )
    reply.locator(".source").click()
    expect(customer.root.locator(".article h3")).to_have_text(f"Brize {RIGHT_TO_LEFT}")
    assert [direction(name) for name in (".article h3", ".prose")] == ["rtl", "rtl"]
    customer.root.get_by_role("button", name="Back to the chat").click()
    customer.ask(f"{RIGHT_TO_LEFT} list")
    assert direction(".choice .name") == "rtl"
    customer.person.click()
    expect(customer.root.get_by_label("Message")).to_have_value(f"{RIGHT_TO_LEFT} list")
    assert direction("textarea") == "rtl"


@pytest.mark.parametrize("lang", ["de", *(pytest.param(lang, marks=pytest.mark.slow) for lang in NOT_THE_LONGEST)])
def test_at_320_pixels_nothing_overflows(browser: Browser, shop: Shop, lang: str) -> None:
    """The panel is the screen; no view is wider than it, in any language, and the keyboard stays inside."""
    with opened(browser, viewport={"width": 320, "height": 568}) as page:
        customer = Customer(page).visit(shop.page(shop.tag(data_lang=lang)))
        assert look(customer)[".panel"][:4] == [0, 0, 320, 568]

        def overflowing() -> list[str]:
            found: list[str] = customer.root.evaluate(
                """(host) => [...host.shadowRoot.querySelectorAll('.panel *')].filter((one) => one.checkVisibility()
                  && !one.closest('.unseen, svg') && one.getBoundingClientRect().right > innerWidth + 1)
                  .map((one) => one.outerHTML)"""
            )
            return found

        customer.ask("shipping list")
        assert overflowing() == []
        customer.root.locator(".choice").first.click()
        expect(customer.root.locator(".vote")).to_be_visible()
        assert overflowing() == []
        customer.person.click()
        assert overflowing() == []
        for _ in range(12):
            page.keyboard.press("Tab")
            assert customer.root.evaluate("(host) => document.activeElement === host")


def test_two_widgets_never_collide(browser: Browser, shop: Shop) -> None:
    """Each has its language, chat and memory; the page opens the one it names."""
    tags = shop.tag(data_kb="first") + shop.tag(data_kb="second", data_lang="lv")
    with opened(browser, viewport={"width": 1000, "height": 800}) as page:
        page.goto(shop.page(tags))
        one, two = Customer(page), Customer(page, kb="1")
        expect(two.launcher).to_be_visible()
        if one.launcher.inner_text() != "Help":
            one, two = two, one
        boxes = [each.launcher.bounding_box() for each in (one, two)]
        assert abs((boxes[0] or {})["y"] - (boxes[1] or {})["y"]) >= 60
        page.evaluate("kbsearch('open', { kb: 'second' })")
        expect(two.panel).to_be_visible()
        expect(one.panel).to_be_hidden()
        two.ask("kā atjaunot paroli answer")
        page.evaluate("kbsearch('close'); kbsearch('search', 'shipping list', { kb: 'first' })")
        expect(one.root.locator(".choice")).to_have_count(3)
        assert (one.root.locator(".mine").count(), two.root.locator(".mine").count()) == (1, 1)
        page.reload()
        page.evaluate("kbsearch('open', { kb: 'second' })")
        expect(page.locator(".mine")).to_have_text(["Jūs: kā atjaunot paroli answer"])


def test_where_storage_is_denied(customer: Customer, shop: Shop) -> None:
    """Everything works; the chat then ends with the page."""
    customer.page.add_init_script(NO_STORAGE)
    customer.visit(shop.page())
    use(customer)
    customer.visit(shop.page())
    assert customer.root.locator(".mine").count() == 0


def test_when_the_service_is_down(customer: Customer, shop: Shop) -> None:
    """A sentence and a link to the company, at once and after each question; then it goes on where it stood."""
    customer.page.route("**/v1/**", lambda route: route.abort())
    customer.visit(shop.page())
    expect(customer.root.locator(".greeting [role=alert]")).to_have_text("Help is not available here right now.")
    expect(customer.root.locator(".greeting a")).to_have_attribute("href", "tel:+37120000100")
    reply = customer.ask("reset password answer")
    expect(reply).to_contain_text("Help is not available here right now.")
    expect(reply.get_by_role("link")).to_have_text("Contact us")
    customer.box.fill("shipping t")
    customer.page.wait_for_timeout(300)
    expect(customer.root.get_by_role("listbox")).to_be_hidden()
    customer.page.unroute("**/v1/**")
    reply.get_by_role("button", name="Try again").click()
    expect(customer.root.locator(".source")).to_be_visible()
    customer.page.route("**/v1/documents/**", lambda route: route.fulfill(status=503, body="<html>bad gateway</html>"))
    customer.root.locator(".source").click()
    expect(customer.root.locator(".article [role=alert]")).to_have_text("Help is not available here right now.")
    customer.page.unroute("**/v1/documents/**")
    customer.root.locator(".article").get_by_role("button", name="Try again").click()
    expect(customer.root.locator(".prose")).to_be_visible()


@pytest.mark.parametrize("contact", ["javascript:window.hacked=1", "data:text/html,x", ""])
def test_a_contact_that_is_no_link_is_none(customer: Customer, shop: Shop, contact: str) -> None:
    customer.page.route("**/v1/**", lambda route: route.abort())
    customer.visit(shop.page(shop.tag(data_contact=contact)))
    expect(customer.root.get_by_role("alert")).to_be_visible()
    assert customer.root.locator("a").count() == 0


def test_attacks_do_nothing(customer: Customer, shop: Shop) -> None:
    """In titles, passages, suggestions, messages, and in what the page itself says of somebody."""
    customer.visit(shop.page(shop.tag(data_title=PAYLOADS[1].replace('"', "&quot;"))))
    expect(customer.root.locator("header h2")).to_have_text(PAYLOADS[1])
    customer.box.press_sequentially("zebra")
    expect(customer.root.get_by_role("option").first).to_be_visible()
    unharmed(customer.page)
    for words in (*PAYLOADS, "zebra answer", "zebra list"):
        customer.ask(words)
        unharmed(customer.page)
    customer.root.locator(".choice").first.click()
    expect(customer.root.locator(".prose")).to_contain_text("zebra")
    unharmed(customer.page)
    customer.page.evaluate(
        "(payloads) => kbsearch('identify', { name: payloads[0], email: payloads[1] })", list(PAYLOADS)
    )
    customer.person.click()
    expect(customer.root.get_by_label("Message")).to_be_visible()
    unharmed(customer.page)
    customer.page.reload()
    customer.launcher.click()
    expect(customer.root.locator(".mine").first).to_be_visible()
    unharmed(customer.page)


def test_html_that_nobody_cleaned_is_built_again_without_its_teeth(customer: Customer, shop: Shop) -> None:
    """Should the service ever send such: no script, handler, frame, form or javascript: link comes through."""
    page = customer.page
    unclean = f"{shop.service}/v1/documents/unclean-hostile.en"
    page.route("**/v1/documents/**", lambda route: route.continue_(url=unclean))
    customer.visit(shop.page())
    customer.ask("reset password answer").locator(".source").click()
    prose = customer.root.locator(".prose")
    expect(prose).to_contain_text("zebra stripes")
    for one in (*prose.locator("a").all(), *prose.locator("p").all()):
        one.click()
    unharmed(page)
    kept = prose.evaluate(
        "(box) => [...box.querySelectorAll('*')].map((one) => one.localName + one.getAttributeNames())"
    )
    assert set(kept) == {"p", "a", "imgsrc,loading"}


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, shop: Shop, scheme: Any) -> None:
    """In every view, in both colour schemes: contrast, names, roles, focus."""
    with opened(browser, viewport={"width": 1000, "height": 800}, color_scheme=scheme) as page:
        customer = Customer(page)
        page.goto(shop.page(body="<main><h1>Shop</h1></main>"))
        expect(customer.launcher).to_be_visible()
        assert serious(page) == []
        customer.launcher.click()
        customer.box.press_sequentially("shipping t")
        expect(customer.root.get_by_role("option").first).to_be_visible()
        page.keyboard.press("ArrowDown")
        assert serious(page) == []
        for words in ("reset password answer", "shipping list", "submarine hand_over"):
            customer.ask(words)
            assert serious(page) == []
        customer.root.locator(".source").click()
        expect(customer.root.locator(".vote")).to_be_visible()
        assert serious(page) == []
        customer.person.click()
        customer.root.get_by_role("button", name="Send message").click()
        expect(customer.root.get_by_role("alert")).to_be_visible()
        assert serious(page) == []
        customer.root.get_by_label("E-mail").fill("a@shop.example")
        customer.root.get_by_role("button", name="Send message").click()
        expect(customer.root.locator(".filed h3")).to_be_visible()
        assert serious(page) == []
        page.keyboard.press("Escape")
        page.route("**/v1/**", lambda route: route.abort())
        customer.ask("anything")
        assert serious(page) == []


@pytest.mark.slow
def test_it_follows_scheme_and_motion_and_the_pages_colours(browser: Browser, shop: Shop) -> None:
    """Dark where the system is, unless the page says otherwise; its own colours by custom properties."""
    papers = {}
    green = "<style>:root { --kbsearch-accent: rgb(0, 90, 50); --kbsearch-radius: 3px }</style>"
    for name, scheme, tag in (
        ("light", "light", shop.tag()), ("dark", "dark", shop.tag()), ("forced", "dark", shop.tag(data_theme="light")),
    ):  # fmt: skip
        with opened(browser, color_scheme=scheme, reduced_motion="no-preference") as page:
            customer = Customer(page).visit(shop.page(tag, head=green))
            papers[name] = look(customer)[".panel"][5]
            assert customer.panel.evaluate("(one) => getComputedStyle(one).animationName") == "rise"
            assert customer.panel.evaluate("(one) => getComputedStyle(one).borderRadius") == "3px"
            assert look(customer)[".send"][5] == "rgb(0, 90, 50)"
    assert papers["light"] == papers["forced"] == "rgb(255, 255, 255)"
    assert papers["dark"] != papers["light"]
    with opened(browser, reduced_motion="reduce") as page:
        customer = Customer(page).visit(shop.page())
        assert customer.panel.evaluate("(one) => getComputedStyle(one).animationName") == "none"


def test_a_copy_on_another_host_calls_the_service_that_it_names(customer: Customer, shop: Shop) -> None:
    """`data-kb` is then the service's address."""
    script = load_widget().file.content.decode()
    customer.page.route("**/cdn/widget.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    tag = shop.tag(data_kb=shop.service).replace(f"{shop.service}/widget.js", "/cdn/widget.js")
    customer.visit(shop.page(tag))
    use(customer)


@pytest.mark.slow
def test_a_key_opens_what_is_not_public(customer: Customer, shop: Shop, help_site: Site) -> None:
    """`data-key` is sent with every call; one that is refused is told to whoever embedded it."""
    from datetime import timedelta

    from kbsearch.service.security import make_key

    key = make_key(help_site.service.settings.secret, ["customer"], [shop.url], timedelta(hours=1), "shop")
    customer.visit(shop.page(shop.tag(data_key=key)))
    customer.ask("velvet voucher answer").locator(".source").click()
    expect(customer.root.locator(".prose")).to_contain_text("velvet voucher")
    said: list[str] = []
    customer.page.on("console", lambda message: said.append(message.text))
    customer.page.evaluate("sessionStorage.clear()")
    customer.visit(shop.page(shop.tag(data_key=key[:-4] + "AAAA")))
    expect(customer.ask("velvet voucher answer")).to_contain_text("Help is not available")
    assert any("kbsearch: the key was not signed" in text for text in said)
