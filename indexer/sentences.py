"""Where a sentence ends. Used to split blocks that are too long for one passage.

A wrong guess costs little, a passage that starts mid-sentence; so the rules are few and lean towards not splitting.
"""

from __future__ import annotations

import re

ABBREVIATIONS = frozenset(
    {
        # English, German
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "no",
        "vs",
        "fig",
        "etc",
        "approx",
        "inc",
        "ltd",
        "ca",
        "bzw",
        "usw",
        "nr",
        "str",
        "tel",
        "abb",
        "evtl",
        "ggf",
        "inkl",
        "vgl",
        # Latvian, Lithuanian, Estonian
        "piem",
        "utt",
        "plkst",
        "tālr",
        "lpp",
        "sk",
        "red",
        "īp",
        "resp",
        "pvz",
        "pan",
        "kt",
        "gyv",
        "vnt",
        "tūkst",
        "mln",
        "mlrd",
        "proc",
        "nt",
        "jne",
        "lk",
        # Russian, Ukrainian, Polish
        "напр",
        "стр",
        "тел",
        "руб",
        "коп",
        "рис",
        "см",
        "им",
        "ул",
        "др",
        "пр",
        "рр",
        "тис",
        "грн",
        "np",
        "itd",
        "itp",
        "tj",
        "ul",
        "godz",
        "zł",
        "ww",
    }
)
"""Words before a full stop that ends no sentence. Single letters and ordinals are covered by rule."""

# "。！？" need no space after them. A run of marks is looked at once, from its start: a page may be all dots.
_END = re.compile(r"(?<![.!?…])[.!?…]+[\"'”“»’)\]]*\s+|[。！？]+[」』”）]*\s*|\n+")
_LAST_WORD = re.compile(r"(?<!\w)([^\W\d_]+|\d+)\.[\"'”“»’)\]]*\s+$")


def sentences(text: str) -> list[str]:
    """Return the sentences of one block; only the white space between them is gone."""
    found: list[str] = []
    start = 0
    for end in _END.finditer(text):
        if end.end() < len(text) and _ends_here(text, start, end.end()):
            found.append(text[start : end.end()].strip())
            start = end.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def _ends_here(text: str, start: int, end: int) -> bool:
    if text[end - 1] == "\n":
        return True
    if text[end].islower():
        return False
    word = _LAST_WORD.search(text, max(start, end - 40), end)
    if word is None:
        return True
    last = word[1]
    ordinal = last.isdigit() and len(last) <= 2  # "31. maijā", "1. Open"; a year may end a sentence
    return not (ordinal or len(last) == 1 or last.lower() in ABBREVIATIONS)
