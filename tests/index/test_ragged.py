"""Rows of several arrays put together, beside lists; small sums and sets beside NumPy's own."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kbsearch.index.arrays import distinct
from kbsearch.index.kernels import add_up
from kbsearch.index.ragged import Ragged, gather, places_by

PARTS = st.lists(st.lists(st.binary(max_size=4), min_size=1, max_size=6), min_size=1, max_size=4)


@settings(max_examples=200, deadline=None)
@given(PARTS, st.data())
def test_gathered_rows_are_those_asked_for(parts: list[list[bytes]], data: st.DataObject) -> None:
    """Runs of rows that follow each other, jumps back, repeats and empty rows: each comes out where it is asked for."""
    place = st.integers(0, len(parts) - 1).flatmap(
        lambda part: st.tuples(st.just(part), st.integers(0, len(parts[part]) - 1), st.integers(1, 4))
    )
    wanted = [
        (part, min(row + step, len(parts[part]) - 1))
        for part, row, run in data.draw(st.lists(place, max_size=8))
        for step in range(run)
    ]
    source, rows = np.asarray(wanted, dtype=np.int64).reshape(-1, 2).T
    gathered = gather([Ragged.of_bytes(part) for part in parts], places_by(source, len(parts)), rows)
    assert list(gathered.rows()) == [parts[part][row] for part, row in wanted]


@given(st.lists(st.integers(0, 4)))
def test_places_by_number(source: list[int]) -> None:
    """Where each number stands, rising; one that stands nowhere has an empty list."""
    places = places_by(np.asarray(source, dtype=np.int64), 5)
    assert [found.tolist() for found in places] == [
        [place for place, number in enumerate(source) if number == wanted] for wanted in range(5)
    ]


@given(st.lists(st.integers(-(2**40), 2**40) | st.integers(0, 3)))
def test_distinct_numbers_are_those_of_numpy(numbers: list[int]) -> None:
    """Each once, rising."""
    values = np.asarray(numbers, dtype=np.int64)
    np.testing.assert_array_equal(distinct(values), np.unique(values))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1_000))))
def test_amounts_are_added_to_their_numbers(pairs: list[tuple[int, int]]) -> None:
    """The sums that NumPy gives."""
    numbers, amounts = np.asarray(pairs, dtype=np.int32).reshape(-1, 2).T.copy()
    sums = np.zeros(6, dtype=np.int64)
    add_up(numbers, amounts, sums)
    np.testing.assert_array_equal(sums, np.bincount(numbers, weights=amounts, minlength=6).astype(np.int64))
