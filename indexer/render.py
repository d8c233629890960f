"""A document's body into HTML that is safe to show. First step of cutting; imported by `cut` alone.

Everything goes through nh3, whatever the source promised: nothing it has not listed gets out.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import cache

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
    "*": {"lang", "dir"},
    "a": {"href", "title"},
    "abbr": {"title"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "details": {"open"},
}
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
_MARKDOWN = Markdown(options=Options.ENABLE_TABLES)


def render(body: str, body_format: str) -> str:
    """Return sanitised HTML of a body in one of the `BODY_FORMATS`."""
    clean = unicodedata.normalize("NFC", _UNSAFE.sub("", body.replace("\r\n", "\n").replace("\r", "\n")))
    match body_format:
        case "markdown":
            return _sanitise(_MARKDOWN.html(clean))
        case "html":
            return _sanitise(clean)
        case _:
            return _sanitise(_paragraphs(clean))


def _paragraphs(text: str) -> str:
    """Plain text: an empty line parts paragraphs, every other line break stays one."""
    parts = (part.strip() for part in re.split(r"\n[^\S\n]*\n", text))
    return "\n".join(f"<p>{html.escape(part, quote=False)}</p>".replace("\n", "<br>\n") for part in parts if part)


def _sanitise(source: str) -> str:
    if "<" in source and _depth(source) > MAX_DEPTH:
        source = re.sub(r"<[^<>]*>?", " ", source)
    return _cleaner().clean(source)


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


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=_TEXT_TAGS | BLOCK_TAGS,
        clean_content_tags=_DROPPED_WHOLE,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"img": {"loading": "lazy"}},
    )
