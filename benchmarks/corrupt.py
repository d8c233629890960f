"""Queries as people type them: without diacritics, in Latin letters, with keys of the other alphabet, with a typo.

Deterministic.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from dataclasses import replace

from kbsearch.evaluate import JudgedQuery
from kbsearch.text.keyboard import in_other_layout
from kbsearch.text.normalise import fold

SEED = 11
TYPO_LETTERS = 5
"""Shorter words are left alone: nobody could say what was meant."""

# Only whole words of letters: the typo of a code is another code.
_WORD = re.compile(rf"(?<![\w-])[^\W\d_]{{{TYPO_LETTERS},}}(?![\w-])")

# As Russian passports have it, but for what people write without thinking (kh → h, iu → yu).
_LATIN = str.maketrans(
    dict(zip("абвгдезийклмнопрстуфхыэё", "abvgdeziyklmnoprstufhyee", strict=True))
    | {"ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "yu", "я": "ya", "ъ": "", "ь": ""}
)


def folded(queries: Iterable[JudgedQuery]) -> list[tuple[JudgedQuery, JudgedQuery]]:
    """Each query that carries diacritics, beside itself without them."""
    pairs = ((query, replace(query, query=fold(query.query))) for query in queries)
    return [(query, plain) for query, plain in pairs if plain.query != query.query.lower()]


def latinised(queries: Iterable[JudgedQuery]) -> list[tuple[JudgedQuery, JudgedQuery]]:
    """Each query in Russian letters, beside itself in Latin ones."""
    pairs = ((query, replace(query, query=query.query.lower().translate(_LATIN))) for query in queries)
    return [(query, latin) for query, latin in pairs if latin.query != query.query.lower()]


def in_other_keys(queries: Iterable[JudgedQuery]) -> list[tuple[JudgedQuery, JudgedQuery]]:
    """Each query, beside what its keys write in the other alphabet; Latin letters lose their diacritics on that way."""
    pairs = ((query, replace(query, query=in_other_layout(fold(query.query)))) for query in queries)
    return [(query, other) for query, other in pairs if other.query != fold(query.query)]


def mistyped(queries: Iterable[JudgedQuery]) -> list[tuple[JudgedQuery, JudgedQuery]]:
    """Each query that has a word of five letters or more, beside itself with one typo in one of those words."""
    pairs = ((query, replace(query, query=with_typo(query.query))) for query in queries)
    return [(query, wrong) for query, wrong in pairs if wrong.query != query.query]


def with_typo(text: str) -> str:
    """The text with one letter left out, doubled, swapped with the next or replaced, in a word of five letters or more.

    A text without such a word comes back as it is.
    """
    places = [match.span() for match in _WORD.finditer(text)]
    if not places:
        return text
    draw = random.Random(f"{SEED} {text}")
    start, end = draw.choice(places)
    word = text[start:end]
    wrong = word
    while wrong == word:
        wrong = _edit(word, draw)
    return text[:start] + wrong + text[end:]


def _edit(word: str, draw: random.Random) -> str:
    place = draw.randrange(len(word))
    letter = word[place]
    match draw.choice(("omit", "double", "swap", "replace")):
        case "omit":
            return word[:place] + word[place + 1 :]
        case "double":
            return word[:place] + letter + word[place:]
        case "swap":
            return word[:place] + word[place : place + 2][::-1] + word[place + 2 :]
        case _:
            # A letter of the same word is one of the same alphabet.
            return word[:place] + draw.choice(word) + word[place + 1 :]
