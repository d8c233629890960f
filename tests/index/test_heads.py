"""Titles as vectors: the cosine of each, and which of them tell their document from others."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from indexer.prepare import prepare
from kbsearch.index.corpus import whole
from kbsearch.index.heads import Heads, telling_titles, write_heads
from kbsearch.index.query_kernels import half_cosines_at
from kbsearch.types import Document


def telling(*titles: str) -> list[bool]:
    documents = [Document(str(n), title, "Text.", str(n), "en") for n, title in enumerate(titles)]
    corpus = whole(prepare(documents))
    flags: list[bool] = telling_titles(corpus.words_of_documents("titles"), corpus.vocabulary).tolist()
    return flags


def test_a_number_tells_nothing() -> None:
    """Nor does a word that most titles share, nor a stop word; a word of its own does."""
    assert telling(*(f"Article {n}" for n in range(8)), "Article about refunds", "The") == [False] * 8 + [True, False]


def test_in_a_small_collection_a_word_that_one_title_holds_tells() -> None:
    """One of two is half of them."""
    assert telling("Passwords", "Shipping") == [True, True]
    assert telling("Passwords", "Password") == [False, False]
    assert telling("Passwords") == [True]


def test_cosines_are_those_of_the_documents_asked_for(tmp_path: Path) -> None:
    """In their order, repeated or not; NaN for a title that has no say."""
    vectors = np.eye(3, 4, dtype=np.float32)
    write_heads(vectors, np.asarray([True, False, True]), tmp_path / "heads")
    asked = np.asarray([2, 0, 1, 2], dtype=np.int32)
    query = np.asarray([0.6, 0.0, 0.8, 0.0], dtype=np.float32)
    cosines = half_cosines_at(*Heads(tmp_path / "heads").arrays, query, asked)
    np.testing.assert_allclose(cosines, [0.8, 0.6, np.nan, 0.8], rtol=1e-3)
