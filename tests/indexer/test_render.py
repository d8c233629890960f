"""Articles as HTML: their links, pictures, anchors and videos, wherever the article is shown."""

from __future__ import annotations

import pytest
from selectolax.lexbor import LexborHTMLParser

from indexer.cut import cut
from indexer.render import render
from kbsearch.types import Document

PAGE = "https://shop.example/help/pay/cards.html"
BLANKS = "".join(map(chr, range(0x21)))
"""What browsers take off an address; inside it they drop tabs and line breaks as well."""


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("cash.html", "https://shop.example/help/pay/cash.html"),
        ("../", "https://shop.example/help/"),
        ("/a?b=1&amp;c=2", "https://shop.example/a?b=1&amp;c=2"),
        ("//cdn.example/x", "https://cdn.example/x"),
        ("https://other.example/x#y", "https://other.example/x#y"),
        (" mailto:a@b.example", "mailto:a@b.example"),
        ("#fees", "#article-fees"),
        ("cash.html#fees", "https://shop.example/help/pay/cash.html#fees"),
        ("cards.html#fees", "#article-fees"),
        ("https://shop.example/help/pay/cards.html#fees", "#article-fees"),
        ("cards.html", "https://shop.example/help/pay/cards.html"),
    ],
)
def test_links_lead_where_they_led_on_their_page(written: str, shown: str) -> None:
    assert f'href="{shown}"' in render(f'<a href="{written}">x</a>', "html", PAGE)


def test_pictures_come_from_where_the_page_is() -> None:
    assert 'src="https://shop.example/help/pay/i/card.png"' in render("![card](i/card.png)", "markdown", PAGE)
    assert 'src="i/card.png"' in render("![card](i/card.png)", "markdown")
    assert 'src="/kb/i/card.png"' in render("![card](i/card.png)", "markdown", "/kb/cards")
    assert "href" not in render('<a href="https://[x">x</a><a href="//[x">x</a>', "html", PAGE)


@pytest.mark.parametrize("url", [PAGE, ""])
@pytest.mark.parametrize("hidden", ["\x85", "\xa0", "\u2003", "\u3000", " ", "\t", "\n", "&#9;", "&#12;", "&#31;"])
@pytest.mark.parametrize("scheme", ["javascript", "data", "java\tscript", "java&#10;script", "java&#13;script"])
@pytest.mark.parametrize("element", ["<a href='{}'>x</a>", "<img src='{}'>", "<video><source src='{}'></video>"])
def test_no_address_has_another_scheme(element: str, scheme: str, hidden: str, url: str) -> None:
    """Blanks that parsers of addresses keep hide a scheme, and must not be taken off it."""
    html = render(element.format(f"{hidden}{scheme}:alert(1)"), "html", url)
    for node in LexborHTMLParser(html).css("[href], [src]"):
        address = node.attributes.get("href") or node.attributes.get("src") or ""
        read = address.strip(BLANKS).translate(dict.fromkeys(map(ord, "\t\n\r")))
        assert not read.lower().startswith(("javascript:", "data:")), address


def test_anchors_are_found_and_are_none_of_the_page_around() -> None:
    html = render('<a href="#q">1</a><h2 id="q">1</h2><p><span id="main">x</span>', "html", PAGE)
    tree = LexborHTMLParser(html)
    assert [node.attributes["id"] for node in tree.css("[id]")] == ["article-q", "article-main"]
    assert tree.css_first("#article-q").tag == "h2"
    assert tree.css_first("a").attributes["href"] == "#article-q"


@pytest.mark.parametrize(
    ("written", "anchors"),
    [
        ("<a name=fees>x</a>", ["article-fees"]),
        ("<A class='b' title=\"a name = c\" NAME = 'fees'>x</A>", ["article-fees"]),
        ("<a name=old id=fees>x</a><a id='fine' name='old'>y</a>", ["article-fees", "article-fine"]),
        ("<a data-name=x title='my name=x' href=/>x</a><p>&lt;a name=x&gt;", []),
    ],
)
def test_anchors_of_older_pages_are_found(written: str, anchors: list[str]) -> None:
    """`name` was dropped, and the table of contents led nowhere."""
    tree = LexborHTMLParser(render(written, "html", PAGE))
    assert [node.attributes["id"] for node in tree.css("[id]")] == anchors


@pytest.mark.parametrize(
    ("player", "link"),
    [
        (
            '<iframe title="Up &amp; go" src="https://www.youtube.com/embed/x?a=1&amp;b=2"></iframe>',
            '<a href="https://www.youtube.com/embed/x?a=1&amp;b=2" rel="noopener noreferrer nofollow">Up &amp; go</a>',
        ),
        (
            "<iframe src=//player.vimeo.com/video/1></iframe>",
            '<a href="https://player.vimeo.com/video/1" rel="noopener noreferrer nofollow">player.vimeo.com</a>',
        ),
        (
            "<video controls><source src='/v/hub.mp4'></video>",
            '<a href="https://shop.example/v/hub.mp4" rel="noopener noreferrer nofollow">hub.mp4</a>',
        ),
        ("<iframe src='https://maps.example/x'></iframe>", ""),
        ("<iframe src='https://youtube.com.evil.example/x'></iframe>", ""),
        ("<iframe srcdoc='<script>x</script>'></iframe><picture><source srcset=a.png></picture>", ""),
        ("<video src='javascript:alert(1)'></video>", '<a rel="noopener noreferrer nofollow">alert(1)</a>'),
        ("<iframe src='https://[x'></iframe>", ""),
    ],
)
def test_players_become_links(player: str, link: str) -> None:
    """They were dropped without a trace; foreign frames that are no videos still are."""
    assert render(player, "html", PAGE).removesuffix("<br>") == link


@pytest.mark.parametrize("heading", ["# Cards", "<h1 id=x>\n<b>Cards</b></h1>\n", "Cards\n=====\n"])
def test_a_first_heading_that_says_the_title_is_not_shown_twice(heading: str) -> None:
    document = Document(id="a", title="Cards", body=f"{heading}\n\nWe take cards.", group="a", lang="en")
    assert cut(document).html.strip() == "<p>We take cards.</p>"
    assert render("# Cash", "markdown", title="Cards").startswith("<h1>Cash")
    assert "Cards" in render("First.\n\n# Cards", "markdown", title="Cards")


def test_markdown_strikes_through_and_has_footnotes() -> None:
    html = render("~~old~~ new[^a].\n\n[^a]: Since May.", "markdown")
    assert "<del>old</del> new " in html
    assert 'href="#article-a"' in html
    assert '<div id="article-a"' in html
