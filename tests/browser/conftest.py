"""Real Chromium against a real server over a real index."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import uvicorn
from browser_site import AGENT, CHROMIUM, HOSTILE_BODY, LONG_WORD, PAYLOADS, PREFIX, RIGHT_TO_LEFT, Site, Steered
from playwright.sync_api import Browser, Page, sync_playwright
from widget_site import Answering, Customer, Shop, opened

from kbsearch.engine import open_engine
from kbsearch.service import frame
from kbsearch.service.app import create_app
from kbsearch.service.reload import SnapshotSource
from kbsearch.service.settings import Settings
from kbsearch.snapshot import published_version


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark these tests, and skip them with a reason where there is no browser. They come last: Playwright leaves an
    event loop running, and other tests run one of their own."""
    here = Path(__file__).parent
    items.sort(key=lambda item: here in item.path.parents)
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM.exists():
                item.add_marker(pytest.mark.skip(reason=f"no {CHROMIUM}; apt-get install -y chromium"))


@pytest.fixture(scope="session")
def hostile_index(
    build_index: Callable[[Sequence[Mapping[str, Any]]], Path], handmade_rows: tuple[Mapping[str, Any], ...]
) -> Path:
    """The handmade help centre, and articles that attack their readers."""
    attacks = [
        {"id": f"attack-{number}.en", "lang": "en", "title": f"Zebra {payload}", "body": f"zebra {payload} stripes",
         "format": "text", "category": [payload], "tags": [payload], "url": "https://shop.example/zebra"}
        for number, payload in enumerate(PAYLOADS)
    ]  # fmt: skip
    hostile = {"id": "hostile.en", "lang": "en", "title": "Zebra", "body": HOSTILE_BODY, "format": "html"}
    video = {"id": "rinse.en", "lang": "en", "title": "Rinsing the filter", "type": "video", "format": "text",
             "url": "https://shop.example/rinse.webm", "category": [LONG_WORD], "updated_at": "2026-02-01",
             "body": "How to rinse.\n\n[0:00] Open the lid.\n\n[1:05] Rinse the filter."}  # fmt: skip
    cells = "".join(f"<td>{'Dustcontainer' * 2}{n}</td>" for n in range(6))
    codes = {"id": "codes.en", "lang": "en", "title": "Error codes", "format": "html",
             "body": f"<p>All of them:</p><table><tr><th>Code</th></tr><tr>{cells}</tr></table>"}  # fmt: skip
    arabic = {
        "id": "reset.ar",
        "lang": "ar",
        "title": RIGHT_TO_LEFT,
        "body": "افتح صفحة تسجيل الدخول.",
        "format": "text",
    }
    return build_index([*handmade_rows, *attacks, hostile, video, codes, arabic])


@pytest.fixture(scope="session")
def steered(hostile_index: Path) -> Steered:
    """The engine of all portal sites, opened once."""
    return Steered(open_engine(hostile_index))


def serving(settings: Settings, source: SnapshotSource) -> Iterator[Site]:
    """Run the service until the test is over."""
    app = create_app(settings, source=source, engine=source.open(settings.index))
    server = uvicorn.Server(uvicorn.Config(app, port=0, access_log=False, log_level="warning"))
    thread = Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Site(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", app.state.service)
    server.should_exit = True
    thread.join()


@pytest.fixture
def site(hostile_index: Path, steered: Steered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Serve it, with stores of its own; no visit is asked how satisfied it is, unless a test says so."""
    monkeypatch.setattr(frame, "asks_csat", lambda _session: False)
    source = SnapshotSource(published_version, lambda _directory: steered)
    # A period of the salt that begins today, and lasts for longer than anybody is awaited to come back.
    days = datetime.now(UTC).toordinal()
    events = f"sqlite:///{tmp_path / 'events.db'}"
    settings = Settings(index=hostile_index, events=events, contact="tel:+37120000100", salt_days=days)
    yield from serving(settings, source)


@pytest.fixture
def below(hostile_index: Path, steered: Steered, tmp_path: Path) -> Iterator[Site]:
    """A service to which a proxy leads, below a path of its host."""
    source = SnapshotSource(published_version, lambda _directory: steered)
    events = f"sqlite:///{tmp_path / 'events.db'}"
    yield from serving(Settings(index=hostile_index, events=events, prefix=PREFIX), source)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-background-networking"]
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A page of the site; a script error in it fails the test."""
    context = browser.new_context(
        base_url=site.url, locale="en-GB", viewport={"width": 390, "height": 844}, user_agent=AGENT
    )
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


@pytest.fixture
def help_site(hostile_index: Path, tmp_path: Path) -> Iterator[Site]:
    """A service for widgets: it answers with passages, and takes hand-overs."""
    source = SnapshotSource(published_version, lambda directory: Answering(open_engine(directory)))
    settings = Settings(index=hostile_index, events=f"sqlite:///{tmp_path / 'events.db'}", secret="s" * 32)
    yield from serving(settings, source)


@pytest.fixture
def shop(help_site: Site) -> Iterator[Shop]:
    """Another site, of another origin, that embeds the widget."""
    with Shop(help_site.url).running() as running:
        yield running


@pytest.fixture
def customer(browser: Browser) -> Iterator[Customer]:
    """Somebody on a page of the shop."""
    with opened(browser, viewport={"width": 1000, "height": 800}) as page:
        yield Customer(page)
