"""The page as the server renders it: whole without JavaScript, escaped, in seven languages, and small."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from service_fake import FakeEngine, article
from starlette.datastructures import QueryParams

from kbsearch.service.address import PageState, preferred_language, read_state
from kbsearch.service.context import Service
from kbsearch.service.page import segments, with_scrolling_tables
from kbsearch.service.render import LANGUAGES, load_portal

PAYLOAD = "<img src=x onerror=alert(1)>\"'&"


def tags_of(page: str) -> list[tuple[str, list[tuple[str, str | None]]]]:
    """Return every start tag with its attributes, as a parser sees them."""
    found: list[tuple[str, list[tuple[str, str | None]]]] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, attrs))

    Tags().feed(page)
    return found


def test_the_empty_page_is_a_search_box(client: TestClient) -> None:
    """With a form that works alone."""
    response = client.get("/", headers={"Accept-Language": "en"})
    assert response.status_code == 200
    assert "How can we help?" in response.text
    assert '<form class="search" role="search" action="/" method="get"' in response.text
    assert client.head("/").status_code == 200


def test_results_need_no_javascript(client: TestClient, service: Service) -> None:
    """Answer, passage, marks, translations, facets; and the search is in the log."""
    text = client.get("/", params={"q": "forgot link", "lang": "en"}).text
    assert "Best answer" in text
    assert "Choose <mark>Forgot</mark> password; the <mark>link</mark>" in text
    assert "Was this helpful?" in text
    assert 'hreflang="lv"' in text
    assert service.buffer.flush()
    (record,) = service.store.searches()
    assert f'data-query="{record.query_id}"' in text
    assert f"query={record.query_id}&amp;position=1" in text


def test_a_list_has_facets_as_links(client: TestClient) -> None:
    """Each switches one value on or off."""
    text = client.get("/", params={"q": "your etc", "lang": "en"}).text
    assert "Results: 3" in text
    assert 'href="/?q=your+etc&amp;lang=en&amp;type=faq"' in text
    filtered = client.get("/", params={"q": "your etc", "lang": "en", "type": "faq"}).text
    assert "Results: 1" in filtered
    assert "Clear filters" in filtered
    assert 'aria-current="true"><span class="facet-name" dir="auto">FAQ' in filtered


def test_later_results_say_which_they_are(make_client: Any) -> None:
    """In heading and title; with the way back, and none beyond the end."""
    many = tuple(article(f"guide-{n:02}.en", f"Guide {n}", "Shipping text") for n in range(28))
    with make_client(engine=FakeEngine(articles=many)) as client:
        client.follow_redirects = False
        first, later, last = (
            client.get(f"/?q=shipping+etc&lang=en&type=article&offset={offset}").text for offset in (0, 10, 20)
        )
        beyond = client.get("/?q=shipping+etc&lang=en&offset=1000").headers["location"]
        lv = client.get("/?q=shipping+etc&lang=lv&offset=10").text
        service: Service = client.app.state.service
        assert service.buffer.flush()
        searches = list(service.store.searches())
        assert client.get(beyond).status_code == 200
        assert service.buffer.flush()
        assert len(list(service.store.searches())) == len(searches)
        nowhere = client.get("/?q=quantum&lang=en&offset=30").headers["location"]
    assert "Results: 28" in first
    assert 'rel="prev"' not in first
    assert "<title>shipping etc – Results 11–20 of 28 – Help centre</title>" in later
    assert '<h1 class="list-title" tabindex="-1">Results 11–20 of 28</h1>' in later
    assert 'href="/?q=shipping+etc&amp;lang=en&amp;type=article" rel="prev"' in later
    assert 'href="/?q=shipping+etc&amp;lang=en&amp;type=article&amp;offset=20" rel="next"' in later
    assert "Results 21–28 of 28" in last
    assert 'rel="next"' not in last
    assert "11.–20. rezultāts no 28" in lv
    assert beyond == f"/?q=shipping+etc&lang=en&offset=20&query={searches[-2].query_id}&said=nothing"
    assert nowhere.startswith("/?q=quantum&lang=en&query=")


def test_names_are_said_in_their_language(client: TestClient) -> None:
    """Topics, where an article on the page says which, and the names of languages."""
    text = client.get("/?q=saite+der+link+valid&lang=en&language=lv&category=Nowhere").text
    assert 'lang="lv" dir="auto">Latviešu</span>' in text
    assert '<span class="facet-name" dir="auto">Nowhere</span>' in text
    text = client.get("/?q=your+etc&lang=en&category=Account").text
    assert '<span class="facet-name" lang="en" dir="auto">Account</span>' in text
    assert '<span class="visually-hidden" lang="en">English</span>' in text


def test_a_table_can_be_scrolled_by_keyboard(make_client: Any) -> None:
    """Each in a box with the focus and a name of its own."""
    table = '<table lang="en"><tbody><tr><td>E01</td></tr></tbody></table>'
    codes = article("codes.en", 'Error "codes"', "E01", html=f"<p>All:</p>{table}{table}")
    with make_client(engine=FakeEngine(articles=(codes,))) as client:
        text = client.get("/?doc=codes.en&lang=lv").text
    box = '<div class="scroll" role="region" tabindex="0" aria-label="Error &quot;codes&quot;'
    assert f'{box}">{table}</div>{box} 2">{table}</div>' in text


def test_nothing_found_is_said(make_client: Any) -> None:
    """With the link to a human where there is one."""
    with make_client(contact="mailto:help@brize.example") as client:
        text = client.get("/", params={"q": "quantum", "lang": "lt"}).text
    assert "Čia atsakymo į tai nėra" in text
    assert 'href="mailto:help@brize.example"' in text


def test_did_you_mean_is_a_link(client: TestClient) -> None:
    """To the other spelling."""
    assert 'href="/?q=password&amp;lang=en"' in client.get("/?q=pasword&lang=en").text


def test_an_article_is_shown_and_counted(client: TestClient, service: Service) -> None:
    """A view by the server, with the search and the place that led to it."""
    text = client.get("/?doc=reset-password.en&q=password&query=q7&position=3&lang=en").text
    assert '<h1 tabindex="-1" lang="en" dir="ltr">Reset your password</h1>' in text
    assert "<p>Choose Forgot password; the link is valid 30 minutes.</p>" in text
    assert "Updated" in text
    assert 'href="/?q=password&amp;lang=en&amp;query=q7&amp;said=nothing"' in text
    assert service.buffer.flush()
    (event,) = service.store.events()
    assert (
        event.action_name,
        event.query_id,
        event.object_id,
        event.position,
    ) == ("view", "q7", "reset-password.en", 3)


def test_the_way_back_from_an_article_is_counted_once(client: TestClient, service: Service) -> None:
    """It leads to the page of results that it was opened from; of one whose search is not known, it asks anew."""
    first = client.get("/?q=your+etc&lang=en").text
    assert service.buffer.flush()
    (record,), shown = list(service.store.searches()), len(list(service.store.events()))
    back = client.get(f"/?q=your+etc&lang=en&query={record.query_id}&said=nothing").text
    assert f'data-query="{record.query_id}"' in first
    assert f'data-query="{record.query_id}"' in back
    assert 'role="status" tabindex="-1" hidden' in client.get("/?q=forgot+link&query=q7&said=nothing").text
    assert service.buffer.flush()
    assert (len(list(service.store.searches())), len(list(service.store.events()))) == (1, shown)
    far = client.get("/?q=password&doc=reset-password.en&offset=10&query=q7&position=11&lang=en").text
    assert 'href="/?q=password&amp;lang=en&amp;offset=10&amp;query=q7&amp;said=nothing"' in far
    assert 'href="/?q=password&amp;lang=en"' in client.get("/?q=password&doc=reset-password.en&lang=en").text
    assert 'href="/?lang=en" data-back' in client.get("/?doc=reset-password.en&query=q7&lang=en").text


def test_a_video_without_a_readable_address_is_shown(make_client: Any) -> None:
    """Indexes hold what earlier loaders let in."""
    video = article("v.en", "Rinse", "How to. [0:00] Open. [1:05] Rinse.", kind="video")
    engine = FakeEngine(articles=(replace(video, url="https://[v/a.mp4"),))
    with make_client(engine=engine) as client:
        response = client.get("/?doc=v.en&lang=en")
    assert (response.status_code, "1:05" in response.text, "<video" in response.text) == (200, True, False)


def test_a_text_reads_as_its_language_does(make_client: Any) -> None:
    """A Latin name at its beginning turns no Arabic article around; of an unknown language the letters decide."""
    texts = (("b.ar", "ar", "rtl"), ("b.lv", "lv", "ltr"), ("b", "und", "auto"))
    articles = tuple(replace(article(name, "Brize افتح", "Brize افتح"), lang=lang) for name, lang, _ in texts)
    with make_client(engine=FakeEngine(articles=articles)) as client:
        for name, lang, wanted in texts:
            for address in (f"/?doc={name}", "/?q=Brize"):
                said = re.findall(rf'<(?:h[1-3]|div|p) [^>]*lang="{lang}" dir="(\w+)"', client.get(address).text)
                assert (len(said), set(said)) == (2, {wanted})


def test_a_language_that_nobody_knows_has_no_code(make_client: Any) -> None:
    """“UND” is a word in German; as a filter it says what it means."""
    codes = (replace(article("e203", "E-203", "E-203"), lang="und"), article("e203.en", "E-203", "E-203"))
    with make_client(engine=FakeEngine(articles=codes)) as client:
        for address in ("/?q=E-203&lang=de", "/?doc=e203&lang=de"):
            text = client.get(address).text
            assert "UND" not in text
            assert 'title="und"' not in text
        text = client.get("/?q=E-203&language=und&lang=de").text
        assert '<span class="facet-name" dir="auto">Nicht bekannt</span>' in text


def test_an_article_with_a_long_id_is_shown(make_client: Any) -> None:
    """Loaders take ids of up to 256 characters, and make them from paths."""
    name = f"{'guide/' * 41}page.en"
    with make_client(engine=FakeEngine(articles=(article(name, "Far down", "Text"),))) as client:
        response = client.get("/", params={"doc": name, "lang": "en"})
        assert (response.status_code, "Far down" in response.text) == (200, True)


def test_a_translation_is_found_by_language(client: TestClient) -> None:
    """From an article id and a language."""
    assert "Kā atjaunot paroli" in client.get("/?doc=reset-password.en&as=lv").text
    assert "Reset your password" in client.get("/?doc=reset-password.en&as=xx").text


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/?lang=en&doc=nothing", 404, "does not exist"),
        ("/?lang=en&doc=refund-limits.en", 404, "does not exist"),
        ("/?lang=en&q=" + "x" * 513, 422, "512 characters at most"),
    ],
)
def test_problems_are_pages_too(client: TestClient, address: str, status: int, words: str) -> None:
    """In the reader's language, with the status a program reads, a title, and what was asked whole in the box."""
    response = client.get(address)
    assert status == response.status_code
    assert words in response.text
    assert re.search(rf"<title>[^<]*{words}[^<]* – Help centre</title>", response.text)
    assert f'value="{"x" * 513 if "q=" in address else ""}"' in response.text
    assert "Try again" not in response.text.partition("<main")[2]


