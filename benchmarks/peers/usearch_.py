"""usearch: HNSW over int8 vectors."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
from corpus import DEPTH
from usearch.index import Index

REQUIRES = ("usearch==2.26.6", "numpy")


class Peer:
    """Vectors only."""

    version = version("usearch")

    def build(self, folder, corpus):
        index = self._empty(corpus)
        index.add(np.arange(len(corpus.vectors)), corpus.vectors)
        index.save(str(folder / "vectors.usearch"))

    def open(self, folder, corpus):
        self._index = self._empty(corpus)
        self._index.load(str(folder / "vectors.usearch"))

    def _empty(self, corpus):
        return Index(
            ndim=corpus.vectors.shape[1], metric="ip", dtype="i8", connectivity=16, expansion_add=128,
            expansion_search=128,
        )  # fmt: skip

    def vector(self, vector):
        return self._index.search(vector, DEPTH, threads=1).keys
