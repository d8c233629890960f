"""HTML pages, one document a page, and the questions of their FAQPage JSON-LD."""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterator
from urllib.parse import urldefrag, urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode

from indexer.loaders.boilerplate import main_part
from indexer.loaders.faqpage import questions
from indexer.loaders.fields import FieldError, make_document, parse_lang
from indexer.loaders.report import Found, Item, Note, Problem, SourceFile
from indexer.loaders.whole import Unreadable, decode_marked, read_bytes, unify_breaks
from indexer.loaders.wiki import confluence, notion

EXTENSIONS = (".html", ".htm")

_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_NEVER = ["script", "style", "noscript", "template", "nav"]
_AROUND = ["header", "footer", "aside"]
"""Not content around a page, but often content inside <main> or <article> (a lead, a callout)."""
_FORM = 'form:not([role="main"])'
_CONTROLS = ["input", "select", "textarea", "datalist", 'button:not([type="button" i])']
"""Of a form. A button that sends nothing may be a heading that opens its answer."""
_MARKS = ", ".join(f'[{name}*="{word}" i]' for name in ("id", "class") for word in ("cookie", "consent", "gdpr"))
_NOTICES = f":is({_MARKS})"
"""One selector, so that an element with several of the marks comes once."""
_NOTICE_CHARS = 1_000
"""A longer one is an article about cookies."""
_WHOLE = ("body", "h1", "h2", "h3", "h4", "h5", "h6")
"""These are no notices, whatever they are called."""
_ASKING = 'button, input, [role="button"], a:not([href]), a[href=""], a[href^="#"], a[href^="javascript:" i]'
"""What one presses to consent. A section with a heading and none of these is about cookies."""
_SPEAKING = 'img[alt]:not([alt=""]), iframe, video'
"""What may say something without a word on the page."""
# The encodings that browsers take these names for (WHATWG encoding standard).
_BROWSER = {
    "iso8859-1": "windows-1252",
    "ascii": "windows-1252",
    "iso8859-9": "windows-1254",
    "utf-16": "utf-8",
    "utf-16-le": "utf-8",
    "utf-16-be": "utf-8",
}


def read(source: SourceFile, url: str = "", encoding: str = "") -> Iterator[Item]:
    """Yield the page, then one faq document for each question in its JSON-LD.

    `url`: where the page was fetched from; `encoding`: what the server said it is in.
    """
    try:
        text, guessed = _decode(read_bytes(source), encoding)
    except Unreadable as error:
        yield Problem(source.name, error.line, str(error))
        return
    if guessed:
        yield Note(f"{source.name}: names no encoding and is not UTF-8; read as {guessed}")
    text = unify_breaks(text)
    tree = LexborHTMLParser(text)
    blocks = [node.text() for node in tree.css('script[type^="application/ld+json" i]')]
    shared: dict[str, object] = {"lang": _lang(tree), "url": _canonical(tree, url) or url}
    exported = next((found for kind in (confluence, notion) if (found := kind(tree, source.id)) is not None), None)
    if exported == {}:
        return  # a list of pages, not one
    item = _page(source, tree, shared) if exported is None else _exported(source, {**shared, **exported})
    has_questions = any("FAQPage" in block for block in blocks)
    if isinstance(item, Found) or not has_questions:
        yield item
    for block in blocks:
        at = text.find(block.strip()[:200])
        yield from questions(source, block, line=text.count("\n", 0, max(at, 0)) + 1, page=shared)


def _page(source: SourceFile, tree: LexborHTMLParser, shared: dict[str, object]) -> Item:
    (main, named), title = _content(tree), _title(tree) or source.stem
    if main is None:
        return Problem(source.name, None, "the page has no body")
    first = main.css_first("h1")
    if first is not None and _line(first) == title:
        first.decompose()
    body = main.inner_html or "" if _line(main) or main.css_first(_SPEAKING) is not None else ""
    if _line(main) and not named:
        body = main_part(body)
    fields = {**shared, "id": source.id, "title": title, "body": body, "format": "html"}
    try:
        return Found(make_document(fields))
    except FieldError as error:
        return Problem(source.name, None, str(error))


def _exported(source: SourceFile, fields: dict[str, object]) -> Item:
    try:
        return Found(make_document({"id": source.id, "format": "html", **fields}))
    except FieldError as error:
        return Problem(source.name, None, str(error))


