"""`widget.js`, joined from the files in `widget/` when it is first asked for: one file for any page, no build step."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import orjson

from kbsearch.chat.patterns import LANGUAGES
from kbsearch.service.static import StaticFile, static_file

PARTS = (
    "settings.js",
    "elements.js",
    "service.js",
    "article.js",
    "person.js",
    "chat.js",
    "suggest.js",
    "panel.js",
    "commands.js",
)
"""The script's parts in order; each sees what those before it define, and nothing outside sees any."""


@dataclass(frozen=True, slots=True)
class WidgetFile:
    """The script; plain and compressed each have an ETag of their own, since that stands for these very bytes."""

    file: StaticFile
    etag: str
    compressed_etag: str


def _bare(source: str) -> str:
    """Without indentation, empty lines and lines that are comments, which every visitor would load."""
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/* ")))


@cache
def load_widget() -> WidgetFile:
    """Join script, style sheet and texts."""
    folder = files("kbsearch.service") / "widget"
    texts = {lang: orjson.loads((folder / "messages" / f"{lang}.json").read_bytes()) for lang in LANGUAGES}
    style = (folder / "widget.css").read_text(encoding="utf-8")
    pieces = [
        "// kbsearch widget: search, chat and a way to a person, on any page. See docs/widget.md.",
        "(() => {",
        '"use strict";',
        f"const TEXTS = {orjson.dumps(texts).decode()};",
        f"const STYLE = {orjson.dumps(_bare(style)).decode()};",
        *(_bare((folder / name).read_text(encoding="utf-8")) for name in PARTS),
        "})();",
    ]
    file = static_file("\n".join(pieces).encode(), "text/javascript; charset=utf-8")
    return WidgetFile(file, _etag(file.content), _etag(file.compressed))


def _etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:16]}"'
