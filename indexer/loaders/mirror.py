"""The copy of a website that `indexer.web` made: each page read as an HTML file, with what the server said of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import orjson

from indexer.loaders import html
from indexer.loaders.report import Found, Item, Note, SourceFile

EXTENSIONS = (".mirror.json",)


def read(source: SourceFile) -> Iterator[Item]:
    """Yield the documents of every page, in the order of addresses; several addresses of one page are one.

    They are where one leads to the other, and where both name one address of the site as theirs (`rel="canonical"`)
    under one title; on some sites all pages name the first one. A note tells of a page left out that says something
    else.
    """
    pages = orjson.loads(source.path.read_bytes())["pages"]
    files = {page["final"]: page for _, page in reversed(sorted(pages.items()))}
    bodies: dict[tuple[str, str], str] = {}
    others: list[tuple[str, tuple[str, str], str, list[Item]]] = []
    taken: set[str] = set()
    for url, page in sorted(files.items()):
        name = _id(url)
        if name in taken:
            name = _id(url, whole=True)
        taken.add(name)
        file = SourceFile(source.path.with_name(page["file"]), url, name)
        items = list(html.read(file, url, page["encoding"]))
        found = items[0] if items else None
        if not isinstance(found, Found):
            yield from items
            continue
        named = (found.document.url, found.document.title)
        if urlsplit(named[0]).netloc != urlsplit(url).netloc:
            named = (url, named[1])
        if named[0] == url:
            bodies[named] = found.document.body
            yield from items
        else:
            others.append((url, named, found.document.body, items))
    for url, named, body, items in others:
        if named not in bodies:
            bodies[named] = body
            yield from items
        elif body != bodies[named]:
            yield Note(
                f"{url}: names {named[0]} as its address (canonical), as another page titled {named[1]!r} does, but "
                "says something else; left out. If it is an article of its own, mend its canonical link or its title."
            )


def _id(url: str, *, whole: bool = False) -> str:
    """The address without host and extension: "https://help.example/lv/parole.html" gives "lv/parole".

    `whole`: with the extension, where an address without it, or with another, is another page's.
    """
    parts = urlsplit(url)
    path = unquote(parts.path).strip("/")
    path = (path if whole else re.sub(r"\.(html?|php|aspx?)$", "", path)) or "index"
    return f"{path}?{parts.query}" if parts.query else path
