"""Pages of a wiki's HTML export: where Confluence and Notion put id, title, text and properties. Imported by `html`.

Each function takes a parsed page and gives the fields it can tell, or None where the page is not of its kind; an empty
mapping is a page that is no article (a table of contents).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from selectolax.lexbor import LexborHTMLParser, LexborNode

Fields = dict[str, object]

_CONFLUENCE_FILE = re.compile(r"(?:^|[_/])(\d{4,})$")
_NOTION_FILE = re.compile(r"[ /]?([0-9a-f]{32})$")
_CHANGED = re.compile(r"(?:modified|updated|changed).*? on (\w{3,9}\.? \d{1,2}, \d{4}|\d{1,2} \w{3,9}\.? \d{4})")
_PROPERTIES = {
    "language": "lang",
    "lang": "lang",
    "type": "type",
    "tags": "tags",
    "category": "category",
    "categories": "category",
    "audience": "audience",
    "group": "group",
    "url": "url",
}
"""Notion's properties that are fields of the article format; others are left out."""
_LISTS = ("tags", "category", "audience")


def confluence(tree: LexborHTMLParser, name: str) -> Fields | None:
    """A page of a Confluence space exported as HTML; `name` is its path without extension."""
    trail = tree.css("#breadcrumbs li")
    if tree.css_first("#main-content.pageSection:not(.wiki-content)") is not None and not trail:
        return {}  # the contents of the space
    content = tree.css_first("#main-content.wiki-content") or tree.css_first("#main-content")
    if tree.css_first("#title-text") is None or (content is None and not trail):
        return None
    if content is None:
        return {}
    crumbs = [line(crumb) for crumb in trail]
    fields: Fields = {
        "title": _after_space(line(tree.css_first("#title-text"))),
        "body": content.inner_html or "",
        "category": crumbs[1:] if len(crumbs) > 1 else crumbs,  # the first one is the space
    }
    if number := _CONFLUENCE_FILE.search(name):
        fields["id"] = number[1]
    if changed := _changed(line(tree.css_first(".page-metadata"))):
        fields["updated_at"] = changed
    if labels := [line(label) for label in tree.css("#labels-section a, .labels-content a, .label-list a")]:
        fields["tags"] = labels
    return fields


def notion(tree: LexborHTMLParser, name: str) -> Fields | None:
    """A page of a Notion workspace exported as HTML; `name` is its path without extension."""
    article = tree.css_first("article.page")
    title = tree.css_first("h1.page-title")
    body = tree.css_first("div.page-body")
    if article is None or title is None or body is None:
        return None
    number = _NOTION_FILE.search(name)
    fields: Fields = {
        "id": (number[1] if number else (article.attributes.get("id") or "").replace("-", "")) or name,
        "title": line(title),
        "body": body.inner_html or "",
        "category": [_NOTION_FILE.sub("", folder).strip() for folder in name.split("/")[:-1]],
    }
    for row in tree.css("table.properties tr"):
        head, cell = row.css_first("th"), row.css_first("td")
        field = _PROPERTIES.get(line(head).lower())
        if cell is None or field is None:
            continue
        values = [line(value) for value in cell.css(".selected-value")] or [line(cell)]
        if values := [value for value in values if value]:
            fields[field] = values if field in _LISTS else values[0]
    if isinstance(kind := fields.get("type"), str):
        fields["type"] = kind.lower()
    return fields


def line(node: LexborNode | None) -> str:
    """The text of an element on one line, "" for none."""
    return "" if node is None else " ".join(node.text().split())


def _after_space(title: str) -> str:
    """Without the space's name, which Confluence puts before the title: "Help : Reset" → "Reset"."""
    return title.partition(" : ")[2] or title


def _changed(text: str) -> str:
    found = _CHANGED.search(text)
    if found:
        for form in ("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y"):
            try:
                return datetime.strptime(found[1].replace(".", ""), form).replace(tzinfo=UTC).isoformat()
            except ValueError:
                continue
    return ""
