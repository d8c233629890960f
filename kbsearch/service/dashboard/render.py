"""The page and the report as HTML; their style sheet and script, read once."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment

from kbsearch.metrics.board import Board
from kbsearch.service.dashboard.view import board_values
from kbsearch.service.templates import make_environment

STATIC = {"dashboard.css": "text/css; charset=utf-8", "dashboard.js": "text/javascript; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Files:
    """What the page is made of."""

    environment: Environment
    static: Mapping[str, bytes]
    compressed: Mapping[str, bytes]
    version: str
    """Changes with any static file; part of their addresses, so that browsers may keep them."""


@cache
def load_files() -> Files:
    """Read the page's files from the package."""
    folder = files("kbsearch.service.dashboard")
    static = {name: (folder / name).read_bytes() for name in STATIC}
    compressed = {name: gzip.compress(content, 9, mtime=0) for name, content in static.items()}
    digest = hashlib.sha256(b"".join(static.values())).hexdigest()
    return Files(make_environment(folder), static, compressed, digest[:12])


def render_page(board: Board, title: str, address: Mapping[str, object]) -> str:
    """Return the dashboard; `address` is what its form and its links show (see `routes/dashboard.py`)."""
    loaded = load_files()
    values = {**board_values(board), "title": title, "version": loaded.version, **address}
    return loaded.environment.get_template("board.html").render(values, alone=False)


def render_report(board: Board, title: str) -> str:
    """Return the report as one file that needs nothing else and may run nothing else."""
    loaded = load_files()
    style, script = (loaded.static[name].decode() for name in STATIC)
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    values = {**board_values(board), "title": title, "policy": policy, "version": loaded.version}
    page = loaded.environment.get_template("board.html")
    return page.render(values, alone=True, style=style, script=script)


def render_note(template: str, message: str) -> str:
    """Return `key.html`, which asks for a key, or `problem.html`, which only says what is wrong."""
    loaded = load_files()
    return loaded.environment.get_template(template).render(message=message, version=loaded.version)


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
