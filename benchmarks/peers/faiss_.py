"""FAISS by itself: HNSW over 8-bit vectors, the kind that kbsearch uses."""

from __future__ import annotations

from importlib.metadata import version

import faiss
import numpy as np
from corpus import DEPTH

REQUIRES = ("faiss-cpu", "numpy")


class Peer:
    """Vectors only."""

    version = version("faiss-cpu")

    def build(self, folder, corpus):
        kind = faiss.ScalarQuantizer.QT_8bit
        index = faiss.IndexHNSWSQ(corpus.vectors.shape[1], kind, 16, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = 128
        index.train(corpus.vectors)
        index.add(corpus.vectors)
        faiss.write_index(index, str(folder / "vectors.faiss"))

    def open(self, folder, corpus):
        faiss.omp_set_num_threads(1)
        self._index = faiss.read_index(str(folder / "vectors.faiss"))
        self._index.hnsw.efSearch = 128
        langs = np.asarray(corpus.langs)
        self._within = {
            lang: faiss.SearchParametersHNSW(
                sel=faiss.IDSelectorBitmap(np.packbits(langs == lang, bitorder="little")), efSearch=128
            )
            for lang in set(corpus.langs)
        }

    def vector(self, vector):
        return self._index.search(vector[None], DEPTH)[1][0]

    def filtered_vector(self, vector, lang):
        return self._index.search(vector[None], DEPTH, params=self._within[lang])[1][0]
