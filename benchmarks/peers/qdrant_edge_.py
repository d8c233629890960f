"""Qdrant Edge: HNSW with int8 vectors in memory, its own BM25 as sparse vectors with IDF, RRF of the two."""

from __future__ import annotations

from importlib.metadata import version

import qdrant_edge as q
from corpus import DEPTH

REQUIRES = ("qdrant-edge-py==0.9.0", "numpy")
BLOCK = 2_000
CANDIDATES = 100
EF = 128


class Peer:
    """One optimised segment; the language is an indexed keyword for filters."""

    version = version("qdrant-edge-py")

    def __init__(self):
        self._bm25 = q.Bm25(
            q.Bm25Config(ascii_folding=True, avg_len=60.0, stemmer=q.DisabledStemmer(), stopwords=q.StopwordsSet())
        )

    def build(self, folder, corpus):
        config = q.EdgeConfig(
            vectors={
                "dense": q.EdgeVectorParams(
                    size=corpus.vectors.shape[1],
                    distance=q.Distance.Dot,
                    hnsw_config=q.HnswIndexConfig(m=16, ef_construct=128, full_scan_threshold=1_000),
                    quantization_config=q.ScalarQuantizationConfig(
                        type=q.ScalarType.Int8, quantile=0.99, always_ram=True
                    ),
                )
            },
            sparse_vectors={"words": q.EdgeSparseVectorParams(modifier=q.Modifier.Idf)},
            optimizers=q.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1_000),
            max_search_threads=1,
        )
        (folder / "shard").mkdir()
        shard = q.EdgeShard.create(str(folder / "shard"), config)
        shard.update(q.UpdateOperation.create_field_index("lang", q.PayloadSchemaType.Keyword))
        for start in range(0, len(corpus.texts), BLOCK):
            points = [
                q.Point(
                    number,
                    {
                        "dense": corpus.vectors[number].tolist(),
                        "words": self._bm25.embed_document(f"{corpus.titles[number]} {corpus.texts[number]}"),
                    },
                    {"lang": corpus.langs[number]},
                )
                for number in range(start, min(start + BLOCK, len(corpus.texts)))
            ]
            shard.update(q.UpdateOperation.upsert_points(points))
        shard.flush()
        while shard.optimize():
            pass
        shard.close()

    def open(self, folder, corpus):
        self._shard = q.EdgeShard.load(str(folder / "shard"))

    def keyword(self, text):
        return self._ids(query=q.Query.Nearest(self._bm25.embed_query(text), using="words"))

    def vector(self, vector, filter=None):
        params = q.SearchParams(hnsw_ef=EF)
        return self._ids(query=q.Query.Nearest(vector.tolist(), using="dense"), params=params, filter=filter)

    def hybrid(self, text, vector, filter=None):
        legs = [
            q.Prefetch(
                limit=CANDIDATES,
                query=q.Query.Nearest(vector.tolist(), using="dense"),
                params=q.SearchParams(hnsw_ef=EF),
                filter=filter,
            ),
            q.Prefetch(
                limit=CANDIDATES, query=q.Query.Nearest(self._bm25.embed_query(text), using="words"), filter=filter
            ),
        ]
        return self._ids(prefetches=legs, query=q.Fusion.Rrf(k=2))

    def filtered(self, text, vector, lang):
        return self.hybrid(text, vector, self._in(lang))

    def filtered_vector(self, vector, lang):
        return self.vector(vector, self._in(lang))

    def _in(self, lang):
        return q.Filter(must=[q.FieldCondition(key="lang", match=q.MatchValue(value=lang))])

    def _ids(self, **request):
        return [point.id for point in self._shard.query(q.QueryRequest(limit=DEPTH, **request))]
