"""Answer, list, or hand over: a pure function of what the search found.

Until a language is calibrated on questions of its own, only the plainest cases are decided: a title that says what was
asked is an answer, nothing in common at all is handed over, everything between is a list.
"""

from __future__ import annotations

from dataclasses import dataclass

from kbsearch.types import Action, Decision

# Below this neither words nor meaning connect the query with anything: among the questions of sample_kb, one in twenty
# that can be answered lies lower, and one in four of those that cannot.
NOTHING_IN_COMMON = 0.15


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the best hit."""

    found: int
    score: float
    """Fused score, 0..1."""
    lexical: float
    """Share of the query's words that the best passage explains, 0..1."""
    similarity: float
    """Closeness in meaning, 0..1."""
    title_equal: bool
    """The title's words are the query's words."""
    language_match: bool
    words_known: float
    """Share of the query's content words that the knowledge base holds anywhere, 0..1."""


def decide(evidence: Evidence) -> Decision:
    """What to do, how sure, and reasons in words that a support manager understands."""
    if evidence.title_equal:
        return Decision(
            Action.ANSWER, max(evidence.score, 0.9), ("The title says exactly what was asked.",), calibrated=False
        )
    if evidence.found == 0 or evidence.score < NOTHING_IN_COMMON:
        reasons = ["Nothing in the knowledge base is close to this question."]
        if evidence.words_known == 0:
            reasons.append("It holds none of the words that were typed.")
        return Decision(Action.HAND_OVER, 1.0 - evidence.score, tuple(reasons), calibrated=False)
    reasons = ["Answers are not calibrated for this language, so results are listed."]
    if not evidence.language_match:
        reasons.append("The best result is in another language.")
    if evidence.words_known < 1.0:
        reasons.append("Some of the words typed are not in the knowledge base.")
    return Decision(Action.LIST, evidence.score, tuple(reasons), calibrated=False)
