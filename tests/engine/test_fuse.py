"""Fusion is arithmetic that can be done by hand, within 0..1, and indifferent to order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kbsearch.fuse import explained_share, fuse, similarity

shares = st.floats(0, 1, width=32)
weights = st.floats(0, 1, width=32)


def array(*values: float) -> np.ndarray:
    return np.asarray(values, dtype=np.float32)


def test_hand_arithmetic() -> None:
    """A quarter of the meaning and three quarters of the words."""
    fused = fuse(array(0.8, 0.0, 1.0), array(0.4, 1.0, 1.0), 0.25)
    np.testing.assert_allclose(fused, [0.75 * 0.8 + 0.25 * 0.4, 0.25, 1.0], rtol=1e-6)


def test_explained_share_is_a_share_of_the_bound() -> None:
    """Half of what could be explained is a half; above the bound is one; no bound is nothing."""
    np.testing.assert_allclose(explained_share(array(0.0, 3.0, 6.0, 6.1), 6.0), [0.0, 0.5, 1.0, 1.0])
    np.testing.assert_array_equal(explained_share(array(1.0, 2.0), 0.0), [0.0, 0.0])


def test_similarity_is_the_cosine_without_its_negative_part() -> None:
    """What points away from the query is no closer than what has no relation; rounding never exceeds one."""
    np.testing.assert_allclose(similarity(array(-1.0, 0.0, 0.6, 1.0, 1.0001)), [0.0, 0.0, 0.6, 1.0, 1.0])


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(*(arrays(np.float32, n, elements=shares),) * 2)), weights)
def test_fused_scores_lie_between_the_legs(legs: tuple[np.ndarray, np.ndarray], weight: float) -> None:
    """Never below the lower leg, never above the higher, so always in 0..1."""
    fused = fuse(*legs, weight)
    assert np.all(fused >= np.minimum(*legs) - 1e-6)
    assert np.all(fused <= np.maximum(*legs) + 1e-6)
    assert fused.dtype == np.float32


@given(a=shares, b=shares, more=shares, weight=weights)
def test_more_of_either_leg_never_lowers_the_score(a: float, b: float, more: float, weight: float) -> None:
    """Monotone in both legs."""
    low = fuse(array(a), array(b), weight)[0]
    assert fuse(array(max(a, more)), array(b), weight)[0] >= low - 1e-6
    assert fuse(array(a), array(max(b, more)), weight)[0] >= low - 1e-6


@given(st.lists(st.tuples(shares, shares), min_size=1, max_size=20), weights, st.randoms(use_true_random=False))
def test_the_order_of_passages_does_not_matter(pairs: list[tuple[float, float]], weight: float, random) -> None:
    """Each passage's score depends on its own two scores alone, to the bit."""
    order = random.sample(range(len(pairs)), len(pairs))
    lexical, dense = (array(*leg) for leg in zip(*pairs, strict=True))
    np.testing.assert_array_equal(fuse(lexical[order], dense[order], weight), fuse(lexical, dense, weight)[order])


@pytest.mark.parametrize(("weight", "leg"), [(0.0, 0), (1.0, 1)])
def test_the_ends_of_the_weight_are_the_legs(weight: float, leg: int) -> None:
    """Lexical and dense mode are the two ends of one formula."""
    legs = array(0.3, 0.9), array(0.7, 0.2)
    np.testing.assert_array_equal(fuse(*legs, weight), legs[leg])


def test_nothing_fuses_to_nothing() -> None:
    """No candidate is no error."""
    assert fuse(array(), array(), 0.5).size == 0
