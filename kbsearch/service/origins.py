"""Origins: where a page is from, as a browser says it with each call that crosses sites."""

from __future__ import annotations

import re

from kbsearch.errors import UsageError

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+")
"""What a browser may send as Origin: scheme and host, perhaps a port."""


def read_origin(text: str, field: str) -> str:
    """Return an origin that somebody wrote as browsers send it.

    :raises UsageError: no page has it; `field` is what it was given for.
    """
    origin = clean_origin(text)
    if not _ORIGIN.fullmatch(origin):
        raise UsageError(f"no page has the origin {origin!r}; write one such as https://shop.example", field)
    return origin


def clean_origin(text: str) -> str:
    """Return it in lower case, without the slash that addresses end with."""
    return text.strip().rstrip("/").lower()
