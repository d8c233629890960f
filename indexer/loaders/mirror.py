"""The copy of a website that `indexer.web` made: each page read as an HTML file, with what the server said of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import orjson

from indexer.loaders import html
from indexer.loaders.report import Item, SourceFile

EXTENSIONS = (".mirror.json",)


def read(source: SourceFile) -> Iterator[Item]:
    """Yield the documents of every page, in the order of addresses; two addresses of one page are one."""
    pages = orjson.loads(source.path.read_bytes())["pages"]
    seen: set[str] = set()
    for _, page in sorted(pages.items()):
        url = page["final"]
        if url not in seen:
            seen.add(url)
            yield from html.read(SourceFile(source.path.with_name(page["file"]), url, _id(url)), url, page["encoding"])


def _id(url: str) -> str:
    """The address without host and extension: "https://help.example/lv/parole.html" gives "lv/parole"."""
    parts = urlsplit(url)
    path = re.sub(r"\.(html?|php|aspx?)$", "", unquote(parts.path).strip("/")) or "index"
    return f"{path}?{parts.query}" if parts.query else path
