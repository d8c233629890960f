"""The part of a passage that shows why it was found, with the query's words marked. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from kbsearch.index.marks import Quote

# Two lines of a result list.
LENGTH = 220
ELLIPSIS = "…"

Ranges = Sequence[Sequence[int]]


def make_snippet(text: str, quote: Quote) -> tuple[str, Ranges]:
    """The quoted part of a passage as one line, and the half-open ranges of the marked words in it."""
    start, end, marked = quote
    shown = text[start:end].replace("\n", " ")
    if end < len(text):
        shown += ELLIPSIS
    if start == 0:
        return shown, marked
    shift = len(ELLIPSIS)
    return ELLIPSIS + shown, [[first + shift, last + shift] for first, last in marked]
