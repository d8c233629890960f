"""Index terms of words, passages and queries.

Takes normalised text and language codes, gives terms for BM25. Imported by the index builder (`passage_terms`) and
the engine (`query_terms`); both go through `word_terms`, so the two sides cannot disagree.

A term is a kind mark and letters. "Pasūtījumu" in Latvian gives
    ~pasut    the folded stem: any inflection, and the verb beside its noun
    ^pasu     the folded first letters: whatever the stemmer got wrong
    =pasūtī   the first letters as typed: lifts the form with its diacritics above the form without
    +tiju …   some inner letters: words with a typo, and parts of compounds
Chosen by measurement (title to body, 8 languages): full 4-grams find no more in Latvian, Lithuanian and English, and
cost four times as many postings.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from pathlib import Path
from typing import Final
from zlib import crc32

from kbsearch.text.normalise import fold
from kbsearch.text.stem import LANGUAGES, STEMMER_VERSION, stem
from kbsearch.text.stopwords import is_stop
from kbsearch.text.tags import primary
from kbsearch.text.words import surfaces

__all__ = [
    "ANALYZER_VERSION",
    "COMPOUNDING",
    "HEADING_WEIGHT",
    "LANGUAGES",
    "TAG_WEIGHT",
    "TITLE_WEIGHT",
    "is_stop_word",
    "new_word_terms",
    "passage_terms",
    "protected_terms",
    "query_terms",
    "terms_of",
    "word_terms",
]

# Questions of the sample help centre, mean reciprocal rank: 72.2 without repeats, 73.3 at 3 and 2, 73.8 here.
TITLE_WEIGHT: Final = 4
HEADING_WEIGHT: Final = 2
TAG_WEIGHT: Final = 2
_STEM, _START, _TYPED, _INNER = "~", "^", "=", "+"

_START_LETTERS: Final = 4  # 5 finds as much with correct spelling and a point less with typos
_TYPED_LETTERS: Final = 6  # the whole form would weigh rare inflections above rare words: 1.5 points lost
_TYPED_LETTERS_PLAIN: Final = 7

# Languages that write compounds as one word: every inner 5-gram, so that "karte" finds "Kreditkarte".
COMPOUNDING: Final = frozenset({"da", "de", "et", "fi", "hu", "is", "nb", "nl", "nn", "no", "sv"})
_COMPOUND_GRAM: Final = 5
# Elsewhere inner letters only serve typos, and a sample of them does: the same quarter on both sides, by checksum.
_TYPO_GRAM: Final = 4
_TYPO_SAMPLE: Final = 4
# Little inflection and short words: the sample loses more than it finds, and one more typed letter tells.
_PLAIN: Final = frozenset({"en"})

_PIECE: Final = re.compile(r"[^\W_]+")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_DIGITS: Final = re.compile(r"\d+")
_CODE_LETTERS: Final = 3
_BETWEEN_DIGITS: Final = re.compile(r"(?<=\d)[.,:/](?=\d)")
_MARKS: Final = re.compile(r"(?<!\d)[^\w]|[^\w./]|[./](?!\d)|_")
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")  # scripts without word spaces
_MAX_PIECES: Final = 12  # of an address


def passage_terms(title: str, headings: str, body: str, lang: str) -> list[str]:
    """Return the bag of terms of one passage; words of title and headings count several times."""
    terms: list[str] = []
    for text, weight in ((title, TITLE_WEIGHT), (headings, HEADING_WEIGHT), (body, 1)):
        for surface in surfaces(text) * weight:
            terms += word_terms(surface, lang)
    return terms


def query_terms(text: str, langs: Sequence[str], protected: AbstractSet[str] = frozenset()) -> list[str]:
    """Return the terms of a query read in each plausible language (best first), each once, in order of appearance.

    Stop words of the first language are dropped, unless there is nothing else. A dropped word typed with diacritics
    leaves its typed form behind, so that "kā" still ranks above "ka". `protected`: folded words that have one form.
    """
    return terms_of(surfaces(text), langs, protected)


def terms_of(typed: Sequence[str], langs: Sequence[str], protected: AbstractSet[str] = frozenset()) -> list[str]:
    """Return the same for the surface words of a query."""
    languages = tuple(langs) or ("",)
    alone = all(is_stop_word(word, languages[0]) for word in typed)
    terms: dict[str, None] = {}
    for word in typed:
        dropped = not alone and is_stop_word(word, languages[0])
        terms.update(dict.fromkeys((rest_of_stop_word if dropped else terms_of_word)(word, languages, protected)))
    return list(terms)


def terms_of_word(word: str, langs: tuple[str, ...], protected: AbstractSet[str]) -> Iterable[str]:
    """Return the terms of one word of a query."""
    return protected_terms(word) if protected and fold(word) in protected else _terms_in(word, langs)


def rest_of_stop_word(word: str, langs: tuple[str, ...], protected: AbstractSet[str]) -> Iterable[str]:
    """Return the terms that a stop word leaves behind where other words carry the query."""
    if protected and fold(word) in protected:
        return protected_terms(word)
    return () if word.isascii() or fold(word) == word.lower() else (_typed_term(word.lower(), langs[0]),)


@lru_cache(maxsize=50_000)
def _terms_in(word: str, langs: tuple[str, ...]) -> dict[str, None]:
    return dict.fromkeys(term for lang in langs for term in word_terms(word, lang))


def protected_terms(word: str) -> tuple[str, ...]:
    """Return the index terms of a protected word: as many as another word's, and none that another word has."""
    folded = fold(word)
    return (f"{_STEM}!{folded}", f"{_START}!{folded}", f"{_TYPED}!{folded}")


