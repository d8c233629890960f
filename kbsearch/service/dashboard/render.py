"""The page and the report as HTML; their style sheet and script, read once."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment

from kbsearch.metrics.board import Board
from kbsearch.service.dashboard.view import board_values
from kbsearch.service.static import StaticFile, static_file, version_of
from kbsearch.service.templates import make_environment

_MEDIA_TYPES = {"dashboard.css": "text/css; charset=utf-8", "dashboard.js": "text/javascript; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Files:
    """What the page is made of."""

    environment: Environment
    static: Mapping[str, StaticFile]
    version: str
    """Changes with any static file; part of their addresses, so that browsers may keep them."""


@cache
def load_files() -> Files:
    """Read the page's files from the package."""
    folder = files("kbsearch.service.dashboard")
    static = {name: static_file((folder / name).read_bytes(), media) for name, media in _MEDIA_TYPES.items()}
    return Files(make_environment(folder), static, version_of(static.values()))


def render_page(board: Board, title: str, address: Mapping[str, object]) -> str:
    """Return the dashboard; `address` is what its form and its links show (see `routes/dashboard.py`)."""
    loaded = load_files()
    values = {**board_values(board), "title": title, "version": loaded.version, **address}
    return loaded.environment.get_template("board.html").render(values, alone=False)


def render_report(board: Board, title: str) -> str:
    """Return the report as one file that needs nothing else and may run nothing else."""
    loaded = load_files()
    style, script = (file.content.decode() for file in loaded.static.values())
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    values = {**board_values(board), "title": title, "policy": policy, "version": loaded.version, "root": ""}
    page = loaded.environment.get_template("board.html")
    return page.render(values, alone=True, style=style, script=script)


def render_note(template: str, message: str, root: str) -> str:
    """Return `key.html`, which asks for a key, or `problem.html`, which only says what is wrong."""
    loaded = load_files()
    return loaded.environment.get_template(template).render(message=message, version=loaded.version, root=root)


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
