"""What a bad line, a second press or a turned screen must not take away: the view before, what was typed, filters."""

from __future__ import annotations

import re

from browser_site import Site, file_suggestion
from playwright.sync_api import Page, Route, expect
from widget_site import Held

TYPED = {"Subject": "Shipping to Riga", "Message": "It sings.", "E-mail for our answer": "anna@example.org"}


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


def test_a_second_press_files_no_second_ticket(page: Page, site: Site) -> None:
    """While one is sent, the button says so, also to a screen reader, and neither it nor Enter sends another."""
    write(page)
    # The first button of the form, which is not the one that sends it.
    expect(page.get_by_role("button", name="This solved it")).to_be_visible()
    held: list[Route] = []
    page.route("**/ticket?*", lambda route: held.append(route))
    send = page.locator("#ticket .actions .button").first
    send.click()
    expect(send).to_have_text("Sending…")
    expect(send).to_be_disabled()
    expect(page.locator("#status")).to_have_text("Sending…")
    page.get_by_label("Subject").fill("Another robot")
    page.get_by_label("Subject").press("Enter")
    held[0].continue_()
    expect(page.locator(".state")).to_have_text("Received")
    assert [ticket.handover.subject for ticket in site.service.tickets.listed()] == ["Shipping to Riga"]
    page.go_back()
    expect(send).to_have_text("Send message")
    expect(send).to_be_enabled()


def test_back_from_what_solved_it_leads_to_the_message(page: Page) -> None:
    """Whoever pressed it too early goes on writing."""
    write(page)
    page.get_by_role("button", name="This solved it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Glad that it is solved")
    page.go_back()
    whole(page)
    page.go_forward()
    expect(page.get_by_role("heading", level=1)).to_have_text("Glad that it is solved")


def test_filters_survive_a_turned_screen(page: Page) -> None:
    """Folded where it is narrow, open where it is wide, also in a view that “back” brings."""
    page.goto("/?q=shipping&lang=en")
    guide = page.locator(".facets").get_by_role("link", name="Guide")
    expect(guide).to_be_hidden()
    page.set_viewport_size({"width": 1200, "height": 800})
    expect(guide).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 800})
    expect(guide).to_be_hidden()
    page.locator(".hit-title a").first.click()
    expect(page.locator(".article h1")).to_be_visible()
    page.set_viewport_size({"width": 1200, "height": 800})
    page.go_back()
    expect(guide).to_be_visible()


def test_an_answer_that_is_lost_files_no_second_ticket(page: Page, site: Site) -> None:
    """Also where articles were opened before the second press; who writes other words sends another message."""
    write(page)
    expect(page.get_by_role("button", name="This solved it")).to_be_visible()

    def lose(route: Route) -> None:
        route.fetch(max_redirects=0)
        route.fulfill(status=504, body="gateway timeout")

    page.route("**/ticket?*", lose)
    page.get_by_role("button", name="Send message").click()
    expect(page.get_by_role("alert")).to_contain_text("could not be sent")
    page.unroute("**/ticket?*")
    with page.context.expect_page() as opened:
        page.locator("#deflect a").first.click()
    opened.value.close()
    page.get_by_role("button", name="Send message").click()
    expect(page.locator(".state")).to_have_text("Received")
    assert len(site.service.tickets.listed()) == 1
    page.go_back()
    page.get_by_label("Message").fill("It sings louder.")
    page.get_by_role("button", name="Send message").click()
    expect(page.locator(".state")).to_have_text("Received")
    assert len(site.service.tickets.listed()) == 2


def test_a_detour_to_another_site_keeps_what_was_typed(page: Page, site: Site) -> None:
    """All of the form, when the browser goes back to it."""
    write(page)
    page.goto(f"{site.url}/healthz")
    page.go_back()
    whole(page)


def test_what_is_not_answered_is_given_up(page: Page) -> None:
    """A view and a ticket, after 15 seconds; a second try no longer says that the first one failed."""
    page.clock.install()
    write(page)
    page.route("**/*", lambda _route: None)
    page.get_by_role("button", name="Send message").click()
    page.clock.fast_forward(14000)
    expect(page.get_by_role("button", name="Sending…")).to_be_disabled()
    page.clock.fast_forward(2000)
    expect(page.get_by_role("alert")).to_contain_text("could not be sent")
    whole(page)
    page.get_by_role("button", name="Send message").click()
    expect(page.get_by_role("button", name="Sending…")).to_be_disabled()
    expect(page.get_by_role("alert")).to_have_count(0)
    page.clock.fast_forward(16000)
    expect(page.get_by_role("alert")).to_contain_text("could not be sent")
    page.locator(".brand").click()
    expect(page.locator("#view")).to_have_attribute("aria-busy", "true")
    page.clock.fast_forward(16000)
    expect(page.locator(".notice h1")).to_be_visible()