@lru_cache(maxsize=50_000)
def is_stop_word(word: str, lang: str) -> bool:
    """Say whether a surface word is a stop word of the language, with or without its diacritics."""
    return is_stop(fold(word), lang)


@lru_cache(maxsize=200_000)
def word_terms(word: str, lang: str) -> tuple[str, ...]:
    """Return the index terms of one surface word in a language; at least one for a word that `words` gives."""
    return new_word_terms(word, lang)


def new_word_terms(word: str, lang: str) -> tuple[str, ...]:
    """Return the same for a word that need not be remembered."""
    lang = primary(lang)  # en-us has the words of en
    lowered = word.lower()
    if lowered.isalpha():  # most words
        return tuple(dict.fromkeys(_joined_terms(lowered, lang)))
    pieces = _PIECE.findall(lowered)
    terms = _joined_terms(_join(lowered, pieces), lang)
    if len(pieces) > 1:  # wi-fi is found by wifi, e-pasts by pasts, P-104 by 104
        terms += (_stem_term(fold(piece), lang) for piece in pieces[:_MAX_PIECES] if len(piece) > 1)
    return tuple(dict.fromkeys(terms))


def _join(lowered: str, pieces: Sequence[str]) -> str:
    """The word without its marks, but for those between digits: 2.1.3 is not 21.3, and 2,4 is 2.4."""
    if len(pieces) > 1 and any(map(str.isdigit, lowered)):
        lowered = _BETWEEN_DIGITS.sub(lambda mark: "/" if mark.group() == "/" else ".", lowered)
        return _MARKS.sub("", lowered)
    return "".join(pieces) or lowered


def _joined_terms(lowered: str, lang: str) -> list[str]:
    folded = fold(lowered)
    if not folded.isalpha() and any(map(str.isdigit, folded)):
        # A code stays whole in every kind: P-104 must not meet P-105. Its letters stand beside it (iOS of iOS16).
        terms = [f"{kind}{folded}" for kind in (_STEM, _START, _TYPED)]
        # So do its digits: E4012 is also written "E 4012".
        letters = _LETTERS.findall(folded)
        terms += [_stem_term(part, lang) for part in letters if len(part) >= _CODE_LETTERS]
        if letters:
            terms += [f"{_STEM}{digits}" for digits in _DIGITS.findall(folded) if len(digits) >= _CODE_LETTERS]
        return terms
    if len(folded) > 2 and not folded.isascii() and _UNSPACED.search(folded):
        return [f"{_STEM}{folded[i : i + 2]}" for i in range(len(folded) - 1)]
    stemmed = stem(folded, lang)
    start = f"{_START}{folded[:_START_LETTERS]}"
    return [f"{_STEM}{stemmed}", start, _typed_term(lowered, lang), *_inner_terms(folded, stemmed, lang)]


def _stem_term(folded: str, lang: str) -> str:
    return f"{_STEM}{stem(folded, lang)}"


def _typed_term(lowered: str, lang: str) -> str:
    return f"{_TYPED}{lowered[: _TYPED_LETTERS_PLAIN if lang in _PLAIN else _TYPED_LETTERS]}"


def _inner_terms(folded: str, stemmed: str, lang: str) -> list[str]:
    if lang in COMPOUNDING:
        return [f"{_INNER}{gram}" for gram in _grams(folded, _COMPOUND_GRAM)]
    if lang in _PLAIN:
        return []
    grams = _grams(stemmed[1:], _TYPO_GRAM)
    return [f"{_INNER}{gram}" for gram in grams if crc32(gram.encode()) % _TYPO_SAMPLE == 0]


def _grams(letters: str, size: int) -> list[str]:
    return [letters[start : start + size] for start in range(len(letters) - size + 1)]


def _version() -> str:
    """Return a fingerprint of everything that decides tokens: these sources, the lists, Snowball, Unicode."""
    digest = hashlib.sha256(f"{STEMMER_VERSION} {unicodedata.unidata_version}".encode())
    folder = Path(__file__).parent
    for path in sorted([*folder.glob("*.py"), *folder.glob("*/*.txt")]):
        digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


ANALYZER_VERSION: Final[str] = _version()
