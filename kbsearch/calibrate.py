"""Fit the decision on judged questions: how sure the engine must be before it answers, for each language.

1. Every question is searched; the evidence for the best result, whether that result is right, and whether any of the
   ten is, are noted.
2. Two logistic models with weights that cannot be negative learn the probabilities of both (ridge penalty).
3. Probabilities for thresholds come from models that have not seen the question's topic: ten folds by topic, so that
   a translation of a question never helps to judge it (cross-fitting).
4. (wrong + 1) / (answered + 1) bounds the expected share of wrong answers among the next ones (conformal risk control,
   Angelopoulos et al., 2022), where the questions to come are like those judged. A language's own questions are too few
   to see its rare wrong answers, so that PRIOR answers with the bound of all languages together count beside them
   (empirical Bayes). Its threshold is the lowest at which the mean of the two stays within the accepted error.
5. Handed over is what fewer than one in twenty of the questions with their answer among the results falls below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import beta

from kbsearch.amounts import amount
from kbsearch.decide import FEATURES, Calibration, LanguageCalibration, Logistic
from kbsearch.engine import Engine
from kbsearch.errors import SourceError, UsageError
from kbsearch.evaluate import Judged, JudgedQuery, run_queries
from kbsearch.index.arrays import Flags
from kbsearch.text.tags import primary
from kbsearch.types import Evidence
from kbsearch.version import CALIBRATION_FORMAT

FOLDS = 10
# About as many answers as a language of sample_kb gives, so that its own and those of all languages weigh alike.
PRIOR = 50
RIDGE = 10.0
# Share of the answerable questions, with their article among the results, that may be handed over.
HANDED_OVER = 0.05
# Below this a quantile of 5 % is the luck of one question.
FEWEST_QUESTIONS = 40
CURVE_POINTS = 20
_NOTHING = Evidence(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sample:
    """Judged questions as arrays, aligned."""

    evidence: Floats
    """Shape (questions, features)."""
    right: Flags
    """The best result answers the question."""
    listed: Flags
    """The answer is among the results."""
    answerable: Flags
    lang: NDArray[np.str_]
    topic: NDArray[np.int64]


def calibrate(engine: Engine, queries: Sequence[JudgedQuery], error: float) -> tuple[Calibration, dict[str, int]]:
    """Search for every question and fit; besides, the languages that are left out: how many answerable ones each has.

    Raises UsageError, and SourceError where they teach nothing.
    """
    if not 0.0 < error < 1.0:
        raise UsageError(f"The accepted error {error} is no share; give one between 0 and 1, such as 0.05.", "error")
    sample = sample_of(run_queries(engine, queries))
    return fit(sample, error), {lang: n for lang, n in _answerable(sample).items() if n < FEWEST_QUESTIONS}


def sample_of(judged: Sequence[Judged]) -> Sample:
    """Evidence and truth of every question."""
    relevant = [[item.relevant.get(name, 0) > 0 for name in item.ranking] for item in judged]
    return Sample(
        evidence=np.asarray([astuple(item.outcome.evidence or _NOTHING) for item in judged], dtype=np.float64),
        right=np.asarray([bool(flags and flags[0]) for flags in relevant]),
        listed=np.asarray([any(flags) for flags in relevant]),
        answerable=np.asarray([item.query.answerable for item in judged]),
        lang=np.asarray([primary(item.query.lang or item.outcome.detected_lang) for item in judged]),
        topic=np.asarray([crc32(topic_of(item).encode()) for item in judged], dtype=np.int64),
    )


def fit(sample: Sample, error: float) -> Calibration:
    """The model and each language's thresholds."""
    if sample.right.all() or not sample.right.any():
        kind = "wrong" if sample.right.all() else "right"
        raise SourceError(
            f"Of {amount(len(sample.right), 'question')} none was answered {kind}, so there is nothing to tell apart; "
            'give questions of both kinds, and mark some "answerable": false.'
        )
    fold = sample.topic % FOLDS
    folds = np.unique(fold)
    if len(folds) < 2:
        raise SourceError(
            f"The {len(sample.right)} questions are about too few articles: none can be judged by a model that has not "
            "seen its article; give questions about more articles."
        )
    # Where every question has its answer among the results, how near an answer is not can only be told from its rank.
    listed = sample.right if sample.listed.all() else sample.listed
    right_unseen, listed_unseen = (_unseen(sample.evidence, truth, fold) for truth in (sample.right, listed))
    risk = _risk_above(right_unseen, sample.right)
    languages = {
        lang: _thresholds(right_unseen, listed_unseen, sample, sample.lang == lang, error, risk)
        for lang, answerable in _answerable(sample).items()
        if answerable >= FEWEST_QUESTIONS
    }
    right, any_listed = (_logistic(sample.evidence, truth) for truth in (sample.right, listed))
    return Calibration(error, right, any_listed, languages)


