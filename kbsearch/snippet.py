"""The part of a passage that shows why it was found, with the query's words marked.

Pure: takes a passage and the query's terms, gives plain text and offsets. Imported by the engine.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from kbsearch.text.analyze import word_terms
from kbsearch.text.words import Word, words

# Two lines of a result list.
LENGTH = 220
_ELLIPSIS = "…"
_GRAM_KIND = "+"

Ranges = tuple[tuple[int, int], ...]


def make_snippet(text: str, lang: str, terms: AbstractSet[str], length: int = LENGTH) -> tuple[str, Ranges]:
    """The window of at most `length` characters with the most marked words, and their half-open ranges in it.

    A word is marked when its form or its stem is one of `terms`; parts of words do not count.
    """
    flat = text.replace("\n", " ")
    found = words(flat)
    marked = [word for word in found if _matches(word.text, lang, terms)]
    start, end = _window(flat, found, marked, length)
    before = _ELLIPSIS if start > 0 else ""
    after = _ELLIPSIS if end < len(flat) else ""
    shift = len(before) - start
    ranges = tuple((w.start + shift, w.end + shift) for w in marked if start <= w.start and w.end <= end)
    return before + flat[start:end] + after, ranges


def _matches(word: str, lang: str, terms: AbstractSet[str]) -> bool:
    return any(term in terms for term in word_terms(word, lang) if not term.startswith(_GRAM_KIND))


def _window(text: str, found: list[Word], marked: list[Word], length: int) -> tuple[int, int]:
    """Bounds at word edges that hold the most marked words; the earliest of equals."""
    if len(text) <= length:
        return 0, len(text)
    best_start, best_count = 0, sum(word.end <= length for word in marked)
    for first in marked:
        start = max(0, first.start - length // 5)
        count = sum(first.start <= word.start and word.end <= start + length for word in marked)
        if count > best_count:
            best_start, best_count = start, count
    best_start = min(best_start, len(text) - length)
    start = next((word.start for word in found if word.start >= best_start), best_start) if best_start else 0
    limit = start + length
    end = max((word.end for word in found if start < word.end <= limit), default=limit)
    if limit >= len(text):
        end = len(text)
    elif text[end : end + 1] and text[end] in ".!?":
        end += 1
    return start, end
