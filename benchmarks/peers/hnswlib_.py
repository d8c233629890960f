"""hnswlib: the reference HNSW, float vectors."""

from __future__ import annotations

from importlib.metadata import version

import hnswlib
from corpus import DEPTH

REQUIRES = ("hnswlib==0.8.0", "numpy")


class Peer:
    """Vectors only."""

    version = version("hnswlib")

    def build(self, folder, corpus):
        index = hnswlib.Index(space="ip", dim=corpus.vectors.shape[1])
        index.init_index(max_elements=len(corpus.vectors), M=16, ef_construction=200)
        index.add_items(corpus.vectors)
        index.save_index(str(folder / "vectors.bin"))

    def open(self, folder, corpus):
        self._index = hnswlib.Index(space="ip", dim=corpus.vectors.shape[1])
        self._index.load_index(str(folder / "vectors.bin"))
        self._index.set_ef(128)
        self._index.set_num_threads(1)
        self._allowed = {lang: [lang == each for each in corpus.langs] for lang in set(corpus.langs)}

    def vector(self, vector):
        return self._index.knn_query(vector, k=DEPTH)[0][0]

    def filtered_vector(self, vector, lang):
        return self._index.knn_query(vector, k=DEPTH, filter=self._allowed[lang].__getitem__)[0][0]