def test_no_index_is_a_page(make_client: Any) -> None:
    """503, and a sentence."""
    with make_client(engine=None, published=False) as client:
        response = client.get("/?q=password&lang=en")
        assert response.status_code == 503
        assert "Search is not available right now" in response.text
        assert response.headers["retry-after"] == "1"
        assert client.get("/").status_code == 200
        assert '<a class="button" href="/?q=password&amp;lang=en" data-retry>Try again</a>' in response.text
        article = client.get("/?doc=a.en&lang=en")
        assert article.headers["retry-after"] == "1"
        assert "This did not work just now" in article.text
        assert "Search is not available" not in article.text.partition("<main")[2]
        client.app.state.service.tickets.close()
        ticket = client.post("/ticket", data={"subject": "Invoice", "message": "Missing.", "email": "a@b.example"})
        assert (ticket.status_code, ticket.headers["retry-after"]) == (503, "1")


def test_everything_is_escaped(make_client: Any) -> None:
    """Query, title, text, names and addresses; the browser tests show that it holds."""
    engine = FakeEngine(articles=(article("a.en", PAYLOAD, f"password {PAYLOAD}", html="<p>clean</p>"),))
    with make_client(engine=engine, title=PAYLOAD) as client:
        for parameters in (
            {"q": f"password {PAYLOAD}"},
            {"q": "password"},
            {"doc": "a.en"},
            {"q": "x", "type": PAYLOAD},
        ):
            text = client.get("/", params=parameters).text
            tags = tags_of(text)
            assert "img" not in {tag for tag, _ in tags}
            assert not [name for _, attributes in tags for name, _ in attributes if name.startswith("on")]


