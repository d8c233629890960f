"""Index terms of words, passages and queries.

Takes normalised text and language codes, gives terms for BM25. Imported by the index builder (`passage_terms`) and
the engine (`query_terms`): both go through `word_terms`, so they cannot disagree.

A term is a kind mark and a string: "=paroli" the form as typed, "~parol" its stem, "+paro" four letters of it.
"""

import hashlib
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from kbsearch.text.normalise import fold
from kbsearch.text.stem import LANGUAGES, STEMMER_VERSION, stem
from kbsearch.text.stopwords import is_stop
from kbsearch.text.words import surfaces

__all__ = ["ANALYZER_VERSION", "LANGUAGES", "is_stop_word", "passage_terms", "query_terms", "whole_terms", "word_terms"]

_TITLE_WEIGHT: Final = 2
_GRAM: Final = 4


def passage_terms(title: str, headings: str, body: str, lang: str) -> list[str]:
    """Return the bag of terms of one passage; title and headings count `_TITLE_WEIGHT` times."""
    terms: list[str] = []
    for surface in surfaces(f"{title}\n{headings}") * _TITLE_WEIGHT + surfaces(body):
        terms += word_terms(surface, lang)
    return terms


def query_terms(text: str, langs: Sequence[str]) -> list[str]:
    """Return the terms of a query read in each plausible language, each term once, in order of appearance.

    A word is dropped when it is a stop word in the first language, unless every word is.
    """
    typed = surfaces(text)
    content = [w for w in typed if not is_stop_word(w, langs[0])] if langs else typed
    return list(dict.fromkeys(t for w in content or typed for lang in langs or ("",) for t in word_terms(w, lang)))


@lru_cache(maxsize=200_000)
def word_terms(word: str, lang: str) -> tuple[str, ...]:
    """Return the index terms of one surface word in a language."""
    lowered = word.lower()
    folded = fold(word)
    terms = [f"={lowered}", f"~{stem(folded, lang)}"]
    bounded = f"_{folded}_"
    terms += (f"+{bounded[i : i + _GRAM]}" for i in range(len(bounded) - _GRAM + 1))
    return tuple(dict.fromkeys(terms))


def whole_terms(word: str, lang: str) -> tuple[str, ...]:
    """Return the terms that stand for the whole word, its form first, its stem last, and not for parts of it."""
    return tuple(term for term in word_terms(word, lang) if not term.startswith("+"))


def is_stop_word(word: str, lang: str) -> bool:
    """Say whether a surface word is a stop word of the language, with or without its diacritics."""
    return is_stop(fold(word), lang)


def _version() -> str:
    digest = hashlib.sha256(f"{STEMMER_VERSION} {unicodedata.unidata_version}".encode())
    folder = Path(__file__).parent
    for path in sorted([*folder.glob("*.py"), *folder.glob("*/*.txt")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


ANALYZER_VERSION: Final[str] = _version()