def as_json(calibration: Calibration) -> dict[str, Any]:
    """What a snapshot keeps; `read_calibration` is the inverse."""
    return {"format": CALIBRATION_FORMAT, "features": FEATURES, **asdict(calibration)}


def _answerable(sample: Sample) -> dict[str, int]:
    """How many questions of each language can be answered."""
    return {str(lang): int(sample.answerable[sample.lang == lang].sum()) for lang in np.unique(sample.lang)}


def _unseen(evidence: Floats, truth: Flags, fold: NDArray[np.int64]) -> Floats:
    """The probability of each question by a model of the questions in all other folds."""
    unseen = np.empty(len(truth))
    for number in np.unique(fold):
        held_out = fold == number
        unseen[held_out] = _probabilities(_logistic(evidence[~held_out], truth[~held_out]), evidence[held_out])
    return unseen


def _logistic(evidence: Floats, truth: Flags) -> Logistic:
    """Weights ≥ 0 of the penalised maximum likelihood."""
    centre, scale = evidence.mean(axis=0), evidence.std(axis=0) + 1e-9
    inputs = (evidence - centre) / scale
    sign = np.where(truth, 1.0, -1.0)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        logits = inputs @ parameters[1:] + parameters[0]
        wrongness = -sign / (1.0 + np.exp(sign * logits))
        gradient = np.concatenate([[wrongness.sum()], inputs.T @ wrongness + RIDGE * parameters[1:]])
        penalty = RIDGE / 2 * float(parameters[1:] @ parameters[1:])
        return float(np.logaddexp(0.0, -sign * logits).sum()) + penalty, gradient

    start = np.zeros(inputs.shape[1] + 1)
    bounds = [(None, None), *[(0.0, None)] * inputs.shape[1]]
    intercept, *weights = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x.tolist()
    return Logistic(tuple(centre.tolist()), tuple(scale.tolist()), tuple(weights), intercept)


def _probabilities(model: Logistic, evidence: Floats) -> Floats:
    weights = np.asarray(model.weights) / model.scale
    probabilities: Floats = 1.0 / (1.0 + np.exp(-((evidence - model.centre) @ weights + model.intercept)))
    return probabilities


def _risk_above(probability: Floats, right: Flags) -> Callable[[Floats], Floats]:
    """How often the next answer is wrong that is given from some probability on, all languages together."""
    order = np.argsort(-probability, kind="stable")
    descending, wrong = -probability[order], np.cumsum(~right[order])

    def risk(threshold: Floats) -> Floats:
        count = np.searchsorted(descending, -threshold, side="right")
        return np.asarray((wrong[count - 1] + 1) / (count + 1))

    return risk


def _thresholds(
    right_unseen: Floats,
    listed_unseen: Floats,
    sample: Sample,
    chosen: Flags,
    error: float,
    risk: Callable[[Floats], Floats],
) -> LanguageCalibration:
    order = np.argsort(-right_unseen[chosen], kind="stable")
    probability, right = right_unseen[chosen][order], sample.right[chosen][order]
    answerable = sample.answerable[chosen][order]
    count, wrong = np.arange(1, len(right) + 1), np.cumsum(~right)
    bound = (wrong + 1 + PRIOR * risk(probability)) / (count + 1 + PRIOR)
    # Questions of equal probability are answered together or not at all.
    complete = np.append(np.diff(probability) < 0.0, True)
    kept = np.flatnonzero((bound <= error) & complete)
    answered = int(kept[-1]) + 1 if kept.size else 0
    place = answered - 1
    below = float(probability[answered]) if answered < len(probability) else 0.0
    low = np.sort(listed_unseen[chosen & sample.listed])
    steps = np.unique(np.linspace(1, len(right), CURVE_POINTS).astype(int)) - 1
    total = max(1, int(answerable.sum()))
    return LanguageCalibration(
        questions=len(right),
        answerable=int(answerable.sum()),
        answered=answered,
        wrong=int(wrong[place]) if answered else 0,
        bound=float(bound[place]) if answered else 1.0,
        upper95=_upper95(int(wrong[place]), answered) if answered else 1.0,
        # Half way to the first question that is not answered.
        answer_from=(float(probability[place]) + below) / 2 if answered else 2.0,
        hand_over_below=float(low[int(HANDED_OVER * len(low))]) if len(low) else 0.0,
        curve=tuple(
            (float(probability[step]), float(answerable[: step + 1].sum() / total), float(wrong[step] / count[step]))
            for step in steps
        ),
    )


def _upper95(wrong: int, answered: int) -> float:
    return 1.0 if wrong == answered else float(beta.ppf(0.95, wrong + 1, answered - wrong))


def topic_of(item: Judged) -> str:
    """The article asked for; of a question without one, its id without the language that it begins with."""
    if item.relevant:
        return min(item.relevant)
    return item.query.id.removeprefix(f"{item.query.lang}-")
