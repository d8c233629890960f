"""A document's body into HTML that is safe to show. First step of cutting; imported by `cut` alone.

Everything goes through nh3, whatever the source promised: nothing it has not listed gets out.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from urllib.parse import urldefrag, urljoin, urlsplit

import nh3
from pyromark import Markdown, Options

MAX_DEPTH = 1000
"""Open elements. Real pages stay under 100; the parsers need quadratic time in it (half a minute at 100,000)."""

_TEXT_TAGS = {
    "a",
    "abbr",
    "b",
    "bdi",
    "bdo",
    "br",
    "cite",
    "code",
    "del",
    "dfn",
    "em",
    "i",
    "img",
    "ins",
    "kbd",
    "mark",
    "q",
    "s",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "time",
    "u",
    "var",
    "wbr",
}
BLOCK_TAGS = {
    "address",
    "article",
    "aside",
    "blockquote",
    "caption",
    "center",
    "col",
    "colgroup",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
}
_DROPPED_WHOLE = {
    "script",
    "style",
    "template",
    "noscript",
    "iframe",
    "object",
    "embed",
    "svg",
    "math",
    "textarea",
    "select",
    "title",
}
_ATTRIBUTES = {
    "*": {"lang", "dir", "id"},
    "a": {"href", "title"},
    "abbr": {"title"},
    "img": {"src", "alt", "title", "width", "height"},
    "li": {"value"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "details": {"open"},
}
_SCHEMES = {"http", "https", "mailto", "tel"}
_AROUND_ADDRESS = "".join(map(chr, range(0x21)))
"""What parsers of addresses drop around one; `str.strip` drops more, which would bring a hidden scheme to light."""
_ANCHOR = "article-"
"""Before every id, so that none is one of the page's that shows the article."""
_NAMED_ANCHOR = re.compile(
    r"(<a(?![^<>]*\sid\s*=)(?:\s+[^\s\"'<>/=]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'<>]+))?)*?\s+)name(?=\s*=)",
    re.IGNORECASE,
)
"""How older pages write an anchor."""
_VIDEO = re.compile(r"<(?:iframe|video|source)\b[^<>]*>", re.IGNORECASE)
_ADDRESS = re.compile(r"\bsrc\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)
_NAME = re.compile(r"\btitle\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_VIDEO_HOSTS = re.compile(
    r"(?:[\w-]+\.)*(?:youtube(?:-nocookie)?\.com|youtu\.be|vimeo\.com|loom\.com|wistia\.(?:com|net)|vidyard\.com"
    r"|dailymotion\.com)"
)
# Control characters but tab and line break, and lone surrogates, which no encoder takes.
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
_NO_DEPTH = frozenset(
    {
        "area",
        "br",
        "col",
        "dd",
        "dt",
        "hr",
        "img",
        "input",
        "li",
        "link",
        "meta",
        "option",
        "p",
        "source",
        "td",
        "th",
        "tr",
        "wbr",
    }
)
"""Tags that need no closing one, so an open one says nothing about depth."""
_MARKDOWN = Markdown(options=Options.ENABLE_TABLES | Options.ENABLE_STRIKETHROUGH | Options.ENABLE_FOOTNOTES)
_FOOTNOTE = '<sup class="footnote-reference">'
_FIRST_HEADING = re.compile(r"\s*<h1\b[^<>]*>(.*?)</h1>\s*", re.DOTALL)
_TAGS = re.compile(r"<[^<>]*>")


def render(body: str, body_format: str, url: str = "", title: str = "") -> str:
    """Return sanitised HTML of a body in one of the `BODY_FORMATS`.

    `url`: where the article lives, which links and pictures in it are relative to. A first heading that only says the
    `title` is left out, for the title is shown above the article.
    """
    clean = unicodedata.normalize("NFC", _UNSAFE.sub("", body.replace("\r\n", "\n").replace("\r", "\n")))
    match body_format:
        case "markdown":
            # Else the number of the note would be the end of a word.
            safe = _sanitise(_MARKDOWN.html(clean).replace(_FOOTNOTE, f" {_FOOTNOTE}"), url)
        case "html":
            safe = _sanitise(clean, url)
        case _:
            safe = _sanitise(_paragraphs(clean), url)
    first = _FIRST_HEADING.match(safe)
    says_title = first and html.unescape(_TAGS.sub("", first[1])).split() == title.split()
    return safe[first.end() :] if first and says_title else safe


def _paragraphs(text: str) -> str:
    """Plain text: an empty line parts paragraphs, every other line break stays one."""
    parts = (part.strip() for part in re.split(r"\n[^\S\n]*\n", text))
    return "\n".join(f"<p>{html.escape(part, quote=False)}</p>".replace("\n", "<br>\n") for part in parts if part)


def _sanitise(source: str, url: str) -> str:
    source = _NAMED_ANCHOR.sub(r"\1id", _VIDEO.sub(_link_to_video, source))
    if "<" in source and _depth(source) > MAX_DEPTH:
        source = re.sub(r"<[^<>]*>?", " ", source)
    return _cleaner(url).clean(source)


@lru_cache(maxsize=1)  # most sources say no address, and making one takes as long as cleaning a short article
def _cleaner(url: str) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=_TEXT_TAGS | BLOCK_TAGS,
        clean_content_tags=_DROPPED_WHOLE,
        attributes=_ATTRIBUTES,
        attribute_filter=lambda _, name, value: _attribute(name, value, url),
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"img": {"loading": "lazy"}},
    )


def _attribute(name: str, value: str, url: str) -> str | None:
    """The value under which an attribute is shown: whole addresses, anchors with their mark."""
    if name == "id":
        return f"{_ANCHOR}{value}"
    if name not in ("href", "src"):
        return value
    address = value.strip(_AROUND_ADDRESS)
    if address.startswith("#"):
        return f"#{_ANCHOR}{address[1:]}"
    try:
        whole = urljoin(url, address)
        scheme = urlsplit(whole).scheme
        page, anchor = urldefrag(whole)
        if name == "href" and anchor and page == urldefrag(url).url:
            return f"#{_ANCHOR}{anchor}"
    except ValueError:  # no address at all, such as https://[x
        return None
    # nh3 judged what was written, and this is what is shown.
    return whole if not scheme or scheme in _SCHEMES else None


def _link_to_video(found: re.Match[str]) -> str:
    """A link to a video beside the player, which is dropped with all foreign frames."""
    tag = found[0]
    source = _ADDRESS.search(tag)
    address = html.unescape(next(filter(None, source.groups()), "")) if source else ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return tag
    is_frame = tag[1] in "iI"
    if not address or (is_frame and not _VIDEO_HOSTS.fullmatch(parts.hostname or "")):
        return tag
    named = _NAME.search(tag)
    name = (named[1] or named[2] or "") if named else ""
    name = html.unescape(name).strip() or (parts.hostname if is_frame else parts.path.rpartition("/")[2]) or address
    return f'<a href="{html.escape(address)}">{html.escape(name)}</a><br>{tag}'


def _depth(source: str) -> int:
    """An upper bound of how deep elements are nested."""
    depth = deepest = 0
    if source.count("<") <= MAX_DEPTH:
        return 0
    for closing, name in _TAG.findall(source):
        if name.lower() not in _NO_DEPTH:
            depth = max(0, depth - 1) if closing else depth + 1
            deepest = max(deepest, depth)
    return deepest
