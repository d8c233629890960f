"""A Zendesk Help Center through its API, copied into an export file that the loader `zendesk` reads.

The first run reads every page of the list. Later ones read the list newest first up to what is known already, and all
of it only where the number of articles then differs: something was deleted or became invisible.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson

from indexer.loaders.report import Note, Problem
from indexer.web.client import Client, Failed, Refused
from kbsearch.errors import SourceError

PATH = "/api/v2/help_center"
STATE = "zendesk.json"
CREDENTIALS = "KBSEARCH_ZENDESK"
"""Environment variable: `e-mail/token:TOKEN`, for what only some may read."""

_LISTS = ("articles", "sections", "categories", "translations", "user_segments")
_INCLUDED = "sections,categories,translations"
_MOST_PAGES = 20_000

Parts = dict[str, dict[str, Any]]


def fetch(client: Client, address: str, folder: Path) -> Iterator[Problem | Note]:
    """Bring the copy up to date. Raises SourceError."""
    before = _read(folder / STATE)
    newest = max((article.get("updated_at") or "" for article in before["articles"].values()), default="")
    try:
        parts, count = _pages(client, address, before, newest)
        if newest and count != len(parts["articles"]):
            parts, _ = _pages(client, address, {name: {} for name in _LISTS}, "")
    except (Failed, Refused, ValueError) as error:
        raise SourceError(f"{address} cannot be read ({error}); nothing was published. Run it again.") from error
    staged = folder / f".{STATE}"
    staged.write_bytes(orjson.dumps({name: list(parts[name].values()) for name in _LISTS}))
    staged.replace(folder / STATE)
    yield from ()


def _pages(client: Client, address: str, parts: Parts, newest: str) -> tuple[Parts, int | None]:
    """The copy with what is newer than `newest`, and how many articles the help centre says it has."""
    parts = {name: dict(parts[name]) for name in _LISTS}
    url: str | None = _first(address)
    count = None
    for _ in range(_MOST_PAGES):
        if url is None:
            return parts, count
        page = _checked(orjson.loads(client.get(url, headers=_authorisation(url)).data))
        numbers = {article.get("id") for article in page["articles"]}
        parts["translations"] = {
            key: each for key, each in parts["translations"].items() if each.get("source_id") not in numbers
        }
        for name in _LISTS:
            parts[name] |= {_key(each): each for each in page.get(name) or ()}
        count = page.get("count", count)
        links, meta = page.get("links") or {}, page.get("meta") or {}
        url = page.get("next_page") or (links.get("next") if meta.get("has_more") else None)
        if not isinstance(url, str | None):
            raise ValueError(f"its next page is {str(url)[:80]}")
        oldest = min((article.get("updated_at") or "" for article in page["articles"]), default="")
        if newest and oldest < newest and page["articles"]:
            return parts, count
    raise ValueError(f"the list has more than {_MOST_PAGES} pages, or goes round in circles")


def _checked(page: object) -> dict[str, Any]:
    """An answer, as far as it is read here. Raises ValueError where it is none of Zendesk's."""
    if not isinstance(page, dict) or not isinstance(page.get("articles"), list):
        raise ValueError("it holds no list of articles")
    for name in _LISTS:
        each = page.get(name) or []
        if not isinstance(each, list) or not all(isinstance(one, dict) and _is_plain(one) for one in each):
            raise ValueError(f"its {name} are no list of objects with an id and a date")
    for name in ("links", "meta"):
        if not isinstance(page.get(name) or {}, dict):
            raise ValueError(f"its {name} are {str(page[name])[:80]}")
    return page


def _is_plain(each: dict[str, Any]) -> bool:
    known = all(isinstance(each.get(name), int | str | None) for name in ("id", "source_id"))
    return known and isinstance(each.get("updated_at"), str | None)


def _first(address: str) -> str:
    """The address of the list, newest first, with names and translations beside the articles."""
    parts = urlsplit(address)
    path = parts.path.rstrip("/")
    if not path.endswith(("articles", "articles.json")):
        path = f"{path}/articles.json"
    query = {"include": _INCLUDED, "sort_by": "updated_at", "sort_order": "desc", "per_page": "100"}
    return urlunsplit((parts.scheme, parts.netloc, path, urlencode(query | dict(parse_qsl(parts.query))), ""))


def _key(each: dict[str, Any]) -> str:
    return f"{each.get('id')} {each.get('locale', '')}"


def _authorisation(url: str) -> dict[str, str]:
    """Sent over TLS only, or to this machine."""
    said = os.environ.get(CREDENTIALS, "")
    parts = urlsplit(url)
    if not said or (parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1")):
        return {}
    return {"Authorization": f"Basic {base64.b64encode(said.encode()).decode()}"}


def _read(path: Path) -> Parts:
    try:
        content = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        content = {}
    return {name: {_key(each): each for each in content.get(name, ())} for name in _LISTS}
