"""What a typed query says: its likely languages, its index terms, its misspelt words.

Takes the query as typed and what the snapshot knows; gives the engine an `Understanding`. The detected language is a
prior that chooses analyzers and breaks ties; it never removes a result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.lexical import LexicalIndex
from kbsearch.index.spelling import SpellingIndex
from kbsearch.text.analyze import is_stop_word, query_terms
from kbsearch.text.language import LanguageDetector
from kbsearch.text.normalise import normalise
from kbsearch.text.stems import stem_terms
from kbsearch.text.words import Word, words

# Short queries are detected badly by anybody; the language of the page that the customer chose weighs more.
INTERFACE_PRIOR = 4.0
# Reading a query as a language it is not in costs a few useless terms; missing its language costs the stems.
PLAUSIBLE = 0.15
MAX_READINGS = 3
# A guessed word must not weigh as much as one that was typed.
CORRECTION_WEIGHT = 0.7


@dataclass(frozen=True, slots=True)
class Understanding:
    """A query made ready for both legs."""

    typed: str
    """Normalised."""
    text: str
    """With corrections applied: what the dense leg reads."""
    content: tuple[str, ...]
    """Words as typed that are no stop words (all words, where every one is)."""
    languages: dict[str, float]
    """Probability by language, likeliest first; empty where nothing can be said."""
    readings: tuple[str, ...]
    """Languages whose analyzers read the query, best first."""
    stems: tuple[tuple[str, ...], ...]
    """The stem terms of each content word, corrected where it is misspelt, in every reading."""
    terms: tuple[str, ...]
    weights: tuple[float, ...]
    unknown: frozenset[str]
    """Content words of which the collection holds neither the form nor any stem."""
    did_you_mean: str | None


def understand(
    query: str,
    interface_lang: str,
    detector: LanguageDetector,
    lexical: LexicalIndex,
    spelling: SpellingIndex,
    allowed: NDArray[np.bool_] | None = None,
    heard: NDArray[np.bool_] | None = None,
) -> Understanding:
    """Read a query. `interface_lang` is where the user is, or "".

    `allowed` flags the passages that may be found, `heard` those that the caller may know of, whatever his filters;
    None means all. A word that only passages out of `heard` hold is as unknown as one that none holds, and no word
    that only passages out of `allowed` hold is offered as a correction.
    """
    text = normalise(query)
    typed = words(text)
    languages = _weigh_languages(text, interface_lang, detector)
    readings = tuple(lang for lang, share in languages.items() if share >= PLAUSIBLE)[:MAX_READINGS]
    readings = readings or tuple(detector.languages[:1])
    # Nothing speaks for or against a language without a profile: it is read too, first where it is the user's own.
    others = [lang for lang in detector.undetected if lang not in readings]
    readings = tuple(sorted((*readings, *others), key=lambda lang: not (lang in others and lang == interface_lang)))
    readings = readings[:MAX_READINGS] or ("",)
    content = [word.text for word in typed if not is_stop_word(word.text, readings[0])]
    content = content or [word.text for word in typed]
    terms = query_terms(text, readings)
    unknown = [word for word in content if not _is_held(word, readings, lexical, heard)]
    nearest = {
        word: spelling.correct(word, readings, lambda form, lang: _is_held(form, (lang,), lexical, heard))
        for word in unknown
    }
    corrections = {
        word: correction.word
        for word, correction in nearest.items()
        if correction and _is_held(correction.word, readings, lexical, allowed)
    }
    extra = dict.fromkeys(
        term
        for word in corrections.values()
        for lang in readings
        for term in stem_terms(word, lang)
        if term not in terms
    )
    corrected = _replace(text, typed, corrections)
    return Understanding(
        typed=text,
        text=corrected,
        content=tuple(content),
        languages=languages,
        readings=readings,
        stems=tuple(tuple(stem_terms(corrections.get(word, word), lang)[0] for lang in readings) for word in content),
        terms=(*terms, *extra),
        weights=(*(1.0 for _ in terms), *(CORRECTION_WEIGHT for _ in extra)),
        unknown=frozenset(unknown),
        did_you_mean=corrected if corrections else None,
    )


def _is_held(word: str, readings: Sequence[str], lexical: LexicalIndex, allowed: NDArray[np.bool_] | None) -> bool:
    """Whether any allowed passage holds the word's form or a stem of it."""
    stems = [term for lang in readings for term in stem_terms(word, lang)]
    return bool(lexical.known(stems, allowed).any())


def _weigh_languages(text: str, interface_lang: str, detector: LanguageDetector) -> dict[str, float]:
    """Detected probabilities times the prior of the interface language, summing to 1."""
    weighed = {
        guess.lang: guess.probability * (INTERFACE_PRIOR if guess.lang == interface_lang else 1.0)
        for guess in detector.detect(text)
    }
    if not weighed:
        return {interface_lang: 1.0} if interface_lang in detector.languages else {}
    total = sum(weighed.values())
    ordered = sorted(weighed.items(), key=lambda item: -item[1])
    return {lang: weight / total for lang, weight in ordered}


def _replace(text: str, typed: Sequence[Word], corrections: dict[str, str]) -> str:
    pieces, end = [], 0
    for word in typed:
        if word.text in corrections:
            pieces += [text[end : word.start], corrections[word.text]]
            end = word.end
    return "".join([*pieces, text[end:]])
