"""Answers that break off, and servers that say when to come again."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from site_server import Site, running

from indexer import web
from indexer.loaders import LoadReport, load_sources
from indexer.loaders.report import Problem
from indexer.web import client as limits
from kbsearch.errors import SourceError


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as site:
        yield site


def test_a_copy_is_no_folder_of_files_that_nobody_reads(site: Site, tmp_path: Path) -> None:
    """Its pages were told to be files of another kind that were left out."""
    site.article("/one", "one")
    site.sitemap("/one")
    copied(site, tmp_path)
    report = LoadReport()
    assert len(list(load_sources([tmp_path], report=report))) == 1
    assert report.notes == []


def test_pages_that_name_one_address_as_theirs_are_one(site: Site, tmp_path: Path) -> None:
    """The page of that address, if it is there; where titles differ, the name is a mistake of the site."""
    head = "<title>{}</title><link rel=canonical href='{}'><main><p>{}</p></main>"
    for path, title, canonical in [
        ("/pay", "Pay", "/pay"),
        ("/ad/pay", "Pay", "../pay"),
        ("/pay?from=mail", "Pay", f"{site.address}/pay#top"),
        ("/print/ship", "Ship", "/ship"),
        ("/ship.pdf.html", "Ship", "/ship"),
        ("/a", "A", "/pay"),
        ("/b", "B", "https://other.example/pay"),
        ("/c", "B", "https://[x"),
    ]:
        site.html(path, head.format(title, canonical, path))
    site.sitemap(*site.pages)
    assert list(copied(site, tmp_path)[0]) == ["b", "c", "pay", "a", "print/ship"]


def test_addresses_that_only_their_ending_tells_apart_are_two_articles(site: Site, tmp_path: Path) -> None:
    """They got one id, so that one of two articles was in the index at random."""
    for path in ("/pay.html", "/pay.php", "/", "/index.html"):
        site.html(path, f"<title>{path}</title><main><p>This is {path} .</p></main>")
    site.sitemap(*site.pages)
    found, said = copied(site, tmp_path)
    assert {name: body.split()[2] for name, body in found.items()} == {
        "index": "/",
        "index.html": "/index.html",
        "pay": "/pay.html",
        "pay.php": "/pay.php",
    }
    assert said == []


def test_a_page_left_out_that_says_something_else_is_told(site: Site, tmp_path: Path) -> None:
    """A site whose pages all name the first one, under one title, became one article without a word."""
    head = "<title>Help</title><link rel=canonical href=/><main><p>{}</p></main>"
    for path, body in [("/", "start"), ("/pay", "cards"), ("/start", "start")]:
        site.html(path, head.format(body))
    site.sitemap(*site.pages)
    copied(site, tmp_path)
    report = LoadReport()
    assert [document.body for document in load_sources([tmp_path], report=report)] == ["<p>start</p>"]
    (note,) = report.notes
    assert note.startswith(f"{site.address}/pay: names {site.address}/ as its address")
    assert "left out" in note


def copied(site: Site, folder: Path) -> tuple[dict[str, str], list[str]]:
    """Bodies by id, and what was said."""
    said = [
        str(item) if isinstance(item, Problem) else item.text
        for item in web.fetch(f"{site.address}/sitemap.xml", folder, 0.0)
    ]
    documents = load_sources([folder], report=LoadReport())
    return {document.id: document.body for document in documents}, [text.replace(site.address, "") for text in said]


def cut(site: Site, path: str) -> None:
    """From now on the connection breaks half-way through the answer."""
    whole = site.pages[path]
    status, headers, body = whole if isinstance(whole, tuple) else whole({})
    site.pages[path] = (status, {**headers, "Content-Length": str(len(body))}, body[: len(body) // 2])


def test_a_page_cut_short_keeps_its_copy(site: Site, tmp_path: Path) -> None:
    """What came is not taken for all; it is asked for three times."""
    for name in ("one", "two"):
        site.article(f"/{name}", name, f"{name} begins, and here {name} ends")
    site.sitemap("/one", "/two")
    before, _ = copied(site, tmp_path)
    cut(site, "/one")
    site.asked.clear()
    documents, said = copied(site, tmp_path)
    assert documents == before
    assert len(said) == 1
    assert said[0].startswith("/one: it is cut short; the copy of ")
    assert site.asked.count("/one") == limits.TRIES


def test_a_page_cut_short_is_said_where_there_is_no_copy(site: Site, tmp_path: Path) -> None:
    for name in ("one", "two"):
        site.article(f"/{name}", name)
    site.sitemap("/one", "/two")
    cut(site, "/one")
    documents, said = copied(site, tmp_path)
    assert list(documents) == ["two"]
    assert said == ["/one: it is cut short"]


@pytest.mark.parametrize("packed", [False, True])
def test_a_list_cut_short_publishes_nothing(site: Site, tmp_path: Path, packed: bool) -> None:
    """Half a list of addresses would look like deleted articles; also where the packed file itself is half of one."""
    names = [f"/page{number}" for number in range(20)]
    for name in names:
        site.article(name, name)
    lines = "".join(f"{site.address}{name}\n" for name in names).encode()
    site.pages["/sitemap.xml"] = (200, {}, gzip.compress(lines)[:-12] if packed else lines)
    if not packed:
        cut(site, "/sitemap.xml")
    with pytest.raises(SourceError, match="cut short"):
        copied(site, tmp_path)


@pytest.mark.parametrize(
    ("said", "low", "high"),
    [("3", 3, 3), ("in a while", 0, 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0), (None, 8, 10), ("9999999", 30, 30)],
)
def test_when_to_come_again(
    site: Site, monkeypatch: pytest.MonkeyPatch, said: str | None, low: float, high: float
) -> None:
    """A number of seconds or a date (RFC 9110, section 10.2.3), and never more than half a minute."""
    waited: list[float] = []
    monkeypatch.setattr(limits.Client, "_wait", lambda self, longer=0.0: waited.append(longer))
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=10), usegmt=True)
    site.pages["/page"] = (503, {"Retry-After": said or soon}, b"")
    client = limits.Client(site.address, 0.0)
    waited.clear()
    with pytest.raises(limits.Failed, match="503"):
        client.get(f"{site.address}/page")
    assert low <= max(waited) <= high
