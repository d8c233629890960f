"""Language of a text as probabilities; the only module that uses langdetect (its n-gram profiles).

Takes text, gives `LanguageGuess`es. Imported by the indexer (documents without a language) and the engine (a prior for
the query's languages).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import log
from typing import Final

import numpy as np

from kbsearch.text.normalise import fold

PLAUSIBLE_LANGUAGES: Final = tuple(
    "en lv lt et pl ru uk de fr es it pt nl sv da nb fi cs sk hu ro bg el hr sl tr".split()
)
_PROFILE_OF: Final = {"nb": "no", "nn": "no", "zh": "zh-cn"}
_SMOOTHING: Final = 0.5 / 10_000
_TEMPERATURE: Final = 1.5
_MAX_LENGTH: Final = 2_000


@dataclass(frozen=True, slots=True)
class LanguageGuess:
    """A language code and how likely it is, among the languages considered."""

    lang: str
    probability: float


class LanguageDetector:
    """Tells the considered languages of a text apart."""

    def __init__(self, languages: Sequence[str]) -> None:
        self.languages = tuple(dict.fromkeys(languages))
        profiles = [_frequencies(lang) for lang in self.languages]
        grams = sorted({gram for plain, folded in profiles for gram in (*plain, *folded)})
        self._rows = {gram: row for row, gram in enumerate(grams)}
        self._plain = np.full((len(grams), len(profiles)), log(_SMOOTHING), dtype=np.float32)
        self._folded = self._plain.copy()
        for column, both in enumerate(profiles):
            for table, profile in zip((self._plain, self._folded), both, strict=True):
                for gram, share in profile.items():
                    table[self._rows[gram], column] = log(_SMOOTHING + share)

    def detect(self, text: str) -> list[LanguageGuess]:
        """Return the considered languages, best first; nothing for a text without letters."""
        grams = _grams(text[:_MAX_LENGTH])
        rows = [row for gram in grams if (row := self._rows.get(gram)) is not None]
        if not rows:
            return []
        table = self._folded if text.isascii() else self._plain
        score = table[rows].sum(axis=0) / _TEMPERATURE
        chance = np.exp(score - score.max())
        chance /= chance.sum()
        order = np.argsort(-chance, kind="stable")
        return [LanguageGuess(self.languages[i], float(chance[i])) for i in order]


def _grams(text: str) -> list[str]:
    grams = []
    for word in "".join(c if c.isalpha() else " " for c in text.lower()).split():
        bounded = f" {word} "
        grams += word
        grams += [bounded[i : i + 2] for i in range(len(bounded) - 1)]
        grams += [bounded[i : i + 3] for i in range(len(bounded) - 2)]
    return grams


def _frequencies(lang: str) -> tuple[dict[str, float], dict[str, float]]:
    path = files("langdetect") / "profiles" / _PROFILE_OF.get(lang, lang)
    profile = json.loads(path.read_text(encoding="utf-8"))
    plain: dict[str, float] = {}
    folded: dict[str, float] = {}
    for gram, count in profile["freq"].items():
        share = count / profile["n_words"][len(gram) - 1]
        for table, key in ((plain, gram), (folded, fold(gram))):
            table[key] = table.get(key, 0.0) + share
    return plain, folded
