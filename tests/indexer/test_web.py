"""A website by its sitemap, over HTTP, from a real server on this machine."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from site_server import Site, running

import indexer.cli
from indexer import web
from indexer.loaders import LoadReport, load_sources
from indexer.loaders.report import Problem
from indexer.pipeline import build
from indexer.web import client as limits
from indexer.web import pages
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.errors import SourceError
from kbsearch.snapshot import open_snapshot
from kbsearch.types import Document


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as site:
        yield site


def copied(
    site: Site, folder: Path, address: str = "/sitemap.xml", delay: float = 0.0
) -> tuple[dict[str, Document], list[str]]:
    """Documents by id, and what was said."""
    said = [
        str(item) if isinstance(item, Problem) else item.text
        for item in web.fetch(site.address + address, folder, delay)
    ]
    documents = load_sources([folder], report=LoadReport())
    return {document.id: document for document in documents}, [text.replace(site.address, "") for text in said]


def test_pages_of_a_sitemap(site: Site, tmp_path: Path) -> None:
    """Id from the path, the address for the link, unless the page names a canonical one."""
    site.article("/lv/parole.html", "Parole")
    site.html("/about", '<title>About</title><link rel=canonical href="https://x.example/about"><p>us</p>')
    site.article("/", "Start")
    site.article("/faq?page=2", "Questions")
    site.sitemap("/lv/parole.html", "/about", "/", "/faq?page=2", "/about#again")
    documents, said = copied(site, tmp_path)
    assert {identity: document.url.replace(site.address, "") for identity, document in documents.items()} == {
        "index": "/",
        "about": "https://x.example/about",
        "faq?page=2": "/faq?page=2",
        "lv/parole": "/lv/parole.html",
    }
    assert said == []
    assert site.asked.count("/about") == 1


def test_sitemaps_of_sitemaps_packed_ones_and_lists(site: Site, tmp_path: Path) -> None:
    """An index may name itself; robots.txt names the sitemap where the address is that of the site."""
    for name in "abc":
        site.article(f"/{name}", name)
    site.sitemap("/a.xml", "/b.xml.gz", "/c.txt", "/maps.xml", at="/maps.xml", kind="sitemapindex")
    site.sitemap("/a", at="/a.xml")
    site.sitemap("/b", at="/plain")
    site.pages["/b.xml.gz"] = (200, {"Content-Type": "application/gzip"}, gzip.compress(site.pages["/plain"][2]))
    site.pages["/c.txt"] = (200, {"Content-Type": "text/plain"}, f"{site.address}/c\n".encode())
    site.pages["/robots.txt"] = (200, {}, f"User-agent: *\nAllow: /\nSitemap: {site.address}/maps.xml\n".encode())
    assert sorted(copied(site, tmp_path, "/")[0]) == ["a", "b", "c"]


def test_robots_and_other_hosts(site: Site, tmp_path: Path) -> None:
    """What robots.txt forbids is never asked for, wildcards included, nor is anything on another host."""
    site.pages["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /private\nDisallow: /*.pdf$\n")
    for path in ("/open", "/private/a", "/b.pdf"):
        site.article(path, path)
    site.redirect("/away", "http://localhost:1/elsewhere")
    site.redirect("/round", "/private/a")
    site.sitemap("/open", "/private/a", "/b.pdf", "http://localhost:1/other", "/away", "/round")
    documents, said = copied(site, tmp_path)
    assert list(documents) == ["open"]
    assert said == [
        "/away: it leads to localhost:1; left out",
        "/round: robots.txt forbids it; left out",
        "/sitemap.xml: 3 pages left out: on another host, or forbidden by robots.txt",
    ]
    assert not {"/private/a", "/b.pdf"} & set(site.asked)


class Clock:
    """Time that passes by sleeping only."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(round(seconds, 6))


