"""Texts that mean the same, whatever their language: average linkage over cosine. Pure and deterministic."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.linalg import eigh

LIKENESS = 0.35
"""Mean cosine from which two groups of queries are one. `python -m benchmarks.gaps` measures others."""
FEWEST, _COMMON = 100, 3
_AT_ONCE = 4096
"""Rows compared at a time."""


def distinct(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return L2-normalised rows without their mean and their strongest common directions (Mu & Viswanath, 2018).

    What all customers of a shop ask has much in common ("robot", "order"), and that is not what a question means. Of
    fewer than FEWEST rows nothing is taken out: chance would look common. Rows of zeros stay zeros.
    """
    known = np.any(vectors, axis=1)
    if known.sum() < FEWEST:
        return vectors
    rest = np.where(known[:, None], vectors - vectors[known].mean(axis=0), 0).astype(np.float64)
    last = rest.shape[1] - 1
    _, common = eigh(rest.T @ rest, subset_by_index=(max(0, last - _COMMON + 1), last))
    rest -= rest @ common @ common.T
    lengths = np.linalg.norm(rest, axis=1, keepdims=True)
    found: NDArray[np.float32] = np.divide(rest, lengths, out=np.zeros_like(rest), where=lengths > 0).astype(np.float32)
    return found


def nearest_groups(
    vectors: NDArray[np.float32], members: NDArray[np.float32], groups: list[int], likeness: float = LIKENESS
) -> list[int | None]:
    """Return for each row the group that it would join, by its mean cosine to the group's members; None for none.

    `groups` numbers the group of each member from 0, without a hole.
    """
    if not groups or not len(vectors):
        return [None] * len(vectors)
    means = np.zeros((max(groups) + 1, members.shape[1]), np.float32)
    np.add.at(means, groups, members)
    means /= np.bincount(groups)[:, None]
    found: list[int | None] = []
    for start in range(0, len(vectors), _AT_ONCE):
        cosines = vectors[start : start + _AT_ONCE] @ means.T
        best = cosines.argmax(axis=1)
        found += [int(g) if row[g] >= likeness else None for g, row in zip(best, cosines, strict=True)]
    return found


def cluster(vectors: NDArray[np.float32], likeness: float = LIKENESS) -> list[int]:
    """Return the number of each row's cluster, from 0 in the order of first rows; rows are L2-normalised.

    Rows of zeros (texts that mean nothing to the model) each stand alone.
    """
    known = np.flatnonzero(np.any(vectors, axis=1))
    labels = np.arange(len(vectors)) + len(vectors)
    if len(known) > 1:
        rows = np.asarray(vectors[known], np.float64)
        distances = (1 - rows @ rows.T)[np.triu_indices(len(rows), 1)]
        tree = linkage(np.maximum(distances, 0), "average")
        labels[known] = fcluster(tree, 1 - likeness, "distance")
    numbers: dict[int, int] = {}
    return [numbers.setdefault(int(label), len(numbers)) for label in labels]
