"""The dashboard in a real browser: sign in, read, choose a period, sort, sign out; on a desk and on a phone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from kbsearch.events.ids import iso
from kbsearch.events.schema import Event, SearchRecord
from kbsearch.service.app import create_app
from kbsearch.service.security import make_key
from kbsearch.service.settings import Settings

# Each view waits for a report of its own.
pytestmark = pytest.mark.slow

SECRET = "browser-secret-of-more-than-32-bytes-0123456789"
KEY = make_key(SECRET, ["admin"], [], timedelta(hours=1), "owner")
AXE = Path(__file__).with_name("axe.min.js")
ARTICLES = ("reset-password.en", "track-order.en", "return-item.en")


def visits() -> Iterator[SearchRecord | Event]:
    """Four visits on each of twenty-two days, most with a click; three articles, not opened equally often."""
    start = datetime.now(UTC).replace(hour=1, minute=0) - timedelta(days=22)
    for number in range(88):
        moment = iso(start + timedelta(hours=6 * number))
        article = ARTICLES[min(2, number % 9 // 3 + (number % 9 == 5))]
        ids = (f"s{number}", f"c{number}")
        yield SearchRecord(
            f"q{number}", "password", "en", "en", 3, "list", 0.5, ARTICLES, 0, 1.0, "v1", *ids, moment, True, "mobile"
        )
        if number % 4:
            yield Event(f"e{number}", "click", f"q{number}", *ids, moment, moment, article, "article", number % 3 + 1)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('dashboard') / 'events.db'}"


@pytest.fixture(scope="module")
def address(handmade_index: Path, events: str) -> Iterator[str]:
    """A service with a secret and three weeks of visits; the tests only read."""
    settings = Settings(index=handmade_index, events=events, secret=SECRET)
    app = create_app(settings)
    app.state.service.store.write(list(visits()))
    server = uvicorn.Server(uvicorn.Config(app, port=0, access_log=False, log_level="warning"))
    thread = Thread(target=server.run)
    thread.start()
    while not server.started or app.state.service.holder.snapshot is None:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(params=[(1440, "light"), (390, "dark")], ids=["desk", "phone"])
def board(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    """Signed in through the form; an error or a refusal of the page's policy fails the test."""
    width, scheme = request.param
    context = browser.new_context(
        base_url=address, viewport={"width": width, "height": 900}, color_scheme=scheme, locale="en-GB"
    )
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto("/dashboard")
    page.get_by_label("Admin key").fill(KEY)
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", name="At a glance")).to_be_visible()
    yield page
    context.close()
    assert errors == []


def test_it_fits_the_window_and_says_everything_in_text(board: Page) -> None:
    """No sideways scrolling of the page; each chart has its numbers in a table; the key is nowhere."""
    assert board.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert board.locator("svg[role=img]").count() >= 3
    for chart in board.locator("[data-chart]").all():
        expect(chart.locator("xpath=following-sibling::details//table/tbody/tr")).to_have_count(28)
    assert KEY not in board.url
    assert KEY not in board.content()
    assert board.evaluate("document.cookie") == ""


def test_a_day_is_named_under_its_place(board: Page) -> None:
    """In the middle of its share of the width, where its values are drawn."""
    plot = board.locator(".plot").first.bounding_box()
    assert plot is not None
    places = board.locator(".x").first.locator("span")
    assert places.count() == 28
    for place in (0, 10, 20):
        label = places.nth(place).locator("i").bounding_box()
        assert label is not None
        middle = plot["x"] + plot["width"] * (place + 0.5) / 28
        assert label["x"] + label["width"] / 2 == pytest.approx(middle, abs=2)


def test_axe_finds_nothing_to_object_to(board: Page) -> None:
    """With every part unfolded; WCAG 2.2 at level AA."""
    board.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    board.evaluate(AXE.read_text(encoding="utf-8"))
    found = board.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
    assert [(one["id"], [node["html"] for node in one["nodes"][:3]]) for one in found["violations"]] == []


def test_colours_that_mean_something_stay_in_forced_colours(board: Page) -> None:
    """Swatches and ticks, which are nothing but a background."""
    drawn = """() => [[".legend i"], [".counts li", "::before"], [".landmark-note", "::before"]].map(
        ([part, before]) => getComputedStyle(document.querySelector(part), before).backgroundColor)"""
    usual = board.evaluate(drawn)
    board.emulate_media(forced_colors="active")
    assert board.evaluate(drawn) == usual


