"""The page's address is its whole state: what is asked, filtered and shown, and in which language.

Takes query parameters, gives a `PageState` and the addresses that lead on from it; `portal.js` does the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from kbsearch.service.sent import weighted
from kbsearch.service.wire import MAX_REACH

PAGE_SIZE = 10
_LISTS = ("type", "language", "category")
_MAX_VALUES = 20
_MAX_VALUE = 100
_MAX_DOCUMENT = 256
"""Longest document id that loaders take."""
# Parameter of the page → field of a filter and key of a facet. `lang` is taken: it is the page's own language.
FILTERS: Mapping[str, str] = {"type": "type", "language": "lang", "category": "category"}


@dataclass(frozen=True, slots=True)
class PageState:
    """What one address of the page says."""

    q: str = ""
    lang: str = ""
    """Language of the page where the address names one; "" leaves it to the browser."""
    doc: str = ""
    translation: str = ""
    """Show the translation of `doc` in this language, where there is one."""
    offset: int = 0
    type: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    query: str = ""
    """The search that led to `doc`, and its rank there: how a visit without JavaScript is counted."""
    position: int = 0
    root: str = ""
    """Below which path of the host the service is."""

    def href(self, **changes: object) -> str:
        """Return the address of this state with some changes."""
        state = replace(self, **changes)  # type: ignore[arg-type]
        pairs: list[tuple[str, str]] = [
            ("q", state.q),
            ("lang", state.lang),
            ("doc", state.doc),
            ("as", state.translation),
        ]
        pairs += [(name, value) for name in _LISTS for value in state.chosen(name)]
        pairs += [("offset", str(state.offset or "")), ("query", state.query), ("position", str(state.position or ""))]
        text = urlencode([(name, value) for name, value in pairs if value])
        return f"{state.root}/?{text}" if text else f"{state.root}/"

    def chosen(self, name: str) -> tuple[str, ...]:
        """Return the chosen values of a filter."""
        values: tuple[str, ...] = getattr(self, name)
        return values

    def toggled(self, name: str, value: str) -> str:
        """Return the address with one filter value switched on or off."""
        chosen = self.chosen(name)
        rest = tuple(other for other in chosen if other != value)
        return self.href(**{name: rest if value in chosen else (*chosen, value), "offset": 0})

    def filters(self) -> dict[str, tuple[str, ...]]:
        """Return the filters as the engine takes them."""
        return {field: self.chosen(name) for name, field in FILTERS.items() if self.chosen(name)}


def read_state(given: QueryParams, languages: tuple[str, ...], root: str = "") -> PageState:
    """Read an address; what cannot be read is as if absent, save for `q`, whose limit the page must state."""
    lang = given.get("lang", "").lower()
    return PageState(
        q=given.get("q", "").strip(),
        lang=lang if lang in languages else "",
        doc=given.get("doc", "")[:_MAX_DOCUMENT],
        translation=given.get("as", "")[:_MAX_VALUE],
        offset=min(number(given.get("offset", "")), MAX_REACH - PAGE_SIZE),
        query=given.get("query", "")[:_MAX_VALUE],
        position=number(given.get("position", "")),
        root=root,
        **{name: _values(given.getlist(name)) for name in _LISTS},
    )


def preferred_language(accepted: str, languages: tuple[str, ...], default: str = "en") -> str:
    """Return the best of `languages` by an Accept-Language header."""
    wanted: list[tuple[float, int, str]] = []
    for place, (name, quality) in enumerate(weighted(accepted)):
        code = name.partition("-")[0]
        if code in languages and quality > 0:
            wanted.append((-quality, place, code))
    return min(wanted)[2] if wanted else default


def number(text: str) -> int:
    """Read an offset or a position; 0, which is none, for what is no number or one that no page comes to."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _values(given: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in given if 0 < len(value) <= _MAX_VALUE))[:_MAX_VALUES]
