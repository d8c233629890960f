"""Templates of pages. The only module that makes jinja2 environments."""

from __future__ import annotations

from importlib.resources.abc import Traversable

from jinja2 import DictLoader, Environment, StrictUndefined

from kbsearch.amounts import amount


def make_environment(folder: Traversable) -> Environment:
    """Read the templates of a folder: everything is escaped, and a value that nobody gave is an error."""
    templates = {
        file.name: file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.endswith(".html")
    }
    made = Environment(
        loader=DictLoader(templates), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["amount"] = amount
    return made
