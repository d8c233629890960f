"""The part of a passage that shows why it was found, with the query's words marked.

Pure: takes a passage, the places of its words and which of them the query asks for; gives plain text and offsets.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

# Two lines of a result list.
LENGTH = 220
ELLIPSIS = "…"

Ranges = tuple[tuple[int, int], ...]


def make_snippet(
    text: str, starts: Sequence[int], ends: Sequence[int], marked: Sequence[int], length: int = LENGTH
) -> tuple[str, Ranges]:
    """The window of at most `length` characters with the most marked words, and their half-open ranges in it.

    `starts` and `ends` are the offsets of the passage's words in order; `marked` the numbers of those to mark, rising.
    """
    flat = text.replace("\n", " ")
    if len(flat) <= length:
        return flat, tuple((starts[word], ends[word]) for word in marked)
    start = _window_start(starts, ends, marked, length)
    first = bisect_left(starts, start)
    last = bisect_right(ends, start + length) - 1
    if last < first:
        # One word fills the window: cut it.
        return f"{flat[start : start + length]}{ELLIPSIS}", ()
    start = starts[first] if start else 0
    end = len(flat) if last == len(ends) - 1 else ends[last]
    end = min(end, start + length)
    before = ELLIPSIS if start > 0 else ""
    after = ELLIPSIS if end < len(flat) else ""
    shift = len(before) - start
    ranges = tuple(
        (starts[word] + shift, ends[word] + shift) for word in marked if start <= starts[word] and ends[word] <= end
    )
    return f"{before}{flat[start:end]}{after}", ranges


def _window_start(starts: Sequence[int], ends: Sequence[int], marked: Sequence[int], length: int) -> int:
    """Where a window holds the most marked words: the passage's beginning, or a little before a marked word."""
    marked_ends = [ends[word] for word in marked]
    best_start, best_count = 0, bisect_right(marked_ends, length)
    lead = length // 5
    for place, word in enumerate(marked):
        start = max(0, starts[word] - lead)
        count = bisect_right(marked_ends, start + length) - place
        if count > best_count:
            best_start, best_count = start, count
    return best_start
