"""What is asked, without the greeting and the politeness around it. Pure.

No article holds "labdien" or "can you help me", so that each such word would count as one that was not found, and move
the vector of a short question.
"""

from __future__ import annotations

import re
from functools import cache

from kbsearch.chat.patterns import LANGUAGES, read_patterns
from kbsearch.text.normalise import fold

_APOSTROPHE = r"['’`´]"
_WORD = re.compile(rf"\w+(?:{_APOSTROPHE}\w+)*")
_WITHIN_A_WORD = re.compile(rf"(?<=\w){_APOSTROPHE}(?=\w)")
_LEAST_LEFT = 2
"""Words: "sveikas" greets, but "sveikas maistas" is healthy food."""


def without_courtesy(text: str) -> str:
    """The text without what `phrases/` say is politeness, in any language, at its ends; whole, where little is left.

    :param text: normalised.
    """
    before, after, ending = _around()
    plain = " ".join(_WORD.findall(_WITHIN_A_WORD.sub("", fold(text))))
    polite = before.match(plain)
    # Asked first: to look for what may stand at the end takes longer than all else.
    thanks = after.search(plain) if plain.rpartition(" ")[2] in ending else None
    if not polite and not thanks:
        return text
    words = list(_WORD.finditer(text))
    first = _count(polite)
    last = len(words) - _count(thanks)
    if last - first < _LEAST_LEFT:
        return text
    return text[words[first].start() : words[last].start() if last < len(words) else None].rstrip(" ,;–-")


@cache
def _around() -> tuple[re.Pattern[str], re.Pattern[str], frozenset[str]]:
    """What stands before a question, each phrase with a space after it; what stands after one, with a space before
    each; and all words of the latter."""
    languages = [read_patterns(lang) for lang in LANGUAGES]
    opening = "|".join(patterns.any_of("hello", "opening") for patterns in languages)
    closing = "|".join(patterns.any_of("closing") for patterns in languages)
    words = frozenset(re.findall(r"\w+", closing))
    return re.compile(f"(?:(?:{opening}) )+"), re.compile(f"(?: (?:{closing}))+$"), words


def _count(found: re.Match[str] | None) -> int:
    """The words of phrases that have a space beside each."""
    return found[0].count(" ") if found else 0
