"""What is on the wire: the request as pydantic reads it, the answer as plain dicts.

Answers are built as dicts and encoded at once; the pydantic twins of them below describe them in OpenAPI and are
never run on a search. Takes the engine's nouns, gives the contract's shapes (section 4).
"""

from __future__ import annotations

import html
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from kbsearch.errors import FilterError, LimitError, UsageError
from kbsearch.filters import FILTER_FIELDS, parse_filter
from kbsearch.text.normalise import normalise
from kbsearch.types import Hit, SearchOutcome, SearchRequest, StoredDocument, Suggestion

MAX_QUERY = 512
MAX_LIMIT = 100
MAX_REACH = 1000
"""Last hit that paging reaches; further down nobody finds anything, and ranking costs more."""
MAX_FILTER_VALUES = 100

Filters = dict[str, tuple[str, ...]]
_LANG = r"^([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*)?$"


def _read_filter(value: object) -> object:
    """Accept the filter expression of the contract, or its object form `{"type": ["faq"], "lang": "lv"}`."""
    if value is None:
        return {}
    if isinstance(value, str):
        return parse_filter(value)
    if not isinstance(value, dict):
        raise FilterError("filter must be an expression such as type:faq, or an object", "filter")
    read: Filters = {}
    for name, values in value.items():
        if name not in FILTER_FIELDS:
            raise FilterError(f"unknown filter field {name!r}; use {', '.join(FILTER_FIELDS)}", "filter")
        listed = [values] if isinstance(values, str) else values
        if not isinstance(listed, list) or not listed or not all(isinstance(item, str) for item in listed):
            raise FilterError(f"filter field {name!r} needs a text or a list of texts", "filter")
        read[name] = tuple(listed)
    return read


def _read_langs(value: object) -> object:
    if isinstance(value, list):
        value = ",".join(str(item) for item in value)
    return value


class SearchParameters(BaseModel):
    """One search; unknown members are ignored."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"q": "kā atjaunot paroli", "lang": "lv", "filter": {"type": ["faq"]}}]}
    )

    q: str = Field(max_length=MAX_QUERY, description="The question, in any language.", examples=["reset password"])
    lang: str = Field("", max_length=35, pattern=_LANG, description="Language of the user's page; a preference.")
    langs: Annotated[str, BeforeValidator(_read_langs)] = Field(
        "", max_length=200, description="Languages the user accepts, with commas; empty for any.", examples=["lv,en"]
    )
    limit: int = Field(10, ge=1, le=MAX_LIMIT, description="Most hits to return.")
    offset: int = Field(0, ge=0, le=MAX_REACH, description="Hits to skip; offset + limit reaches 1000 at most.")
    filter: str | dict[str, str | list[str]] | None = Field(
        None, description="Clauses joined by AND, values by commas.", examples=["type:faq,tutorial AND lang:lv"]
    )
    session: str = Field("", max_length=100, description="The visit; ties searches and events together.")
    explain: bool = Field(False, description="Say how each hit got its score.")
    analytics: bool = Field(True, description="False keeps this search out of the event log.")

    @field_validator("q")
    @classmethod
    def _not_empty(cls, value: str) -> str:
        if not normalise(value):
            raise UsageErrorInModel("q is empty; send a question", "q")
        return value

    def to_request(self, audiences: frozenset[str], languages: tuple[str, ...]) -> SearchRequest:
        """Return what the engine takes; `languages` are those of the snapshot."""
        if self.offset + self.limit > MAX_REACH:
            raise LimitError(f"offset + limit must be at most {MAX_REACH}, got {self.offset + self.limit}", "offset")
        filters = _read_filter(self.filter)
        assert_filters = filters if isinstance(filters, dict) else {}
        return SearchRequest(
            q=self.q,
            lang=known_language(self.lang, languages),
            langs=tuple(known_language(lang, languages) for lang in self.langs.split(",") if lang.strip()),
            limit=self.limit,
            offset=self.offset,
            filters=assert_filters,
            audiences=audiences,
            explain=self.explain,
        )
