"""The pages of a site, copied: one file each, and one that says which page it is and when it was had.

    pages.mirror.json      {"began": …, "whole": …, "pages": {url: {"file", "hash", "final", "encoding", "etag", …}}}

The loader `mirror` reads it. A page that cannot be had this time keeps its copy; one that is gone loses it. A file that
is not what was fetched, as after a power cut, is no copy.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from indexer.loaders.mirror import EXTENSIONS
from indexer.loaders.report import Note, Problem
from indexer.web import sitemap
from indexer.web.client import Answer, Client, Failed, Refused
from kbsearch.errors import SourceError
from kbsearch.index.arrays import wide_hash

STATE = f"pages{EXTENSIONS[0]}"
FAILURES_IN_A_ROW = 20
"""Then the site, not a page, is in trouble."""

_SAVED_EVERY = 100  # pages
_RESUMED_WITHIN = 24 * 3600  # seconds; an older half-finished copy is checked page by page
_GONE = (404, 410)
_PAGES = ("text/html", "application/xhtml+xml")


def fetch(client: Client, address: str, folder: Path) -> Iterator[Problem | Note]:
    """Bring the copy up to date with the sitemap. Raises SourceError."""
    copy = _Copy(folder)
    left_out: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    in_a_row = 0
    for number, entry in enumerate(sitemap.entries(client, address), 1):
        outcome = copy.take(client, entry)
        in_a_row = in_a_row + 1 if isinstance(outcome, Failed) else 0
        if in_a_row == FAILURES_IN_A_ROW:
            copy.save(whole=False)
            raise SourceError(
                f"{address} stopped answering ({outcome}); nothing was published. Run the command again: it continues "
                "with the pages it has."
            )
        if isinstance(outcome, str):
            left_out[outcome] += 1
        elif outcome is not None:
            wrong[str(outcome)] += 1
            yield Problem(entry.url, None, str(outcome))
        if number % _SAVED_EVERY == 0:
            copy.save(whole=False)
    if not copy.pages:
        why = ", ".join(f"{count} × {reason}" for reason, count in (left_out + wrong).most_common(3))
        raise SourceError(
            f"{address} gave no page to index ({why or 'its sitemap names none'}); check the address, and robots.txt "
            "of the site."
        )
    copy.save(whole=True)
    for reason, count in left_out.items():
        yield Note(f"{address}: {count} pages left out: {reason}")


class _Copy:
    """What was had before, and what was had or confirmed in this run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        state = _read(folder / STATE)
        self._before: dict[str, Any] = state["pages"]
        resumed = not state["whole"] and time.time() - state["began"] < _RESUMED_WITHIN
        self._began: float = state["began"] if resumed else time.time()
        self.pages: dict[str, Any] = {}

    def take(self, client: Client, entry: sitemap.Entry) -> str | Refused | Failed | None:
        """Have a page that is not fresh; what is wrong, where it has to be said, or why the page is none for us."""
        before = self._before.get(entry.url)
        if not client.allowed(entry.url):
            return "on another host, or forbidden by robots.txt"
        if before and (before["at"] >= self._began or (entry.changed and entry.changed == before["changed"])):
            self.pages[entry.url] = before
            return None
        conditions = {"etag": before["etag"], "modified": before["modified"]} if before else {}
        try:
            page = _page(entry, client.get(entry.url, **conditions), before, self._folder)
        except Refused as error:
            return "gone" if error.status in _GONE else error
        except Failed as error:
            if before is None:
                return error
            self.pages[entry.url] = before
            return Failed(f"{error}; the copy of {datetime.fromtimestamp(before['at'], UTC).date()} is used")
        if page is None:
            return "no HTML"
        self.pages[entry.url] = page
        return None

    def save(self, *, whole: bool) -> None:
        """Write down what there is; with all pages of the sitemap seen, forget the others."""
        pages = self.pages if whole else self._before | self.pages
        staged = self._folder / f".{STATE}"
        staged.write_bytes(orjson.dumps({"began": self._began, "whole": whole, "pages": pages}))
        staged.replace(self._folder / STATE)
        if whole:
            kept = {page["file"] for page in pages.values()}
            for path in self._folder.glob("*.page"):
                if path.name not in kept:
                    path.unlink()


def _page(entry: sitemap.Entry, answer: Answer, before: Any, folder: Path) -> dict[str, Any] | None:
    """What is known of a page now; None where it is no page."""
    if answer.unchanged and before:
        return {**before, "changed": entry.changed, "at": time.time()}
    if answer.type not in _PAGES:
        return None
    name = f"{wide_hash(entry.url.encode()).hex()}.page"
    staged = folder / f".{name}"
    staged.write_bytes(answer.data)
    staged.replace(folder / name)
    return {
        "file": name,
        "hash": wide_hash(answer.data).hex(),
        "final": answer.url,
        "encoding": answer.encoding,
        "etag": answer.etag,
        "modified": answer.modified,
        "changed": entry.changed,
        "at": time.time(),
    }


def _read(path: Path) -> dict[str, Any]:
    """The state of the copy; nothing where there is none or a torn one."""
    try:
        state: dict[str, Any] = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {"began": 0.0, "whole": True, "pages": {}}
    return {**state, "pages": {url: page for url, page in state["pages"].items() if _is_there(path.parent, page)}}


def _is_there(folder: Path, page: dict[str, Any]) -> bool:
    try:
        return wide_hash((folder / page["file"]).read_bytes()).hex() == page.get("hash")
    except FileNotFoundError:
        return False
