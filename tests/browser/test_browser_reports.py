"""Pages that commands write, of a replay and of a benchmark, in a real browser: on a desk, on a phone, by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from indexer.replay import page as replay_page
from indexer.replay.causes import Cause
from indexer.replay.compare import ANSWERED, LISTED, LOST, Compared, Latency, Shown, Standing
from indexer.replay.report import CauseTotal, Counts, Flip, Loss, Report, Section
from indexer.replay.successes import Success
from kbsearch.bench import page as bench_page
from kbsearch.types import Action

AXE = Path(__file__).with_name("axe.min.js")
ARTICLE = Shown("reset-password.lv", "Kā atjaunot paroli, ja to esat aizmirsis", "lv", 1)


def compared(query: str, before: int, after: int) -> Compared:
    """A query of forty searches that stood and stands on these levels."""
    success = Success(query, "lv", True, (ARTICLE.id,), "opened", 40)
    standings = [
        Standing(level, Action.ANSWER if level == ANSWERED else Action.LIST, ARTICLE if level else None)
        for level in (before, after)
    ]
    return Compared(success, *standings, replaced_by=None if after else ARTICLE._replace(id="other.lv"))


def report() -> Report:
    """Something of every kind: broken, won, decided otherwise."""
    lost = [compared(query, ANSWERED, LOST) for query in ("kā nomainīt aizmirstu paroli", "parolei nav derīguma")]
    cause = Cause("model", "kbsearch-mini", "The model is another one: kbsearch-mini instead of kbsearch-static.")
    counts = Counts(120, 120, 40, 80, 40, 0)
    return Report(
        "20261127T212950Z-7b42", "20261126T212950Z-7b42", ("kbsearch-static", "kbsearch-mini"), 5, 0.01,
        (Section("the log", counts, {"lv": counts}),),
        (CauseTotal(cause, tuple(Loss(item, cause, 12) for item in lost), 80),),
        (compared("paroles maiņa", LOST, LISTED),), (Flip("answer", "list", 40, (lost[0],)),),
        Latency(2.0, 2.1, 4.0, 4.1), 900, 20, 3, ("lv: 66.67%",),
    )  # fmt: skip


def replay() -> str:
    """The page of that report."""
    return replay_page.as_page(report())


def receipt() -> str:
    """A receipt with a curve, and another beside it."""
    row = {"n": 480, "refused": 0, "failed": 2, "p50": 2.01, "p95": 11.4, "p99": 120.5, "max": 1210.25}
    made: dict[str, Any] = {
        "kbsearch": "1.0.0", "date": "2026-11-27T21:37:17+00:00",
        "machine": {"processor": "x", "cores": 2, "memory_gib": 24, "system": "Linux", "python": "3.11"},
        "index": {"snapshot": "20261127T213030Z-7b42", "workers": 1, "questions": 158},
        "cold": {"start_seconds": 3.0}, "warm": row, "by_lang": {"lv": row},
        "clients": [{"clients": 16, "per_second": 291.2, **row}],
        "offered": [{"per_second": rate, **row} for rate in (300.0, 1200.0)],
        "throughput": {"p99_ms": 20.0, "per_second": 291.0}, "memory_mib": {"proportional": 362.1},
        "against": {"unlike": [], "changes": [{"name": "p50 of lv", "growth": 0.1, "noise": 0.2}]},
    }  # fmt: skip
    return bench_page.as_page(made)


PAGES = {"replay": replay, "receipt": receipt}


@pytest.fixture(
    params=[(name, width) for name in PAGES for width in (1280, 360)], ids=lambda given: f"{given[0]}-{given[1]}"
)
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """One of the pages with every part unfolded, on a desk or on a phone."""
    name, width = request.param
    context = browser.new_context(viewport={"width": width, "height": 800})
    opened = context.new_page()
    opened.set_content(PAGES[name]())
    opened.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    yield opened
    context.close()


def test_axe_finds_nothing_to_object_to(page: Page) -> None:
    """WCAG 2.2 at level AA, and what is good practice: landmarks, names, headings."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']})")
    assert [(one["id"], [node["html"] for node in one["nodes"][:3]]) for one in found["violations"]] == []


def test_queries_and_titles_of_a_replay_are_in_their_language() -> None:
    """A screen reader reads them as such; what is withheld is no query."""
    made = replay()
    assert '<td class="query" lang="lv" dir="auto">“kā nomainīt aizmirstu paroli”</td>' in made
    assert f'“<bdi lang="lv">{ARTICLE.title}</bdi>” (reset-password.lv) as the answer: now at place 12' in made
    hidden = replace(
        compared("secret", LOST, LISTED), success=Success("secret", "lv", True, (), "opened", 1, True, False)
    )
    shown = replay_page.as_page(replace(report(), wins=(hidden,)))
    assert '<td class="query">(asked by fewer than five people)</td>' in shown
    assert "secret" not in shown


def test_everything_can_be_read_on_it(page: Page) -> None:
    """The page does not scroll sideways, no label shrinks with its drawing, no query breaks within a word."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for text in page.locator("svg text").all():
        box = text.bounding_box()
        assert box is not None
        assert box["height"] >= 11
        assert box["x"] >= 0
    for head in page.locator("th:has-text('what happens')").all():
        box = head.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= page.evaluate("innerWidth")
    for cell in page.locator("td:has-text('parolei')").all():
        lines = """(one) => { const words = document.createRange(); words.selectNodeContents(one);
            return new Set([...words.getClientRects()].map((line) => line.y)).size; }"""
        assert cell.evaluate(lines) <= 3  # of three words
