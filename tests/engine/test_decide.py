"""Answer, list or hand over: each branch with its reasons, and more evidence never ends in a hand-over."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsearch.decide import NOTHING_IN_COMMON, Evidence, decide
from kbsearch.types import Action

GOOD = Evidence(
    found=5, score=0.8, lexical=0.9, similarity=0.7, title_equal=False, language_match=True, words_known=1.0
)
SHARE = st.floats(0, 1)
EVIDENCE = st.builds(
    Evidence,
    found=st.integers(1, 50),
    score=SHARE,
    lexical=SHARE,
    similarity=SHARE,
    title_equal=st.booleans(),
    language_match=st.booleans(),
    words_known=SHARE,
)


def test_a_title_that_says_what_was_asked_is_an_answer() -> None:
    """The plainest case is decided, surely and with its reason."""
    decision = decide(replace(GOOD, title_equal=True))
    assert decision.action is Action.ANSWER
    assert decision.confidence >= 0.9
    assert decision.reasons == ("The title says exactly what was asked.",)


def test_results_without_calibration_are_listed() -> None:
    """A good score alone is no answer before a language is calibrated."""
    decision = decide(GOOD)
    assert decision.action is Action.LIST
    assert not decision.calibrated
    assert len(decision.reasons) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"language_match": False}, "another language"),
        ({"words_known": 0.5}, "Some of the words typed are not in the knowledge base"),
    ],
)
def test_a_list_says_what_is_weak_about_it(change: dict[str, object], said: str) -> None:
    """Each weakness is a reason of its own."""
    decision = decide(replace(GOOD, **change))
    assert decision.action is Action.LIST
    assert said in decision.reasons[-1]


@pytest.mark.parametrize(
    "evidence",
    [
        replace(GOOD, found=0, score=0.0),
        replace(GOOD, score=NOTHING_IN_COMMON - 0.01),
    ],
    ids=["nothing found", "nothing in common"],
)
def test_nothing_close_is_handed_over(evidence: Evidence) -> None:
    """No results, or none that has anything to do with the question."""
    decision = decide(evidence)
    assert decision.action is Action.HAND_OVER
    assert "Nothing in the knowledge base is close to this question." in decision.reasons


def test_a_hand_over_says_that_no_word_is_known() -> None:
    """A question wholly outside the knowledge base is told apart from one that merely scores low."""
    nothing = replace(GOOD, found=0, score=0.0)
    assert "none of the words" in decide(replace(nothing, words_known=0.0)).reasons[-1]
    assert len(decide(nothing).reasons) == 1


@given(EVIDENCE)
def test_every_decision_has_a_reason_and_a_confidence_in_range(evidence: Evidence) -> None:
    """Whatever the evidence."""
    decision = decide(evidence)
    assert decision.reasons
    assert all(reason.endswith(".") for reason in decision.reasons)
    assert 0.0 <= decision.confidence <= 1.0


@given(EVIDENCE, EVIDENCE)
def test_more_evidence_never_turns_a_list_into_a_hand_over(some: Evidence, other: Evidence) -> None:
    """Raising every figure keeps an answer or a list from becoming a hand-over."""
    more = Evidence(
        found=max(some.found, other.found),
        score=max(some.score, other.score),
        lexical=max(some.lexical, other.lexical),
        similarity=max(some.similarity, other.similarity),
        title_equal=some.title_equal or other.title_equal,
        language_match=some.language_match or other.language_match,
        words_known=max(some.words_known, other.words_known),
    )
    if decide(some).action is not Action.HAND_OVER:
        assert decide(more).action is not Action.HAND_OVER
    if decide(some).action is Action.ANSWER:
        assert decide(more).action is Action.ANSWER
