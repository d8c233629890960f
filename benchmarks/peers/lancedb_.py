"""LanceDB: IVF-HNSW with scalar quantisation, its full-text index, its RRF reranker, a bitmap of the languages."""

from __future__ import annotations

import os
from importlib.metadata import version

# It warns of a coming change at every query, which takes longer than the query. Read when the library is imported.
os.environ["LANCEDB_LOG"] = "error"

import lancedb
import pyarrow as pa
from corpus import DEPTH
from lancedb.rerankers import RRFReranker

REQUIRES = ("lancedb==0.40.0", "pyarrow", "numpy")


class Peer:
    """A table on disk."""

    version = version("lancedb")

    def build(self, folder, corpus):
        width = corpus.vectors.shape[1]
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(corpus.vectors.ravel()), width)
        texts = [f"{title} {text}" for title, text in zip(corpus.titles, corpus.texts, strict=True)]
        rows = pa.table({"number": pa.array(range(len(texts))), "lang": corpus.langs, "text": texts, "vector": vectors})
        table = lancedb.connect(str(folder)).create_table("passages", rows)
        table.create_index(metric="dot", index_type="IVF_HNSW_SQ", num_partitions=1, m=16, ef_construction=128)
        table.create_fts_index("text", stem=False, remove_stop_words=False, ascii_folding=True)
        table.create_scalar_index("lang", index_type="BITMAP")

    def open(self, folder, corpus):
        self._table = lancedb.connect(str(folder)).open_table("passages")
        self._reranker = RRFReranker()

    def keyword(self, text):
        return self._numbers(self._table.search(text, query_type="fts"))

    def vector(self, vector):
        return self._numbers(self._nearest(vector))

    def hybrid(self, text, vector):
        return self._numbers(self._hybrid(text, vector))

    def filtered(self, text, vector, lang):
        return self._numbers(self._hybrid(text, vector).where(f"lang = '{lang}'", prefilter=True))

    def filtered_vector(self, vector, lang):
        return self._numbers(self._nearest(vector).where(f"lang = '{lang}'", prefilter=True))

    def _nearest(self, vector):
        return self._table.search(vector).distance_type("dot").ef(128)

    def _hybrid(self, text, vector):
        return self._table.search(query_type="hybrid").vector(vector).text(text).rerank(self._reranker)

    def _numbers(self, query):
        return query.limit(DEPTH).select(["number"]).to_arrow()["number"].to_pylist()
