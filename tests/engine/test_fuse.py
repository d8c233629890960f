"""Fusion is arithmetic that can be done by hand, within 0..1, and indifferent to order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kbsearch.fuse import (
    DENSE_WEIGHT,
    WORDS_DENSE_WEIGHT,
    dense_weight,
    expected_share,
    explained_share,
    fuse,
    meaning,
    similarity,
)

shares = st.floats(0, 1, width=32)


def array(*values: float) -> np.ndarray:
    return np.asarray(values, dtype=np.float32)


def test_hand_arithmetic() -> None:
    """Meaning and words, two to one, make five sixths; the upper half of the title's agreement makes the rest."""
    nowhere = array(0.0, 0.5, 0.0)  # half of the words side by side is as good as none
    fused = fuse(array(0.8, 0.0, 1.0), array(0.4, 1.0, 1.0), array(0.75, 0.5, 1.0), nowhere, DENSE_WEIGHT)
    np.testing.assert_allclose(fused, [(5 * (0.8 / 3 + 2 * 0.4 / 3) + 0.5) / 6, 5 * 2 / 18, 1.0], rtol=1e-6)


def test_words_that_stand_as_typed_make_up_for_what_is_missing() -> None:
    """Three quarters of it where nearly all do, half of that at three words of four; never above 1."""
    fused = fuse(array(0.4, 0.4, 1.0), array(0.0, 0.0, 1.0), array(0.0, 0.0, 0.0), array(1.0, 0.75, 1.0), 0.0)
    np.testing.assert_allclose(fused, [5 / 6 * 0.85, 5 / 6 * 0.625, 5 / 6], rtol=1e-6)


def test_a_known_code_has_no_meaning() -> None:
    """Words and numbers keep their meaning; a code that the collection lacks is a word like others."""
    assert dense_weight(("error", "p203"), (), True) == pytest.approx(DENSE_WEIGHT / 2)
    assert dense_weight(("p203",), (), True) == 0.0
    assert dense_weight(("error", "p203"), {"p203"}, True) == dense_weight(("office", "365"), (), True) == DENSE_WEIGHT
    assert dense_weight(("error",), (), False) == WORDS_DENSE_WEIGHT


def test_without_a_dense_leg_words_take_its_part() -> None:
    """A broken embedder lowers no score that words and title would give alone."""
    fused = fuse(array(0.8, 1.0), array(0.0, 0.0), array(0.0, 1.0), array(0.0, 0.0), 0.0)
    np.testing.assert_allclose(fused, [5 * 0.8 / 6, 1.0], rtol=1e-6)


def test_explained_share_is_a_share_of_the_bound() -> None:
    """Half of what could be explained is a half; above the bound is one; no bound is nothing."""
    np.testing.assert_allclose(explained_share(array(0.0, 3.0, 6.0, 6.1), 6.0), [0.0, 0.5, 1.0, 1.0])
    np.testing.assert_array_equal(explained_share(array(1.0, 2.0), 0.0), [0.0, 0.0])


def test_similarity_is_the_cosine_without_its_negative_part() -> None:
    """What points away from the query is no closer than what has no relation; rounding never exceeds one."""
    np.testing.assert_allclose(similarity(array(-1.0, 0.0, 0.6, 1.0, 1.0001)), [0.0, 0.0, 0.6, 1.0, 1.0])


def test_meaning_is_the_mean_of_passage_and_title() -> None:
    """A title without a say leaves the passage alone; nothing falls below zero."""
    found = meaning(array(0.4, 0.4, -0.6), array(0.8, np.nan, 0.2))
    np.testing.assert_allclose(found, [0.6, 0.4, 0.0], rtol=1e-6)


def test_words_are_expected_of_a_foreign_passage() -> None:
    """Six tenths of closeness and four of shared names; a passage in the query's language keeps what it has."""
    shares = expected_share(
        array(0.0, 0.5, 0.0, 0.5), array(0.8, 0.8, 0.8, 0.8), np.asarray([True, True, False, False])
    )
    np.testing.assert_allclose(shares, [0.48, 0.68, 0.0, 0.5], rtol=1e-6)


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(*(arrays(np.float32, n, elements=shares),) * 4)), shares)
def test_fused_scores_lie_in_the_unit_interval(parts: tuple[np.ndarray, ...], weight: float) -> None:
    """A convex combination never leaves 0..1."""
    fused = fuse(*parts, weight)
    assert np.all((fused >= 0) & (fused <= 1 + 1e-6))
    assert fused.dtype == np.float32


@given(parts=st.tuples(shares, shares, shares, shares), more=shares, raised=st.integers(0, 3))
def test_more_of_anything_never_lowers_the_score(parts: tuple[float, ...], more: float, raised: int) -> None:
    """Monotone in words, meaning, title and order."""
    higher = [max(part, more) if place == raised else part for place, part in enumerate(parts)]
    low = fuse(*(array(part) for part in parts), True)[0]
    assert fuse(*(array(part) for part in higher), True)[0] >= low - 1e-6


@given(st.lists(st.tuples(shares, shares, shares, shares), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_passages_does_not_matter(rows: list[tuple[float, ...]], random) -> None:
    """Each passage's score depends on its own scores alone, to the bit."""
    order = random.sample(range(len(rows)), len(rows))
    parts = [array(*column) for column in zip(*rows, strict=True)]
    shuffled = fuse(*(part[order] for part in parts), True)
    np.testing.assert_array_equal(shuffled, fuse(*parts, True)[order])


def test_nothing_fuses_to_nothing() -> None:
    """No candidate is no error."""
    assert fuse(array(), array(), array(), array(), True).size == 0
