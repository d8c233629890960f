"""The compiled loops of a query against NumPy's own ways, on small numbers where ties are many."""

from __future__ import annotations

import numpy as np
import pytest

from kbsearch.index.candidate_kernels import is_among, united
from kbsearch.index.query_kernels import half_cosines_at, nearest_rows, places_of

EVERYTHING = np.empty(0, np.bool_)


@pytest.mark.parametrize("seed", range(10))
def test_members_are_found_as_numpy_finds_them(seed: int) -> None:
    """Among others; places in a rising array, −1 where there is none."""
    random = np.random.default_rng(seed)
    values, others = random.integers(0, 30, 20), random.integers(0, 30, int(random.integers(0, 10)))
    assert is_among(values, others).tolist() == np.isin(values, others).tolist()
    numbers, wanted = np.unique(others).astype(np.uint64), values.astype(np.uint64)
    expected = [numbers.tolist().index(value) if value in numbers else -1 for value in wanted]
    assert places_of(numbers, wanted).tolist() == expected


def test_16_bit_rows_are_read_exactly() -> None:
    """Every number that is not infinite, the smallest and the negative ones included."""
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    rows = halves[np.isfinite(halves)].reshape(-1, 2)
    numbers = np.arange(len(rows), dtype=np.int32)
    for column, weights in enumerate(np.eye(2, dtype=np.float32)):
        products = half_cosines_at(rows.view(np.uint16), np.ones(len(rows), np.bool_), weights, numbers)
        np.testing.assert_array_equal(products, rows[:, column].astype(np.float32))


@pytest.mark.parametrize("seed", range(20))
def test_the_best_rows_are_those_of_sorting_all(seed: int) -> None:
    """Negative products and many equal ones, more and fewer than wanted; of equal ones the lower passage."""
    random = np.random.default_rng(seed)
    count, limit = int(random.integers(1, 3_000)), int(random.integers(1, 300))
    rows, ids = random.integers(-9, 9, count).astype(np.float32), random.permutation(count).astype(np.int32)
    zero, first = np.zeros(1, np.int64), np.asarray([0, count])
    kept, best = np.empty(limit, np.int32), np.empty(limit, np.float32)
    size = nearest_rows(rows, zero, first, ids, np.zeros(1, np.int32), np.ones(1, np.float32), EVERYTHING, kept, best)
    order = np.lexsort((ids, -rows))[:limit]
    assert kept[:size].tolist() == ids[order].tolist()
    assert best[:size].tolist() == rows[order].tolist()


def test_two_lists_become_one() -> None:
    """A passage of both is there once, with the score of the first."""
    ids, others = np.asarray([7, 3]), np.asarray([3, 9, 1], np.int32)
    scores, other_scores = np.asarray([0.5, 0.25], np.float32), np.asarray([4.0, 2.0, 1.0], np.float32)
    passages, found = united(ids, scores, others, other_scores)
    assert (passages.tolist(), found.tolist()) == ([7, 3, 9, 1], [0.5, 0.25, 2.0, 1.0])


def test_no_place_for_anything_keeps_nothing() -> None:
    """A limit of none."""
    rows, zero = np.ones(4, np.float32), np.zeros(1, np.int64)
    first, ids, cell = np.asarray([0, 2]), np.arange(2, dtype=np.int32), np.zeros(1, np.int32)
    kept, best = np.empty(0, np.int32), np.empty(0, np.float32)
    assert nearest_rows(rows, zero, first, ids, cell, np.ones(2, np.float32), EVERYTHING, kept, best) == 0
