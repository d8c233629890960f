"""Menus, cookie notices and teasers are left out of pages whose markup does not say what is the article."""

from __future__ import annotations

from pathlib import Path
from time import process_time

import pytest
from loading import load

from indexer.cut import cut
from indexer.loaders.boilerplate import main_part
from kbsearch.errors import SourceError

MENU = (
    "<ul>" + "".join(f"<li><a href='/{word}'>{word}</a></li>" for word in ("Home", "Shop", "Basket", "Jobs")) + "</ul>"
)
COOKIES = "<p>We use cookies on this website. <button>OK</button></p>"
TEASERS = (
    "<h3>You may also like</h3><ul><li><a href='/a'>Track an order</a></li><li><a href='/b'>Gift cards</a></li></ul>"
)
ARTICLE = (
    "<h1>Reset your password</h1><p>Open the sign-in page, choose Forgot password, and type your e-mail address. "
    "We send a link that works for an hour, so look for it at once, also among the unwanted mail.</p>"
    "<h2>If no mail comes</h2><ol><li>Wait ten minutes, and then ask again.</li><li>Call us, if not.</li></ol>"
    "<table><tr><td>E03</td><td>Wrong password, three times in a row.</td></tr></table>"
)


def read(folder: Path, page: str) -> str:
    """The text that is indexed."""
    (folder / "page.html").write_text(page)
    [document], report = load(folder / "page.html")
    assert report.problem_count == 0
    return cut(document).text


def test_only_the_article_is_left(tmp_path: Path) -> None:
    """Every word of it, in order: paragraphs, headings, steps and tables."""
    page = (
        f"<title>Reset your password | Shop</title><div id=CookieBar>{COOKIES}</div><div class=c2>{MENU}</div>"
        f"<div class=c3><div class=c4>{ARTICLE}</div><div class=c5>{TEASERS}</div></div><div class=c6>{MENU}</div>"
    )
    text = read(tmp_path, page)
    for words in ("Open the sign-in page", "If no mail comes", "1. Wait ten minutes", "E03: Wrong password"):
        assert words in text
    for words in ("Basket", "cookies", "You may also like", "Gift cards"):
        assert words not in text


def test_notices_may_lie_in_notices_and_an_article_may_be_about_cookies(tmp_path: Path) -> None:
    """Nested ones go together; what is long, or has the page's heading, is no notice."""
    notice = f"<div class='cookie-wall'><div class='cookie-box'>{COOKIES}</div></div>"
    assert "We use cookies" not in read(tmp_path, f"<title>T</title>{notice * 3}<div>{ARTICLE}</div>")
    about = f"<title>T</title><div class=cookie-policy><h1>Our cookies</h1>{COOKIES}</div>"
    assert "We use cookies" in read(tmp_path, about)
    long = "<p>We keep cookies of many kinds, and this page says which, why, and for how long.</p>" * 20
    assert "which, why" in read(tmp_path, f"<title>T</title><div class='gdpr'>{long}</div>")


def test_sections_about_cookies_are_no_notices(tmp_path: Path) -> None:
    """Their headings are called after what they say; a notice asks for consent, though it may have a heading, too."""
    page = (
        f"<title>Browser</title><body class=cookies-on><div><h1>Browser</h1>{'<p>It has to be a new one.</p>' * 3}"
        "<h2 id=enable-cookies>Enable cookies</h2><p>Open the settings of the browser, and switch cookies on.</p>"
        "<div id=delete-cookies><h2>Delete cookies</h2><p>Press Ctrl+Shift+Delete, and confirm.</p></div>"
        "<div class=cookie-bar><h2>Your privacy</h2><p>Partners of ours.</p>"
        "<div class=cookie-buttons><a href='#'>Accept all</a></div></div></div>"
    )
    text = read(tmp_path, page)
    for words in ("Enable cookies", "switch cookies on", "Delete cookies", "Press Ctrl"):
        assert words in text
    for words in ("Your privacy", "Partners", "Accept all"):
        assert words not in text
    assert "Short" in read(tmp_path, "<title>T</title><body class=cookies-on><p>Short.</p>")


def test_one_teaser_is_not_the_article_of_a_page(tmp_path: Path) -> None:
    """A lone <article> is, where it has the heading or most of the text."""
    teaser = "<article class=card><h3>Also read</h3><p>Gift cards</p></article>"
    menu = f"<script>{'var menu; ' * 500}</script>"
    assert "Open the sign-in page" in read(tmp_path, f"<title>T</title>{menu}<div>{ARTICLE}</div><div>{teaser}</div>")
    for article in (ARTICLE, ARTICLE.replace("h1>", "h2>")):
        page = f"<title>T</title>{menu}<div>{MENU}</div><article>{article}{TEASERS}</article><div>{TEASERS}</div>"
        text = read(tmp_path, page)
        assert "Open the sign-in page" in text
        assert "Basket" not in text
        assert text.count("Gift cards") == 1


