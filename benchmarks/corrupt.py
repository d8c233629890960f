"""Queries as people type them: without diacritics, with digraphs for them, in Latin letters, with keys of the other
alphabet, with a space too many or too few, with a typo, with politeness around. Deterministic."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from kbsearch.evaluate import JudgedQuery
from kbsearch.text.keyboard import in_other_layout
from kbsearch.text.normalise import fold

SEED = 11
TYPO_LETTERS = 5
"""Shorter words are left alone: nobody could say what was meant."""

# Only whole words of letters: the typo of a code is another code.
_WORD = re.compile(rf"(?<![\w-])[^\W\d_]{{{TYPO_LETTERS},}}(?![\w-])")

# The space between two words that are long enough for anybody to tell them apart again.
_PAIR = re.compile(r"(?<=[^\W\d_]{4}) (?=[^\W\d_]{4})")

# As Russian passports have it, but for what people write without thinking (kh → h, iu → yu).
_LATIN = str.maketrans(
    dict(zip("абвгдезийклмнопрстуфхыэё", "abvgdeziyklmnoprstufhyee", strict=True))
    | {"ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "yu", "я": "ya", "ъ": "", "ь": ""}
)

# Written as people ask a person; the phrases are among those that kbsearch/chat/phrases/ know.
_POLITE = {
    "en": "hello can you help me {} thanks",
    "lv": "labdien gribēju pajautāt {} paldies",
    "lt": "laba diena norėčiau paklausti {} ačiū",
    "et": "tere kas te oskate öelda {} aitäh",
    "ru": "здравствуйте подскажите пожалуйста {} спасибо",
    "pl": "dzień dobry chciałam zapytać {} dziękuję",
    "de": "guten tag können sie mir sagen {} danke",
}

# As Latvians and Lithuanians write where they lack their letters; Lithuanians leave out the marks of their vowels.
_H = str.maketrans({"č": "ch", "š": "sh", "ž": "zh"})
_DIGRAPHS = {
    "lv": _H | str.maketrans({letter: 2 * fold(letter) for letter in "āēīū"} | {j: f"{fold(j)}j" for j in "ģķļņ"}),
    "lt": _H,
}


def folded(queries: Iterable[JudgedQuery]) -> list[tuple[JudgedQuery, JudgedQuery]]:
    """Each query that carries diacritics, beside itself without them."""
    pairs = ((query, replace(query, query=fold(query.query))) for query in queries)
    return [(query, plain) for query, plain in pairs if plain.query != query.query.lower()]


def with_digraphs(queries: Iterable[JudgedQuery]) -> list[tuple[JudgedQuery, JudgedQuery]]:
    """Each Latvian or Lithuanian query with such letters, beside itself with two letters for each."""
    pairs = [(query, query.query.lower().translate(_DIGRAPHS.get(query.lang, {}))) for query in queries]
    return [(query, replace(query, query=fold(typed))) for query, typed in pairs if typed != query.query.lower()]


def latinised(queries: Iterable[JudgedQuery]) -> list[tuple[JudgedQuery, JudgedQuery]]:
    """Each query in Russian letters, beside itself in Latin ones."""
    pairs = ((query, replace(query, query=query.query.lower().translate(_LATIN))) for query in queries)
    return [(query, latin) for query, latin in pairs if latin.query != query.query.lower()]


def in_other_keys(queries: Iterable[JudgedQuery]) -> list[tuple[JudgedQuery, JudgedQuery]]:
    """Each query, beside what its keys write in the other alphabet; Latin letters lose their diacritics on that way."""
    pairs = ((query, replace(query, query=in_other_layout(fold(query.query)))) for query in queries)
    return [(query, other) for query, other in pairs if other.query != fold(query.query)]


def glued(queries: Iterable[JudgedQuery]) -> list[tuple[JudgedQuery, JudgedQuery]]:
    """Each query with neighbouring words of four letters or more, beside itself without a space between two such."""
    pairs = ((query, replace(query, query=_with_choice(query.query, _PAIR, lambda *_: ""))) for query in queries)
    return [(query, wrong) for query, wrong in pairs if wrong.query != query.query]


def parted(queries: Iterable[JudgedQuery]) -> list[tuple[JudgedQuery, JudgedQuery]]:
    """Each query that has a word of five letters or more, beside itself with a space within one of those words."""
    pairs = ((query, replace(query, query=_with_choice(query.query, _WORD, _in_two))) for query in queries)
    return [(query, wrong) for query, wrong in pairs if wrong.query != query.query]


def mistyped(queries: Iterable[JudgedQuery]) -> list[tuple[JudgedQuery, JudgedQuery]]:
    """Each query that has a word of five letters or more, beside itself with one typo in one of those words."""
    pairs = ((query, replace(query, query=with_typo(query.query))) for query in queries)
    return [(query, wrong) for query, wrong in pairs if wrong.query != query.query]


def polite(queries: Iterable[JudgedQuery]) -> list[tuple[JudgedQuery, JudgedQuery]]:
    """Each query of a language that has such phrases, beside itself between a greeting and thanks."""
    known = [query for query in queries if query.lang in _POLITE]
    return [(query, replace(query, query=_POLITE[query.lang].format(query.query))) for query in known]


def with_typo(text: str) -> str:
    """The text with one letter left out, doubled, swapped with the next or replaced, in a word of five letters or more.

    A text without such a word comes back as it is.
    """
    return _with_choice(text, _WORD, _misspelt)


def _with_choice(text: str, what: re.Pattern[str], change: Callable[[str, random.Random], str]) -> str:
    """The text with one of the places that fit a pattern changed."""
    places = [match.span() for match in what.finditer(text)]
    if not places:
        return text
    draw = random.Random(f"{SEED} {text}")
    start, end = draw.choice(places)
    return text[:start] + change(text[start:end], draw) + text[end:]


def _in_two(word: str, draw: random.Random) -> str:
    place = draw.randrange(2, len(word) - 1)
    return f"{word[:place]} {word[place:]}"


def _misspelt(word: str, draw: random.Random) -> str:
    wrong = word
    while wrong == word:
        wrong = _edit(word, draw)
    return wrong


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