def test_what_could_not_be_loaded_can_be_tried_again(page: Page) -> None:
    """Only a search says that search is not available; the way to a person stays, and “back” skips the failure."""
    page.goto("/?q=shipping&lang=en")
    page.route("**/?*doc=*", lambda route: route.abort())
    page.locator(".hit-title a").first.click()
    notice = page.locator(".notice")
    expect(notice.get_by_role("heading")).to_have_text(re.compile("This did not work just now"))
    expect(notice.get_by_role("link", name="Write to us")).to_be_visible()
    expect(notice.get_by_role("link", name="Contact us")).to_have_attribute("href", "tel:+37120000100")
    notice.get_by_role("link", name="Try again").click()
    expect(notice.get_by_role("heading")).to_be_focused()
    page.unroute("**/?*doc=*")
    notice.get_by_role("link", name="Try again").click()
    expect(page.locator(".article h1")).to_be_visible()
    page.go_back()
    expect(page.locator(".hit").first).to_be_visible()
    page.goto("/suggestions?lang=en")
    page.get_by_label("Your suggestion in one line").fill("Delivery on Sundays")
    page.route("**/suggestions*", lambda route: route.abort())
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text(
        "This did not work just now. Please try again in a moment. Contact us"
    )
    expect(page.get_by_label("Your suggestion in one line")).to_have_value("Delivery on Sundays")


def test_back_leads_to_the_link_that_was_followed(page: Page) -> None:
    """The keyboard goes on from there, and the page stands where it stood."""
    page.goto("/?q=shipping&lang=en")
    link = page.locator(".hit-title a").nth(6)
    link.focus()
    place = page.evaluate("scrollY")
    page.keyboard.press("Enter")
    expect(page.locator(".article h1")).to_be_focused()
    page.go_back()
    expect(link).to_be_focused()
    assert (place > 0, page.evaluate("scrollY")) == (True, place)


def test_back_brings_the_question_with_its_results(page: Page) -> None:
    """The next one stands over its own; one that was not asked yet stays where it was typed."""
    page.goto("/?q=shipping&lang=en")
    box = page.locator("#q")
    box.fill("reset password")
    page.keyboard.press("Enter")
    expect(page).to_have_title("reset password – Help centre")
    page.go_back()
    expect(page).to_have_title("shipping – Help centre")
    expect(box).to_have_value("shipping")
    page.go_forward()
    expect(box).to_have_value("reset password")
    box.fill("warranty")
    page.locator(".foot").get_by_role("link", name="Write to us").click()
    expect(page.get_by_label("Message")).to_be_visible()
    page.go_back()
    expect(box).to_have_value("warranty")
    page.route("**/?q=*", lambda route: route.abort())
    box.press("Enter")
    expect(page.locator(".notice")).to_be_visible()
    expect(box).to_have_value("warranty")
    page.go_back()
    expect(box).to_have_value("reset password")


def test_going_back_twice_before_an_answer_mixes_nothing_up(page: Page) -> None:
    """After a reload nothing is kept: what stands there while a view is awaited is not that view."""
    page.goto("/?q=shipping&lang=en")
    page.locator(".brand").click()
    expect(page.locator(".greeting")).to_be_visible()
    page.locator(".foot").get_by_role("link", name="Suggest").click()
    expect(page.get_by_label("Your suggestion in one line")).to_be_visible()
    page.reload()
    held = Held(page, re.compile(r"/\?lang=en$"))
    page.go_back()
    held.next()
    expect(page.locator("#view")).to_have_attribute("aria-busy", "true")
    page.go_back()
    expect(page.locator(".hit").first).to_be_visible()
    page.go_forward()
    expect(page.locator("#view")).to_have_attribute("aria-busy", "true")
    held.next().continue_()
    expect(page.locator(".greeting")).to_be_visible()
    page.go_forward()
    expect(page.get_by_label("Your suggestion in one line")).to_be_visible()
    page.go_back()
    expect(page.locator(".greeting")).to_be_visible()


def test_another_language_of_the_page_keeps_what_was_typed(page: Page, site: Site) -> None:
    """And what was shown beside it, which is told to whoever answers."""
    write(page)
    expect(page.get_by_role("button", name="This solved it")).to_be_visible()
    page.locator(".languages summary").click()
    page.locator(".languages").get_by_role("link", name="Latviešu").click()
    expect(page.get_by_label("Temats")).to_have_value(TYPED["Subject"])
    expect(page.get_by_label("Ziņa")).to_have_value(TYPED["Message"])
    expect(page.get_by_role("button", name="Tas atrisināja manu jautājumu")).to_be_visible()
    page.get_by_role("button", name="Nosūtīt ziņu").click()
    expect(page.locator(".state")).to_have_text("Saņemta")
    (ticket,) = site.service.tickets.listed()
    assert "city-00.en" in {article.id for article in ticket.handover.shown}
    assert len(ticket.handover.query_ids) == 2
    page.goto("/suggestions?lang=en")
    page.get_by_label("Your suggestion in one line").fill("Delivery on Sundays")
    page.locator(".languages summary").click()
    page.locator(".languages").get_by_role("link", name="Deutsch").click()
    expect(page.get_by_label("Ihr Vorschlag in einer Zeile")).to_have_value("Delivery on Sundays")
    page.go_back()
    expect(page.get_by_label("Your suggestion in one line")).to_have_value("Delivery on Sundays")


