"""Answer, list, or hand over: a pure function of what the search found and of what calibration learnt.

Calibration (kbsearch/calibrate.py) fits two models and, for each language, two thresholds on judged questions: how
likely the best result is right, so that it may be the answer, and how likely any result is, so that nobody is needed.
A language without them is never answered from: its results are listed, or, where nothing is near, handed over.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from itertools import chain
from operator import attrgetter
from typing import Any

from kbsearch.types import Action, Decision, Evidence
from kbsearch.version import CALIBRATION_FORMAT

# Without calibration: below this neither words nor meaning connect the query with anything, where a query of which no
# word is known, in a language that the collection has, counts that much less. Of the questions of sample_kb that can be
# answered 3 in a hundred lie lower (6 with the static model), of those that cannot 29 (44).
NOTHING_IN_COMMON = 0.15
UNKNOWN_WORDS = 0.1

FEATURES = tuple(field.name for field in fields(Evidence))
_VALUES = attrgetter(*FEATURES)

# What each kind of evidence says when it speaks for the best result most, and when it speaks against it most.
_FOR = {
    "score": "Words and meaning together point to it.",
    "lexical": "It holds the words that were typed.",
    "similarity": "It means what was asked.",
    "title": "Its title says what was typed.",
    "margin": "The next best article is clearly further away.",
    "lead": "No other article comes near it.",
    "relative_margin": "It stands out from the next best article.",
    "lexical_lead": "No other article holds as many of the words.",
    "similarity_lead": "No other article is as close in meaning.",
    "words_known": "The knowledge base knows all the words.",
    "language_match": "It is in the language of the question.",
}
_AGAINST = {
    "score": "Neither words nor meaning point clearly to an article.",
    "lexical": "The best article holds few of the words that were typed.",
    "similarity": "Nothing is close in meaning.",
    "title": "No title says what was typed.",
    "margin": "Another article is almost as near.",
    "lead": "Several articles are almost as near.",
    "relative_margin": "The best article hardly stands out.",
    "lexical_lead": "Other articles hold as many of the words.",
    "similarity_lead": "Other articles are as close in meaning.",
    "words_known": "Some of the words are nowhere in the knowledge base.",
    "language_match": "The best article is in another language.",
}
_NO_WORD_KNOWN = "None of the words typed are in the knowledge base."


@dataclass(frozen=True, slots=True)
class LanguageCalibration:
    """What was measured for one language, on questions that its weights had not seen."""

    questions: int
    answerable: int
    answered: int
    wrong: int
    bound: float
    """The stated error rate: expected share of wrong answers among the next ones, at most."""
    upper95: float
    """Upper end of the one-sided 95 % interval of that share (Clopper and Pearson, 1934)."""
    answer_from: float
    """Answers are given from this probability on; above 1 where no threshold keeps the limit."""
    hand_over_below: float
    curve: tuple[tuple[float, float, float], ...] = ()
    """Points of the risk–coverage curve: threshold, share of the answerable questions answered, share wrong."""

    @property
    def answers(self) -> bool:
        """Whether the data allowed a threshold at all."""
        return self.answer_from <= 1.0


@dataclass(frozen=True, slots=True)
class Logistic:
    """A monotone logistic model over `Evidence`; its figures are aligned with `FEATURES`."""

    centre: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    """Not negative: more evidence never lowers the probability."""
    intercept: float

    def parts(self, evidence: Evidence) -> list[float]:
        """What each kind of evidence adds to the log-odds, aligned with `FEATURES`."""
        return [
            weight * (value - centre) / scale
            for weight, value, centre, scale in zip(
                self.weights, _VALUES(evidence), self.centre, self.scale, strict=True
            )
        ]

    def probability(self, parts: Sequence[float]) -> float:
        """Given the parts of some evidence, 0..1."""
        return 1.0 / (1.0 + math.exp(-(self.intercept + sum(parts))))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was learnt from judged questions, and thresholds by language."""

    error: float
    """The share of wrong answers that the owner accepts."""
    right: Logistic
    """How likely the best result is right."""
    listed: Logistic
    """How likely any of the results is right."""
    languages: Mapping[str, LanguageCalibration]


