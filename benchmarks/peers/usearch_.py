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
        self._index = Index(
            ndim=corpus.vectors.shape[1], metric="ip", dtype="i8", connectivity=16, expansion_add=128,
            expansion_search=128,
        )  # fmt: skip
        self._index.add(np.arange(len(corpus.vectors)), corpus.vectors)
        folder.mkdir(parents=True)
        self._index.save(str(folder / "vectors.usearch"))

    def vector(self, vector):
        return self._index.search(vector, DEPTH, threads=1).keys
