"""What is asked, without the greeting and the politeness around it. Pure.

No article holds "labdien" or "can you help me", so that each such word would count as one that was not found, and move
the vector of a short question.
"""

from __future__ import annotations

import re
from functools import cache

from kbsearch.chat.intents import LANGUAGES, load_phrases
from kbsearch.text.normalise import fold

_WORD = re.compile(r"\w+(?:['’`´]\w+)*")
_APOSTROPHE = re.compile(r"['’`´]")
_LEAST_LEFT = 2
"""Words: "sveikas" greets, but "sveikas maistas" is healthy food."""


def without_courtesy(text: str) -> str:
    """The text without what `phrases/` say is politeness, in any language, at its ends; whole, where little is left."""
    begins, ending, before, after = _around()
    folded = _APOSTROPHE.sub("", fold(text))
    # Most queries are not polite, and nine tenths of the time would go on reading their words.
    if not begins.match(folded) and _last_word(folded) not in ending:
        return text
    words = list(_WORD.finditer(text))
    plain = " ".join([fold(_APOSTROPHE.sub("", word[0])) for word in words])
    first = _spaces(before.match(plain))
    last = len(words) - _spaces(after.search(plain))
    if last - first < _LEAST_LEFT:
        return text
    return text[words[first].start() : words[last].start() if last < len(words) else None].rstrip(" ,;–-")


@cache
def _around() -> tuple[re.Pattern[str], frozenset[str], re.Pattern[str], re.Pattern[str]]:
    """What a polite text begins with, the words of which it ends with one, and all that stands before and after what is
    asked, each phrase with a space beside it."""
    phrases = [load_phrases(lang) for lang in LANGUAGES]
    opening = "|".join(language.opening for language in phrases)
    closing = "|".join(language.closing for language in phrases)
    return (
        re.compile(rf"(?:{opening})\b"),
        frozenset(re.findall(r"\w+", closing)),
        re.compile(f"(?:(?:{opening}) )*"),
        re.compile(f"(?: (?:{closing}))+$"),
    )


def _last_word(text: str) -> str:
    words = text.rsplit(maxsplit=1)
    return words[-1].strip("!.,?;:…)") if words else ""


def _spaces(found: re.Match[str] | None) -> int:
    """How many words it holds: each phrase has one space for each."""
    return found[0].count(" ") if found else 0
