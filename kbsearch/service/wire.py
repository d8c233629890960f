"""What comes in over the wire: pydantic reads it, `to_request` gives the engine's noun.

The answers' shapes are in `answers.py`, their OpenAPI twins in `shapes.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationInfo

from kbsearch.errors import FilterError, LimitError, UsageError
from kbsearch.filters import FILTER_FIELDS, parse_filter
from kbsearch.text.normalise import normalise
from kbsearch.types import MAX_LIMIT, MAX_QUERY, SearchRequest

MAX_REACH = 1000
"""Last hit that paging reaches; further down nobody finds anything, and ranking costs more."""
MAX_SESSION = 100
MAX_FILTER = 2000
MAX_LANGS = 200
MAX_EMAIL = 254

_NO_EMAIL = r'@\s\x00-\x1f\x7f-\x9f,;:<>()"\\'
"""Characters that stand in no address, or would let one name several."""
_EMAIL = re.compile(rf"[^{_NO_EMAIL}]+@[^{_NO_EMAIL}]+\.[^{_NO_EMAIL}]+")

LANG = r"^([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*)?$"
Lang = Annotated[str, StringConstraints(max_length=35, pattern=LANG)]
"""Where a caller says a language; empty for none."""


def _refuse_flag(given: object, info: ValidationInfo) -> object:
    if isinstance(given, bool):
        raise UsageError(f"{info.field_name} must be a whole number, got {given}", info.field_name)
    return given


_Whole = Annotated[int, BeforeValidator(_refuse_flag)]
"""A whole number; Python takes true for 1."""


class _SearchParameters(BaseModel):
    q: str = Field(max_length=MAX_QUERY, description="The question, in any language.", examples=["reset password"])
    lang: Lang = Field("", examples=["lv"], description="Language of the user's page; a preference.")
    limit: _Whole = Field(10, ge=1, le=MAX_LIMIT, description="Most hits to return.")
    offset: _Whole = Field(0, ge=0, description=f"Hits to skip; offset + limit reaches {MAX_REACH} at most.")
    session: str = Field("", max_length=MAX_SESSION, description="The visit; ties searches and events together.")
    explain: bool = Field(False, description="Say how each hit got its score, and how long each step took.")
    analytics: bool = Field(True, description="False keeps this search out of the event log.")


class SearchQuery(_SearchParameters):
    """A search in a URL; unknown parameters are ignored."""

    langs: str = Field("", max_length=MAX_LANGS, description="Languages the user accepts, with commas; empty for any.")
    filter: str = Field(
        "",
        max_length=MAX_FILTER,
        description="Clauses joined by AND, values by commas: type:faq,video AND lang:lv. Fields: "
        f"{', '.join(FILTER_FIELDS)}. A value with a comma or a space stands in double quotes.",
    )


class SearchBody(_SearchParameters):
    """A search as a JSON body; unknown members are ignored."""

    model_config = ConfigDict(
        title="SearchBody",
        json_schema_extra={
            "examples": [{"q": "kā atjaunot paroli", "lang": "lv", "filter": {"type": ["faq", "article"]}}]
        },
    )

    langs: str | list[str] = Field("", description="Languages the user accepts; a list, or text with commas.")
    filter: str | dict[str, str | list[str]] | None = Field(
        None, description="The expression of the URL form, or an object: field to accepted value or values."
    )


def to_request(given: SearchQuery | SearchBody, audiences: frozenset[str], languages: tuple[str, ...]) -> SearchRequest:
    """Return what the engine takes; `languages` are those of what its sender may see.

    :raises UsageError: what pydantic does not see, such as a query of nothing but spaces.
    """
    # A letter or a figure is left by every normalisation; a question mostly begins with one.
    if not any(map(str.isalnum, given.q)) and not normalise(given.q):
        raise UsageError("q is empty; send at least one word", "q")
    if given.offset + given.limit > MAX_REACH:
        raise LimitError(f"offset + limit must be at most {MAX_REACH}, got {given.offset + given.limit}", "offset")
    return SearchRequest(
        q=given.q,
        lang=known_language(given.lang, languages),
        langs=_read_langs(given.langs, languages) if given.langs else (),
        limit=given.limit,
        offset=given.offset,
        filters=read_filter(given.filter),
        audiences=audiences,
        explain=given.explain,
    )


def _read_langs(given: str | list[str], languages: tuple[str, ...]) -> tuple[str, ...]:
    text = given if isinstance(given, str) else ",".join(given)
    # They are part of what answers are remembered by.
    if len(text) > MAX_LANGS:
        raise LimitError(f"langs has {len(text)} characters; at most {MAX_LANGS} are allowed", "langs")
    langs = [lang.strip() for lang in text.split(",")]
    for lang in langs:
        if not re.fullmatch(LANG, lang):
            raise UsageError(f"langs names {lang[:40]!r}, which is no language code; write langs=lv,en", "langs")
    return tuple(dict.fromkeys(known_language(lang, languages) for lang in langs if lang))


def is_email(text: str) -> bool:
    """Tell whether a text may be one address: enough to notice what is none; whoever writes to it checks more."""
    # Its length first: the pattern's time grows with the square of it.
    return len(text) <= MAX_EMAIL and _EMAIL.fullmatch(text) is not None


def query_parameters(model: type[BaseModel]) -> list[dict[str, object]]:
    """Return a model's fields as OpenAPI's parameters of a URL."""
    schema = model.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "schema": {key: value for key, value in field.items() if key != "description"},
            "description": field.get("description", ""),
        }
        for name, field in schema["properties"].items()
    ]


def known_language(lang: str, languages: tuple[str, ...]) -> str:
    """Return how the collection names a language: `lv-LV` is `lv`, unless it tells them apart."""
    code = lang.strip().lower()
    return code if code in languages else code.partition("-")[0]


def read_filter(given: str | Mapping[str, str | list[str]] | None) -> dict[str, tuple[str, ...]]:
    """Read a filter in either form.

    :raises FilterError: it cannot be read; the field is `filter`.
    """
    if not given:
        return {}
    if isinstance(given, str):
        _limit_filter(len(given))
        return parse_filter(given)
    for name in given:
        if name not in FILTER_FIELDS:
            raise FilterError(f"unknown filter field {name!r}; use one of: {', '.join(FILTER_FIELDS)}", "filter")
    read = {name: (value,) if isinstance(value, str) else tuple(value) for name, value in given.items() if value}
    # Each with the colon or comma before it, as in text.
    _limit_filter(sum(len(name) + sum(len(value) + 1 for value in values) for name, values in read.items()))
    return read


def _limit_filter(size: int) -> None:
    if size > MAX_FILTER:
        raise LimitError(f"filter has {size} characters; at most {MAX_FILTER} are allowed", "filter")
