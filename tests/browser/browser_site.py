"""What the browser tests talk about: a running service, its engine, and attacks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from kbsearch.editing import Synonym
from kbsearch.engine import Engine
from kbsearch.events.schema import Event, SearchRecord
from kbsearch.service.context import Service
from kbsearch.service.reload import SearchEngine
from kbsearch.types import Action, Answer, SearchOutcome, SearchRequest, StoredDocument, Suggestion

CHROMIUM = Path("/usr/bin/chromium")
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
"""A browser that is not taken for a program, as headless Chromium calls itself."""
PREFIX = "/help"
"""Below which path of another host a service is, for one test."""
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
LONG_WORD = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz"
RIGHT_TO_LEFT = "كيف تعيد تعيين كلمة المرور"


class Steered:
    """The real engine, with a decision that the query names and, for one id, HTML that nobody cleaned."""

    def __init__(self, engine: Engine) -> None:
        self.snapshot = engine.snapshot
        self.may_wait = engine.may_wait
        self.languages_for = engine.languages_for
        self._engine = engine

    def search(self, request: SearchRequest) -> SearchOutcome:
        """Ask the engine; `answer`, `list` or `hand_over` as the last word of the query or message decides."""
        field = "q" if request.q else "body"
        words, _, last = getattr(request, field).rpartition(" ")
        if last not in set(Action):
            return self._engine.search(request)
        outcome = self._engine.search(dataclasses.replace(request, **{field: words}))
        decision = dataclasses.replace(outcome.decision, action=Action(last))
        answer = None
        if decision.action is Action.ANSWER and outcome.hits:
            first = outcome.hits[0]
            answer = Answer(f"1. {first.snippet}", first.id, tuple((a + 3, b + 3) for a, b in first.highlights))
        asked = getattr(request, field) if outcome.q == words else outcome.q
        return dataclasses.replace(outcome, q=asked, decision=decision, answer=answer)

    def suggest(self, q: str, *, lang: str, limit: int, audiences: frozenset[str] | None) -> list[Suggestion]:
        """Ask the engine."""
        return self._engine.suggest(q, lang=lang, limit=limit, audiences=audiences)

    def with_synonym(self, synonym: Synonym) -> SearchEngine:
        """Ask the engine."""
        return self._engine.with_synonym(synonym)

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


@contextmanager
def large_text(browser: Browser, profile: Path, **options: Any) -> Iterator[Page]:
    """A page of a browser whose text is set to twice the usual size."""
    settings = profile / "Default" / "Preferences"
    settings.parent.mkdir()
    settings.write_text('{"webkit": {"webprefs": {"default_font_size": 32}}}')
    context = browser.browser_type.launch_persistent_context(
        str(profile), executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"], **options
    )
    yield context.new_page()
    context.close()


def file_suggestion(page: Page, site: Site) -> None:
    """One that others may see from then on, on the page that lists it."""
    page.goto("/suggestions?lang=en")
    page.get_by_label("Your suggestion in one line").fill("Delivery on Sundays")
    page.keyboard.press("Enter")
    expect(page.locator(".thanks")).to_be_focused()
    (filed,) = site.service.suggestions.listed()
    site.service.suggestions.decide(filed.id, "open")
    page.goto("/suggestions?lang=en")
