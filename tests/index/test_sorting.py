"""Hashes sorted in compiled code, and rows of text put together at once: what NumPy and Python give, only sooner."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kbsearch.index.kernels import distinct_hashes, sort_pairs
from kbsearch.index.ragged import Ragged

NUMBERS = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 9) | st.integers(2**64 - 9, 2**64 - 1), max_size=300)


@settings(deadline=None)
@given(NUMBERS)
def test_pairs_are_sorted_and_equal_ones_keep_their_order(numbers: list[int]) -> None:
    """However unevenly the numbers are spread."""
    hashes, owners = np.asarray(numbers, dtype=np.uint64), np.arange(len(numbers), dtype=np.int32)
    order = np.argsort(hashes, kind="stable")
    expected = hashes[order]
    sort_pairs(hashes, owners)
    assert hashes.tolist() == expected.tolist()
    assert owners.tolist() == order.tolist()


@settings(deadline=None)
@given(NUMBERS)
def test_distinct_hashes_are_those_of_numpy(numbers: list[int]) -> None:
    """The numbers, where each stands first, and the place of each one given, which stay as they were."""
    hashes = np.asarray(numbers, dtype=np.uint64)
    expected = np.unique(hashes, return_index=True, return_inverse=True)
    for found, wanted in zip(distinct_hashes(hashes), expected, strict=True):
        assert found.tolist() == wanted.tolist()
    assert hashes.tolist() == numbers


def test_many_pairs() -> None:
    """More than the parts that they are sorted into first."""
    hashes = np.random.default_rng(1).integers(0, 2**64, 200_000, dtype=np.uint64)
    hashes[::7] = hashes[1]
    expected = np.sort(hashes)
    sort_pairs(hashes, np.arange(len(hashes), dtype=np.int32))
    assert np.array_equal(hashes, expected)


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]))))
def test_lines_come_back_the_same(rows: list[str]) -> None:
    """Empty ones too, and letters of several bytes."""
    there = Ragged.of_lines(rows)
    assert there.lines() == rows
    assert list(there.rows()) == [row.encode() for row in rows]
