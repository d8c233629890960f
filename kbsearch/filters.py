"""The filter expression of the API: `type:faq,tutorial AND lang:lv AND category:"Orders, returns"`.

Clauses are joined by AND; the values of a clause, separated by commas, by OR. A value with a comma, a space or a quote
stands in double quotes, with \\" for a quote.
"""

from __future__ import annotations

import re

from kbsearch.errors import FilterError

FILTER_FIELDS = ("type", "lang", "category", "tag", "audience")

_VALUE = r'"(?:[^"\\]|\\.)*"|[^\s,"]+'
_CLAUSE = re.compile(rf"\s*(?P<field>[a-z_]+):(?P<values>(?:{_VALUE})(?:,(?:{_VALUE}))*)\s*")
_JOINER = re.compile(r"AND\b")


def parse_filter(text: str) -> dict[str, tuple[str, ...]]:
    """Field → accepted values. Raises FilterError naming what cannot be read; an empty text gives no filter."""
    clauses: dict[str, tuple[str, ...]] = {}
    position = 0
    while position < len(text.rstrip()):
        match = _CLAUSE.match(text, position)
        if match is None:
            raise FilterError(
                f"The filter {text!r} cannot be read from {text[position:]!r} on; "
                "write clauses such as type:faq,tutorial AND lang:lv.",
                field="filter",
            )
        name = match["field"]
        if name not in FILTER_FIELDS:
            raise FilterError(
                f"There is no filter field {name!r}; the fields are {', '.join(FILTER_FIELDS)}.", field="filter"
            )
        if name in clauses:
            raise FilterError(f"The filter names {name!r} twice; give its values as {name}:a,b.", field="filter")
        clauses[name] = tuple(_unquote(value) for value in re.findall(_VALUE, match["values"]))
        position = match.end()
        if position < len(text.rstrip()):
            joiner = _JOINER.match(text, position)
            if joiner is None or not text[joiner.end() :].strip():
                raise FilterError(
                    f"The filter {text!r} needs AND and another clause at {text[position:]!r}.", field="filter"
                )
            position = joiner.end()
    return clauses


def _unquote(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
