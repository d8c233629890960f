"""Three scores of one passage become one: a convex combination on scales that mean the same for every query.

The lexical score is divided by the highest that any passage could reach for this query's terms, so that it is the
share of the query that the passage explains (theoretical min–max, Bruch et al., "An Analysis of Fusion Functions for
Hybrid Retrieval", TOIS 2023). The cosine has such a scale by itself. Unlike ranks, both can say that nothing fits.
The title's agreement with the query keeps a near-exact title above a passage that is merely similar. An article that
exists in other languages only gets the lexical share that its meaning lets one expect, so that it can win where nothing
in the user's language fits.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.kernels import compiled

Scores = NDArray[np.float32]

# Chosen on the development sets; the rows are in benchmarks/results/quality.md.
DENSE_WEIGHT = 2 / 3
# Of a model that adds up what each word means alone.
WORDS_DENSE_WEIGHT = 0.5
# A title that says most of what was typed counts, one that shares a word or two does not: only the upper half of the
# agreement enters.
TITLE_WEIGHT = 1 / 6
# What closeness and shared names of a passage in another language are worth as its lexical share.
EXPECTED_BY_CLOSENESS, EXPECTED_BY_WORDS = 0.6, 0.4

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@compiled
def explained_share(scores: Scores, bound: float) -> Scores:
    """BM25+ scores (without their baseline) as a share of the query's bound, 0..1."""
    if bound <= 0.0:
        return np.zeros_like(scores)
    share: Scores = np.minimum(scores / np.float32(bound), _ONE)
    return share


@compiled
def similarity(cosines: Scores) -> Scores:
    """Cosines as closeness in meaning, 0..1: what points away from the query is no closer than what has no relation."""
    closeness: Scores = np.minimum(np.maximum(cosines, _ZERO), _ONE)
    return closeness


@compiled
def meaning(passage: Scores, head: Scores) -> Scores:
    """A passage's cosine and its title's, their mean as closeness 0..1; the first alone, where the title has no say."""
    closeness: Scores = similarity(np.where(np.isnan(head), passage, np.float32(0.5) * (passage + head)))
    return closeness


@compiled
def expected_share(lexical: Scores, closeness: Scores, foreign: NDArray[np.bool_]) -> Scores:
    """Lexical shares; those of foreign passages as what they share and what they mean together let one expect.

    `foreign`: passages of articles in no language that the query is read in. Their words cannot be the query's, so that
    a low share says nothing against them, and a name that they do share says little for them.
    """
    expected = np.float32(EXPECTED_BY_CLOSENESS) * closeness + np.float32(EXPECTED_BY_WORDS) * lexical
    share: Scores = np.where(foreign, expected, lexical)
    return share


def dense_weight(words: Sequence[str], unknown: Collection[str], in_context: bool) -> float:
    """The weight of meaning in a query of these words, 0..1, for a model that reads them in their context or does not:
    codes that the collection knows have none.

    A code holds letters and digits ("P203"); to a model, one is like another.
    """
    full = DENSE_WEIGHT if in_context else WORDS_DENSE_WEIGHT
    if all(map(str.isalpha, words)):  # most queries
        return full
    codes = sum(
        not word.isalpha() and not word.isdecimal() and word.isalnum() and word not in unknown for word in words
    )
    return full * (1 - codes / len(words))


@compiled
def fuse(lexical: Scores, dense: Scores, title: Scores, dense_weight: float) -> Scores:
    """Convex combination of three arrays of scores in 0..1, aligned by passage; `dense_weight` 0 leaves two."""
    of_dense, title_weight = np.float32(dense_weight), np.float32(TITLE_WEIGHT)
    passage = (_ONE - of_dense) * lexical + of_dense * dense
    upper_half = np.maximum(np.float32(2.0) * title - _ONE, _ZERO)
    fused: Scores = (_ONE - title_weight) * passage + title_weight * upper_half
    return fused
