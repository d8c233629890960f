"""What a snapshot knows of words: which it holds, in which languages, and which are meant by a misspelt one.

Takes surface words, gives facts about them; `understand` makes a query out of these. A word that only passages hold
which the caller may not hear of is as unknown as one that none holds: what is known of words is remembered for each
group of callers by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain, pairwise, zip_longest
from operator import eq
from typing import Any, TypeVar

from kbsearch.index.arrays import Flags
from kbsearch.index.lexical import LexicalIndex
from kbsearch.index.spelling import Correction, SpellingIndex
from kbsearch.text import stems
from kbsearch.text.analyze import COMPOUNDING, is_stop_word, protected_terms, rest_of_stop_word, terms_of_word
from kbsearch.text.cyrillic import to_cyrillic, with_soft_sign
from kbsearch.text.digraphs import HAVE_DIGRAPHS, without_digraphs
from kbsearch.text.keyboard import has_cyrillic, in_other_layout
from kbsearch.text.language import LanguageDetector
from kbsearch.text.normalise import fold
from kbsearch.text.synonyms import Thesaurus
from kbsearch.text.tags import one_region_each, primary
from kbsearch.text.words import put_in, surfaces, words

# A stem this short is shared by words that have nothing to do with each other, so it makes no word a known one.
SHORT_STEM = 3
# A longer run of letters is no two words that somebody forgot to part.
LONGEST_PARTED = 24
K = TypeVar("K", bound=tuple[Any, ...])
T = TypeVar("T")
_CYRILLIC = frozenset({"be", "bg", "kk", "mk", "ru", "sr", "uk"})

# Words of which is remembered what languages make of them, or what callers may know of them.
MOST_REMEMBERED = 20_000
# A word is looked at half a dozen times a query.
stem_terms = lru_cache(maxsize=50_000)(stems.stem_terms)


@dataclass(frozen=True, slots=True)
class ReadWord:
    """A word as the languages of a query read it, whatever the collection holds."""

    text: str
    is_stop: bool
    """It is a stop word of the first of the languages."""
    terms: Mapping[str, float]
    """Its index terms, each with the weight of a typed word, 1."""
    rest: Mapping[str, float]
    """What is left of them where this is a stop word and other words carry the query."""
    stems: tuple[str, ...]
    """In each language the stem term of the whole word."""
    begins_phrase: bool
    """In any of the languages a phrase that has synonyms begins with it."""
    is_protected: bool


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
    """Of the languages of what the caller may know of."""
    any_detector: LanguageDetector
    """Of the languages that a question may be asked in."""
    lexical: LexicalIndex
    """A term that only passages hold which the caller may not know of is unknown to it."""
    spelling: SpellingIndex
    thesaurus: Thesaurus
    protected: frozenset[str]
    """Folded words that nobody misspelt, whatever they look like."""
    heard: Flags | None = None
    """The passages that the caller may know of, whatever his filters; None means all."""
    _read: dict[tuple[str, tuple[str, ...]], ReadWord] = field(default_factory=dict)
    _facts: dict[tuple[str, tuple[str, ...]], WordFacts] = field(default_factory=dict)
    _near: dict[tuple[str, tuple[str, ...]], Correction | None] = field(default_factory=dict)
    _parted: dict[tuple[str], str] = field(default_factory=dict)
    _joined: dict[tuple[str, str], bool] = field(default_factory=dict)

    def for_callers(self, heard: Flags | None, detector: LanguageDetector) -> Lexicon:
        """The same for callers who may know of these passages, in the languages that `detector` tells apart."""
        lexical = self.lexical if heard is None else self.lexical.for_callers(heard)
        return replace(
            self, detector=detector, lexical=lexical, heard=heard, _facts={}, _near={}, _parted={}, _joined={}
        )

    def with_thesaurus(self, thesaurus: Thesaurus) -> Lexicon:
        """The same with other words of the editor's."""
        return replace(self, thesaurus=thesaurus, _read={})

    def speaks(self, lang: str) -> bool:
        """Whether the collection has documents in the language, of any region."""
        own = primary(lang)
        return own in map(primary, self.detector.languages) or own in map(primary, self.detector.undetected)

    def read(self, words: Sequence[str], langs: tuple[str, ...]) -> list[ReadWord]:
        """Words as these languages, of which there is at least one, read them."""
        return [_remember(self._read, (word, langs), self._read_word) for word in words]

    def stems(self, word: str, lang: str) -> tuple[str, ...]:
        """The stem terms of a word, that of the whole word first; of a protected word, the one form it has."""
        if self.protected and fold(word) in self.protected:
            return protected_terms(word)[:1]
        return stem_terms(word, lang)

    def facts(self, word: str, langs: tuple[str, ...]) -> WordFacts:
        """What is known of a word."""
        return _remember(self._facts, (word, langs), self._look_up)

    def held(self, surface: Sequence[str], langs: Sequence[str]) -> list[bool]:
        """Of each word, whether any passage holds its form or a stem of it in any of the languages."""
        return self._held_among(surface, langs, None)

    def holds_whole(self, word: str, langs: Sequence[str]) -> bool:
        """Whether any passage holds the whole word's stem in any of the languages; a part of it is not enough."""
        return bool(self.lexical.known([self.stems(word, lang)[0] for lang in langs]).any())

    def languages_of(self, word: str) -> tuple[str, ...]:
        """The languages in which the collection writes this very word, whatever its case and diacritics."""
        return tuple(dict.fromkeys(lang for form, lang in self.spelling.forms_of(word) if self.held([form], [lang])[0]))

    def correct(
        self, word: str, langs: tuple[str, ...], allowed: Flags | None, *, known_stem: bool
    ) -> Correction | None:
        """The word that was probably meant.

        `allowed`: the passages that may be found. `known_stem`: the collection holds a short stem of the word; then
        only a slip of the fingers that leads to another stem counts.
        """
        if fold(word) in self.protected:  # nobody misspelt it
            return None
        near = _remember(self._near, (word, langs), self._nearest)
        # What is near is held by what the caller may know of.
        if near is None or (allowed is not self.heard and not self._held_among([near.word], langs, allowed)[0]):
            return None
        if known_stem and (not near.is_slip or _shared_stem(word, near.word, langs)):
            return None
        return near

    def _read_word(self, word: str, langs: tuple[str, ...]) -> ReadWord:
        return ReadWord(
            text=word,
            is_stop=is_stop_word(word, langs[0]),
            terms=dict.fromkeys(terms_of_word(word, langs, self.protected), 1.0),
            rest=dict.fromkeys(rest_of_stop_word(word, langs, self.protected), 1.0),
            stems=tuple(self.stems(word, lang)[0] for lang in langs),
            begins_phrase=any(self.thesaurus.begins(word, lang) for lang in langs),
            is_protected=fold(word) in self.protected,
        )

    def _look_up(self, word: str, langs: tuple[str, ...]) -> WordFacts:
        held = self.held([word], langs)[0]
        return WordFacts(
            held=held,
            written=() if held else self.languages_of(word),
            doubtful=held and self._is_doubtful(word, langs),
        )

    def _nearest(self, word: str, langs: tuple[str, ...]) -> Correction | None:
        return self.spelling.correct(word, langs, lambda form, lang: self.held([form], [lang])[0])

    def _held_among(self, surface: Sequence[str], langs: Sequence[str], passages: Flags | None) -> list[bool]:
        stems = [[term for lang in langs for term in self.stems(word, lang)] for word in surface]
        known = self.lexical.known(chain.from_iterable(stems), passages).tolist()
        flags: list[bool] = []
        place = 0
        for of_word in stems:
            flags.append(any(known[place : place + len(of_word)]))
            place += len(of_word)
        return flags

    def _is_doubtful(self, word: str, langs: Sequence[str]) -> bool:
        """Whether all that speaks for a word that is held is a short stem."""
        if len(word) <= SHORT_STEM + 1 or not word.isalpha():
            return False
        # The mark of its kind is a term's first letter.
        stems = {stem_terms(word, lang)[0] for lang in langs}
        long = [stem for stem in stems if len(stem) > SHORT_STEM + 1]
        if len(long) == len(stems) or self.lexical.known(long).any():
            return False
        return not self.languages_of(word)

    def in_cyrillic(self, text: str, langs: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """A text in Latin letters with the words that stand for Cyrillic ones spelt so, and the languages to read it.

        A word that the collection holds as it is typed stays. Where most of the others make known words of a language
        that was not thought of, it becomes the first.
        """
        cyrillic = _alphabets(self.detector.languages)[1][True]
        if not cyrillic or not text.isascii():
            return text, langs
        places = words(text)
        typed = [word.text for word in places]
        latin = [lang for lang in langs if lang not in cyrillic]
        plain = self.held(typed, (*latin, *cyrillic))
        meant = {place: self._in_cyrillic(typed[place], cyrillic) for place, known in enumerate(plain) if not known}
        if not meant:
            return text, langs
        best, count = max(
            ((lang, sum(self.held(list(meant.values()), [lang]))) for lang in cyrillic),
            key=lambda item: item[1],
        )
        if 2 * count > len(meant) and 2 * len(meant) > len(typed):
            # Words of any language look like its stop words: "ne", "on".
            spelt = {place: to_cyrillic(word.lower()) for place, word in enumerate(typed) if word.isalpha()}
            meant = {place: word for place, word in spelt.items() if is_stop_word(word, best)} | meant
        elif best not in langs:
            return text, langs
        text = put_in(text, ((places[place].start, places[place].end, meant[place]) for place in sorted(meant)))
        return text, (best, *(lang for lang in langs if lang != best))

    def _in_cyrillic(self, word: str, langs: Sequence[str]) -> str:
        """A word in Latin letters as Cyrillic spells it, with a soft sign, or a 4 read as ч, where that makes a word of
        the collection."""
        letters = word.lower().replace("4", "ch")
        if not letters.isalpha():
            return word
        spelt = to_cyrillic(letters)
        known = (other for other in (spelt, *with_soft_sign(spelt)) if self.holds_whole(other, langs))
        return next(known, spelt if word.isalpha() else word)

    def without_digraphs(self, text: str) -> str:
        """A text in plain letters, its unknown words with one letter for each two that stand for it.

        One of them at least becomes a word that the collection holds so, and no short one: the text stays otherwise.
        """
        if not text.isascii() or without_digraphs(text) == text:  # most are
            return text
        langs = [lang for lang in self.detector.languages if primary(lang) in HAVE_DIGRAPHS]
        if not langs:
            return text
        meant = {word: without_digraphs(word) for word in surfaces(text) if word.isalpha()}
        changed = [word for word, other in meant.items() if other != word]
        unknown = {
            word
            for word, known in zip(changed, self.held(changed, self.detector.languages), strict=True)
            if not known and fold(word) not in self.protected
        }
        if not any(len(meant[word]) > SHORT_STEM and self.holds_whole(meant[word], langs) for word in unknown):
            return text
        return put_in(text, ((w.start, w.end, meant[w.text]) for w in words(text) if w.text in unknown))

    def in_other_layout(self, text: str) -> str | None:
        """A text whose unknown words are what the same keys write in the other alphabet; None where the collection
        holds less than half of those.

        One of them has four letters at least: shorter ones come about by chance.
        """
        collection, of_alphabet = _alphabets(self.detector.languages, self.detector.undetected)
        langs = of_alphabet[not has_cyrillic(text)]
        if not langs:
            return None
        typed, others = text.split(" "), in_other_layout(text).split(" ")
        stays = [all(self.holds_whole(part, collection) for part in surfaces(word)) for word in typed]
        meant = [word if known else other for word, other, known in zip(typed, others, stays, strict=True)]
        changed = " ".join(other for other, known in zip(others, stays, strict=True) if not known)
        content = [word.text for word in self.read(surfaces(changed), langs) if not word.is_stop]
        lengths = [len(word) for word, held in zip(content, self.held(content, langs), strict=True) if held]
        return " ".join(meant) if 2 * len(lengths) >= len(content) and max(lengths, default=0) > SHORT_STEM else None

    def respaced(self, text: str, unknown: AbstractSet[str], whole: Collection[str]) -> str:
        """A text with a space left out where that makes a word of the collection of two, and put in where it makes two.

        Only at `unknown` words that are not protected; those that are also among `whole` are not parted.
        """
        surface = surfaces(text)
        unknown = {word for word in unknown if fold(word) not in self.protected}
        parted = {word: _remember(self._parted, (word,), self._part) for word in unknown if word not in whole}
        near = [pair for pair in pairwise(surface) if not unknown.isdisjoint(pair)]
        joined = {pair for pair in near if _remember(self._joined, pair, self._join)}
        if not joined and all(map(eq, parted, parted.values())):  # most texts
            return text
        places = words(text)
        pieces: list[tuple[int, int, str]] = []
        for word, following in zip_longest(places, places[1:]):
            if pieces and word.start < pieces[-1][1]:  # joined with the one before
                continue
            if following and (word.text, following.text) in joined and text[word.end : following.start] == " ":
                pieces.append((word.start, following.end, word.text + following.text))
            elif word.text in parted:
                pieces.append((word.start, word.end, parted[word.text]))
        return put_in(text, pieces)

    def _join(self, first: str, second: str) -> bool:
        """Whether two words are one that the collection writes."""
        return (first + second).isalpha() and bool(self.languages_of(first + second))

    def _part(self, word: str) -> str:
        """Two words of one language that a passage holds both, or this one where there are none: the most even pair."""
        cuts = range(SHORT_STEM + 1, len(word) - SHORT_STEM) if len(word) <= LONGEST_PARTED and word.isalpha() else ()
        for cut in sorted(cuts, key=lambda cut: abs(2 * cut - len(word))):
            pair = word[:cut], word[cut:]
            if any(self._belong(*pair, lang) for lang in self.languages_of(pair[0])):
                return " ".join(pair)
        return word

    def _belong(self, first: str, second: str, lang: str) -> bool:
        # Where words are compounds anyway, their parts are index terms.
        if primary(lang) in COMPOUNDING or is_stop_word(first, lang) or is_stop_word(second, lang):
            return False
        both = lang in self.languages_of(second)
        return both and self.lexical.together(self.stems(first, lang)[0], self.stems(second, lang)[0], self.heard)


def _remember(memory: dict[K, T], key: K, find: Callable[..., T]) -> T:
    """What was found for a key, the arguments of `find`, or is found now. Forgets everything when it is full."""
    try:
        return memory[key]
    except KeyError:
        if len(memory) >= MOST_REMEMBERED:
            memory.clear()
        memory[key] = value = find(*key)
        return value


@lru_cache
def _alphabets(*languages: tuple[str, ...]) -> tuple[tuple[str, ...], Mapping[bool, tuple[str, ...]]]:
    """One region of each language, and whether Cyrillic → those of them that are."""
    each = tuple(one_region_each(chain(*languages)))
    return each, {
        cyrillic: tuple(lang for lang in each if (primary(lang) in _CYRILLIC) == cyrillic) for cyrillic in (True, False)
    }


def _shared_stem(one: str, other: str, langs: Sequence[str]) -> bool:
    return any(stem_terms(one, lang)[0] == stem_terms(other, lang)[0] for lang in langs)
