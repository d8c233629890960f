"""`kbsearch report` and `kbsearch metrics --index`: from a store and an index to a file and to the gap list."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kbsearch.events.connect import open_store
from kbsearch.events.schema import Event, SearchRecord

PERIOD = ("--from", "2026-11-01", "--to", "2026-11-30", "--as-of", "2026-12-20T00:00:00Z")


@pytest.fixture
def events(tmp_path: Path) -> str:
    """Six who found nothing, and six who opened an article."""
    url = f"sqlite:///{tmp_path / 'events.db'}"
    store = open_store(url)
    for number in range(12):
        time = f"2026-11-{10 + number}T10:00:00.000Z"
        lost = number % 2 == 0
        found, decision = (0, "hand_over") if lost else (1, "list")
        text = "pay with bitcoin" if lost else "reset a password"
        session, client, query = f"s{number}", f"c{number}", f"q{number}"
        ids: tuple[Any, ...] = (query, text, "en", "en", found, decision, 0.5, (), 0, 1.0, "v1", session, client, time)
        store.write([SearchRecord(*ids, True)])
        if not lost:
            opened = ("click", query, session, client, time, time, "a.en", "article", 1)
            store.write([Event(f"e{number}", *opened)])
    store.close()
    return url


def test_the_report_is_one_file_that_needs_nothing_else(
    run: Callable[..., Any], index: Path, events: str, tmp_path: Path
) -> None:
    """Style and script inside, and a policy that allows those two and nothing from anywhere."""
    file = tmp_path / "report.html"
    done = run("kbsearch", "report", "--events", events, "--index", index, *PERIOD, "--title", "A & B", "--out", file)
    assert (done.code, done.err) == (0, "")
    assert "12 journeys" in done.out
    page = file.read_text(encoding="utf-8")
    assert "A &amp; B" in page
    assert "pay with bitcoin" in page
    assert "How to reset a password" in page
    assert "2026-11-01 to 2026-11-30" in page
    assert "default-src 'none'" in page.replace("&#39;", "'")
    assert not re.search(r'(src|href)="(?!#)', page)
    assert "<form" not in page
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".html")] == ["report.html"]
    again = run("kbsearch", "report", "--events", events, "--index", index, *PERIOD, "--out", file, "--json")
    said = json.loads(again.out)
    assert (said["path"], said["journeys"]) == (str(file), 12)
    assert said["data_health"] in done.out


def test_a_report_that_cannot_be_written_leaves_the_old_one(
    run: Callable[..., Any], index: Path, events: str, tmp_path: Path
) -> None:
    """And nothing half made beside it."""
    file = tmp_path / "missing" / "report.html"
    done = run("kbsearch", "report", "--events", events, "--index", index, "--out", file)
    assert done.code == 1
    assert f"{file}:" in done.sentence


@pytest.mark.parametrize(
    ("options", "words"),
    [(("--from", "yesterday"), "yesterday"), (("--window", "999"), "999"), (("--holdout", "2"), "2")],
)
def test_wrong_options_are_named(
    run: Callable[..., Any], index: Path, events: str, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    done = run("kbsearch", "report", "--events", events, "--index", index, "--out", tmp_path / "r.html", *options)
    assert done.code == 2
    assert words in done.sentence
    assert not (tmp_path / "r.html").exists()


def test_metrics_with_an_index_says_what_to_write(run: Callable[..., Any], index: Path, events: str) -> None:
    """As text and as JSON; without an index neither has a gap list."""
    text = run("kbsearch", "metrics", "--events", events, "--index", index, *PERIOD).out
    assert re.search(r"write an article: “pay with bitcoin”  \[en\]  6 of 6 failed, 6 clients", text)
    values = json.loads(run("kbsearch", "metrics", "--events", events, "--index", index, "--json", *PERIOD).out)
    (gap,) = values["gaps"]["list"]
    assert (gap["kind"], gap["failed"]["hits"], gap["escalated"], gap["cost"]) == ("missing", 6, 0, 0)
    (row,) = values["articles"]["list"]
    assert (row["article"]["title"], row["views"]) == ("How to reset a password", 6)
    assert sum(one["journeys"] for one in values["flow"]) == values["outcomes"]["searched"]["journeys"] == 12
    plain = run("kbsearch", "metrics", "--events", events, *PERIOD).out
    assert "gaps:" not in plain
