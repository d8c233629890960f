"""rank_bm25: BM25Okapi as its README has it, with the words that bm25s takes; in memory, kept as a pickle.

It has no index to look words up in: every query scores every passage.
"""

from __future__ import annotations

import pickle
import re
from importlib.metadata import version

import numpy as np
from corpus import DEPTH
from rank_bm25 import BM25Okapi

REQUIRES = ("rank-bm25==0.2.2", "numpy")
WORD = re.compile(r"\w\w+")


class Peer:
    """Words only."""

    version = version("rank-bm25")

    def build(self, folder, corpus):
        texts = zip(corpus.titles, corpus.texts, strict=True)
        index = BM25Okapi([WORD.findall(f"{title} {text}".lower()) for title, text in texts])
        with (folder / "index.pickle").open("wb") as file:
            pickle.dump(index, file, protocol=5)

    def open(self, folder, corpus):
        with (folder / "index.pickle").open("rb") as file:
            self._index = pickle.load(file)

    def keyword(self, text):
        scores = self._index.get_scores(WORD.findall(text.lower()))
        # `get_top_n` sorts all passages; the best ten need no more than this.
        best = np.argpartition(-scores, DEPTH)[:DEPTH]
        return best[np.argsort(-scores[best])]