def test_heading_and_lead_may_stand_in_a_header(tmp_path: Path) -> None:
    """That of the article, not that of the site with its name."""
    lead, rest = "<p>With a lead that says it all, in one sentence.</p>", ARTICLE.partition("</h1>")[2]
    header = f"<header><nav>{MENU}</nav><h1>Reset your password</h1>{lead}</header>"
    (tmp_path / "page.html").write_text(f"<title>Reset your password | Shop</title>{header}<div>{rest}</div>")
    [document], _ = load(tmp_path / "page.html")
    assert document.title == "Reset your password"
    text = cut(document).text
    assert "With a lead" in text
    assert "Open the sign-in page" in text
    assert "Basket" not in text
    site = f"<header><h1>Shop</h1><p>Free delivery today.</p></header><div>{ARTICLE.replace('h1>', 'h2>')}</div>"
    assert "Free delivery" not in read(tmp_path, f"<title>Reset your password | Shop</title>{site}")
    linked = site.replace("Shop</h1>", "<a href='/'>Shop</a></h1>")
    assert "Free delivery" not in read(tmp_path, f"<title>Shop: Reset your password</title>{linked}")


@pytest.mark.parametrize("around", ["<main>{}</main>", "<div>{}</div>"])
def test_a_page_may_say_all_in_a_picture_or_a_video(tmp_path: Path, around: str) -> None:
    """As far as it has words for it; a page without any is refused."""
    picture = around.format('<img src=a.png alt="Where the button is">')
    assert "Where the button is" in read(tmp_path, f"<title>T</title>{picture}")
    video = around.format('<iframe src="https://www.youtube.com/embed/x" title="How to do it"></iframe>')
    assert "How to do it" in read(tmp_path, f"<title>T</title>{video}")
    with pytest.raises(SourceError, match="body is missing"):
        read(tmp_path, f"<title>T</title>{around.format('<img src=a.png>')}")


def test_what_is_a_notice_without_those_in_it_goes_too(tmp_path: Path) -> None:
    """Also with several of the marks, and thousands of them in the time of reading the page."""
    inner = f"<div class=consent>{'<p>Partner of ours.</p>' * 50}</div>"
    outer = f"<div id=gdpr class='cookie consent'>{COOKIES}{inner}{inner}</div>"
    started = process_time()
    text = read(tmp_path, f"<title>T</title>{outer}{'<p class=cookie-list>Partner' * 15_000}<div>{ARTICLE}</div>")
    assert process_time() - started < 10
    assert "Open the sign-in page" in text
    assert "Partner" not in text
    assert "We use cookies" not in text


def test_what_the_page_names_its_main_part_is_not_judged(tmp_path: Path) -> None:
    """A list of links in <main> is what its author wants to be found."""
    assert "Gift cards" in read(tmp_path, f"<title>T</title><main>{ARTICLE}{TEASERS}</main><div>{MENU}</div>")


@pytest.mark.parametrize("around", ["{}", "<main>{}</main>"])
@pytest.mark.parametrize("article", [ARTICLE, ARTICLE.replace("h1>", "h2>")], ids=["with heading", "most of the text"])
def test_a_page_that_lies_in_one_form_keeps_its_article(tmp_path: Path, around: str, article: str) -> None:
    """As those of ASP.NET do; its fields and buttons go, but not a button that opens an answer."""
    fields = (
        "<input name=__VIEWSTATE value=xyz><select><option>Latvia</option></select><textarea>Your words</textarea>"
        "<button>Send</button><input type=submit value=Go>"
    )
    answer = "<h2><button type=button>And on a phone?</button></h2><p>There it is the same, but the page is longer.</p>"
    page = around.format(f"<form id=aspnetForm><div>{fields}</div><div>{article}{answer}</div></form>")
    text = read(tmp_path, f"<title>T</title>{page}<p>All rights reserved by the shop.</p>")
    for words in ("Open the sign-in page", "1. Wait ten minutes", "E03: Wrong password", "And on a phone?"):
        assert words in text
    for words in ("xyz", "Latvia", "Your words", "Send", "Go\n"):
        assert words not in text


@pytest.mark.parametrize("around", ["<div>{}</div>", "<main>{}</main>"])
def test_a_form_on_a_page_goes_with_all_that_it_says(tmp_path: Path, around: str) -> None:
    """Also where bad markup puts a second one inside the first."""
    search = "<form role=search><label>Search the help centre</label><input></form>"
    asked = "<form><div><p>Did this article help?</p></form><form><label>Tell us more</label><input></form>"
    page = around.format(f"{search}{ARTICLE}<div>{asked}</div></div>")
    text = read(tmp_path, f"<title>T</title>{page}")
    assert "Open the sign-in page" in text
    for words in ("Search the help centre", "Did this article help?", "Tell us more"):
        assert words not in text


def test_a_form_may_be_named_the_main_part(tmp_path: Path) -> None:
    assert "Wait ten minutes" in read(tmp_path, f"<title>T</title><form role=main>{ARTICLE}</form><p>Imprint</p>")


@pytest.mark.parametrize(
    "body",
    [
        "<p>Short.</p>",
        "Only text",
        MENU,
        "<p>" * 3000 + "deep" + "</p>" * 3000,
        "<table><tr><td>a</td></tr></table>",
        "<",
    ],
)
def test_where_no_article_stands_out_everything_stays(body: str) -> None:
    """Losing a page costs more than a menu in it."""
    text = main_part(body)
    assert [word for word in ("Short.", "Only", "Basket", "deep", ">a<") if word in body and word not in text] == []
