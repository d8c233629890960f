"""Two scores of one passage become one: a convex combination on scales that mean the same for every query.

The lexical score is divided by the highest that any passage could reach for this query's terms, so that it is the
share of the query that the passage explains (theoretical min–max, Bruch et al., "An Analysis of Fusion Functions for
Hybrid Retrieval", TOIS 2023). The cosine has such a scale by itself. Unlike ranks, both can say that nothing fits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]


def explained_share(scores: Scores, bound: float) -> Scores:
    """BM25+ scores (without their baseline) as a share of the query's bound, 0..1."""
    if bound <= 0.0:
        return np.zeros_like(scores)
    share: Scores = np.clip(scores / np.float32(bound), 0.0, 1.0)
    return share


def similarity(cosines: Scores) -> Scores:
    """Cosines as closeness in meaning, 0..1: what points away from the query is no closer than what has no relation."""
    closeness: Scores = np.clip(cosines, 0.0, 1.0)
    return closeness


def fuse(lexical: Scores, dense: Scores, dense_weight: float) -> Scores:
    """Convex combination of two arrays of scores in 0..1, aligned by passage."""
    weight = np.float32(dense_weight)
    return (np.float32(1.0) - weight) * lexical + weight * dense
