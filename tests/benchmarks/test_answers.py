"""The ways to choose an answer that the product's is compared with do what their names say."""

from __future__ import annotations

import numpy as np

from benchmarks.answers import Case, first_sentences, most_words, nearest_passage, nearest_sentence
from kbsearch.answering import Asked, AskedPassage
from kbsearch.embed.protocol import Vectors
from kbsearch.evaluate import JudgedQuery

# Sentences too long to stand in one answer with another.
PARCEL = f"Parcels wait {'very ' * 50}long."
RETURN = f"Returns wait {'not ' * 60}long."
REFUND = f"Money comes {'back ' * 60}soon."


def case() -> Case:
    """Who asks “returns wait” of two passages; the vectors of the tests are nearest to what speaks of money."""
    text = f"{PARCEL} {RETURN}"
    second = text.index(RETURN)
    places = [(8, 12, 1), (second, second + 7, 0), (second + 8, second + 12, 1)]
    passages = (AskedPassage(0, text, (), frozenset(), places), AskedPassage(1, REFUND, (), frozenset(), ()))
    question = JudgedQuery("q", "returns wait", "en", {"a.en": 1}, True, False, "")
    asked = Asked(passages, [1.0, 1.0], frozenset(), frozenset())
    return Case(question, asked, asked, np.array([1.0], dtype=np.float32), ("x",))


def about_money(texts: tuple[str, ...]) -> Vectors:
    return np.array([[float(text.startswith("Money"))] for text in texts], dtype=np.float32)


def test_each_way_chooses_its_own_sentence():
    """The beginning, the sentence with both words, and what is nearest by meaning."""
    assert first_sentences(case()) == PARCEL
    assert most_words(case()) == RETURN
    assert nearest_sentence(case(), about_money) == REFUND
    assert nearest_passage(case(), about_money) == REFUND