def test_the_numbers_stand_under_the_pointer(board: Page) -> None:
    """The tip names the day and each line; it goes with the pointer, and by Esc without it (WCAG 1.4.13)."""
    plot = board.locator(".plot").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    board.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 80)
    tip = plot.locator(".tip")
    expect(tip).to_contain_text("Confirmed")
    expect(tip).to_contain_text("n = ")
    inside = tip.bounding_box()
    assert inside is not None
    assert inside["x"] >= box["x"] - 1
    assert inside["x"] + inside["width"] <= box["x"] + box["width"] + 1
    board.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    board.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 80)
    expect(tip).to_be_visible()
    board.mouse.move(0, 0)
    expect(tip).to_be_hidden()


def test_articles_can_be_put_in_another_order(board: Page) -> None:
    """By keyboard too; a screen reader hears which way."""
    table = board.locator(".articles")
    views = table.locator("tbody td.num")
    before = [int(text) for text in views.all_inner_texts()]
    assert before == sorted(before, reverse=True)
    assert len(before) == 3
    button = table.get_by_role("button", name="Views")
    button.focus()
    board.keyboard.press("Enter")
    expect(table.locator("th[aria-sort=ascending]")).to_have_count(1)
    assert [int(text) for text in views.all_inner_texts()] == sorted(before)


def test_a_period_is_chosen_and_stays_in_the_address(board: Page) -> None:
    """By form and by link; the link of the period on show is marked."""
    board.get_by_role("link", name="7 days").click()
    expect(board.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")
    day = (datetime.now(UTC) - timedelta(days=10)).date().isoformat()
    board.get_by_label("From", exact=True).fill(day)
    board.get_by_label("to", exact=True).fill(day)
    board.get_by_role("button", name="Show").click()
    expect(board.locator("body")).to_contain_text("4 journeys that searched")
    assert f"from={day}&to={day}" in board.url


def test_an_address_that_was_sent_shows_its_period(board: Page) -> None:
    """Also where its reader has to sign in first."""
    board.get_by_role("button", name="Sign out").click()
    day = (datetime.now(UTC) - timedelta(days=10)).date().isoformat()
    board.goto(f"/dashboard?from={day}&to={day}")
    board.get_by_label("Admin key").fill(KEY)
    board.get_by_role("button", name="Open").click()
    expect(board.locator("body")).to_contain_text("4 journeys that searched")
    assert f"from={day}&to={day}" in board.url


def test_signing_out_leaves_nothing_behind(board: Page) -> None:
    board.get_by_role("button", name="Sign out").click()
    expect(board.get_by_label("Admin key")).to_be_visible()
    board.go_back()
    board.reload()
    expect(board.get_by_label("Admin key")).to_be_visible()


def test_paper_shows_what_nobody_can_unfold_on_it(board: Page) -> None:
    """What the figures mean, and what others report; no empty box, and nothing beyond the edge of a sheet."""
    for name in ("All figures and their definitions", "What others report"):
        expect(board.get_by_role("region", name=name).get_by_role("table")).to_be_hidden()
    board.emulate_media(media="print")
    board.set_viewport_size({"width": 720, "height": 1000})
    for name in ("All figures and their definitions", "What others report"):
        expect(board.get_by_role("region", name=name).get_by_role("table")).to_be_visible()
        expect(board.get_by_role("heading", name=name)).to_be_visible()
    expect(board.get_by_text("The numbers").first).to_be_hidden()
    for table in board.get_by_role("table").all():
        assert table.evaluate("(table) => table.offsetWidth <= table.parentNode.clientWidth")


def test_the_report_reads_the_same_without_a_server(
    board: Page, handmade_index: Path, events: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One file, opened from the disk: its own policy lets its own script run."""
    from kbsearch.cli import main

    file = tmp_path / "report.html"
    assert main(["report", "--events", events, "--index", str(handmade_index), "--out", str(file)]) == 0
    capsys.readouterr()
    board.goto(file.as_uri())
    expect(board.get_by_role("heading", name="At a glance")).to_be_visible()
    expect(board.locator(".articles").get_by_role("button", name="Views")).to_be_visible()
    assert board.evaluate("getComputedStyle(document.querySelector('.card')).borderRadius") == "14px"