@pytest.mark.parametrize(("ours", "theirs", "pause"), [(0.02, "0.15", 0.15), (0.3, "0.15", 0.3), (0.02, "86400", 30.0)])
def test_the_pause_is_the_longer_of_ours_and_theirs(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: float, theirs: str, pause: float
) -> None:
    """Between every two requests, the sitemap's included; half a minute is the longest we stay."""
    clock = Clock()
    monkeypatch.setattr(limits, "time", clock)
    for number in range(3):
        site.article(f"/{number}", f"Page {number}")
    site.sitemap("/0", "/1", "/2")
    site.pages["/robots.txt"] = (200, {}, f"User-agent: *\nCrawl-delay: {theirs}\n".encode())
    copied(site, tmp_path, delay=ours)
    assert clock.slept == [0.0, pause, pause, pause, pause]


@pytest.mark.parametrize(("status", "allowed"), [(404, True), (403, True), (503, False)])
def test_without_robots_everything_with_a_broken_server_nothing(
    site: Site, tmp_path: Path, status: int, allowed: bool
) -> None:
    """RFC 9309, section 2.3.1."""
    site.article("/a", "A")
    site.sitemap("/a")
    site.pages["/robots.txt"] = (status, {}, b"Disallow: /")
    if allowed:
        assert list(copied(site, tmp_path)[0]) == ["a"]
    else:
        with pytest.raises(SourceError, match=r"robots\.txt cannot be read .the server says 503"):
            copied(site, tmp_path)


def test_redirects_loops_and_two_ways_to_one_page(site: Site, tmp_path: Path) -> None:
    """Followed a few times; a circle or an endless chain is said; one page by two addresses is one document."""
    site.article("/new", "New")
    site.redirect("/old", "/new", 301)
    site.redirect("/left", "/right")
    site.redirect("/right", "/left")
    for number in range(9):
        site.redirect(f"/chain{number}", f"/chain{number + 1}")
    site.sitemap("/old", "/new", "/left", "/chain0")
    documents, said = copied(site, tmp_path)
    assert list(documents) == ["new"]
    assert said == ["/left: it redirects in a circle", "/chain0: it redirects more than 5 times"]


def test_addresses_with_other_letters_and_spaces(site: Site, tmp_path: Path) -> None:
    """Asked for as RFC 3987 says, also where a redirect names one in raw bytes; what is quoted already stays."""
    for path in ("/lv/%C4%81bols", "/a%20b?q=%C5%BE", "/100%25", "/%C4%93%C4%85.html", "/old%E2"):
        site.article(path, path)
    site.redirect("/moved", "/ēą.html".encode().decode("latin-1"))
    site.redirect("/latin", "/old\xe2")
    site.redirect("/away", "http://ēka.example/x".encode().decode("latin-1"))
    site.redirect("/wrong", "//a..ē/x".encode().decode("latin-1"))
    site.redirect("/nowhere", "mailto:help@shop.example")
    site.sitemap(
        "/lv/ābols",
        "/lv/%C4%81bols",
        "/a b?q=ž",
        "/100%25",
        "/moved",
        "/latin",
        "/away",
        "/wrong",
        "/nowhere",
        "http://[x",
    )
    documents, said = copied(site, tmp_path)
    assert sorted(documents) == ["100%", "a b?q=%C5%BE", "lv/ābols", "old\ufffd", "ēą"]
    assert documents["lv/ābols"].url == f"{site.address}/lv/%C4%81bols"
    assert said == [
        "/away: it leads to xn--ka-vma.example; left out",
        "/wrong: it leads to a..ē; left out",
        "/nowhere: it leads to no address; left out",
        "/sitemap.xml: 1 pages left out: on another host, or forbidden by robots.txt",
    ]
    assert site.asked.count("/lv/%C4%81bols") == 1


