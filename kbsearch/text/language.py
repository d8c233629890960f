"""Language of a text as probabilities; the only module that uses langdetect, for its n-gram profiles.

Takes text, gives `LanguageGuess`es. Imported by the indexer (documents without a language) and the engine (a prior
over the languages of a query).

langdetect estimates by random sampling, which gives short queries another answer on each run. Here its profiles
are evaluated exactly: the log-probability of every 1- to 3-letter gram is added up for each language, for the text
as typed, without diacritics, and, where a language is written in Cyrillic, for Latin letters read back into it.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from math import exp
from operator import add, itemgetter
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from kbsearch.text.cyrillic import to_cyrillic
from kbsearch.text.normalise import fold
from kbsearch.text.stopwords import stop_words

PLAUSIBLE_LANGUAGES: Final[tuple[str, ...]] = (
    "en", "lv", "lt", "et", "pl", "ru", "uk", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "cs", "sk",
    "hu", "ro", "bg", "el", "hr", "sl", "tr",
)  # fmt: skip

# Chosen on half of the labelled queries of benchmarks/language.py, with and without diacritics (accuracy, then log
# loss); the other half is what its table shows.
_SMOOTHING: Final = 3e-5  # share given to a gram the profile has not; langdetect's profiles end between 1e-5 and 1e-4
_GRAM_WEIGHTS: Final = (0.5, 0.5, 1.0)  # of 1, 2 and 3 letters: short grams repeat what the long ones say
_FUNCTION_WORD: Final = 12.0  # nats for each word on the language's stop list: few letters, but decisive
_NAME: Final = 0.25  # weight of a capitalised word within a sentence: product names are the same in every language
_FOLDING_COST: Final = 2.0  # nats: a text without diacritics is likelier in a language that has none
_LATIN_COST: Final = 8.0  # nats: few customers type Cyrillic with Latin letters
_TEMPERATURE: Final = 6.0  # overlapping grams repeat the same evidence about this many times
_MAX_LENGTH: Final = 2_000
_MAX_MEMO: Final = 150_000  # words times languages, some 15 MB

_PROFILE_OF: Final = {"nb": "no", "nn": "no", "zh": "zh-cn"}
_ADDRESS: Final = re.compile(r"(?:https?://|www\.)\S+|[-_.0-9A-Za-z]{1,64}@[-_.0-9A-Za-z]{1,255}")
_CODE: Final = re.compile(r"\b(?:[^\W\d_]{1,3}-)?[^\W_]*\d[\w-]*")  # E07, P-104, 24/7
_DIGIT: Final = re.compile(r"\d")
_CEDILLA: Final = str.maketrans("șțȘȚ", "şţŞŢ")  # the Romanian profile knows the older letters

_TYPED, _FOLDED, _LATIN = range(3)
"""How a word may be read; the first index of its evidence."""
_FIRST_ROW: Final = len(_GRAM_WEIGHTS)
"""The rows of the table before it are those of grams that no profile has, by length."""


Evidence = list[list[float]]
"""Log-probabilities of a word [reading, language]."""


class _Rows(dict[str, int]):
    """Rows by gram; a gram that no profile has takes the row of its length."""

    def __missing__(self, gram: str) -> int:
        return len(gram) - 1


class _Profile(TypedDict):
    freq: dict[str, int]
    n_words: list[int]


@dataclass(frozen=True, slots=True)
class LanguageGuess:
    """A language and its probability among the languages considered."""

    lang: str
    probability: float


class LanguageDetector:
    """Tells the given languages apart; a language without a profile is never guessed."""

    def __init__(self, languages: Sequence[str]) -> None:
        known = {lang: profile for lang in languages if (profile := _profile(lang)) is not None}
        self.languages = tuple(known)
        self.undetected = tuple(lang for lang in languages if lang not in known)
        # Rows of `_log` for the grams as they stand in the profiles, and for those without diacritics.
        self._rows, self._log = _table(list(known.values()))
        self._cyrillic = [_is_cyrillic(profile) for profile in known.values()]
        self._latin = any(self._cyrillic)
        self._function_words = _function_words(self.languages)
        self._memo: dict[str, Evidence | None] = {}

    def detect(self, text: str) -> list[LanguageGuess]:
        """Return the languages, best first, probabilities summing to 1; nothing if the text has no known letter."""
        return [LanguageGuess(lang, probability) for lang, probability in self.probabilities(text).items()]

    def probabilities(self, text: str) -> dict[str, float]:
        """Return the same as the probability of each language."""
        if not self.languages:
            return {}
        runs = _letters(text[:_MAX_LENGTH])
        lowered = [run.lower() for run in runs]
        found = self._evidence(lowered)
        if runs != lowered and any(run[0].islower() for run in runs):
            found = [
                [[_NAME * nats for nats in reading] for reading in of_word]
                if of_word is not None and place and run[0].isupper()
                else of_word
                for place, (run, of_word) in enumerate(zip(runs, found, strict=True))
            ]
        evidence = [of_word for of_word in found if of_word is not None]
        if not evidence:
            return {}
        nats = _sums(evidence, _TYPED)
        # With any diacritic in place the customer types them, and their absence elsewhere tells too.
        if "".join(runs).isascii():
            folded = _sums(evidence, _FOLDED)
            nats = [max(typed, other - _FOLDING_COST) for typed, other in zip(nats, folded, strict=True)]
            if self._latin:
                latin = zip(nats, _sums(evidence, _LATIN), self._cyrillic, strict=True)
                nats = [max(typed, other - _LATIN_COST) if cyrillic else typed for typed, other, cyrillic in latin]
        best = max(nats)
        weights = [exp((value - best) / _TEMPERATURE) for value in nats]
        whole = sum(weights)
        guesses = zip(self.languages, [weight / whole for weight in weights], strict=True)
        return dict(sorted(guesses, key=itemgetter(1), reverse=True))

    def _evidence(self, words: Sequence[str]) -> list[Evidence | None]:
        """Return the evidence of lower-case words, None for one without a known gram."""
        # Another thread may replace the memo at any moment, so it is read once.
        memo = self._memo
        try:
            return [memo[word] for word in words]
        except KeyError:
            unseen = [word for word in dict.fromkeys(words) if word not in memo]
        # None is left where another thread has just met the same words.
        if unseen:
            if (len(memo) + len(unseen)) * len(self.languages) > _MAX_MEMO:
                self._memo = memo = {word: memo[word] for word in words if word in memo}
            memo.update(zip(unseen, self._compute(unseen), strict=True))
        return [memo[word] for word in words]

    def _compute(self, words: Sequence[str]) -> list[Evidence | None]:
        """Evaluate words that were not met before, all in one look into the table."""
        look_up = self._rows.__getitem__
        rows: list[int] = []
        starts: list[int] = []

        def spell(spelling: str) -> int:
            starts.append(len(rows))
            rows.extend(map(look_up, _grams(spelling)))
            return len(starts) - 1

        typed = [spell(word) for word in words]
        folded = [typed[place] if word.isascii() else spell(fold(word)) for place, word in enumerate(words)]
        latin = [to_cyrillic(word) if self._latin and word.isascii() else "" for word in words]
        read_back = [spell(spelling) if spelling else typed[place] for place, spelling in enumerate(latin)]
        sums = np.add.reduceat(self._log[np.asarray(rows)], starts)
        # Letters that Cyrillic writes as one would otherwise make its reading the likelier one.
        scale = [(len(word) + 1) / (len(spelling or word) + 1) for word, spelling in zip(words, latin, strict=True)]
        gain = self._function_words
        nothing = gain[""]
        gained = np.asarray([gain.get(fold(word), nothing) for word in words])
        gained_latin = np.asarray([gain.get(spelling, nothing) for spelling in latin])
        evidence = np.empty((len(words), 3, len(self.languages)), dtype=np.float32)
        evidence[:, _TYPED] = sums[typed, 0] + gained
        evidence[:, _FOLDED] = sums[folded, 1] + gained
        evidence[:, _LATIN] = sums[read_back, 0] * np.asarray(scale, np.float32)[:, None] + gained_latin
        known = (np.maximum.reduceat(rows, starts) >= _FIRST_ROW).tolist()
        # A few words are added up sooner as numbers of Python than as arrays.
        listed: list[Evidence] = evidence.tolist()
        return [
            of_word if known[typed[place]] or known[folded[place]] else None for place, of_word in enumerate(listed)
        ]


@lru_cache(maxsize=1)
def plausible_detector() -> LanguageDetector:
    """Tell all plausible languages apart. Made once: its table takes 0.4 s."""
    return LanguageDetector(PLAUSIBLE_LANGUAGES)


def _sums(evidence: Sequence[Evidence], reading: int) -> list[float]:
    """What all words together say for each language, read in one way."""
    return list(map(sum, zip(*[of_word[reading] for of_word in evidence], strict=True)))


def _letters(text: str) -> list[str]:
    """Return the runs of letters that speak for a language, as typed, after langdetect's rules.

    Addresses, codes and acronyms are dropped, and Latin words (product names) in a text mostly of another script.
    """
    # Most queries are letters and spaces.
    if not text.replace(" ", "").isalpha():
        if "@" in text or "//" in text or "www." in text:
            text = _ADDRESS.sub(" ", text)
        if _DIGIT.search(text):
            text = _CODE.sub(" ", text)
        text = "".join(c if c.isalpha() else " " for c in text)
    if text.isascii():
        runs = text.split()
    else:
        runs = text.translate(_CEDILLA).split()
        other = [run for run in runs if run[0] >= "\u0370"]
        if other and 3 * sum(map(len, other)) > 2 * sum(map(len, runs)):
            runs = other
    # No word is in capitals where no letter is one.
    return runs if text.islower() else [run for run in runs if len(run) < 2 or not run.isupper()] or runs


def _grams(word: str) -> list[str]:
    bounded = f" {word} "
    pairs = list(map(add, bounded, bounded[1:]))
    return [*word, *pairs, *map(add, pairs, bounded[2:])]


def _shares(profile: _Profile, spell: Callable[[str], str]) -> dict[str, float]:
    """Return each gram's share among the grams of its length, grams that `spell` makes equal merged."""
    shares: dict[str, float] = {}
    for gram, count in profile["freq"].items():
        spelt = spell(gram)
        shares[spelt] = shares.get(spelt, 0.0) + count / profile["n_words"][len(gram) - 1]
    return shares


