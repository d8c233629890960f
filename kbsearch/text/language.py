"""Language of a text as probabilities; the only module that uses langdetect, for its n-gram profiles.

Takes text, gives `LanguageGuess`es. Imported by the indexer (documents without a language) and the engine (a prior
over the languages of a query).

langdetect estimates by random sampling, which gives short queries another answer on each run. Here its profiles
are evaluated exactly: the log-probability of every 1- to 3-letter gram is added up, gram by gram, for each language.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import log
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from kbsearch.text.normalise import fold
from kbsearch.text.stopwords import is_stop

PLAUSIBLE_LANGUAGES: Final[tuple[str, ...]] = (
    "en", "lv", "lt", "et", "pl", "ru", "uk", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "cs", "sk",
    "hu", "ro", "bg", "el", "hr", "sl", "tr",
)  # fmt: skip

# Chosen on titles and questions in 12 languages, with and without diacritics (accuracy, then log loss).
_SMOOTHING: Final = 1e-5  # share given to a gram the profile has not: a tenth of langdetect's, better on short queries
_FOLDING_COST: Final = 2.0  # nats: a text without diacritics is likelier in a language that has none
_FUNCTION_WORD: Final = 3.0  # nats for each word on the language's stop list: few letters, but decisive
_TEMPERATURE: Final = 4.0  # overlapping grams repeat the same evidence about this many times
_MAX_LENGTH: Final = 2_000
_MAX_MEMO: Final = 50_000

_PROFILE_OF: Final = {"nb": "no", "nn": "no", "zh": "zh-cn"}
_ADDRESS: Final = re.compile(r"(?:https?://|www\.)\S+|[-_.0-9A-Za-z]{1,64}@[-_.0-9A-Za-z]{1,255}")
_CEDILLA: Final = str.maketrans("șțȘȚ", "şţŞŢ")  # the Romanian profile knows the older letters


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
        tables = [[_shares(profile, str.lower), _shares(profile, fold)] for profile in known.values()]
        grams = {gram: row for row, gram in enumerate(sorted({g for both in tables for table in both for g in table}))}
        # [gram, 0 as typed | 1 folded, language]
        self._log = np.full((len(grams), 2, len(known)), log(_SMOOTHING), dtype=np.float32)
        for column, both in enumerate(tables):
            for variant, shares in enumerate(both):
                for gram, share in shares.items():
                    self._log[grams[gram], variant, column] = log(_SMOOTHING + share)
        self._rows = grams
        self._memo: dict[str, NDArray[np.float32] | None] = {}

    def detect(self, text: str) -> list[LanguageGuess]:
        """Return the languages, best first, probabilities summing to 1; nothing if the text has no known letter."""
        typed = _letters(text[:_MAX_LENGTH])
        evidence = [row for word in typed if (row := self._evidence(word)) is not None]
        if not evidence or not self.languages:
            return []
        as_typed, folded = np.add.reduce(evidence)
        # With any diacritic in place the customer types them, and their absence elsewhere tells too.
        plain_ascii = all(word.isascii() for word in typed)
        score = np.maximum(as_typed, folded - _FOLDING_COST) if plain_ascii else as_typed
        chance = np.exp((score - score.max()).astype(np.float64) / _TEMPERATURE)
        chance /= chance.sum()
        order = np.argsort(-chance, kind="stable")
        return [LanguageGuess(self.languages[i], float(chance[i])) for i in order]

    def _evidence(self, word: str) -> NDArray[np.float32] | None:
        """Return log-probabilities [as typed | folded, language] of one lower-case word, memoised."""
        # Another thread may clear the memo at any moment, so it is read once.
        if word in (memo := self._memo):
            return memo[word]
        evidence = self._word_evidence(word)
        if len(memo) >= _MAX_MEMO:
            self._memo = memo = {}
        memo[word] = evidence
        return evidence

    def _word_evidence(self, word: str) -> NDArray[np.float32] | None:
        folded = fold(word)
        rows = self._known_rows(word)
        evidence = self._log[rows].sum(axis=0)
        if folded != word:
            folded_rows = self._known_rows(folded)
            evidence[1] = self._log[folded_rows, 1].sum(axis=0)
            rows += folded_rows
        if not rows:
            return None
        speaks_for = [_FUNCTION_WORD if is_stop(folded, lang) else 0.0 for lang in self.languages]
        return np.asarray(evidence + np.array(speaks_for, dtype=np.float32))

    def _known_rows(self, word: str) -> list[int]:
        return [row for gram in _grams(word) if (row := self._rows.get(gram)) is not None]


def _letters(text: str) -> list[str]:
    """Return the lower-case runs of letters that speak for a language, after langdetect's rules.

    Addresses and acronyms are dropped, and Latin words (product names) in a text mostly of another script.
    """
    if "@" in text or "//" in text or "www." in text:
        text = _ADDRESS.sub(" ", text)
    runs = "".join(c if c.isalpha() else " " for c in text.translate(_CEDILLA)).split()
    if not text.isascii():
        other = [run for run in runs if run[0] >= "\u0370"]
        if 3 * sum(map(len, other)) > 2 * sum(map(len, runs)):
            runs = other
    spoken = [run.lower() for run in runs if len(run) < 2 or not run.isupper()]
    return spoken or [run.lower() for run in runs]


def _grams(word: str) -> list[str]:
    bounded = f" {word} "
    pairs = [bounded[i : i + 2] for i in range(len(bounded) - 1)]
    return [*word, *pairs, *(bounded[i : i + 3] for i in range(len(bounded) - 2))]


def _shares(profile: _Profile, spell: Callable[[str], str]) -> dict[str, float]:
    """Return each gram's share among the grams of its length, grams that `spell` makes equal merged."""
    shares: dict[str, float] = {}
    for gram, count in profile["freq"].items():
        spelt = spell(gram)
        shares[spelt] = shares.get(spelt, 0.0) + count / profile["n_words"][len(gram) - 1]
    return shares


def _profile(lang: str) -> _Profile | None:
    name = _PROFILE_OF.get(lang, lang)
    path = files("langdetect") / "profiles" / name
    if not name.replace("-", "").isalnum() or not path.is_file():
        return _profile(lang.partition("-")[0]) if "-" in lang else None
    profile: _Profile = json.loads(path.read_text(encoding="utf-8"))
    return profile