def test_the_policy_forbids_foreign_and_inline_code(client: TestClient) -> None:
    """And the page has neither."""
    response = client.get("/?q=password&lang=en")
    policy = response.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.text.count("<script") == 1
    assert response.text.count('rel="stylesheet"') == 1
    assert not re.search(r"<style|\sstyle=|https?://(?!brize)", response.text)
    assert not re.search(r"innerHTML|insertAdjacent|document\.write|eval\(", client.get("/portal/portal.js").text)


def test_the_page_is_small(client: TestClient) -> None:
    """HTML, CSS and JavaScript together, as sent."""
    page = client.get("/?q=your", headers={"Accept-Encoding": "gzip"})
    assert page.headers["content-encoding"] == "gzip"
    size = len(gzip.compress(page.content)) + sum(len(file.compressed) for file in load_portal().static.values())
    assert size < 60_000


def test_static_files_may_be_kept(client: TestClient) -> None:
    """Their address changes with their content."""
    for name in ("portal.css", "portal.js", "icon.svg"):
        packed = client.get(f"/portal/{name}")
        assert "immutable" in packed.headers["cache-control"]
        assert packed.content == client.get(f"/portal/{name}", headers={"Accept-Encoding": "identity"}).content


@pytest.mark.parametrize("path", ["/", "/widget.js", "/portal/portal.css", "/dashboard/dashboard.css"])
@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("br, GZIP ; q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("gzip;q=x", False),
        ("br", False),
        ("", False),
    ],
)
def test_who_reads_no_gzip_is_sent_none(client: TestClient, path: str, accepted: str, packed: bool) -> None:
    """What a client says of it, with weights."""
    response = client.get(path, headers={"Accept-Encoding": accepted})
    assert (response.status_code, "content-encoding" in response.headers) == (200, packed)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_language_is_whole(client: TestClient, lang: str) -> None:
    """The same keys, none empty, the same placeholders."""
    folder = files("kbsearch.service") / "portal" / "messages"
    english: dict[str, str] = orjson.loads((folder / "en.json").read_bytes())
    texts: dict[str, str] = orjson.loads((folder / f"{lang}.json").read_bytes())
    assert list(english) == list(texts)
    for key, text in texts.items():
        assert text
        assert re.findall(r"\{\w+\}", english[key]) == re.findall(r"\{\w+\}", text)
    page = client.get("/", headers={"Accept-Language": f"xx, {lang}-XX;q=0.8, en;q=0.5"})
    assert f'<html lang="{lang}">' in page.text
    assert texts["heading"] in client.get("/", params={"lang": lang}).text


