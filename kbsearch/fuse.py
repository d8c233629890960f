"""The scores of one passage become one: a convex combination on scales that mean the same for every query.

The lexical score is divided by the highest that any passage could reach for this query's terms, so that it is the
share of the query that the passage explains (theoretical min–max, Bruch et al., "An Analysis of Fusion Functions for
Hybrid Retrieval", TOIS 2023). The cosine has such a scale by itself. Unlike ranks, both can say that nothing fits.
The title's agreement with the query keeps a near-exact title above a passage that is merely similar, and the order of
the words keeps a passage that holds a message as it was pasted above one that is about the same. An article that exists
in other languages only gets the lexical share that its meaning lets one expect, so that it can win where nothing in the
user's language fits.
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
# The share of what a passage lacks that is made up for where all of many words stand in it as they were typed; nothing
# is where only half of them do.
ADJACENCY_WEIGHT = 0.75
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
def _upper_half(shares: Scores) -> Scores:
    upper: Scores = np.maximum(np.float32(2.0) * shares - _ONE, _ZERO)
    return upper


@compiled
def fuse(lexical: Scores, dense: Scores, title: Scores, adjacency: Scores, dense_weight: float) -> Scores:
    """Four arrays of scores in 0..1, aligned by passage, as one: a convex combination of words, meaning and title, of
    which the first two come nearer to 1 where the words stand as they were typed. `dense_weight` 0 leaves meaning out.
    """
    of_dense, title_weight = np.float32(dense_weight), np.float32(TITLE_WEIGHT)
    passage = (_ONE - of_dense) * lexical + of_dense * dense
    passage += np.float32(ADJACENCY_WEIGHT) * _upper_half(adjacency) * (_ONE - passage)
    fused: Scores = (_ONE - title_weight) * passage + title_weight * _upper_half(title)
    return fused
