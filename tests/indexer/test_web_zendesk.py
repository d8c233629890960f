"""A Zendesk Help Center through its API, from a server on this machine that pages and sorts as Zendesk does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from site_server import Headers, Page, Site, running

from indexer import web
from indexer.loaders import LoadReport, load_sources
from indexer.pipeline import build
from indexer.web.zendesk import CREDENTIALS
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.errors import SourceError

LIST = "/api/v2/help_center/lv/articles.json"


class HelpCenter:
    """Articles by number; answers the list of articles, three a page, the last changed first."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.articles: dict[int, dict[str, Any]] = {}
        self.translations: list[dict[str, Any]] = []
        self.headers: list[Headers] = []
        self.pages = 0

    def write(self, number: int, day: int, title: str = "", **fields: Any) -> None:
        self.articles[number] = {
            "id": number,
            "locale": "lv",
            "title": title or f"Raksts {number}",
            "body": f"<p>Teksts {number}</p>",
            "section_id": 5,
            "updated_at": f"2026-10-{day:02}T00:00:00Z",
            **fields,
        }
        self.serve()

    def serve(self) -> None:
        for page in range(1, 9):
            query = "include=sections%2Ccategories%2Ctranslations&sort_by=updated_at&sort_order=desc&per_page=100"
            path = f"{LIST}?{query}" + (f"&page={page}" if page > 1 else "")
            self.site.pages[path] = self._answer(page, path)

    def _answer(self, page: int, path: str) -> Any:
        def answer(headers: Headers) -> Page:
            self.headers.append(headers)
            self.pages += 1
            query = parse_qs(urlsplit(path).query)
            assert query["sort_by"] == ["updated_at"]
            newest = sorted(self.articles.values(), key=lambda article: article["updated_at"], reverse=True)
            mine = newest[3 * page - 3 : 3 * page]
            numbers = {article["id"] for article in mine}
            more = len(newest) > 3 * page
            base = path.partition("&page=")[0]
            content = {
                "count": len(newest),
                "next_page": f"{self.site.address}{base}&page={page + 1}" if more else None,
                "articles": mine,
                "sections": [{"id": 5, "name": "Konts"}],
                "translations": [each for each in self.translations if each["source_id"] in numbers],
            }
            return 200, {"Content-Type": "application/json"}, json.dumps(content).encode()

        return answer


@pytest.fixture
def center() -> Iterator[HelpCenter]:
    with running() as site:
        center = HelpCenter(site)
        for number in range(1, 9):
            center.write(number, number)
        yield center


def copied(center: HelpCenter, folder: Path) -> list[str]:
    center.pages = 0
    assert list(web.fetch(center.site.address + LIST, folder, 0)) == []
    return sorted(f"{document.id} {document.title}" for document in load_sources([folder], report=LoadReport()))


def test_every_page_is_read(center: HelpCenter, tmp_path: Path) -> None:
    """With names of sections, and translations."""
    center.translations = [{"id": 1, "source_id": 3, "locale": "lt", "title": "Straipsnis", "body": "<p>Tekstas</p>"}]
    titles = copied(center, tmp_path)
    assert titles == sorted([*(f"{number}.lv Raksts {number}" for number in range(1, 9)), "3.lt Straipsnis"])
    assert center.pages == 3
    document = next(iter(load_sources([tmp_path], report=LoadReport())))
    assert document.category == ("Konts",)


def test_later_only_what_is_newer(center: HelpCenter, tmp_path: Path) -> None:
    """Two pages of three: the second begins with what is no longer newer. Deleted translations go as well."""
    center.translations = [{"id": 1, "source_id": 3, "locale": "lt", "title": "Straipsnis", "body": "<p>Tekstas</p>"}]
    copied(center, tmp_path)
    center.translations = []
    center.write(3, 20, "Mainīts")
    center.write(9, 21)
    titles = copied(center, tmp_path)
    assert center.pages == 2
    assert "3.lv Mainīts" in titles
    assert "9.lv Raksts 9" in titles
    assert len(titles) == 9


def test_deleted_articles_are_noticed(center: HelpCenter, tmp_path: Path) -> None:
    """The list is shorter than what is known, so all of it is read; also where as many were written meanwhile."""
    copied(center, tmp_path)
    del center.articles[2]
    assert len(copied(center, tmp_path)) == 7
    del center.articles[4]
    center.write(30, 25)
    titles = copied(center, tmp_path)
    assert len(titles) == 7
    assert not any(title.startswith("4.lv") for title in titles)


def test_an_update_analyses_what_changed(center: HelpCenter, tmp_path: Path) -> None:
    """From the address to the snapshot."""
    address = center.site.address + LIST
    assert build([address], tmp_path, embedder=HashingEmbedder(), delay=0).documents == 8
    center.write(5, 22, "Jauns nosaukums")
    report = build([address], tmp_path, embedder=HashingEmbedder(), delay=0, update=True)
    assert (report.documents, report.documents_analysed) == (8, 1)


def test_credentials_are_sent_where_they_are_given(
    center: HelpCenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Basic, as Zendesk wants it; none without."""
    copied(center, tmp_path / "a")
    assert all("Authorization" not in headers for headers in center.headers)
    center.headers.clear()
    monkeypatch.setenv(CREDENTIALS, "a@x.example/token:abc")
    copied(center, tmp_path / "b")
    assert {headers["Authorization"] for headers in center.headers} == {"Basic YUB4LmV4YW1wbGUvdG9rZW46YWJj"}


@pytest.mark.parametrize(
    "answer",
    [
        (403, {}, b"no"),
        *(
            (200, {}, body)
            for body in (
                b"<html>",
                b'{"error": "x"}',
                b'{"articles": [null]}',
                b'{"articles": [{"id": [1]}]}',
                b'{"articles": [{"id": 1, "updated_at": 5}]}',
                b'{"articles": [], "sections": ["x"]}',
                b'{"articles": [], "sections": 1}',
                b'{"articles": [], "meta": [1]}',
                b'{"articles": [], "links": "x"}',
                b'{"articles": [], "next_page": 5}',
                b'{"articles": [], "links": {"next": 5}, "meta": {"has_more": true}}',
            )
        ),
    ],
)
def test_what_is_no_list_of_articles(center: HelpCenter, tmp_path: Path, answer: Page) -> None:
    """Nothing is published, and the copy stays."""
    before = copied(center, tmp_path)
    for path in list(center.site.pages):
        center.site.pages[path] = answer
    with pytest.raises(SourceError, match=r"articles\.json cannot be read"):
        copied(center, tmp_path)
    assert sorted(f"{d.id} {d.title}" for d in load_sources([tmp_path], report=LoadReport())) == before
