"""FAISS by itself: HNSW over 8-bit vectors, the kind that kbsearch uses."""

from __future__ import annotations

from importlib.metadata import version

import faiss
from corpus import DEPTH

REQUIRES = ("faiss-cpu", "numpy")


class Peer:
    """Vectors only."""

    version = version("faiss-cpu")

    def build(self, folder, corpus):
        kind = faiss.ScalarQuantizer.QT_8bit
        self._index = faiss.IndexHNSWSQ(corpus.vectors.shape[1], kind, 16, faiss.METRIC_INNER_PRODUCT)
        self._index.hnsw.efConstruction = 128
        self._index.train(corpus.vectors)
        self._index.add(corpus.vectors)
        self._index.hnsw.efSearch = 128
        faiss.omp_set_num_threads(1)
        folder.mkdir(parents=True)
        faiss.write_index(self._index, str(folder / "vectors.faiss"))

    def vector(self, vector):
        return self._index.search(vector[None], DEPTH)[1][0]
