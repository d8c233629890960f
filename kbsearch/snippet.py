"""The part of a passage that shows why it was found, with the query's words marked. Pure."""

from __future__ import annotations

from kbsearch.index.marks import Quote

# Two lines of a result list.
LENGTH = 220
ELLIPSIS = "…"

Ranges = tuple[tuple[int, int], ...]


def make_snippet(text: str, quote: Quote) -> tuple[str, Ranges]:
    """The quoted part of a passage as one line, and the half-open ranges of the marked words in it."""
    before = ELLIPSIS if quote.start > 0 else ""
    after = ELLIPSIS if quote.end < len(text) else ""
    shown = text[quote.start : quote.end].replace("\n", " ")
    shift = len(before) - quote.start
    return f"{before}{shown}{after}", tuple([(start + shift, end + shift) for start, end in quote.marked])