def in_language(page: Page, name: str) -> None:
    """Choose a language of the page."""
    page.locator(".languages summary").click()
    page.locator(".languages").get_by_role("link", name=name).click()


def test_another_language_of_the_page_keeps_a_question_that_was_not_asked_yet(page: Page) -> None:
    """In the box."""
    page.goto("/?q=shipping&lang=en")
    page.locator("#q").fill("shipping to the moon")
    in_language(page, "Deutsch")
    expect(page.get_by_role("heading", name="Ergebnisse")).to_be_visible()
    expect(page.locator("#q")).to_have_value("shipping to the moon")


def test_another_language_that_is_not_waited_for_leaves_the_view_before_alone(page: Page) -> None:
    """What was typed in the view that was left stays there."""
    page.goto("/?lang=en")
    page.fill("#q", "shipping")
    page.keyboard.press("Enter")
    expect(page.locator(".hit").first).to_be_visible()
    page.fill("#q", "shipping to the moon")
    page.route("**/?*lang=de*", lambda _route: None)
    in_language(page, "Deutsch")
    expect(page.locator("#view")).to_have_attribute("aria-busy", "true")
    page.go_back()
    expect(page.locator(".greeting")).to_be_visible()
    page.wait_for_timeout(200)
    expect(page.locator("#q")).to_have_value("")
    page.go_forward()
    expect(page.locator("#q")).to_have_value("shipping to the moon")


def test_another_language_of_the_page_keeps_what_was_said_of_an_article(page: Page, site: Site) -> None:
    """Thanks stay said, and the next question asked, with what was chosen and written."""
    page.goto("/?doc=reset-password.en&lang=en")
    page.get_by_role("button", name="No").click()
    page.get_by_label("hard to follow").check()
    page.get_by_label("Anything to add?").fill("Which page?")
    in_language(page, "Deutsch")
    expect(page.locator(".thanks")).to_be_visible()
    expect(page.locator("[data-say=vote]")).to_be_hidden()
    expect(page.locator("textarea")).to_have_value("Which page?")
    page.get_by_role("button", name="Senden").click()
    page.wait_for_timeout(200)
    reason = site.events()[-1]
    assert (reason.attributes["reason"], reason.attributes["note"]) == ("unclear", "Which page?")


def test_another_language_of_the_page_asks_of_another_answer_anew(page: Page, site: Site) -> None:
    """Nothing was said of it; and what is said of one that stayed belongs to the search that shows it now."""
    page.goto("/?q=reset+password+answer&lang=en")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("[data-say=vote]")).to_be_hidden()
    in_language(page, "Latviešu")
    expect(page.locator(".answer h1")).to_have_text("Kā atjaunot paroli")
    expect(page.locator("[data-say=vote]")).to_be_visible()
    expect(page.locator(".thanks")).to_be_hidden()
    page.goto("/?q=shipping+to+riga+answer&lang=en")
    expect(page.locator(".answer h1")).to_have_text("Shipping to Riga")
    in_language(page, "Deutsch")
    page.get_by_role("button", name="Ja").click()
    page.wait_for_timeout(200)
    assert site.events()[-1].query_id == page.locator("body").get_attribute("data-query")


def test_another_language_after_a_wrong_address_is_the_page_again(page: Page, site: Site) -> None:
    """With the address, and the form that it stands in unfolded."""
    file_suggestion(page, site)
    page.locator(".follow summary").click()
    page.get_by_label("Your e-mail").fill("anna@example")
    page.get_by_role("button", name="Follow").click()
    expect(page.locator("#wrong")).to_be_visible()
    in_language(page, "Deutsch")
    expect(page).to_have_url(f"{site.url}/suggestions?lang=de")
    expect(page.locator(".follow input")).to_have_value("anna@example")
    expect(page.locator(".follow input")).to_be_visible()


def test_a_question_that_is_too_long_is_called_so_and_kept(page: Page, site: Site) -> None:
    """Not cut; letters are counted, as the service counts them."""
    page.goto("/?lang=en")
    box = page.locator("#q")
    box.focus()
    page.keyboard.insert_text("My parcel is late. " * 40)
    page.keyboard.press("Enter")
    assert box.evaluate("(one) => one.validationMessage") == (
        "The question is too long; it may have 512 characters at most."
    )
    assert len(box.input_value()) == 760
    box.fill("🙂" * 512)
    page.keyboard.press("Enter")
    expect(page.locator(".notice h1")).to_be_visible()
    assert len(site.searches()) == 1
