"""Template, messages and static files of the page, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import orjson
from jinja2 import Environment

from kbsearch.service.page import language_names
from kbsearch.service.static import StaticFile, static_file, version_of
from kbsearch.service.templates import make_environment

_MEDIA_TYPES = {
    "portal.css": "text/css; charset=utf-8",
    "portal.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
LANGUAGES = ("en", "lv", "lt", "et", "ru", "pl", "de")
SCRIPT_TEXTS = (
    "loading", "error", "failed", "retry", "past_query", "deflect_title", "deflect_none", "ticket_failed", "sending",
    "solved", "solved_title", "solved_text", "new_tab", "home",
)  # fmt: skip
"""Texts that portal.js shows by itself; everything else it takes from pages that the server renders."""


@dataclass(frozen=True, slots=True)
class Portal:
    """Everything the page is made of."""

    environment: Environment
    messages: Mapping[str, Mapping[str, str]]
    """Interface language → key → text."""
    names: Mapping[str, str]
    static: Mapping[str, StaticFile]
    version: str
    """Changes with any static file; part of their addresses, so that browsers may keep them."""

    def render(self, values: Mapping[str, object]) -> str:
        """Fill the template; a value that it names and nobody gave is an error."""
        return self.environment.get_template("index.html").render(values, version=self.version)

    def as_json(self, value: Mapping[str, str]) -> str:
        """Write a table of texts for a data attribute."""
        return orjson.dumps(value).decode()


@cache
def load_portal() -> Portal:
    """Read the page's files from the package."""
    folder = files("kbsearch.service") / "portal"
    static = {name: static_file((folder / name).read_bytes(), media) for name, media in _MEDIA_TYPES.items()}
    messages: dict[str, dict[str, str]] = {
        code: orjson.loads((folder / "messages" / f"{code}.json").read_bytes()) for code in LANGUAGES
    }
    return Portal(make_environment(folder), messages, language_names(messages), static, version_of(static.values()))
