"""A report as one HTML file that an editor can open anywhere: no script, nothing loaded."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from indexer.replay.present import query_of, story_parts, verdict, withheld
from indexer.replay.report import Report, share_text

MOST = 200
"""Rows of one table: more nobody reads, and --json has them all."""


def as_page(report: Report) -> str:
    """The page's HTML."""
    return _template().render(
        report=report,
        verdict=verdict(report),
        withheld=withheld(report),
        most=MOST,
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"story_parts": story_parts, "query": query_of, "share": share_text}
    return environment.get_template("page.html")
