"""Sources on the web: a site by its sitemap, a Zendesk Help Center by its API. Copied first, then read like files.

The copy lies among the finished work of a run (DIR/.cache), so an interrupted run goes on with it, and an update asks
only for what changed. Imported by the pipeline.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from indexer.loaders.report import Note, Problem
from indexer.web import pages, zendesk
from indexer.web.client import DELAY, Client, is_address
from kbsearch.index.arrays import wide_hash

__all__ = ["DELAY", "copy_folder", "fetch", "is_address"]


def copy_folder(address: str) -> str:
    """The name of the folder that an address is copied to."""
    return f"web-{wide_hash(address.encode()).hex()[:12]}"


def fetch(address: str, folder: Path, delay: float = DELAY) -> Iterator[Problem | Note]:
    """Bring the copy in `folder` up to date, and say what went wrong; `delay`: seconds between two requests.

    :raises SourceError: where the source as a whole cannot be read; the copy stays as far as it got.
    """
    folder.mkdir(parents=True, exist_ok=True)
    client = Client(address, delay)
    if zendesk.PATH in address:
        yield from zendesk.fetch(client, address, folder)
    else:
        yield from pages.fetch(client, address, folder)
