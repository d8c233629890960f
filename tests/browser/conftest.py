"""Real Chromium against a real server over a real index."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from kbsearch.engine import Engine, open_engine
from kbsearch.events.schema import Event, SearchRecord
from kbsearch.service.app import create_app
from kbsearch.service.context import Service
from kbsearch.service.reload import SnapshotSource
from kbsearch.service.settings import Settings
from kbsearch.snapshot import published_version
from kbsearch.types import Action, SearchOutcome, SearchRequest, StoredDocument, Suggestion

CHROMIUM = Path("/usr/bin/chromium")

# Each would set window.hacked, were it ever run or parsed as markup.
PAYLOADS = (
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "<svg onload=window.hacked=1>",
    '"><body onfocus=window.hacked=1 autofocus>',
    "javascript:window.hacked=1",
    "</title></textarea><script>window.hacked=1</script>",
    "{{constructor.constructor('window.hacked=1')()}}",
    "'-window.hacked=1-'",
)
# What a source might hold, and the indexer cleans away.
HOSTILE_BODY = """<p>zebra stripes</p><script>window.hacked=1</script><img src=x onerror="window.hacked=1">
<a href="javascript:window.hacked=1" onclick="window.hacked=1">zebra link</a><iframe srcdoc="<script>parent.hacked=1
</script>"></iframe><form action="https://evil.example"><input name=q></form><p onclick=window.hacked=1>last</p>"""


class Steered:
    """The real engine, with a decision that the query names and, for one id, HTML that nobody cleaned."""

    def __init__(self, engine: Engine) -> None:
        self.snapshot = engine.snapshot
        self.languages = engine.languages
        self._engine = engine

    def search(self, request: SearchRequest) -> SearchOutcome:
        """Ask the engine; `answer`, `list` or `hand_over` as the last word decides."""
        words, _, last = request.q.rpartition(" ")
        if last not in set(Action):
            return self._engine.search(request)
        outcome = self._engine.search(dataclasses.replace(request, q=words))
        return dataclasses.replace(outcome, decision=dataclasses.replace(outcome.decision, action=Action(last)))

    def suggest(self, q: str, *, lang: str, limit: int, audiences: frozenset[str] | None) -> list[Suggestion]:
        """Ask the engine."""
        return self._engine.suggest(q, lang=lang, limit=limit, audiences=audiences)

    def document(self, document_id: str, *, audiences: frozenset[str] | None) -> StoredDocument | None:
        """Ask the engine; `unclean` has the body of `hostile` as it was in the source."""
        wanted = document_id.removeprefix("unclean-")
        found = self._engine.document(wanted, audiences=audiences)
        return dataclasses.replace(found, html=HOSTILE_BODY) if found and wanted != document_id else found


@dataclass
class Site:
    """A running service."""

    url: str
    service: Service

    def events(self) -> list[Event]:
        """Return what was stored, after waiting for it."""
        assert self.service.buffer.flush()
        return list(self.service.store.events())

    def searches(self) -> list[SearchRecord]:
        """Return the searches, after waiting for them."""
        assert self.service.buffer.flush()
        return list(self.service.store.searches())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark these tests, and skip them with a reason where there is no browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
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
    return build_index([*handmade_rows, *attacks, hostile])


@pytest.fixture
def site(hostile_index: Path, tmp_path: Path) -> Iterator[Site]:
    """Serve it, with an event store of its own."""
    source = SnapshotSource(published_version, lambda directory: Steered(open_engine(directory)))
    settings = Settings(index=hostile_index, events=f"sqlite:///{tmp_path / 'events.db'}", contact="tel:+37120000100")
    app = create_app(settings, source=source, engine=source.open(hostile_index))
    server = uvicorn.Server(uvicorn.Config(app, port=0, access_log=False, log_level="warning"))
    thread = Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Site(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", app.state.service)
    server.should_exit = True
    thread.join()


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
    context = browser.new_context(base_url=site.url, locale="en-GB", viewport={"width": 390, "height": 844})
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []
