"""Makes the corpus of one size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.dense import QUERIES, clustered
from benchmarks.peers.corpus import DEPTH, Corpus
from benchmarks.synthetic import Generator

LANGUAGES = ("lv", "lt", "en")
SEED = 7
MOST_WORDS = 250  # one passage for all engines: kbsearch cuts what is longer than 300


def generate(passages: int, width: int) -> Corpus:
    """Draw passages, the languages in turn, and queries; the same size and width give the same corpus."""
    vectors, query_vectors = clustered(passages, width)
    generators = [Generator(lang, SEED) for lang in LANGUAGES]
    share = -(-passages // len(generators))
    streams = zip(*(generator.passages(share) for generator in generators), strict=True)
    drawn = [passage for group in streams for passage in group][:passages]
    asked = [generators[number % len(generators)].query() for number in range(QUERIES)]
    langs = [passage.lang for passage in drawn]
    query_langs = [query.lang for query in asked]
    exact, exact_filtered = nearest(query_vectors @ vectors.T, query_langs, langs)
    return Corpus(
        titles=[passage.title for passage in drawn],
        texts=[" ".join(passage.text.split()[:MOST_WORDS]) for passage in drawn],
        langs=langs,
        vectors=vectors,
        queries=[query.text for query in asked],
        query_langs=query_langs,
        query_vectors=query_vectors,
        exact=exact,
        exact_filtered=exact_filtered,
        right=[[] for _ in asked],
    )


def nearest(
    scores: NDArray[np.float32], query_langs: Sequence[str], langs: Sequence[str]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The best passages of each query, shape (queries, 10): of all, and of those in its language."""
    allowed = np.asarray(query_langs)[:, None] == np.asarray(langs)[None, :]
    return _best(scores), _best(np.where(allowed, scores, -np.inf))


def _best(scores: NDArray[np.float32]) -> NDArray[np.int32]:
    return np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH].astype(np.int32)