def read_calibration(given: Mapping[str, Any]) -> Calibration:
    """From the JSON object in a snapshot. Raises KeyError, TypeError and ValueError where it is none."""
    if given["format"] != CALIBRATION_FORMAT or tuple(given["features"]) != FEATURES:
        raise ValueError("it was fitted by another version of kbsearch")
    languages = {
        lang: LanguageCalibration(**{**entry, "curve": tuple(tuple(point) for point in entry["curve"])})
        for lang, entry in given["languages"].items()
    }
    models = {name: _read_logistic(given[name]) for name in ("right", "listed")}
    found = Calibration(float(given["error"]), **models, languages=languages)
    figures = [found.error]
    for model in models.values():
        figures += [*model.centre, *model.scale, *model.weights, model.intercept]
    for learnt in languages.values():
        *thresholds, curve = astuple(learnt)
        figures += [*thresholds, *chain.from_iterable(curve)]
    if not all(map(math.isfinite, figures)):
        raise ValueError("a number in it is not finite")
    return found


def _read_logistic(given: Mapping[str, Any]) -> Logistic:
    arrays = {name: tuple(map(float, given[name])) for name in ("centre", "scale", "weights")}
    return Logistic(**arrays, intercept=float(given["intercept"]))


def decide(
    evidence: Evidence | None,
    lang: str,
    calibration: Calibration | None = None,
    among: int = 1,
    *,
    spoken: bool = True,
) -> Decision:
    """What to do, how sure, and reasons in words that a support manager understands.

    `evidence` is None where nothing was found; `lang` is the language of the question; `among`: of how many searches
    the best will count, so that one of them may come near an article by chance; `spoken`: the collection has articles
    in the language of the question, so that unknown words say that it has nothing of what they mean.
    """
    learnt = calibration.languages.get(lang) if calibration else None
    if evidence is None:
        return Decision(Action.HAND_OVER, 0.0, 1.0, ("Nothing was found for this question.",), learnt is not None)
    if calibration is None or learnt is None:
        return _uncalibrated(evidence, lang, among, spoken)
    parts = calibration.right.parts(evidence)
    probability = calibration.right.probability(parts)
    # A question of which no word means anything here cannot be answered, however near something seems.
    is_understood = evidence.words_known > 0.0
    if learnt.answers and probability >= learnt.answer_from and is_understood:
        ranked = sorted(zip(parts, FEATURES, strict=True), reverse=True)
        strongest = [_FOR[name] for part, name in ranked if part > 0.0]
        stated = f"Of {learnt.answered} test questions answered this surely, {learnt.wrong} were answered wrongly."
        return Decision(Action.ANSWER, probability, probability, (*strongest[:2], stated), calibrated=True)
    parts_of_any = calibration.listed.parts(evidence)
    any_right = calibration.listed.probability(parts_of_any)
    is_far = _by_chance(any_right, among) < learnt.hand_over_below
    weakest = sorted(zip(parts_of_any if is_far else parts, FEATURES, strict=True))
    against = [_AGAINST[name] for part, name in weakest if part < 0.0]
    if not is_understood:
        against = [_NO_WORD_KNOWN, *(reason for reason in against if reason != _AGAINST["words_known"])]
    elif is_far:
        against.insert(0, "Hardly any question this far from every article has its answer here.")
    elif not learnt.answers:
        against.insert(0, f"Test questions in this language did not allow answers with {calibration.error:.0%} wrong.")
    if is_far:
        return Decision(Action.HAND_OVER, probability, 1.0 - any_right, tuple(against[:3]), calibrated=True)
    reasons = tuple(against[:2]) or ("Not sure enough to answer.",)
    return Decision(Action.LIST, probability, probability, reasons, calibrated=True)


def _by_chance(probability: float, among: int) -> float:
    """The probability with its odds divided by the root of the number of searches (measured: benchmarks/tickets.py)."""
    return probability / (probability + (1.0 - probability) * math.sqrt(among))


def _uncalibrated(evidence: Evidence, lang: str, among: int, spoken: bool) -> Decision:
    unknown = 1.0 - evidence.words_known if spoken else 0.0
    near = max(0.0, evidence.score - UNKNOWN_WORDS * unknown)
    if _by_chance(near, among) < NOTHING_IN_COMMON:
        reasons = ["Nothing in the knowledge base is close to this question."]
        if evidence.words_known == 0.0:
            reasons.append(_NO_WORD_KNOWN)
        return Decision(Action.HAND_OVER, evidence.score, 1.0 - near, tuple(reasons), calibrated=False)
    name = f"for “{lang}”" if lang else "for questions of an unknown language"
    reasons = [f"Not calibrated {name}: list only."]
    if evidence.language_match == 0.0:
        reasons.append(_AGAINST["language_match"])
    if evidence.words_known < 1.0:
        reasons.append(_AGAINST["words_known"])
    return Decision(Action.LIST, evidence.score, evidence.score, tuple(reasons), calibrated=False)