def _table(profiles: Sequence[_Profile]) -> tuple[dict[str, int], NDArray[np.float32]]:
    """Return each gram's row, and weighed log-probabilities [row, 0 as typed | 1 folded, language]."""
    tables = [[_shares(profile, str.lower) for profile in profiles], [_shares(profile, fold) for profile in profiles]]
    # Folding makes longer ones of a few ("ß" is "ss"); no word has those.
    known = {gram for spelt in tables for shares in spelt for gram in shares if len(gram) <= len(_GRAM_WEIGHTS)}
    grams = sorted(known)
    chances = np.zeros((_FIRST_ROW + len(grams), len(tables), len(profiles)))
    for place in range(chances[0].size):
        variant, column = divmod(place, len(profiles))
        shares = tables[variant][column]
        chances[_FIRST_ROW:, variant, column] = [shares.get(gram, 0.0) for gram in grams]
    lengths = [*range(_FIRST_ROW), *(len(gram) - 1 for gram in grams)]
    weights = np.array(_GRAM_WEIGHTS)[lengths]
    table = np.log(chances + _SMOOTHING) * weights[:, None, None]
    return _Rows((gram, row) for row, gram in enumerate(grams, _FIRST_ROW)), table.astype(np.float32)


def _function_words(languages: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """Return what each folded function word says for each language; "" is any other word."""
    listed = [stop_words(lang) for lang in languages]
    gains = {word: [_FUNCTION_WORD * (word in of_language) for of_language in listed] for word in set().union(*listed)}
    gains[""] = [0.0] * len(languages)
    return {word: np.asarray(gained, dtype=np.float32) for word, gained in gains.items()}


def _is_cyrillic(profile: _Profile) -> bool:
    letters = {gram: count for gram, count in profile["freq"].items() if len(gram) == 1}
    return 2 * sum(count for gram, count in letters.items() if "\u0400" <= gram < "\u0530") > sum(letters.values())


def _profile(lang: str) -> _Profile | None:
    name = _PROFILE_OF.get(lang, lang)
    path = files("langdetect") / "profiles" / name
    if not name.replace("-", "").isalnum() or not path.is_file():
        return _profile(lang.partition("-")[0]) if "-" in lang else None
    profile: _Profile = json.loads(path.read_text(encoding="utf-8"))
    return profile
