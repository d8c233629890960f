"""What a snapshot knows of words: which it holds, in which languages, and which are meant by a misspelt one.

Takes surface words, gives facts about them; `understand` makes a query out of these. A word that only passages hold
which the caller may not hear of is as unknown as one that none holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.lexical import LexicalIndex
from kbsearch.index.spelling import Correction, SpellingIndex
from kbsearch.text import stems
from kbsearch.text.analyze import protected_terms
from kbsearch.text.cyrillic import to_cyrillic
from kbsearch.text.language import LanguageDetector
from kbsearch.text.normalise import fold
from kbsearch.text.synonyms import Thesaurus
from kbsearch.text.tags import primary
from kbsearch.text.words import words

# A stem this short is shared by words that have nothing to do with each other, so it makes no word a known one.
SHORT_STEM = 3
T = TypeVar("T")
_CYRILLIC = frozenset({"be", "bg", "kk", "mk", "ru", "sr", "uk"})

Flags = NDArray[np.bool_]
# Words whose facts are remembered, each with the languages that read it.
MOST_REMEMBERED = 20_000
# A word is looked at half a dozen times a query.
stem_terms = lru_cache(maxsize=50_000)(stems.stem_terms)


@dataclass(frozen=True, slots=True)
class WordFacts:
    """What the collection knows of a word that some languages read."""

    held: bool
    """Any passage holds its form or a stem of it in any of the languages."""
    written: tuple[str, ...]
    """The languages in which the collection writes this very word; looked up only where it is not held."""
    doubtful: bool
    """It is held, yet all that speaks for it is a short stem."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """A snapshot's words, and the editor's words about them."""

    detector: LanguageDetector
    """Of the languages that the collection has."""
    any_detector: LanguageDetector
    """Of the languages that a question may be asked in."""
    lexical: LexicalIndex
    spelling: SpellingIndex
    thesaurus: Thesaurus
    protected: frozenset[str]
    """Folded words that nobody misspelt, whatever they look like."""
    _facts: dict[tuple[str, tuple[str, ...]], WordFacts] = field(default_factory=dict)
    _near: dict[tuple[str, tuple[str, ...]], Correction | None] = field(default_factory=dict)

    def speaks(self, lang: str) -> bool:
        """Whether the collection has documents in the language, of any region."""
        return any(primary(lang) == primary(own) for own in (*self.detector.languages, *self.detector.undetected))

    def stems(self, word: str, lang: str) -> tuple[str, ...]:
        """The stem terms of a word, that of the whole word first; of a protected word, the one form it has."""
        if self.protected and fold(word) in self.protected:
            return protected_terms(word)[:1]
        return stem_terms(word, lang)

    def facts(self, word: str, langs: tuple[str, ...], heard: Flags | None) -> WordFacts:
        """What is known of a word."""

        def look_up() -> WordFacts:
            held = self.held([word], langs, heard)[0]
            return WordFacts(
                held=held,
                written=() if held else self.languages_of(word, heard),
                doubtful=held and self._is_doubtful(word, langs, heard),
            )

        return _remember(self._facts, (word, langs), look_up) if heard is None else look_up()

    def held(self, surface: Sequence[str], langs: Sequence[str], heard: Flags | None) -> list[bool]:
        """Of each word, whether any passage holds its form or a stem of it in any of the languages."""
        stems = [self.stems(word, lang) for word in surface for lang in langs]
        known = self.lexical.known((term for terms in stems for term in terms), heard).tolist()
        flags: list[bool] = []
        place = 0
        for start in range(0, len(stems), len(langs)):
            count = sum(map(len, stems[start : start + len(langs)]))
            flags.append(any(known[place : place + count]))
            place += count
        return flags

    def languages_of(self, word: str, heard: Flags | None) -> tuple[str, ...]:
        """The languages in which the collection writes this very word, whatever its case and diacritics."""
        forms = self.spelling.forms_of(word)
        return tuple(dict.fromkeys(lang for form, lang in forms if self.held([form], [lang], heard)[0]))

    def correct(
        self, word: str, langs: tuple[str, ...], allowed: Flags | None, heard: Flags | None, *, known_stem: bool
    ) -> Correction | None:
        """The word that was probably meant.

        `known_stem`: the collection holds a short stem of the word; then only a slip of the fingers that leads to
        another stem counts.
        """
        if fold(word) in self.protected:  # nobody misspelt it
            return None

        def look_up() -> Correction | None:
            return self.spelling.correct(word, langs, lambda form, lang: self.held([form], [lang], heard)[0])

        near = _remember(self._near, (word, langs), look_up) if heard is None else look_up()
        if near is None or not self.held([near.word], langs, allowed)[0]:
            return None
        if known_stem and (not near.is_slip or _shared_stem(word, near.word, langs)):
            return None
        return near

    def _is_doubtful(self, word: str, langs: Sequence[str], heard: Flags | None) -> bool:
        """Whether all that speaks for a word that is held is a short stem."""
        if len(word) <= SHORT_STEM + 1 or not word.isalpha():
            return False
        # The mark of its kind is a term's first letter.
        stems = {stem_terms(word, lang)[0] for lang in langs}
        long = [stem for stem in stems if len(stem) > SHORT_STEM + 1]
        if len(long) == len(stems) or self.lexical.known(long, heard).any():
            return False
        return not self.languages_of(word, heard)

    def in_cyrillic(self, text: str, langs: Sequence[str], heard: Flags | None) -> tuple[str, tuple[str, ...]]:
        """A text in Latin letters with the words that stand for Cyrillic ones spelt so, and the languages to read it.

        A word that the collection holds as it is typed stays. Where most of the others make known words of a language
        that was not thought of, it becomes the first.
        """
        cyrillic = [lang for lang in self.detector.languages if lang in _CYRILLIC]
        if not cyrillic or not text.isascii():
            return text, tuple(langs)
        places = words(text)
        typed = [word.text for word in places]
        latin = [lang for lang in langs if lang not in cyrillic]
        meant = [to_cyrillic(word.lower()) if word.isalpha() else word for word in typed]
        plain = self.held(typed, (*latin, *cyrillic), heard) if typed else []
        unknown = [place for place, known in enumerate(plain) if not known]
        if not unknown:
            return text, tuple(langs)
        best, count = max(
            ((lang, sum(self.held([meant[place] for place in unknown], [lang], heard))) for lang in cyrillic),
            key=lambda item: item[1],
        )
        if best not in langs and not (2 * count > len(unknown) and 2 * len(unknown) > len(typed)):
            return text, tuple(langs)
        pieces, end = [], 0
        for place in unknown:
            pieces += [text[end : places[place].start], meant[place]]
            end = places[place].end
        return "".join([*pieces, text[end:]]), (best, *(lang for lang in langs if lang != best))


def _remember(
    memory: dict[tuple[str, tuple[str, ...]], T], key: tuple[str, tuple[str, ...]], find: Callable[[], T]
) -> T:
    """What was found for a key before, or is found now. Forgets everything when it is full."""
    try:
        return memory[key]
    except KeyError:
        if len(memory) >= MOST_REMEMBERED:
            memory.clear()
        memory[key] = value = find()
        return value


def _shared_stem(one: str, other: str, langs: Sequence[str]) -> bool:
    return any(stem_terms(one, lang)[0] == stem_terms(other, lang)[0] for lang in langs)
