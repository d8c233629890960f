"""A generated help centre's text: made-up inflected words with the statistics of real ones.

Words follow Zipf's law (Mandelbrot's form), the commonest are the language's real stop words, lengths are log-normal,
and a passage draws half of its content words from one of a few hundred topics, so that words come in bursts as they
do in real articles. The constants are chosen so that Latvian and Lithuanian texts have as many different words as a
real help centre of the same length, give or take a fifth (tests/benchmarks/test_synthetic.py counts both).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEMMAS = 20_000
TOPICS = 300
TOPIC_LEMMAS = 200
MEDIAN_WORDS = 50  # the mean of the log-normal is then about 60
SPREAD = 0.6
TITLE_WORDS = 5
TOPIC_SHARE = 0.5
# The n-th commonest lemma is as common as (n + _OFFSET)^-_EXPONENT says.
_EXPONENT, _OFFSET = 1.4, 10.0
_TOPIC_OFFSET = 2.7
# A lemma is nearly always met in one or two of its forms: a uniform number to this power leans to the first of them.
_FIRST_FORMS = 16

_ONSETS = ("b", "d", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "st", "tr", "kr", "pl", "gr", "š", "č", "ž")
_VOWELS = {
    lang: tuple(vowels.split(" "))
    for lang, vowels in {
        "lv": "a e i o u ā ē ī ū ie ai au",
        "lt": "a e i o u ė į ų ū ie ai uo",
        "en": "a e i o u ea oo ai ou ee",
    }.items()
}
# The commonest words, as in real text; queries lose them to the stop list as real ones do.
_STOPS = {
    lang: tuple(stops.split(" "))
    for lang, stops in {
        "lv": "un ir ar no uz lai ka kas par vai tiek arī kā pēc to tas pie var bet",
        "lt": "ir į kad iš su yra ar tai kaip nuo prie už bet apie po jei tik",
        "en": "the to and a of in is you your for on or that this with it be can if are from",
    }.items()
}
# A leading space makes an empty ending: English words are often bare.
_ENDINGS = {
    lang: tuple(endings.split(" "))
    for lang, endings in {
        "lv": "s a u am ā i us iem os as ai ām ās t ts šana šanu šanas",
        "lt": "as o ui ą e ai ų ams us uose ė ės ę ti imas imo imui",
        "en": "   s ed ing er ly ment ation",
    }.items()
}


@dataclass(frozen=True, slots=True)
class GeneratedPassage:
    """One passage before analysis."""

    lang: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class GeneratedQuery:
    """What a customer might type: some words of one passage in other inflections."""

    lang: str
    text: str


class Generator:
    """Draws passages and queries of one language; the same seed gives the same text."""

    def __init__(self, lang: str, seed: int, median_words: int = MEDIAN_WORDS) -> None:
        self.lang = lang
        self._median_words = median_words
        self._random = np.random.default_rng([seed, sum(map(ord, lang))])
        self._endings = _ENDINGS[lang]
        self._stops = _STOPS[lang]
        self._stems = self._make_stems()
        stops = len(self._stops)
        self._cumulative = _cumulate((np.arange(1, stops + LEMMAS + 1) + _OFFSET) ** -_EXPONENT)
        self._topic_cumulative = _cumulate(1.0 / (np.arange(1, TOPIC_LEMMAS + 1) + _TOPIC_OFFSET))
        # A topic's words are ordinary ones, common ones in many topics, but no stop words.
        of_stops = self._cumulative[stops - 1]
        drawn = of_stops + (1.0 - of_stops) * self._random.random((TOPICS, TOPIC_LEMMAS))
        self._topics = np.searchsorted(self._cumulative, drawn)

    def passages(self, count: int) -> Iterator[GeneratedPassage]:
        """The next `count` passages."""
        for _ in range(count):
            length = max(8, int(self._random.lognormal(np.log(self._median_words), SPREAD)))
            lemmas = self._lemmas(length + TITLE_WORDS)
            words = self._inflect(lemmas)
            yield GeneratedPassage(self.lang, " ".join(words[:TITLE_WORDS]), " ".join(words[TITLE_WORDS:]))

    def query(self) -> GeneratedQuery:
        """Two to six words of a passage that could have been drawn."""
        lemmas = self._lemmas(int(self._random.integers(2, 7)))
        return GeneratedQuery(self.lang, " ".join(self._inflect(lemmas)))

    def _lemmas(self, count: int) -> NDArray[np.int64]:
        lemmas = np.searchsorted(self._cumulative, self._random.random(count))
        topic = self._topics[self._random.integers(TOPICS)]
        topical = topic[np.searchsorted(self._topic_cumulative, self._random.random(count))]
        of_topic = (self._random.random(count) < TOPIC_SHARE) & (lemmas >= len(self._stops))
        return np.where(of_topic, topical, lemmas)

    def _inflect(self, lemmas: NDArray[np.int64]) -> list[str]:
        ranks = (self._random.random(len(lemmas)) ** _FIRST_FORMS * len(self._endings)).astype(int)
        # Each lemma has its own order of forms.
        endings = (ranks + lemmas) % len(self._endings)
        stops = len(self._stops)
        return [
            self._stops[lemma] if lemma < stops else self._stems[lemma - stops] + self._endings[ending]
            for lemma, ending in zip(lemmas.tolist(), endings.tolist(), strict=True)
        ]

    def _make_stems(self) -> list[str]:
        stems: dict[str, None] = {}
        vowels = _VOWELS[self.lang]
        while len(stems) < LEMMAS:
            syllables = int(self._random.integers(1, 4))
            onsets = self._random.integers(len(_ONSETS), size=syllables + 1)
            cores = self._random.integers(len(vowels), size=syllables)
            stem = "".join(_ONSETS[o] + vowels[v] for o, v in zip(onsets[:-1], cores, strict=True))
            stems[stem + _ONSETS[onsets[-1]]] = None
        return list(stems)


def _cumulate(weights: NDArray[np.floating]) -> NDArray[np.float64]:
    total = np.cumsum(weights, dtype=np.float64)
    shares: NDArray[np.float64] = total / total[-1]
    return shares
