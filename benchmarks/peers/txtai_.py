"""txtai: a hybrid index of given vectors: hnswlib as the dense backend, its own BM25 in SQLite, no contents kept.

A filter by language would need its database of contents, which every query would then go through: left out.
"""

from __future__ import annotations

from importlib.metadata import version

from corpus import DEPTH
from txtai import Embeddings

# A bare torch would bring gigabytes for graphics cards; no query here uses it.
REQUIRES = ("torch==2.13.0", "txtai==9.14.0", "hnswlib==0.8.0", "numpy")


class Peer:
    """The hybrid query as its users ask it, each leg by its own part."""

    version = version("txtai")

    def build(self, folder, corpus):
        texts = [f"{title} {text}" for title, text in zip(corpus.titles, corpus.texts, strict=True)]
        rows = dict(zip(texts, corpus.vectors, strict=True))

        def transform(asked):
            return [rows[text] for text in asked]

        index = Embeddings(
            method="external",
            transform=transform,
            hybrid=True,
            backend="hnsw",
            hnsw={"m": 16, "efconstruction": 200, "efsearch": 128},
        )
        index.index(enumerate(texts))
        index.config.pop("transform")
        index.save(str(folder / "index"))

    def open(self, folder, corpus):
        def transform(_asked):
            return [self._now]

        self._now = corpus.query_vectors[0]
        self._index = Embeddings()
        self._index.load(str(folder / "index"), config={"transform": transform})
        self._index.ann.backend.set_num_threads(1)

    def keyword(self, text):
        return [number for number, _score in self._index.scoring.search(text, DEPTH)]

    def vector(self, vector):
        return [number for number, _score in self._index.ann.search(vector[None], DEPTH)[0]]

    def hybrid(self, text, vector):
        self._now = vector
        return [number for number, _score in self._index.search(text, DEPTH)]
