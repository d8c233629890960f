"""The page in real Chromium: search, suggestions, results, articles, and what is counted of them."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from browser_site import AGENT, Site
from playwright.sync_api import Browser, Page, expect

from kbsearch.service.render import LANGUAGES


def titles(page: Page) -> list[str]:
    """Return the titles of the hits."""
    return page.locator(".hit-title").all_inner_texts()


def test_a_journey_from_question_to_feedback(page: Page, site: Site) -> None:
    """Search, open the first hit, say that it helped: each event names the search and the true position."""
    page.goto("/?lang=en")
    page.fill("#q", "reset password list")
    page.keyboard.press("Enter")
    first = page.locator(".hit-title a").first
    expect(first).to_have_text("How to reset your password")
    assert page.locator(".snippet mark").count() > 0
    shown = page.locator(".hit").count()
    first.click()
    expect(page.locator(".article h1")).to_have_text("How to reset your password")
    expect(page.locator(".prose")).to_contain_text("Open the sign-in page")
    assert "query=" not in page.url
    page.locator(".article .choice").first.click()
    expect(page.locator(".thanks")).to_be_visible()
    page.wait_for_timeout(300)
    (search,) = site.searches()
    events = sorted(site.events(), key=lambda event: (event.timestamp, event.position or 0))
    assert [event.action_name for event in events] == ["impression"] * shown + ["click", "view", "feedback"]
    assert list(range(1, shown + 1)) == [event.position for event in events[:shown]]
    assert {(search.query_id, "reset-password.en", 1, search.client_id, search.session_id, "article", "portal")} == {
        (e.query_id, e.object_id, e.position, e.client_id, e.session_id, e.object_id_type, e.surface)
        for e in (events[0], *events[shown:])
    }
    assert events[-1].attributes["helpful"] is True


def test_back_and_forward_are_the_browsers(page: Page, site: Site) -> None:
    """The address is the state, and going back asks nothing again."""
    page.goto("/?q=shipping&lang=en")
    before = titles(page)
    page.locator(".hit-title a").first.click()
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
    assert len(site.searches()) == 2
    page.go_back()
    page.locator(".hit-title a").nth(1).click()
    expect(page.locator(".article h1")).to_be_visible()
    views = [event for event in site.events() if event.action_name == "view"]
    assert [(view.query_id, view.position) for view in views] == [(site.searches()[0].query_id, n) for n in (1, 2)]


def test_the_way_back_over_a_translation_asks_nothing_again(page: Page, site: Site) -> None:
    """The entry before is no result page then; the link names the search that was counted."""
    page.goto("/?q=reset+password&lang=en")
    page.locator(".hit-title a").first.click()
    page.locator(".article .also a[hreflang=lv]").click()
    expect(page.locator(".article h1")).to_have_text("Kā atjaunot paroli")
    page.locator(".back a").click()
    expect(page.locator(".hit").first).to_be_visible()
    assert "said=" not in page.url
    assert len(site.searches()) == 1


def test_a_reload_shows_the_same(page: Page) -> None:
    """Also far down the history, where nothing is remembered."""
    page.goto("/?q=shipping&lang=en")
    page.locator(".hit-title a").first.click()
    expect(page.locator(".article h1")).to_be_visible()
    title = page.title()
    page.reload()
    expect(page).to_have_title(title)
    page.go_back()
    expect(page.locator(".hit").first).to_be_visible()
    expect(page.locator("#q")).to_have_value("shipping")


def test_suggestions_follow_the_combobox_pattern(page: Page) -> None:
    """Arrows choose, Esc closes, Enter takes; the screen reader is told."""
    page.goto("/?lang=en")
    box = page.get_by_role("combobox")
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(box).to_have_attribute("aria-autocomplete", "list")
    expect(box).to_have_attribute("aria-controls", "suggestions")
    box.press_sequentially("shipping t")
    expect(page.get_by_role("listbox")).to_be_visible()
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "option-0")
    expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    # A tint alone is hardly seen, and not at all in forced colours.
    expect(page.get_by_role("option").first).to_have_css("outline-style", "solid")
    expect(page.get_by_role("option").last).to_have_css("outline-style", "none")
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
    expect(page.locator(".article h1")).to_be_focused()


def test_a_title_in_no_known_language_has_no_code(page: Page) -> None:
    """“UND” is a word."""
    line = {"text": "E-203", "kind": "title", "lang": "und", "document_id": "e203"}
    page.route("**/v1/suggest*", lambda route: route.fulfill(json={"suggestions": [line]}))
    page.goto("/?lang=de")
    page.locator("#q").press_sequentially("E-20")
    expect(page.get_by_role("option")).to_have_text(["E-203"])


def test_who_types_on_has_chosen_nothing(page: Page) -> None:
    """Enter then asks what stands in the box, also before its own suggestions have come."""
    page.goto("/?lang=en")
    box = page.get_by_role("combobox")
    box.press_sequentially("shipping t")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.route("**/v1/suggest*", lambda _route: None)
    box.press("ArrowDown")
    box.press_sequentially("o the moon")
    assert box.get_attribute("aria-activedescendant") is None
    box.press("Enter")
    page.wait_for_url("**q=shipping+to+the+moon*")


def test_suggestions_go_when_the_box_is_left(page: Page) -> None:
    """And a click takes one."""
    page.goto("/?lang=en")
    page.locator("#q").press_sequentially("shipping to r")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.locator("#q").press("End")
    page.locator("#q").press_sequentially("i")
    page.get_by_role("option").first.click()
    expect(page.locator(".article h1")).to_have_text("Shipping to Riga")


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
    """The three decisions look different: the sentence that answers, a list, and the offer of a person."""
    page.goto("/?q=reset+password+answer&lang=en")
    for _ in range(2):
        expect(page.locator(".answer .passage")).to_contain_text("1. ")
        expect(page.locator(".answer .passage mark").first).to_be_visible()
        expect(page.get_by_role("link", name="Read the whole article")).to_be_visible()
        expect(page.locator(".answer").get_by_role("button", name="Yes")).to_be_visible()
        page.fill("#q", "reset password answer")
        page.keyboard.press("Enter")
        page.wait_for_timeout(200)
    page.fill("#q", "shipping to the moon hand_over")
    page.keyboard.press("Enter")
    expect(page.locator(".notice h1")).to_have_text("Nothing here answers this")
    assert page.locator(".notice").get_by_role("link", name="Contact us").get_attribute("href") == "tel:+37120000100"
    page.locator(".notice").get_by_role("link", name="Write to us").click()
    expect(page.get_by_label("Subject")).to_have_value("shipping to the moon hand_over")


def test_other_languages_are_one_touch_away(page: Page) -> None:
    """The article in another language, and the page itself, both in the address only."""
    page.goto("/?q=reset+password&lang=en")
    page.locator(".hit").first.locator(".also a[hreflang=lv]").click()
    expect(page.locator(".article h1")).to_have_text("Kā atjaunot paroli")
    page.locator(".article .also a[hreflang=lt]").click()
    expect(page.locator(".article h1")).to_have_text("Kaip pakeisti slaptažodį")
    page.locator(".languages summary").click()
    page.locator(".languages").get_by_role("link", name="Latviešu").click()
    expect(page.locator(".helpful-question")).to_have_text("Vai tas palīdzēja?")
    expect(page.locator("html")).to_have_attribute("lang", "lv")
    assert "lang=lv" in page.url
    page.fill("#q", "garantija")
    page.keyboard.press("Enter")
    expect(page.locator(".hit, .answer").first).to_be_visible()
    assert "lang=lv" in page.url
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_the_browsers_language_is_spoken(browser: Browser, site: Site) -> None:
    """Where the address names none."""
    context = browser.new_context(base_url=site.url, locale="lt-LT")
    page = context.new_page()
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", "lt")
    context.close()


def test_a_video_is_read_and_watched_from_a_line_on(page: Page) -> None:
    """The times of the transcript lead into the player on the page, and as links to the video from there on."""
    page.route("https://shop.example/*", lambda route: route.fulfill(body=b"", content_type="video/webm"))
    page.goto("/?doc=rinse.en&lang=en")
    expect(page.locator(".transcript li")).to_have_text([re.compile("Open the lid"), re.compile("Rinse the filter")])
    line = page.get_by_role("link", name="1:05")
    expect(line).to_have_attribute("href", "https://shop.example/rinse.webm#t=65")
    # No video is in the file; what the player is told is what counts.
    page.evaluate("""() => { const video = document.getElementById("video");
        Object.defineProperty(video, "currentTime", { set: (seconds) => { window.sought = seconds; } });
        video.play = () => Promise.resolve(); }""")
    line.click()
    assert page.evaluate("window.sought") == 65
    expect(page.locator(".article h1")).to_be_visible()


def test_a_service_that_is_down_is_a_sentence(page: Page) -> None:
    """Not an empty page; what was typed stays, and the next try works."""
    page.goto("/?lang=en")
    page.route("**/?q=*", lambda route: route.abort())
    page.fill("#q", "shipping")
    page.keyboard.press("Enter")
    expect(page.locator(".notice h1")).to_contain_text("not available right now")
    expect(page.locator("#q")).to_have_value("shipping")
    page.unroute("**/?q=*")
    page.fill("#q", "shipping to riga")
    page.keyboard.press("Enter")
    expect(page.locator(".hit").first).to_be_visible()


def test_late_results_do_not_interrupt_typing(page: Page) -> None:
    """Whoever types on keeps the box, and what is in it."""
    page.goto("/?lang=en")
    page.route("**/?q=*", lambda route: (page.wait_for_timeout(400), route.continue_()))
    page.fill("#q", "shipping")
    page.keyboard.press("Enter")
    page.locator("#q").press_sequentially(" to riga")
    expect(page.locator(".hit").first).to_be_visible()
    expect(page.locator("#q")).to_be_focused()
    expect(page.locator("#q")).to_have_value("shipping to riga")


def test_times_are_the_readers(browser: Browser, site: Site) -> None:
    """In his zone and the language of the page; days stay the same day everywhere."""
    context = browser.new_context(base_url=site.url, timezone_id="Asia/Kathmandu", user_agent=AGENT)
    page = context.new_page()
    ticket = {"subject": "Robot", "message": "It sings.", "contact": {"email": "anna@example.org"}}
    filed = context.request.post("/v1/handover", data=ticket).json()
    page.goto(f"{filed['url']}&lang=de")
    time = page.locator(".ticket time").first
    there = datetime.fromisoformat(time.get_attribute("datetime") or "").astimezone(ZoneInfo("Asia/Kathmandu"))
    expect(time).to_have_text(f"{there:%d.%m.%Y, %H:%M}")
    page.goto("/?doc=rinse.en&lang=de")
    expect(page.locator(".updated time")).to_have_text("01.02.2026")
    context.close()


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_nothing_overflows(page: Page, width: int) -> None:
    """At any width, in the language with the longest words."""
    page.set_viewport_size({"width": width, "height": 800})
    views = (
        "",
        "&q=shipping",
        "&q=reset+password+answer",
        "&q=moon+hand_over",
        "&doc=reset-password.lt",
        "&doc=rinse.en",
        "&q=rinsing+the+filter",
    )
    for address in (*(f"/?lang=de{view}" for view in views), "/ticket?lang=de", "/suggestions?lang=de"):
        page.goto(address)
        page.evaluate("document.getElementById('facets')?.setAttribute('open', '')")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


@pytest.mark.parametrize("width", [320, 390, 500])
def test_the_name_of_the_page_is_whole_on_a_phone(page: Page, width: int) -> None:
    """In each language, beside the way to a person and the languages; on two lines where one has no room."""
    page.set_viewport_size({"width": width, "height": 800})
    for lang in LANGUAGES:
        page.goto(f"/ticket?lang={lang}")
        cut = "(name) => name.scrollWidth > name.clientWidth || name.scrollHeight > name.clientHeight"
        assert not page.locator(".brand span").evaluate(cut), lang


def test_paper_shows_what_there_is_to_read(page: Page) -> None:
    """Not what can be pressed, nor the box that it stood in."""
    page.emulate_media(media="print")
    for address in ("/?q=reset+password+answer&lang=en", "/?q=shipping&lang=en&offset=10", "/?doc=codes.en&lang=en"):
        page.goto(address)
        expect(page.locator(".passage, .hit-title, .prose").first).to_be_visible()
        for one in page.locator("button, input, summary, .button, footer").all():
            expect(one).to_be_hidden()


def test_days_are_written_as_the_reader_writes_them(browser: Browser, site: Site) -> None:
    """By the first of the browser's languages that is the page's; an English page is not always an American one."""
    for locale, lang, day in (
        ("en-GB", "en", "1 Feb 2026"),
        ("en-US", "en", "Feb 1, 2026"),
        ("en-GB", "de", "01.02.2026"),
    ):
        context = browser.new_context(base_url=site.url, locale=locale)
        page = context.new_page()
        page.goto(f"/?doc=rinse.en&lang={lang}")
        expect(page.locator(".updated time")).to_have_text(day)
        context.close()


def test_a_view_that_failed_has_a_title_of_its_own(page: Page) -> None:
    """Before it leads on, and after."""
    page.goto("/?q=shipping&lang=en")
    page.route("**/?*doc=*", lambda route: route.abort())
    page.locator(".hit-title a").first.click()
    expect(page).to_have_title("This did not work just now. Please try again in a moment – Help centre")
    page.unroute("**/?*doc=*")
    page.locator(".notice").get_by_role("link", name="Try again").click()
    expect(page).to_have_title(re.compile("^Shipping to .* – Help centre$"))
    page.go_back()
    expect(page).to_have_title("shipping – Help centre")


def test_more_results_say_which_they_are(page: Page) -> None:
    """In the heading, which has the focus, and to a screen reader; and they lead back."""
    page.goto("/?q=shipping&lang=en")
    page.locator("a[rel=next]").click()
    heading = page.get_by_role("heading", name=re.compile(r"^Results 11–1\d of 1\d$"))
    expect(heading).to_be_focused()
    expect(page.locator("#status")).to_have_text(heading.inner_text())
    page.get_by_role("link", name="Previous results").click()
    expect(page.locator(".hits")).to_have_attribute("start", "1")
