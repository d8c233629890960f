"""bm25s with its numba backend, single queries on one thread, as its README has it for speed."""

from __future__ import annotations

from importlib.metadata import version

import bm25s
from corpus import DEPTH

REQUIRES = ("bm25s==0.3.16", "numba", "numpy")


class Peer:
    """Words only, in memory."""

    version = version("bm25s")

    def build(self, folder, corpus):
        texts = [f"{title} {text}" for title, text in zip(corpus.titles, corpus.texts, strict=True)]
        index = bm25s.BM25(backend="numba")
        index.index(bm25s.tokenize(texts, stopwords=None, show_progress=False), show_progress=False)
        index.save(str(folder))

    def open(self, folder, corpus):
        self._index = bm25s.BM25.load(str(folder))
        self.keyword(corpus.queries[0])

    def keyword(self, text):
        tokens = bm25s.tokenize([text], stopwords=None, return_ids=False, show_progress=False)
        found, _scores = self._index.retrieve(tokens, k=DEPTH, show_progress=False, n_threads=0)
        return found[0]