def _decode(data: bytes, said: str) -> tuple[str, str]:
    """The text, and the encoding where it had to be guessed; `said` by the server counts more than by the page."""
    marked = decode_marked(data)
    if marked is not None:
        return marked, ""
    if b"\0" in data:
        raise Unreadable("holds zero bytes, so it is no HTML page")
    try:
        return data.decode("utf-8"), ""  # nothing else decodes as UTF-8 by chance
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    named = _META.search(data[:4096])
    for name in (said, named[1].decode("ascii") if named else ""):
        try:
            known = codecs.lookup(name).name if name else "utf-8"
            return data.decode(_BROWSER.get(known, known)), ""
        except (UnicodeError, LookupError):  # named wrongly
            continue
    try:
        return data.decode("windows-1257"), "windows-1257"
    except UnicodeDecodeError as error:
        raise Unreadable("neither the encoding it names, nor UTF-8, nor windows-1257", line) from error


def _content(tree: LexborHTMLParser) -> tuple[LexborNode | None, bool]:
    """The element that holds the article, with what is never content taken out of it; and whether the page names it."""
    main = tree.css_first("main") or tree.css_first('[role="main"]') or _lone_article(tree)
    chosen = main or tree.body
    if chosen is not None:
        if main is None:
            _open_header(tree, chosen)
        chosen.strip_tags(_NEVER if main else _NEVER + _AROUND)
        if main is None:
            _drop_notices(chosen)
        _open_forms(chosen)
    return chosen, main is not None


def _open_header(tree: LexborHTMLParser, body: LexborNode) -> None:
    """Take heading and lead of the article out of the <header> that they stand in; that of the site goes later."""
    headings, title = body.css("h1"), tree.css_first("head title")
    if len(headings) != 1 or title is None or not _line(title).startswith(_line(headings[0])):
        return
    if headings[0].css_first("a, img") is None and body.css_first("a h1") is None:  # as the name of a site often is
        for header in reversed(body.css("header")):
            if header.css_first("h1") is not None:
                header.unwrap()


def _lone_article(tree: LexborHTMLParser) -> LexborNode | None:
    """The only <article> of a page, unless it is a teaser or a comment beside the text."""
    articles = tree.css("article")
    if tree.body is None or len(articles) != 1:
        return None
    tree.body.strip_tags(_NEVER)  # what is never read is no measure
    is_the_text = articles[0].css_first("h1") is not None or len(_line(articles[0])) * 2 >= len(_line(tree.body))
    return articles[0] if is_the_text else None


def _drop_notices(body: LexborNode) -> None:
    """Take out what asks for consent: those inside others first, which may be nothing but a notice without them."""
    marked = [(node, node.css_first(_ASKING) is not None) for node in body.css(_NOTICES)]
    for node, asks in reversed(marked):
        if _is_notice(node, asks):
            node.decompose()


def _open_forms(content: LexborNode) -> None:
    """Take the article out of the form that it lies in, as on pages of ASP.NET; other forms go."""
    content.strip_tags([f"form {control}" for control in _CONTROLS])
    half = len(_line(content)) / 2
    for form in reversed(content.css(_FORM)):  # those that bad markup put inside others first
        if form.css_first("h1") is not None or len(_line(form)) > half:
            form.unwrap()
        else:
            form.decompose()


def _is_notice(node: LexborNode, asks: bool) -> bool:
    if node.tag in _WHOLE or node.css_first("h1, article") is not None or len(node.text()) > _NOTICE_CHARS:
        return False
    return asks or node.css_first("h2, h3, h4, h5, h6") is None


def _title(tree: LexborHTMLParser) -> str:
    """The heading where <title> only adds the site's name to it, else <title>, else the heading."""
    titles, headings = tree.css_first("head title"), [_line(node) for node in tree.css("h1")]
    title = _line(titles) if titles is not None else ""
    return next((heading for heading in headings if heading and heading in title), title or next(iter(headings), ""))


def _lang(tree: LexborHTMLParser) -> str:
    root = tree.css_first("html")
    try:
        return parse_lang((root.attributes.get("lang") if root is not None else "") or "")
    except FieldError:
        return ""  # a template's leftover such as lang="{{locale}}"; the indexer detects the language


def _canonical(tree: LexborHTMLParser, url: str) -> str:
    """The address that the page names as its own, "" where it is none."""
    link = tree.css_first('link[rel="canonical" i]')
    named = ((link.attributes.get("href") if link is not None else "") or "").strip()
    try:
        address = urldefrag(urljoin(url, named)).url if named else ""
    except ValueError:  # such as https://[x
        return ""
    return address if address.startswith(("http://", "https://")) else ""


def _line(node: LexborNode) -> str:
    return " ".join(html.unescape(node.text()).split())
