"""The compiled loops of a query against NumPy's own ways, on small numbers where ties are many."""

from __future__ import annotations

import numpy as np
import pytest

from kbsearch.index.candidate_kernels import is_among, united
from kbsearch.index.query_kernels import half_cosines_at, nearest_rows, places_of, search_postings

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
    count, limit = int(random.integers(1, 3_000)), int(random.integers(1, 900))
    rows, ids = random.integers(-9, 9, count).astype(np.float32), random.permutation(count).astype(np.int32)
    if seed % 2:  # up to the last number that there is
        ids += np.int32(2**31 - count)
    zero, first = np.zeros(1, np.int64), np.asarray([0, count])
    kept, best = np.empty(limit, np.int32), np.empty(limit, np.float32)
    size = nearest_rows(rows, zero, first, ids, np.zeros(1, np.int32), np.ones(1, np.float32), EVERYTHING, kept, best)
    order = np.lexsort((ids, -rows))[:limit]
    assert kept[:size].tolist() == ids[order].tolist()
    assert best[:size].tolist() == rows[order].tolist()


@pytest.mark.parametrize("seed", range(20))
def test_the_best_sums_are_those_of_adding_and_sorting_all(seed: int) -> None:
    """Whole numbers, many of them equal; more passages than are wanted; terms that stand twice, that no passage holds,
    or none known; every passage allowed, some, and none."""
    random = np.random.default_rng(seed)
    count, limit = int(random.integers(1, 3_000)), int(random.integers(1, 900))
    held = [np.flatnonzero(random.random(count) < share) for share in (0.9, 0.3, 0.01, 0.0)]
    if seed % 2:  # passages of one term each, so that of equal sums some are met long after others
        owner = random.integers(0, 4, count)
        held = [np.flatnonzero(owner == term) for term in range(4)]
    indptr, passages = np.cumsum([0, *map(len, held)]), np.concatenate(held).astype(np.int32)
    adds = random.integers(1, 5 - 3 * (seed % 2), len(passages)).astype(np.float32)
    idf = random.integers(1, 9, 4).astype(np.float32)
    terms, weights = random.integers(-1, 4, 6), random.integers(1, 4, 6).astype(np.float32)
    sums = np.zeros(count, np.float32)
    for term, weight in zip(terms.tolist(), weights.tolist(), strict=True):
        if term >= 0:
            sums[held[term]] += weight * adds[indptr[term] : indptr[term + 1]]
    scores, touched = np.zeros(count, np.float32), np.empty(count + 1, np.int32)
    probe = random.integers(0, count, 5)
    for allowed in (EVERYTHING, random.random(count) < 0.5, np.zeros(count, np.bool_)):
        kept, best, probed = np.empty(limit, np.int32), np.empty(limit, np.float32), np.empty(5, np.float32)
        found = search_postings(
            (indptr, passages, adds, idf, 9.0, 2.5),
            (terms, weights, scores, touched),
            allowed,
            probe,
            kept,
            best,
            probed,
        )
        may = np.flatnonzero((sums > 0) & (allowed if len(allowed) else True))
        expected = may[np.lexsort((may, -sums[may]))][:limit]
        assert kept[: found[0]].tolist() == expected.tolist()
        assert best[: found[0]].tolist() == sums[expected].tolist()
        assert probed.tolist() == sums[probe].tolist()
        known = float((idf[terms] * weights)[terms >= 0].sum())
        assert found[1:] == (known, (known + 9.0 * float(weights[terms < 0].sum())) * 2.5)
        assert not scores.any()


def test_rows_that_are_no_numbers_are_never_kept() -> None:
    """A broken model's; more of them than there is room for, first and last."""
    rows = np.full(1_000, np.nan, np.float32)
    rows[400:410] = np.arange(10)
    zero, first, ids = np.zeros(1, np.int64), np.asarray([0, 1_000]), np.arange(1_000, dtype=np.int32)
    kept, best = np.empty(4, np.int32), np.empty(4, np.float32)
    for allowed in (EVERYTHING, np.ones(1_000, np.bool_)):
        size = nearest_rows(rows, zero, first, ids, np.zeros(1, np.int32), np.ones(1, np.float32), allowed, kept, best)
        assert (kept[:size].tolist(), best[:size].tolist()) == ([409, 408, 407, 406], [9.0, 8.0, 7.0, 6.0])


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan])
def test_terms_without_weight_write_nowhere(weight: float) -> None:
    """However often they stand there: what lies behind the list of passages stays as it was."""
    indptr, passages = np.asarray([0, 3]), np.arange(3, dtype=np.int32)
    postings = indptr, passages, np.ones(3, np.float32), np.ones(1, np.float32), 1.0, 2.0
    memory = np.full(100, 77, np.int32)
    terms, weights = np.zeros(20, np.int64), np.full(20, weight, np.float32)
    weights[7] = 2.0
    bag = terms, weights, np.zeros(3, np.float32), memory[:4]
    kept, best, probed = np.empty(3, np.int32), np.empty(3, np.float32), np.empty(1, np.float32)
    size, *_ = search_postings(postings, bag, EVERYTHING, np.asarray([1]), kept, best, probed)
    assert (kept[:size].tolist(), best[:size].tolist(), probed.tolist()) == ([0, 1, 2], [2.0] * 3, [2.0])
    assert set(memory[4:].tolist()) == {77}
    assert not bag[2].any()


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
