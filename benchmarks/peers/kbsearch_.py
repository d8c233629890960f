"""kbsearch itself: built by its pipeline, asked through its engine, the vectors given instead of a model's.

`retrieval_ms` is the part of the last search that the other engines also do: filter, words, both legs, fusion, and
groups; without facets, decision and snippets.
"""

from __future__ import annotations

import json

import numpy as np
from corpus import DEPTH

from indexer.pipeline import build
from kbsearch.embed.protocol import ModelInfo
from kbsearch.engine import open_engine
from kbsearch.types import SearchRequest
from kbsearch.version import __version__

REQUIRES = ("kbsearch",)
RETRIEVAL = ("filter", "detect", "analyse", "embed", "dense", "lexical", "fuse", "group")


class Given:
    """An embedder that looks texts up; what customers ask is set beforehand."""

    def __init__(self, corpus):
        self.info = ModelInfo(name="given", dimension=corpus.vectors.shape[1], revision="", files_sha256="")
        # Titles are embedded as well; they get the vector of their passage.
        self._rows = {title: row for row, title in enumerate(corpus.titles)}
        titled = zip(corpus.titles, corpus.texts, strict=True)
        self._rows |= {f"{title}\n{text}": row for row, (title, text) in enumerate(titled)}
        # A title of short words only is not embedded with its passage.
        self._rows |= {text: row for row, text in enumerate(corpus.texts)}
        self._corpus = corpus
        self.now = corpus.query_vectors[0]

    def encode_passages(self, texts):
        return self._corpus.vectors[[self._rows[text] for text in texts]]

    def encode_queries(self, texts):
        # The build asks for a sample of titles, to measure its vector graph with.
        return self.now[None] if len(texts) == 1 else np.resize(self._corpus.query_vectors, (len(texts), len(self.now)))


class Peer:
    """The whole search."""

    version = __version__
    retrieval_ms = 0.0

    def build(self, folder, corpus):
        source = folder / "passages.jsonl"
        rows = zip(corpus.titles, corpus.texts, corpus.langs, strict=True)
        with source.open("w", encoding="utf-8") as file:
            for number, (title, text, lang) in enumerate(rows):
                row = {"id": str(number), "title": title, "body": text, "lang": lang, "format": "text"}
                file.write(json.dumps(row) + "\n")
        build([source], folder / "index", embedder=Given(corpus))
        source.unlink()

    def open(self, folder, corpus):
        self._embedder = Given(corpus)
        self._engine = open_engine(folder / "index", embedder=self._embedder)

    def keyword(self, text):
        return self._search(SearchRequest(q=text, limit=DEPTH, mode="lexical"))

    def vector(self, vector):
        self._embedder.now = vector
        return self._search(SearchRequest(q="x", limit=DEPTH, mode="dense"))

    def hybrid(self, text, vector):
        self._embedder.now = vector
        return self._search(SearchRequest(q=text, limit=DEPTH))

    def filtered(self, text, vector, lang):
        self._embedder.now = vector
        return self._search(SearchRequest(q=text, limit=DEPTH, filters={"lang": (lang,)}))

    def filtered_vector(self, vector, lang):
        self._embedder.now = vector
        return self._search(SearchRequest(q="x", limit=DEPTH, mode="dense", filters={"lang": (lang,)}))

    def _search(self, request):
        outcome = self._engine.search(request)
        self.retrieval_ms = sum(outcome.timings_ms[stage] for stage in RETRIEVAL)
        return [int(hit.id) for hit in outcome.hits]