@pytest.mark.parametrize("lang", ["lv", "lt", "ru"])
def test_no_noun_follows_a_number_that_changes(lang: str) -> None:
    """51 asks for another form of it than 50 there."""
    texts = orjson.loads((files("kbsearch.service") / "portal" / "messages" / f"{lang}.json").read_bytes())
    assert [text for text in texts.values() if re.search(r"\{(n|count)\}\s*\w", text)] == []


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [("", "en"), ("lt", "lt"), ("en;q=0.1, ru", "ru"), ("de-AT,de;q=0.9", "de"), ("lv;q=0", "en"), (";;q=x,,", "en")],
)
def test_the_browser_says_its_language(accepted: str, expected: str) -> None:
    """By weight, then by order."""
    assert expected == preferred_language(accepted, LANGUAGES)


def test_addresses_round_trip() -> None:
    """What `href` writes, `read_state` reads."""
    state = PageState("ā&b=c", "lv", "x/y", "lt", 20, ("faq", "video"), ("lv",), ("A & B",), "q1", 7)
    assert state == read_state(QueryParams(state.href()[2:]), LANGUAGES)
    assert PageState() == read_state(QueryParams("lang=xx&offset=-1&position=abc"), LANGUAGES)
    assert PageState().href() == "/"


def test_segments_lose_nothing() -> None:
    """Marked or not, together they are the text."""
    text = "reset 😀 password now"
    pieces = segments(text, [(0, 5), (8, 16)])
    assert pieces == [("reset", True), (" 😀 ", False), ("password", True), (" now", False)]
    assert text == "".join(piece for piece, _ in pieces)
    assert segments("x", []) == [("x", False)]
    assert segments("", []) == []


def test_what_an_attribute_holds_is_no_table() -> None:
    """Some sanitisers leave `<` within quotes: markup put there would end the attribute."""
    body = '<p title="<table onmouseover=alert(1)></table>">x</p><img alt="</table>">'
    assert with_scrolling_tables(body, "T") == body
    boxed = with_scrolling_tables('<table class="a>b"><tr></tr></table>', "T")
    assert boxed == '<div class="scroll" role="region" tabindex="0" aria-label="T">' + (
        '<table class="a>b"><tr></tr></table></div>'
    )