def test_an_address_with_other_letters_is_kept_to_by_robots(site: Site, tmp_path: Path) -> None:
    """However it is written in the file, and also for the sitemap that the command names."""
    site.article("/ā/a", "A")
    site.article("/b", "B")
    site.pages["/robots.txt"] = (200, {}, "User-agent: *\nDisallow: /ā/\n".encode())
    site.sitemap("/ā/a", "/%C4%81/a", "/b", at="/l%C4%81pas.xml")
    documents, _ = copied(site, tmp_path, "/lāpas.xml")
    assert list(documents) == ["b"]
    assert site.asked == ["/robots.txt", "/l%C4%81pas.xml", "/b"]


def test_packed_answers_and_bombs(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """gzip and deflate are unpacked as far as the limit; what is cut short is no page."""
    monkeypatch.setattr(limits, "MAX_BYTES", 100_000)
    page = b"<title>Packed</title><p>text"
    headers = {"Content-Type": "text/html"}
    site.pages["/gzip"] = (200, {**headers, "Content-Encoding": "gzip"}, gzip.compress(page))
    site.pages["/deflate"] = (200, {**headers, "Content-Encoding": "deflate"}, zlib.compress(page))
    site.pages["/bomb"] = (200, {**headers, "Content-Encoding": "gzip"}, gzip.compress(b"x" * 10_000_000))
    site.pages["/short"] = (200, {**headers, "Content-Encoding": "gzip"}, gzip.compress(page)[:-12])
    site.pages["/strange"] = (200, {**headers, "Content-Encoding": "br"}, page)
    site.pages["/large"] = (200, headers, b"x" * 100_001)
    site.sitemap("/gzip", "/deflate", "/bomb", "/short", "/strange", "/large")
    documents, said = copied(site, tmp_path)
    assert sorted(documents) == ["deflate", "gzip"]
    assert [text.partition(":")[0] for text in said] == ["/bomb", "/short", "/strange", "/large"]
    assert "cut short" in said[1]
    assert site.asked.count("/bomb") == 1


def test_encodings_that_are_wrong(site: Site, tmp_path: Path) -> None:
    """UTF-8 is recognised whatever is said; else the server counts, then the page, then a guess."""
    text = "<title>Šķūņa žogs</title><p>Ēka"
    site.html("/lie", text, Content_Type="text/html; charset=iso-8859-1")
    site.html("/server", text, encoding="windows-1257", Content_Type="text/html; charset=windows-1257")
    site.html("/page", f'<meta charset="windows-1257">{text}', encoding="windows-1257")
    site.html("/nobody", text, encoding="windows-1257")
    site.html("/nonsense", text, encoding="windows-1257", Content_Type="text/html; charset=klingon")
    site.sitemap("/lie", "/server", "/page", "/nobody", "/nonsense")
    documents, _ = copied(site, tmp_path)
    assert {document.title for document in documents.values()} == {"Šķūņa žogs"}
    assert len(documents) == 5


def test_only_what_changed_is_asked_for_again(site: Site, tmp_path: Path) -> None:
    """By ETag, or not at all where the sitemap says that nothing changed; what is gone from either is gone."""
    for name in ("same", "other", "gone", "dropped"):
        site.article(f"/{name}", name)
    site.sitemap("/same", "/other", "/gone", "/dropped")
    assert len(copied(site, tmp_path)[0]) == 4
    site.article("/other", "other", "another text")
    del site.pages["/gone"]
    site.sitemap("/same", "/other", "/gone", changed="2026-11-01")
    documents, said = copied(site, tmp_path)
    assert sorted(documents) == ["other", "same"]
    assert "another text" in documents["other"].body
    assert said == ["/sitemap.xml: 1 pages left out: gone"]
    assert len(list(tmp_path.glob("*.page"))) == 2
    site.asked.clear()
    site.sitemap("/same", "/other", changed="2026-11-01")
    assert sorted(copied(site, tmp_path)[0]) == ["other", "same"]
    assert site.asked == ["/robots.txt", "/sitemap.xml"]


@pytest.mark.parametrize("torn", [b"", b"\0" * 100])
def test_a_copy_that_a_power_cut_tore_is_had_again(site: Site, tmp_path: Path, torn: bytes) -> None:
    """Though the sitemap says that its page is what it was."""
    for name in ("torn", "whole"):
        site.article(f"/{name}", name)
    site.sitemap("/torn", "/whole", changed="2026-11-01")
    before = copied(site, tmp_path)
    (page,) = (path for path in tmp_path.glob("*.page") if b"torn" in path.read_bytes())
    page.write_bytes(torn)
    site.asked.clear()
    assert copied(site, tmp_path) == before
    assert site.asked == ["/robots.txt", "/sitemap.xml", "/torn"]


def test_a_page_in_trouble_keeps_its_copy_one_that_is_closed_does_not(site: Site, tmp_path: Path) -> None:
    """A night's trouble must not delete articles; a page that now asks for a password must not stay public."""
    for name in ("ill", "closed", "well"):
        site.article(f"/{name}", name)
    site.sitemap("/ill", "/closed", "/well")
    copied(site, tmp_path)
    site.pages["/ill"] = (500, {}, b"oh")
    site.pages["/closed"] = (403, {}, b"no")
    documents, said = copied(site, tmp_path)
    assert sorted(documents) == ["ill", "well"]
    assert said[0].startswith("/ill: the server says 500 Internal Server Error; the copy of 20")
    assert said[1] == "/closed: the server says 403 Forbidden"
    assert site.asked.count("/ill") == 1 + limits.TRIES


def test_a_server_that_asks_to_come_again(site: Site, tmp_path: Path) -> None:
    """After the time it names."""
    answers = iter([(429, {"Retry-After": "1"}, b""), (200, {"Content-Type": "text/html"}, b"<title>A</title><p>a")])
    site.pages["/a"] = lambda _: next(answers)
    site.sitemap("/a")
    assert list(copied(site, tmp_path)[0]) == ["a"]
    assert site.times[-1] - site.times[-2] >= 0.95


def test_a_site_that_stops_answering_publishes_nothing(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run goes on with the pages it has."""
    monkeypatch.setattr(pages, "FAILURES_IN_A_ROW", 3)
    for number in range(10):
        site.article(f"/{number}", f"Page {number}", f"text of page {number}")
    site.sitemap(*(f"/{number}" for number in range(10)))
    index = tmp_path / "index"
    address = site.address + "/sitemap.xml"
    build([address], index, embedder=HashingEmbedder(), delay=0)
    before = open_snapshot(index)
    site.article("/0", "Changed")
    for number in range(5, 10):
        site.pages[f"/{number}"] = (503, {}, b"")
    with pytest.raises(SourceError, match=r"stopped answering .*continues with the pages it has"):
        build([address], index, embedder=HashingEmbedder(), delay=0, update=True)
    assert open_snapshot(index).version == before.version
    for number in range(5, 10):
        site.article(f"/{number}", f"Page {number}", f"text of page {number}")
    site.asked.clear()
    report = build([address], index, embedder=HashingEmbedder(), delay=0, update=True)
    assert (report.documents, report.documents_analysed) == (10, 1)
    assert not {f"/{number}" for number in range(5)} & set(site.asked)


@pytest.mark.slow
def test_two_thousand_pages(site: Site, tmp_path: Path) -> None:
    """As sites are: redirects, loops, packed pages, wrong encodings, dead links; built, and then updated."""
    paths = [f"/help/{number}" for number in range(2000)]
    for number, path in enumerate(paths):
        site.article(path, f"Article {number}", f"How to do thing {number} with the device.")
        if number % 50 == 1:
            site.redirect(path, f"/moved{path}")
            site.article(f"/moved{path}", f"Article {number}", f"Moved text {number}.")
        elif number % 50 == 2:
            site.redirect(path, path)
        elif number % 50 == 3:
            body = f"<title>Article {number}</title><p>Packed text {number}"
            site.pages[path] = (
                200,
                {"Content-Type": "text/html", "Content-Encoding": "gzip"},
                gzip.compress(body.encode()),
            )
        elif number % 50 == 4:
            site.html(path, f"<title>Raksts {number}</title><p>Šķūnis {number}", encoding="windows-1257")
        elif number % 50 == 5:
            del site.pages[path]
    site.sitemap("/one.xml", "/two.xml", kind="sitemapindex")
    site.sitemap(*paths[:1000], at="/one.xml")
    site.sitemap(*paths[1000:], at="/two.xml")
    address = site.address + "/sitemap.xml"
    report = build([address], tmp_path / "index", embedder=HashingEmbedder(), delay=0)
    assert (report.documents, report.problem_count) == (2000 - 40 - 40, 40)
    assert {problem.reason for problem in report.problems} == {"it redirects in a circle"}
    assert f"{address}: 40 pages left out: gone" in report.notes
    snapshot = open_snapshot(tmp_path / "index")
    assert snapshot.record(snapshot.number_of("moved/help/51") or 0)["url"] == f"{site.address}/moved/help/51"
    site.article("/help/0", "Article 0", "Another text.")
    report = build([address], tmp_path / "index", embedder=HashingEmbedder(), delay=0, update=True)
    assert (report.documents, report.documents_analysed) == (1920, 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html><body>Not found</body></html>", "begins with <html>"),
        (b"<!DOCTYPE html><html></html>", "DOCTYPE"),
        (b'<!DOCTYPE x [<!ENTITY a "aaaa">]><urlset>&a;</urlset>', "DOCTYPE"),
        (b"<urlset><url>", "no element found"),
        (None, "the server says 404"),
        (b"<urlset></urlset>", "gave no page to index"),
    ],
)
def test_a_sitemap_that_is_none(site: Site, tmp_path: Path, content: bytes | None, said: str) -> None:
    """One sentence that names the address."""
    if content is not None:
        site.pages["/sitemap.xml"] = (200, {}, content)
    with pytest.raises(SourceError, match=said):
        copied(site, tmp_path)


def test_a_site_without_a_page_says_why(site: Site, tmp_path: Path) -> None:
    """A host with and without www are two; what the pages answered is counted."""
    site.sitemap("/gone", "/closed", "/shut", "https://www.x.example/")
    site.pages["/closed"] = site.pages["/shut"] = (403, {}, b"")
    with pytest.raises(SourceError, match=r"2 × the server says 403 .*, 1 × gone, 1 × on another host"):
        copied(site, tmp_path)


@pytest.mark.parametrize("address", ["https://", "http://[::1/", "http:///sitemap.xml"])
def test_an_address_without_a_host(address: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="names no host"):
        build([address], tmp_path / "index", embedder=HashingEmbedder(), delay=0)


def test_the_command_takes_an_address(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside a folder; the manifest names both as they were given."""
    site.article("/a", "From the web")
    site.sitemap("/a")
    (tmp_path / "kb").mkdir()
    (tmp_path / "kb" / "b.md").write_text("# From a folder\n\ntext")
    address = f"{site.address}/sitemap.xml"
    arguments = ["build", address, str(tmp_path / "kb"), "--out", str(tmp_path / "index")]
    assert indexer.cli.main([*arguments, "--model", "hashing", "--delay", "0"]) == 0
    assert "2 documents" in capsys.readouterr().out
    assert open_snapshot(tmp_path / "index").manifest["sources"] == [address, str(tmp_path / "kb")]


def test_a_site_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"http://127.0.0.1:9/robots\.txt cannot be read .*refused.*try later"):
        build(["http://127.0.0.1:9/sitemap.xml"], tmp_path / "index", embedder=HashingEmbedder(), delay=0)
