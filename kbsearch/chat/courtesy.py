"""What is asked, without the greeting and the politeness around it. Pure.

No article holds "labdien" or "can you help me", so that each such word would count as one that was not found, and move
the vector of a short question.
"""

from __future__ import annotations

import re
from functools import cache

from kbsearch.chat.patterns import APOSTROPHE, LANGUAGES, plain_words, read_patterns

# The words of `plain_words`, where they stand.
_WORD = re.compile(rf"[^\W_]+(?:{APOSTROPHE}[^\W_]+)*")
_LEAST_LEFT = 2
"""Words: "sveikas" greets, but "sveikas maistas" is healthy food."""


def without_courtesy(text: str) -> str:
    """The text without what `phrases/` say is politeness, in any language, at its ends; whole, where little is left.

    :param text: normalised.
    """
    beginnings, endings, before, after = _around()
    plain = plain_words(text)
    # Most queries begin and end with another word, and the patterns are long.
    polite = plain.partition(" ")[0] in beginnings
    thankful = plain.rpartition(" ")[2] in endings
    if not polite and not thankful:
        return text
    words = list(_WORD.finditer(text))
    first = _count(before.match(plain)) if polite else 0
    last = len(words) - (_count(after.search(plain)) if thankful else 0)
    if last - first < _LEAST_LEFT or last - first == len(words):
        return text
    return text[words[first].start() : words[last].start() if last < len(words) else None].rstrip(" ,;–-")


@cache
def _around() -> tuple[frozenset[str], frozenset[str], re.Pattern[str], re.Pattern[str]]:
    """The words that may begin and those that may end a polite text (all words of such phrases), what stands before a
    question, each phrase with a space after it, and what stands after one, with a space before each."""
    languages = [read_patterns(lang) for lang in LANGUAGES]
    opening = "|".join(patterns.any_of("hello", "opening") for patterns in languages)
    closing = "|".join(patterns.any_of("closing") for patterns in languages)
    beginnings, endings = (frozenset(re.findall(r"\w+", phrases)) for phrases in (opening, closing))
    return beginnings, endings, re.compile(f"(?:(?:{opening}) )+"), re.compile(f"(?: (?:{closing}))+$")


def _count(found: re.Match[str] | None) -> int:
    """The words of phrases that have a space beside each."""
    return found[0].count(" ") if found else 0
