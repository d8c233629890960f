"""Cells against brute force: what lies in which, and that it does not depend on how the sums are made."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kbsearch.index import cells
from kbsearch.index.cells import cells_of


def unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.ascontiguousarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


RANDOM = np.random.default_rng(4)
SUBJECTS = unit(RANDOM.normal(size=(25, 48)))
VECTORS = unit(SUBJECTS[RANDOM.integers(0, 25, 4_000)] + 0.08 * RANDOM.normal(size=(4_000, 48)))


def test_every_vector_lies_in_the_cell_of_its_nearest_centre() -> None:
    """Of all of them."""
    centres, cell = cells_of(VECTORS, 128)
    assert abs(len(centres) - 128) < 16
    cosines = VECTORS @ centres.T
    missed = cosines.max(axis=1) - cosines[np.arange(len(VECTORS)), cell]
    assert missed.max() < 2e-3  # whole numbers round


def test_cells_are_narrow() -> None:
    """As near to their centres as the subjects that the vectors were drawn around, which no centre was told of."""
    centres, cell = cells_of(VECTORS, 128)
    own = np.einsum("nd,nd->n", VECTORS, centres[cell])
    assert own.mean() >= (VECTORS @ SUBJECTS.T).max(axis=1).mean()


def test_the_same_whatever_is_multiplied_together(monkeypatch) -> None:
    """Sums are exact, so that neither blocks nor a library's threads change a bit."""
    whole = cells_of(VECTORS, 64)
    monkeypatch.setattr(cells, "_BLOCK", 7)
    for one, other in zip(whole, cells_of(VECTORS, 64), strict=True):
        assert np.array_equal(one, other)


def test_vectors_that_mean_nothing_and_copies() -> None:
    """Rows of zeros and rows that stand many times are in some cell, and no centre is no number."""
    vectors = np.concatenate([np.zeros((500, 48), np.float32), np.repeat(VECTORS[:3], 200, axis=0)])
    centres, cell = cells_of(vectors, 32)
    assert np.isfinite(centres).all()
    assert np.allclose(vectors[500:], centres[cell[500:]], atol=2e-3)
