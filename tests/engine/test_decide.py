"""Answer, list or hand over: each branch with its reasons, and more evidence never ends in less."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsearch.calibrate import as_json
from kbsearch.decide import (
    FEATURES,
    NOTHING_IN_COMMON,
    UNKNOWN_WORDS,
    Calibration,
    LanguageCalibration,
    Logistic,
    decide,
    read_calibration,
)
from kbsearch.types import Action, Evidence

SHARE = st.floats(0, 1)
EVIDENCE = st.builds(Evidence, **dict.fromkeys(FEATURES, SHARE))
ORDER = (Action.HAND_OVER, Action.LIST, Action.ANSWER)

ENGLISH = LanguageCalibration(
    questions=200,
    answerable=150,
    answered=60,
    wrong=1,
    bound=2 / 61,
    upper95=0.077,
    answer_from=0.9,
    hand_over_below=0.2,
    curve=((0.9, 0.4, 1 / 60),),
)
# No threshold kept the limit in Latvian.
LATVIAN = replace(ENGLISH, answered=0, wrong=0, bound=1.0, answer_from=2.0)
RIGHT = Logistic(
    centre=tuple(0.5 for _ in FEATURES),
    scale=tuple(0.25 for _ in FEATURES),
    weights=tuple(1.0 for _ in FEATURES),
    intercept=0.0,
)
# Any of the results is right rather than the first one.
CALIBRATION = Calibration(
    error=0.05, right=RIGHT, listed=replace(RIGHT, intercept=1.0), languages={"en": ENGLISH, "lv": LATVIAN}
)


def evidence(value: float, **changes: Any) -> Evidence:
    """All parts alike, but for the changes."""
    return Evidence(**(dict.fromkeys(FEATURES, value) | changes))


def test_the_probability_is_the_logistic_of_the_weighted_evidence() -> None:
    """By hand: every part half a scale above its centre adds 1 to the log-odds a part, here 2 of them."""
    lifted = evidence(0.5, score=0.75, title=0.75)
    parts = RIGHT.parts(lifted)
    assert RIGHT.probability(parts) == pytest.approx(1 / (1 + math.exp(-2.0)))
    assert parts[FEATURES.index("score")] == pytest.approx(1.0)


def test_a_sure_result_is_an_answer_with_the_measured_error_beside_it() -> None:
    """The reasons name what speaks for it and what was measured."""
    decision = decide(evidence(1.0), "en", CALIBRATION)
    assert (decision.action, decision.calibrated) == (Action.ANSWER, True)
    assert decision.confidence >= ENGLISH.answer_from
    assert decision.reasons[-1] == "Of 60 test questions answered this surely, 1 were answered wrongly."
    assert len(decision.reasons) == 3


@pytest.mark.parametrize(
    ("lang", "value", "action", "said"),
    [
        ("en", 0.5, Action.LIST, ""),
        ("en", 0.1, Action.HAND_OVER, "Hardly any question this far"),
        ("lv", 1.0, Action.LIST, "did not allow answers with 5% wrong"),
        ("lv", 0.1, Action.HAND_OVER, "Hardly any question this far"),
    ],
)
def test_each_threshold_decides(lang: str, value: float, action: Action, said: str) -> None:
    """Between them: list. Where no threshold keeps the limit: never an answer, and it is said why."""
    decision = decide(evidence(value), lang, CALIBRATION)
    assert decision.action is action
    assert decision.calibrated
    assert said in decision.reasons[0]


@pytest.mark.parametrize("lang", ["lt", ""])
@pytest.mark.parametrize("calibration", [None, CALIBRATION], ids=["nothing calibrated", "other languages only"])
def test_a_language_without_calibration_is_listed(lang: str, calibration: Calibration | None) -> None:
    """However sure it seems, and it is said."""
    decision = decide(evidence(1.0), lang, calibration)
    assert (decision.action, decision.calibrated) == (Action.LIST, False)
    assert decision.reasons[0].startswith("Not calibrated for")
    assert "list only" in decision.reasons[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"language_match": 0.0}, "another language"),
        ({"words_known": 0.5}, "Some of the words are nowhere in the knowledge base"),
    ],
)
def test_a_list_says_what_is_weak_about_it(change: dict[str, Any], said: str) -> None:
    """Each weakness is a reason of its own."""
    assert said in decide(evidence(1.0, **change), "lt").reasons[-1]


def test_nothing_close_is_handed_over_without_calibration_too() -> None:
    """A question wholly outside the knowledge base is told apart from one that merely scores low."""
    low = evidence(0.5, score=NOTHING_IN_COMMON + UNKNOWN_WORDS / 2 - 0.01)
    handed = decide(low, "lt")
    assert (handed.action, handed.probability) == (Action.HAND_OVER, low.score)
    assert handed.confidence == pytest.approx(1.0 - (NOTHING_IN_COMMON - 0.01))
    assert handed.reasons == ("Nothing in the knowledge base is close to this question.",)
    assert decide(replace(low, words_known=0.7), "lt").action is Action.LIST
    # In a language that the collection lacks they could not be known.
    assert decide(low, "lt", spoken=False).action is Action.LIST
    assert "None of the words" in decide(replace(low, words_known=0.0), "lt").reasons[-1]


@pytest.mark.parametrize("calibration", [None, CALIBRATION])
def test_nothing_found_is_handed_over(calibration: Calibration | None) -> None:
    """Surely."""
    decision = decide(None, "en", calibration)
    assert (decision.action, decision.confidence) == (Action.HAND_OVER, 1.0)


@pytest.mark.parametrize("value", [0.1, 0.9, 1.0])
def test_unknown_words_alone_are_never_answered(value: float) -> None:
    """However near something seems to a question of which no word means anything here."""
    decision = decide(evidence(value, words_known=0.0), "en", CALIBRATION)
    assert decision.action is not Action.ANSWER
    assert "None of the words" in decision.reasons[0]
    assert not any("Some of the words" in reason for reason in decision.reasons)


def test_whether_anything_answers_is_not_whether_the_first_result_does() -> None:
    """A question that several articles come near is not handed over because none stands out; its probability is that
    of the first one, and a hand-over is as sure as that none of them is right.
    """
    only = tuple(float(name == "similarity") for name in FEATURES)
    learnt = replace(CALIBRATION, listed=replace(RIGHT, weights=only))
    near, far = evidence(0.2, similarity=0.6), evidence(0.2, similarity=0.1)
    assert decide(near, "en", learnt).action is Action.LIST
    decision = decide(far, "en", learnt)
    assert decision.action is Action.HAND_OVER
    assert decision.probability == RIGHT.probability(RIGHT.parts(far))
    assert decision.confidence == pytest.approx(1 - 1 / (1 + math.exp(1.6)))
    assert decision.reasons[1] == "Nothing is close in meaning."


@given(EVIDENCE, st.sampled_from(["en", "lv", "lt", ""]))
def test_every_decision_has_a_reason_and_a_confidence_in_range(given_evidence: Evidence, lang: str) -> None:
    """Whatever the evidence."""
    decision = decide(given_evidence, lang, CALIBRATION)
    assert decision.reasons
    assert all(reason.endswith(".") for reason in decision.reasons)
    assert 0.0 <= decision.confidence <= 1.0


@given(EVIDENCE, EVIDENCE, st.sampled_from(["en", "lv", "lt"]))
def test_more_evidence_never_ends_in_less(some: Evidence, other: Evidence, lang: str) -> None:
    """Raising every figure never turns an answer into a list, nor a list into a hand-over."""
    more = Evidence(**{name: max(getattr(some, name), getattr(other, name)) for name in FEATURES})
    before, after = (decide(one, lang, CALIBRATION).action for one in (some, more))
    assert ORDER.index(after) >= ORDER.index(before)


def test_a_calibration_is_read_as_it_was_written() -> None:
    """And one of another version, or of other evidence, is refused."""
    written = orjson.loads(orjson.dumps(as_json(CALIBRATION)))
    assert read_calibration(written) == CALIBRATION
    for change in ({"format": 0}, {"features": ["score"]}):
        with pytest.raises(ValueError, match="another version"):
            read_calibration(written | change)


@pytest.mark.parametrize("name", [field.name for field in fields(LanguageCalibration) if field.name != "curve"])
@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_calibration_with_a_number_missing_is_refused(name: str, value: float | None) -> None:
    """JSON writes null for what is no number; a search that met it would fail."""
    written = orjson.loads(orjson.dumps(as_json(CALIBRATION)))
    written["languages"]["en"][name] = value
    with pytest.raises((TypeError, ValueError), match=r"not NoneType|not finite"):
        read_calibration(written)


@pytest.mark.parametrize(
    "change",
    [{"intercept": None}, {"weights": [math.nan] * len(FEATURES)}, {"centre": [None] * len(FEATURES)}],
    ids=lambda change: next(iter(change)),
)
@pytest.mark.parametrize("model", ["right", "listed"])
def test_a_model_with_a_number_missing_is_refused(model: str, change: dict[str, Any]) -> None:
    """So are points of the curve."""
    written = orjson.loads(orjson.dumps(as_json(CALIBRATION)))
    with pytest.raises((TypeError, ValueError)):
        read_calibration(written | {model: written[model] | change})
    written["languages"]["lv"]["curve"] = [[0.9, None, 0.0]]
    with pytest.raises(TypeError):
        read_calibration(written)
