"""The compiled loops of a query against NumPy's own ways, on small numbers where ties are many."""

from __future__ import annotations

import numpy as np
import pytest

from kbsearch.index.candidate_kernels import best_members, best_of_groups, groups_with, is_among, united
from kbsearch.index.query_kernels import half_rows_at, nearest_rows, places_of

EVERYTHING = np.empty(0, np.bool_)


@pytest.mark.parametrize("seed", range(20))
def test_groups_are_ordered_as_by_sorting_all_candidates(seed: int) -> None:
    """Score, then welcome, then reading order; each group once, at its best."""
    random = np.random.default_rng(seed)
    count = int(random.integers(0, 60))
    scores = random.integers(0, 4, count).astype(np.float32)
    unwelcome = -random.integers(0, 3, count).astype(np.float32)
    passages = random.permutation(count).astype(np.int64)
    groups = random.integers(0, 70_000, count).astype(np.int32) % max(1, count // 2)
    order = np.lexsort((passages, unwelcome, -scores))
    _, first = np.unique(groups[order], return_index=True)
    expected = order[np.sort(first)]
    assert best_of_groups(scores, unwelcome, passages, groups).tolist() == expected.tolist()


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
        products = np.empty(len(rows), np.float32)
        half_rows_at(rows.view(np.uint16), numbers, weights, products)
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


@pytest.mark.parametrize("seed", range(20))
def test_the_best_member_is_the_first_of_the_most_welcome_language(seed: int) -> None:
    """Of equally welcome ones the last; the document itself where none is more welcome; nothing that is not allowed."""
    random = np.random.default_rng(seed)
    groups = np.sort(random.integers(0, 6, 20)).astype(np.int32)
    starts = np.searchsorted(groups, np.arange(7))
    members = np.concatenate([np.flatnonzero(groups == group) for group in range(6)]).astype(np.int32)
    codes = random.integers(0, 4, 20).astype(np.int32)
    worth = random.integers(0, 3, 4).astype(np.float32)
    allowed = random.random(20) < 0.6
    documents = np.arange(20, dtype=np.int32)
    for mask, flags in ((EVERYTHING, np.ones(20, np.bool_)), (allowed, allowed)):
        shown = best_members(documents, groups, starts, members, codes, worth, mask)
        for document in range(20):
            own = [int(m) for m in members if groups[m] == groups[document] and flags[m]]
            better = [m for m in own if worth[codes[m]] > worth[codes[document]]]
            best = max(better, key=lambda m: (worth[codes[m]], codes[m], -m), default=document)
            assert shown[document] == best
        wanted = np.asarray([True, False, False, True])
        expected = [bool((flags & wanted[codes] & (groups == group)).any()) for group in range(6)]
        found = groups_with(np.arange(6, dtype=np.int32), starts, members, codes, wanted, mask)
        assert found.tolist() == expected
